# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_metrics: writes the figures of an account for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..files import check_target, replace_file
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..model import Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDLE_FILES, RATES, ModuleSpec
from ..policy.metrics import Figures, figure_metrics, run_metrics
from ..policy.run_store import RunStoreError
from ..text.exposition import Metric, exposition
from ..usage.history import PACE_DAYS
from ..usage.rates import Rates
from ..usage.report_data import History, concerns, notes_on, statuses_of
from .idle_info import Judge
from .run_record import profile_name, run_store

SPEC = (
    CONNECTION
    + RATES
    + IDLE_FILES
    + ModuleSpec(
        argument_spec={
            "dest": {"type": "path", "required": True},
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "settings": {"type": "dict"},
            "runs_path": {"type": "path"},
        }
    )
)
_SUFFIX = ".prom"
# The collector runs as another user.
_MODE = 0o644


def metrics(options: Mapping[str, Any], context: Context) -> Outcome:
    """Read the figures and write them. After a failure, write only that there was one, and raise the error."""
    dest = _checked(Path(options["dest"]).absolute())
    profile = profile_name(options, context)
    succeeded, unread = _succeeded(profile, options, context)

    def read_and_write(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
        found, warnings = _figures(cloud, options, context)
        of_runs = run_metrics(profile, context.clock.now(), succeeded, success=True)
        written = [*of_runs, *figure_metrics(profile, found)]
        _write(dest, written, context)
        result = {"dest": str(dest), "metrics": [row for each in written for row in _rows(each)]}
        return Outcome(result, changed=True, warnings=(*unread, *warnings))

    try:
        return on_cloud(read_and_write)(options, context)
    except Exception:
        # Figures of an earlier run would look like present ones.
        with suppress(ConfigurationError):
            _write(dest, run_metrics(profile, context.clock.now(), succeeded, success=False), context)
        raise


OPERATION = metrics


def _succeeded(
    profile: str, options: Mapping[str, Any], context: Context
) -> tuple[dict[str, datetime], tuple[str, ...]]:
    """Return when the playbooks of a profile last succeeded, and a warning if that cannot be read."""
    store = run_store(options, context)
    try:
        runs = {} if store is None else store.load()
    except RunStoreError as error:
        return {}, (str(error),)
    return {playbook: at for (of, playbook), at in runs.items() if of == profile}, ()


def _checked(dest: Path) -> Path:
    if dest.suffix != _SUFFIX:
        raise ConfigurationError(f"dest is {dest}, but must end in {_SUFFIX}: node_exporter reads only such files.")
    if not dest.parent.is_dir():
        raise ConfigurationError(
            f"The folder {dest.parent} does not exist.",
            hint="Create it, and set it in node_exporter: --collector.textfile.directory.",
        )
    try:
        check_target(dest)
    except OSError as error:
        raise _unwritable(dest, error) from None
    return dest


def _write(dest: Path, written: Sequence[Metric], context: Context) -> None:
    if context.check_mode:
        return
    try:
        replace_file(dest, exposition(written).encode(), mode=_MODE)
    except OSError as error:
        raise _unwritable(dest, error) from None


def _unwritable(dest: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"The metrics cannot be written to {dest}: {error.strerror}.")


def _rows(metric: Metric) -> list[dict[str, Any]]:
    return [{"name": metric.name, "labels": dict(each.labels), "value": each.value} for each in metric.samples]


def _figures(cloud: Cloud, options: Mapping[str, Any], context: Context) -> tuple[Figures, tuple[str, ...]]:
    now = context.clock.now()
    rates = Rates.from_options(options["rates"])
    judge = Judge(cloud, options, context)
    sources = cloud.list_allocation_sources()
    account = cloud.account()
    concerned = concerns(account, sources)
    selector = Selector.from_options(options, (), owner=(ME,)).with_account(cloud.account)
    may_be_selected = may_select(selector, INSTANCE_FIELDS)
    listed = cloud.list_instances(live=True, images=False, wanted=lambda each: concerned(each) or may_be_selected(each))
    paying = [each for each in listed if concerned(each)]
    selection = select(listed, selector, INSTANCE_FIELDS)
    periods = cloud.list_history(now - timedelta(days=PACE_DAYS))
    paces = History(periods, sources, paying, rates, now).paces()
    judge.read_consoles(selection.things)
    verdicts = [(each, judge.case(each, is_meant=True).judged.verdict) for each in selection.things]
    running = Counter(verdict.state for _each, verdict in verdicts if verdict.rule != "not_running")
    costs = [rates.su_per_hour(each.flavor, each.status) for each, verdict in verdicts if verdict.is_idle]
    found = Figures(
        account=account,
        allocations=tuple(statuses_of(sources, paying, paces, rates, now)),
        instances=selection.things,
        verdicts=running,
        idle_cost=float(sum(cost for cost in costs if cost is not None)),
    )
    return found, (*selection.warnings, *notes_on(sources, paying, (), rates, now))
