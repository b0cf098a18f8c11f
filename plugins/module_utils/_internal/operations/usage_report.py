# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_usage_report: gathers the data, and records today's balances.

Text and page are made of the data by templates on the controller (plugins/action/usage_report.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import FATAL_ERRORS, ConfigurationError, JetstreamError
from ..files import check_target, make_folder
from ..model import CloudAccount, Outcome, Volume
from ..operation import Context, on_cloud
from ..options import CONNECTION, RATES, ModuleSpec
from ..policy.decisions import DecisionLog, DecisionLogError
from ..policy.records import rests
from ..usage.history import PACE_DAYS
from ..usage.rates import Rates
from ..usage.report_data import (
    BalanceSnapshot,
    History,
    UsageReport,
    concerns,
    days_of,
    notes_on,
    statuses_of,
    usage_of_instances,
)
from ..usage.results import report_result
from ..usage.snapshots import adopted, exclusive_history, merged, owner_of, read_snapshots, write_snapshots
from ..usage.text_report import subject
from .acts import decisions_path

SPEC = (
    CONNECTION
    + RATES
    + ModuleSpec(
        argument_spec={
            "history_path": {"type": "path", "aliases": ["record"]},
            "dest": {"type": "path", "aliases": ["page"]},
            "charts": {"type": "bool", "default": True},
            "days": {"type": "int", "default": 30},
            "html_template": {"type": "path"},
            "text_template": {"type": "path"},
            "decisions_path": {"type": "path"},
        }
    )
)
_SAVED_DAYS = 7
_HISTORY = Path(".local/share/jetstream/usage.jsonl")


def usage_report(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Record today's balances of the allocations, and report on the last days."""
    if not 1 <= options["days"] <= 3660:
        raise ConfigurationError("days must be from 1 to 3660.")
    dest = Path(options["dest"]).absolute() if options["dest"] else None
    if dest:
        _prepare(dest, context)
    path = context.path(options["history_path"], _HISTORY)
    report = _gather(cloud, options["days"], Rates.from_options(options["rates"]), context.clock.now().astimezone(UTC))
    report, is_new = _with_snapshots(report, path, context)
    result = {
        "history_path": str(path),
        "dest": str(dest) if dest else None,
        "subject": subject(report),
        **report_result(report),
        "saved_su": _saved(report, options, context),
    }
    return Outcome(result, changed=is_new or dest is not None, warnings=report.notes)


def _saved(report: UsageReport, options: Mapping[str, Any], context: Context) -> float | None:
    """Return the SU that acts on the idle ones of these instances saved in a week. None if there is no such act."""
    since = report.taken_at - timedelta(days=_SAVED_DAYS)
    try:
        records = DecisionLog(decisions_path(options, context), context.clock).read().records
    except DecisionLogError as error:
        context.warn(f"{error} The saved SU are missing from the report.")
        return None
    reported = {each.uuid for each in report.instances}
    saved = [each.saved(since) for each in rests(records) if each.key[2] in reported and each.end > since]
    known = [each for each in saved if each is not None]
    return round(sum(known), 3) if known else None


def _prepare(dest: Path, context: Context) -> None:
    """Refuse a page that cannot be written before the first request, and make its folder."""
    try:
        check_target(dest)
        if not context.check_mode:
            make_folder(dest.parent)
    except OSError as error:
        raise ConfigurationError(f"The page {dest} cannot be written: {error.strerror}.") from None


def _gather(cloud: Cloud, days: int, rates: Rates, now: datetime) -> UsageReport:
    first = now.date() - timedelta(days=days - 1)
    since = datetime.combine(first, time.min, tzinfo=UTC)
    sources = cloud.list_allocation_sources()
    account = cloud.account()
    concerned = concerns(account, sources)
    listed = cloud.list_instances(live=True, images=False, wanted=concerned)
    instances = [each for each in listed if concerned(each)]
    volumes, flaws = _unattached(cloud, account)
    periods = cloud.list_history(min(since, now - timedelta(days=PACE_DAYS)))
    history = History(periods, sources, instances, rates, now)
    costs = history.costs(since)
    everything = [cost for rows in costs.values() for cost in rows]
    return UsageReport(
        account=account,
        taken_at=now,
        allocations=tuple(statuses_of(sources, instances, history.paces(), rates, now)),
        days=tuple(days_of(history, everything, first, now.date())),
        instances=tuple(usage_of_instances(history, costs, instances, rates)),
        unattached_volumes=volumes,
        allocation_names=history.allocation_names,
        notes=(*notes_on(sources, instances, everything, rates, now), *flaws),
    )


def _unattached(cloud: Cloud, account: CloudAccount) -> tuple[tuple[Volume, ...], tuple[str, ...]]:
    """Return the account's volumes that are known to be attached to nothing. Without them the report is still one."""
    try:
        volumes = cloud.list_volumes(live=True, wanted=lambda each: account.answers_for(each.owner))
    except FATAL_ERRORS:
        raise
    except JetstreamError as error:
        return (), (f"{error} Unattached volumes are missing from the report.",)
    own = (each for each in volumes if account.answers_for(each.owner))
    return tuple(each for each in own if each.status is not None and not each.attachments), ()


def _with_snapshots(report: UsageReport, path: Path, context: Context) -> tuple[UsageReport, bool]:
    """Note today's balances, and give each allocation its past. Returns whether the history file changed."""
    if context.check_mode:
        before = read_snapshots(path)
        after = _noted(report, before)
    else:
        with exclusive_history(path, context.clock):
            before = read_snapshots(path)
            after = _noted(report, before)
            if after != before:
                write_snapshots(path, after)
    owner = owner_of(report.account)
    allocations = tuple(
        replace(each, snapshots=tuple(row for row in after if (row.owner, row.allocation) == (owner, each.source.uuid)))
        for each in report.allocations
    )
    return replace(report, allocations=allocations), after != before


def _noted(report: UsageReport, before: list[BalanceSnapshot]) -> list[BalanceSnapshot]:
    owner, day = owner_of(report.account), report.taken_at.date()
    today = [
        BalanceSnapshot(day, owner, each.source.uuid, each.budget.remaining)
        for each in report.allocations
        if each.budget.remaining is not None
    ]
    return merged(adopted(before, owner, {each.source.uuid for each in report.allocations}), today)


OPERATION = on_cloud(usage_report)
