# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A usage report as text, for a mail or a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from ..text.tables import text_table
from ..text.terminal import one_line
from .figures import Standing, Usage

_SPENDERS = 10


def letter(usage: Usage) -> str:
    """Return the whole report as plain text, the most important first."""
    return "\n".join(line for block in _blocks(usage) for line in (block, ""))


def subject(usage: Usage) -> str:
    """Return what a reader wants to know before opening the mail: how much is left, of which."""
    left = [f"{one_line(each.name)} has {amount(each.budget.left)} SU left" for each in usage.standings]
    return f"Jetstream: {', '.join(left) or 'no allocation'}"


def amount(value: Decimal | None) -> str:
    """Return an amount of SU as people write it: 48,765.4; a dash for what is not known."""
    if value is None:
        return "-"
    text = f"{value.quantize(Decimal('0.1')):,f}"
    return text.removesuffix(".0")


def forecast(standing: Standing) -> str:
    """Say in one sentence how long an allocation lasts."""
    budget = standing.budget
    if budget.left is None:
        return "The site does not say how much is left."
    if budget.left <= 0:
        return "It is used up."
    if not standing.burn.is_complete:
        return f"How long it lasts is not known: no rate for {', '.join(standing.burn.unknown_sizes)}."
    if budget.exhausted_at is None:
        return "Nothing is using it now."
    return _until(standing, budget.exhausted_at)


def _until(standing: Standing, exhausted_at: datetime) -> str:
    budget, end = standing.budget, standing.end
    if end is None or budget.su_per_hour_to_last is None:
        return f"It lasts until {exhausted_at:%d %B %Y}, if everything stays as it is."
    if exhausted_at >= end:
        return f"It lasts to its end on {end:%d %B %Y}, if everything stays as it is."
    return (
        f"It lasts until {exhausted_at:%d %B %Y}, if everything stays as it is. "
        f"To last to its end on {end:%d %B %Y}: {amount(budget.su_per_hour_to_last)} SU per hour."
    )


def _blocks(usage: Usage) -> Iterator[str]:
    yield f"Jetstream usage, {usage.taken_at:%d %B %Y, %H:%M %Z}"
    for standing in usage.standings:
        yield _allocation(standing)
    total = sum(usage.days.values(), Decimal(0))
    yield f"The last {usage.span} days: {amount(total)} SU."
    if usage.spenders:
        rows = [
            {
                "name": each.name,
                "now": each.status or "deleted",
                "su": amount(each.su),
                "rate": amount(each.su_per_hour),
            }
            for each in usage.spenders[:_SPENDERS]
        ]
        columns = [
            {"key": "name", "title": "INSTANCE"},
            {"key": "now", "title": "NOW"},
            {"key": "su", "title": "SU", "align": "right"},
            {"key": "rate", "title": "SU/HOUR NOW", "align": "right"},
        ]
        yield f"The most expensive instances:\n{text_table(rows, columns)}"
    if usage.idle_volumes:
        rows = [{"name": each.name, "gb": f"{each.size}"} for each in usage.idle_volumes]
        columns = [{"key": "name", "title": "VOLUME"}, {"key": "gb", "title": "GB", "align": "right"}]
        yield f"Volumes that are not attached:\n{text_table(rows, columns)}"
    yield from (f"Note: {one_line(each)}" for each in usage.warnings)


def _allocation(standing: Standing) -> str:
    budget = standing.budget
    used = f", {amount(budget.percent_used)} % used" if budget.percent_used is not None else ""
    return (
        f"{one_line(standing.name)}: {amount(budget.left)} of {amount(standing.allowed)} SU left{used}; "
        f"{amount(standing.burn.known)} SU per hour now.\n{forecast(standing)}"
    )
