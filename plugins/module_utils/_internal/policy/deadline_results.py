# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines as modules return them: plain values, sentences, and commands. Pure functions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..model import Instance
from ..text.terminal import one_line
from ..times import iso
from .deadlines import Deadline, Kind, News, Step
from .schedule_results import local_text

# The extension that the command of a notice offers.
_LONGER = timedelta(days=7)
_DAY = 86_400.0
_NAMED = 3


def deadline_result(deadline: Deadline | None, now: datetime) -> dict[str, Any] | None:
    """Return a deadline as plain values, with the local time in its zone."""
    if deadline is None:
        return None
    return {
        "at": iso(deadline.at),
        "local": local_text(deadline.at, deadline.zone),
        "days_left": round((deadline.at - now).total_seconds() / _DAY, 1),
        "source": deadline.source,
    }


def news_result(
    instance: Instance, key: tuple[str, str], news: News, now: datetime, *, shelves: bool
) -> dict[str, Any]:
    """Return a deadline to report, with its commands.

    ``key``: the site and the project, as in the log. ``shelves``: whether the site shelves instances at their
    ``shelve_at``.
    """
    deadline = news.deadline
    longer_until = iso(max(deadline.at, now) + _LONGER)
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "site": key[0],
        "project": key[1],
        "name": instance.name,
        "label": one_line(instance.name),
        "owner": instance.owner,
        "takes_metadata": instance.metadata is not None,
        "kind": news.kind.value,
        "at": iso(deadline.at),
        "days": news.days,
        "channels": list(news.channels),
        "heading": _heading(news, shelves=shelves),
        "longer_until": longer_until,
        "keep": _keep(instance, longer_until),
        "do": _delete(instance) if news.kind is Kind.DELETE_WARN_AT else _shelve(instance),
    }


def _heading(news: News, *, shelves: bool) -> str:
    """Return the notice of a deadline without names, so that several instances can share it."""
    deadline, days = news.deadline, news.days
    when = f"{local_text(deadline.at, deadline.zone)} ({iso(deadline.at)})"
    left = "is reached" if not days else f"is less than {days} day{'' if days == 1 else 's'} away"
    if news.kind is Kind.DELETE_WARN_AT:
        consequence = f"May be deleted {'then' if days else 'now'}; no playbook deletes it"
    elif shelves:
        consequence = f"{'Will be shelved then' if days else 'May be shelved now'}, which keeps its disks"
    else:
        consequence = "No playbook shelves it"
    return f"{news.kind} {when}, by {deadline.source}, {left}. {consequence}."


def _keep(instance: Instance, until: str) -> str:
    # The command uses the number or UUID: a user chooses the name, which may contain shell syntax.
    return f"ansible-playbook -i localhost, jetstream.cloud.keep -e instance={instance.id} -e keep_until={until}"


def _shelve(instance: Instance) -> str:
    return f"ansible-playbook -i localhost, jetstream.cloud.instance_action -e instance={instance.id} -e do=shelve"


def _delete(instance: Instance) -> str:
    # No playbook deletes instances. The module selects by exact name, and refuses a name that several instances have.
    options = json.dumps({"state": "absent", "names": [instance.name]})
    return f"ansible localhost -m jetstream.cloud.jetstream_instance -a {shlex.quote(options)}"


def summary(rows: Sequence[Mapping[str, Any]], news: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over the rows of a run, and a sentence with them.

    ``news``: the number of news, without repeated failures.
    """
    shelved = sum(each["changed"] and not each["failed"] for each in rows)
    failed = [each for each in rows if each["failed"]]
    news_count = len(news) + shelved + sum(each["is_news"] for each in failed)
    counts = {
        "with_deadline": len(rows),
        "shelved": shelved,
        "failed": len(failed),
        "overdue": sum(each["step"] in (Step.LEFT, Step.WAIT) for each in rows),
        "unread": sum(bool(each["problems"]) for each in rows),
    }
    return {**counts, "news": news_count, "sentence": _sentence(counts, news, failed)}


def _sentence(counts: Mapping[str, int], news: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    if counts["shelved"]:
        parts.append(f"{counts['shelved']} shelved")
    if failed:
        names = [one_line(str(each["name"])) for each in failed]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        parts.append(f"{len(names)} failed ({', '.join(names[:_NAMED])}{more})")
    near = {kind: len({each["uuid"] for each in news if each["kind"] == kind}) for kind in Kind}
    parts += [f"{count} near or past {kind}" for kind, count in near.items() if count]
    if counts["unread"]:
        parts.append(f"{counts['unread']} with a date that cannot be read")
    return f"{', '.join(parts)}." if parts else "No new deadline."
