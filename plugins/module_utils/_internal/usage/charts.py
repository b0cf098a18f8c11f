# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts of a usage report as SVG for a page, drawn by the optional matplotlib.

Colors are CSS variables with light defaults, so that one drawing serves light and dark pages. Each chart is drawn for
two widths, since the letters of an SVG scale with it: a page shows one of them.
"""

from __future__ import annotations

import io
import re
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Any

from ..errors import ConfigurationError
from ..text.ordering import natural_key
from ..text.terminal import one_line

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

Row = Mapping[str, Any]
# Placeholder colors, replaced by CSS variables after drawing.
_COLORS: Mapping[str, str] = {
    "#1c2733": "ink",
    "#5f6c7b": "soft",
    "#d5dbe1": "line",
    "#e6eaee": "band",
    "#1769aa": "first",
    "#c4561a": "second",
    "#2e7d4f": "third",
    "#7b4fa3": "fourth",
}
_INK, _SOFT, _LINE, _BAND, _FIRST, _SECOND, _THIRD, _FOURTH = _COLORS
_SERIES = (_FIRST, _SECOND, _THIRD, _FOURTH)
# An allocation lasts a year. A longer projection would shrink the history to a dot at its end.
_FARTHEST = timedelta(days=366)
_SHORTEST = 4.0
# Inches at 72 points: a phone's screen, and the page at its full width. On the page, letters are at least this large.
_SIZES: Mapping[str, tuple[float, float]] = {"narrow": (4.3, 2.4), "wide": (7.6, 2.9)}
_BAR = 0.8
_UNFINISHED = 0.45
# Years, months, days, hours; the first of a month shows the month. Days have no leading zero.
_FORMATS = ["%Y", "%b", "%-d", "%H:%M", "%H:%M", "%S.%f"]
_ZEROS = ["", "%Y", "%b", "%b %-d", "%H:%M", "%H:%M"]
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "jetstream.cloud",
    "font.family": "sans-serif",
    "font.size": 10.5,
}


@dataclass(frozen=True, slots=True)
class Series:
    """The SU of one allocation in a chart of days. ``color``: the name of a CSS variable."""

    name: str
    color: str
    su: float
    by_day: Mapping[str, float]


def require_matplotlib() -> None:
    """Raise ConfigurationError if matplotlib is not installed."""
    if MATPLOTLIB_IMPORT_ERROR is not None:
        raise ConfigurationError(
            "The Python library matplotlib, which draws the charts, is not installed.",
            hint="Install it with: python3 -m pip install matplotlib, or set charts: false.",
        )


def remaining_chart(allocation: Row, taken_at: datetime) -> str:
    """Draw the remaining SU of an allocation by day, and the projection of its pace.

    Returns "" if there is only one point.
    """
    course = _Course(allocation, taken_at)
    if not course.has_past and course.leads_to is None:
        return ""
    title = f"Remaining SU of {allocation['name']}"
    return _drawn(lambda axes: _draw_course(axes, course), title, f"remaining-{allocation['uuid']}")


def leads_somewhere(allocation: Row, taken_at: datetime) -> bool:
    """Return whether ``remaining_chart`` shows a projection."""
    return _Course(allocation, taken_at).leads_to is not None


def days_chart(days: Sequence[Row]) -> str:
    """Draw the SU of each day, by allocation.

    Weekends have a band behind them, and an incomplete day is pale.
    """
    return _drawn(lambda axes: _draw_days(axes, days), "SU used per day", "days")


def day_series(days: Sequence[Row]) -> list[Series]:
    """Return the series that ``days_chart`` stacks, largest first. Small ones beyond the maximum are joined."""
    used: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for each in days:
        for part in each["allocations"]:
            used[part["name"] or "not known"][each["date"]] += part["su"]
    sums = {name: sum(rows.values()) for name, rows in used.items()}
    names = sorted((name for name in sums if sums[name]), key=lambda each: (-sums[each], natural_key(each)))
    ranked = [(sums[name], name, used[name]) for name in names]
    if len(ranked) <= len(_SERIES):
        named, rest = ranked, []
    else:
        named, rest = ranked[: len(_SERIES) - 1], ranked[len(_SERIES) - 1 :]
    series = [Series(name, _COLORS[color], su, rows) for (su, name, rows), color in zip(named, _SERIES, strict=False)]
    if rest:
        others: dict[str, float] = defaultdict(float)
        for _su, _name, rows in rest:
            for day, su in rows.items():
                others[day] += su
        series.append(Series(f"{len(rest)} others", _COLORS[_FOURTH], sum(others.values()), others))
    return series


class _Course:
    """The points of a chart of remaining SU."""

    def __init__(self, allocation: Row, taken_at: datetime) -> None:
        today = taken_at.date()
        self.remaining = float(allocation["remaining"] or 0)
        past = [(date.fromisoformat(each["date"]), float(each["remaining"])) for each in allocation["snapshots"]]
        self.past = [*((day, su) for day, su in past if today - _FARTHEST <= day < today), (today, self.remaining)]
        self.has_past = len(self.past) > 1
        self.end = _end(allocation, today)
        self.leads_to = self._leads_to(allocation, today)

    def _leads_to(self, allocation: Row, today: date) -> tuple[date, float] | None:
        """Return the end of the projection: nothing remains, the allocation ends, or a year has passed."""
        pace = allocation["su_per_day"]
        if pace is None and allocation["su_per_hour"] is not None and not allocation["unknown_flavors"]:
            pace = allocation["su_per_hour"] * 24
        if not pace or self.remaining <= 0 or allocation["has_ended"]:
            return None
        farthest = min(self.end, today + _FARTHEST) if self.end else today + _FARTHEST
        days = self.remaining / pace
        if days <= (farthest - today).days:
            return today + timedelta(days=days), 0.0
        return farthest, self.remaining - pace * (farthest - today).days


def _end(allocation: Row, today: date) -> date | None:
    try:
        end = date.fromisoformat(str(allocation["end_date"])[:10])
    except ValueError:
        return None
    return end if end > today else None


def _draw_course(axes: mpl.axes.Axes, course: _Course) -> None:
    days, amounts = [day for day, _su in course.past], [su for _day, su in course.past]
    axes.plot(_numbers(days), amounts, color=_FIRST, marker="o", ms=2.5, linewidth=1.2)
    if course.leads_to:
        until, then = course.leads_to
        axes.plot([_number(days[-1]), _number(until)], [amounts[-1], then], color=_SECOND, linestyle="--")
    if course.end:
        axes.axvline(_number(course.end), color=_SOFT, linewidth=1, linestyle=":")
    _around_zero(axes, amounts)
    _date_axis(axes)


def _draw_days(axes: mpl.axes.Axes, days: Sequence[Row]) -> None:
    numbers = _numbers([date.fromisoformat(each["date"]) for each in days])
    for number, each in zip(numbers, days, strict=True):
        if each["is_weekend"]:
            axes.axvspan(number - 0.5, number + 0.5, color=_BAND, linewidth=0, zorder=0)
    floor = [0.0] * len(days)
    hexes = {name: color for color, name in _COLORS.items()}
    for series in day_series(days):
        heights = [series.by_day.get(each["date"], 0.0) for each in days]
        bars = axes.bar(numbers, heights, width=_BAR, bottom=floor, color=hexes[series.color])
        for drawn, each in zip(bars, days, strict=True):
            if not each["is_complete"]:
                drawn.set_alpha(_UNFINISHED)
        floor = [low + height for low, height in zip(floor, heights, strict=True)]
    # Leave room at the top, where the weekend bands are visible.
    _around_zero(axes, floor, room=0.15)
    axes.set_xlim(numbers[0] - 0.6, numbers[-1] + 0.6)
    _date_axis(axes)


def _drawn(draw: Callable[[mpl.axes.Axes], None], title: str, key: str) -> str:
    """Return a drawing for each width. ``key`` keeps its ids distinct from those of other charts on a page."""
    drawings = []
    with mpl.rc_context(_STYLE):
        for name, size in _SIZES.items():
            figure, axes = _paper(size)
            draw(axes)
            drawings.append(f'<div class="{name}">{_svg(figure, title, f"{name}-{key}")}</div>')
    return "".join(drawings)


def _paper(size: tuple[float, float]) -> tuple[Figure, mpl.axes.Axes]:
    figure = Figure(figsize=size, layout="constrained", facecolor="none")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot(facecolor="none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_LINE)
    axes.tick_params(colors=_SOFT, labelcolor=_INK)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    # Avoid 1e+08, and the digits that binary fractions add.
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.grid(axis="y", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _around_zero(axes: mpl.axes.Axes, amounts: Sequence[float], *, room: float = 0.05) -> None:
    """Include zero in the axis of amounts, with some room above and below the amounts."""
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    axes.set_ylim(low * (1 + room), high * (1 + room) if high or low else 1.0)


def _date_axis(axes: mpl.axes.Axes) -> None:
    # For a few days, the ticks would be hours, which the data does not have.
    first, last = axes.get_xlim()
    axes.set_xlim(first, max(last, first + _SHORTEST))
    locator = _DATES.AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    formatter = _DATES.ConciseDateFormatter(locator, formats=_FORMATS, zero_formats=_ZEROS, show_offset=False)
    axes.xaxis.set_major_formatter(formatter)


def _number(day: date) -> float:
    return float(_DATES.date2num(day))


def _numbers(days: Sequence[date]) -> list[float]:
    return [_number(each) for each in days]


def _svg(figure: Figure, title: str, key: str) -> str:
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = target.getvalue()
    # HTML has no XML prologue. Without a fixed size, the drawing takes the width of the page.
    text = text[text.index("<svg") :]
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    prefix = re.sub(r"\W", "-", key)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    for color, name in _COLORS.items():
        text = text.replace(color, f"var(--{name}, {color})")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(one_line(title))}"', 1)
