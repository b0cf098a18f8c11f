# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A usage report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from html import escape

from ..text.terminal import one_line
from .charts import (
    has_course,
    leads_somewhere,
    left_over_time,
    used_per_day,
)
from .figures import Spender, Standing, Usage
from .letter import amount, forecast

_SPENDERS = 10
_CSS = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2733; --soft: #5f6c7b; --line: #d5dbe1;
  --first: #1769aa; --second: #c4561a; --warn: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --paper: #12181f; --ink: #e6ebf0; --soft: #9aa7b4; --line: #35404b;
  --first: #6db3f2; --second: #f0935a; --warn: #fdba74; } }
body { margin: 0; background: #ffffff; background: var(--paper); color: #1c2733; color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 38rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p { margin: .4rem 0; }
.soft { color: #5f6c7b; color: var(--soft); }
.warn { color: #9a3412; color: var(--warn); }
.big { font-size: 1.6rem; font-weight: 600; margin: .2rem 0; font-variant-numeric: tabular-nums; }
.bar { height: .6rem; border-radius: .3rem; background: #d5dbe1; background: var(--line); overflow: hidden; }
.bar > div { height: 100%; background: #1769aa; background: var(--first); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #d5dbe1;
  border-bottom-color: var(--line); white-space: nowrap; vertical-align: top; }
td:first-child { min-width: 6.5rem; white-space: normal; overflow-wrap: anywhere; }
th { font-weight: 600; color: #5f6c7b; color: var(--soft); font-size: .85rem; }
td.n, th.n { text-align: right; padding-right: 0; padding-left: .5rem; }
th.n { white-space: normal; vertical-align: bottom; }
figure { margin: .75rem 0 0; }
figcaption { font-size: .85rem; }
svg { display: block; width: 100%; max-width: 30rem; height: auto; }
svg text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
"""


def page(usage: Usage, *, charts: bool) -> str:
    """Return the page. What comes from the cloud is escaped.

    Raises ConfigurationError if charts are wanted, and matplotlib is not installed (charts.require).
    """
    body = [
        f"<h1>Jetstream usage</h1><p class=soft>{usage.taken_at:%d %B %Y, %H:%M %Z}</p>",
        *(_allocation(each, usage, charts) for each in usage.standings),
        _days(usage, charts),
        _spenders(usage),
        _volumes(usage),
        *(f"<p class=warn>{_plain(each)}</p>" for each in usage.warnings),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>Jetstream usage, {usage.taken_at:%Y-%m-%d}</title>\n<style>{_CSS}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(each + chr(10) for each in body if each)}</main>\n</body>\n</html>\n"
    )


def _plain(text: str) -> str:
    """Return text as HTML. Control codes have no place there, even escaped."""
    return escape(one_line(text))


def _allocation(standing: Standing, usage: Usage, charts: bool) -> str:
    budget = standing.budget
    used = min(100, max(0, int(budget.percent_used or 0)))
    parts = [
        f"<h2>{_plain(standing.name)}</h2>",
        f"<p class=big>{amount(budget.left)} SU left</p>",
        f'<div class=bar><div style="width: {used}%"></div></div>' if budget.percent_used is not None else "",
        f"<p>{amount(standing.used)} of {amount(standing.allowed)} SU are used.</p>",
        f"<p>The instances use {amount(standing.burn.known)} SU per hour now.</p>",
        f"<p>{_plain(forecast(standing))}</p>",
    ]
    if budget.left is not None:
        parts.append(_chart_of_left(standing, usage) if charts else _table_of_left(standing, usage))
    return "".join(parts)


def _chart_of_left(standing: Standing, usage: Usage) -> str:
    if not has_course(standing, usage.taken_at):
        return ""
    return _figure(left_over_time(standing, usage.taken_at), _caption(standing, usage))


def _table_of_left(standing: Standing, usage: Usage) -> str:
    first, today = usage.taken_at.date() - timedelta(days=usage.span - 1), usage.taken_at.date()
    past = [(each.day, each.left) for each in standing.past if first <= each.day < today]
    if not past:
        return ""
    rows = [(f"{day:%d %b}", amount(left)) for day, left in (*past, (today, standing.budget.left))]
    return _table(("Day", "SU left"), rows)


def _caption(standing: Standing, usage: Usage) -> str:
    leads = leads_somewhere(standing)
    ends = bool(standing.end and standing.end > usage.taken_at)
    return (
        "SU left, day by day"
        + ("; dashed: where that leads if everything stays as it is" if leads else "")
        + ("; dotted: when the allocation ends" if ends else "")
        + "."
    )


def _days(usage: Usage, charts: bool) -> str:
    if not usage.days:
        return ""
    head = f"<h2>SU per day</h2><p>{amount(sum(usage.days.values(), Decimal(0)))} SU in the last {usage.span} days.</p>"
    if charts:
        return head + _figure(
            used_per_day(usage.days), "SU used per day, worked out from the history of the instances."
        )
    return head + _table(("Day", "SU"), [(f"{day:%d %b}", amount(su)) for day, su in usage.days.items()])


def _spenders(usage: Usage) -> str:
    rows = [(_with_status(each), amount(each.su), amount(each.su_per_hour)) for each in usage.spenders[:_SPENDERS]]
    if not rows:
        return ""
    return "<h2>The most expensive instances</h2>" + _table(("Instance", "SU", "SU/hour now"), rows)


def _with_status(spender: Spender) -> str:
    """Return the first cell. Below the name, since a phone has no room for one more column."""
    return f"{_plain(spender.name)}<br><span class=soft>{_plain(spender.status or 'deleted')}</span>"


def _volumes(usage: Usage) -> str:
    if not usage.idle_volumes:
        return ""
    rows = [(_plain(each.name), str(each.size)) for each in usage.idle_volumes]
    return "<h2>Volumes that are not attached</h2>" + _table(("Volume", "GB"), rows)


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption class=soft>{_plain(caption)}</figcaption></figure>"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is HTML, and whose others are numbers."""
    head = _row(titles, "th")
    body = "".join(_row(row, "td") for row in rows)
    return f"<div class=scroll><table><thead>{head}</thead><tbody>{body}</tbody></table></div>"


def _row(cells: Sequence[str], tag: str) -> str:
    first, *numbers = cells
    return f"<tr><{tag}>{first}</{tag}>{''.join(f'<{tag} class=n>{each}</{tag}>' for each in numbers)}</tr>"
