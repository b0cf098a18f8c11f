# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts as SVG that stands in a page, drawn by matplotlib, which is optional.

Colours are CSS variables with the light ones behind them, so that one drawing serves light and dark pages, and mail
clients that know neither.
"""

from __future__ import annotations

import io
import re
import traceback
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any

from ..errors import ConfigurationError
from ..text.terminal import one_line
from .figures import Reading, Standing

try:
    import matplotlib as mpl
    from matplotlib import dates
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ImportError:
    MATPLOTLIB_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    MATPLOTLIB_IMPORT_ERROR = None
    # This part of matplotlib has no types.
    _DATES: Any = dates

# Drawn in these, which nothing else has, and then named.
_COLOURS: Mapping[str, str] = {
    "#1c2733": "ink",
    "#5f6c7b": "soft",
    "#d5dbe1": "line",
    "#1769aa": "first",
    "#c4561a": "second",
}
_INK, _SOFT, _LINE, _FIRST, _SECOND = _COLOURS
# An allocation is for a year. If the line led farther, the past would be a dot at its beginning.
_FARTHEST = timedelta(days=366)
_SHORTEST = 4.0
# Inches at 72 points. Narrower than a phone's screen, where letters become larger than this by that, and not smaller.
_SIZE = (4.3, 2.4)
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "jetstream.cloud",
    "font.family": "sans-serif",
    "font.size": 10.5,
}


def require() -> None:
    """Raise ConfigurationError if matplotlib is not installed."""
    if MATPLOTLIB_IMPORT_ERROR is not None:
        raise ConfigurationError(
            "The Python library matplotlib, which draws the charts, is not installed.",
            hint="Install it with: python3 -m pip install matplotlib, or say charts: false.",
        )


def has_course(standing: Standing, now: datetime) -> bool:
    """Say whether there is more to draw than where an allocation stands: days before, or where that leads."""
    return bool(_past(standing, now)) or leads_somewhere(standing)


def leads_somewhere(standing: Standing) -> bool:
    """Say whether something is left, and is being used up."""
    return standing.budget.exhausted_at is not None and (standing.budget.left or 0) > 0


def left_over_time(standing: Standing, now: datetime) -> str:
    """Draw what was left of an allocation, day by day, and where that leads."""
    with mpl.rc_context(_STYLE):
        return _left_over_time(standing, now)


def used_per_day(days: Mapping[date, Decimal]) -> str:
    """Draw what was used on each day."""
    with mpl.rc_context(_STYLE):
        return _used_per_day(days)


def _left_over_time(standing: Standing, now: datetime) -> str:
    figure, axes = _paper()
    left = standing.budget.left or Decimal(0)
    past = _past(standing, now)
    days = [*(each.day for each in past), now.date()]
    amounts = [*(float(each.left) for each in past), float(left)]
    axes.plot(_numbers(days), amounts, color=_FIRST, marker="o", ms=2.5, linewidth=1.2)
    exhausted = standing.budget.exhausted_at
    if exhausted and leads_somewhere(standing):
        until, then = _where_it_leads(standing, now, exhausted)
        axes.plot([_number(now.date()), _number(until)], [float(left), float(then)], color=_SECOND, linestyle="--")
    if standing.end and standing.end > now:
        axes.axvline(_number(standing.end.date()), color=_SOFT, linewidth=1, linestyle=":")
    _around_zero(axes, amounts)
    _date_axis(axes)
    return _svg(figure, f"SU left of {standing.name}", standing.uuid)


def _used_per_day(days: Mapping[date, Decimal]) -> str:
    figure, axes = _paper()
    amounts = [float(each) for each in days.values()]
    axes.bar(_numbers(list(days)), amounts, width=0.8, color=_FIRST)
    _around_zero(axes, amounts)
    _date_axis(axes)
    return _svg(figure, "SU used per day", "days")


def _past(standing: Standing, now: datetime) -> list[Reading]:
    return [each for each in standing.past if each.day < now.date()]


def _where_it_leads(standing: Standing, now: datetime, exhausted: datetime) -> tuple[datetime, Decimal]:
    """Return the end of the projection: nothing left, or what comes before: the allocation's end, or a year."""
    until = now + _FARTHEST
    if standing.end and standing.end > now:
        until = min(until, standing.end)
    if exhausted <= until:
        return exhausted, Decimal(0)
    hours = Decimal(str((until - now) / timedelta(hours=1)))
    return until, (standing.budget.left or Decimal(0)) - standing.burn.su_per_hour * hours


def _paper() -> tuple[Figure, mpl.axes.Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained", facecolor="none")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot(facecolor="none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_LINE)
    axes.tick_params(colors=_SOFT, labelcolor=_INK)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    # Not as 1e+08, and not with what binary fractions add.
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.grid(axis="y", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _around_zero(axes: mpl.axes.Axes, amounts: Sequence[float]) -> None:
    """Let the axis of amounts have zero, and something to stand on it."""
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    axes.set_ylim(low * 1.05, high * 1.05 if high or low else 1.0)


def _date_axis(axes: mpl.axes.Axes) -> None:
    # Of less than a few days, the ticks would be hours, which nothing here knows.
    first, last = axes.get_xlim()
    axes.set_xlim(first, max(last, first + _SHORTEST))
    locator = _DATES.AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_DATES.ConciseDateFormatter(locator, show_offset=False))


def _number(day: date) -> float:
    return float(_DATES.date2num(day))


def _numbers(days: Sequence[date]) -> list[float]:
    return [_number(each) for each in days]


def _svg(figure: Figure, title: str, key: str) -> str:
    """Return the drawing. C(key) tells its ids from those of the others in a page."""
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = target.getvalue()
    # A page is not XML: no prologue. Nor has it a fixed width: the drawing takes what there is.
    text = text[text.index("<svg") :]
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    prefix = re.sub(r"\W", "-", key)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    for colour, name in _COLOURS.items():
        text = text.replace(colour, f"var(--{name}, {colour})")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(one_line(title))}"', 1)
