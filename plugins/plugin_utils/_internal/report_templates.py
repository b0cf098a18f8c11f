# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the text and the page of a usage report from its result, by Jinja2 templates.

docs/usage_report.md lists all that a template can use. Names of instances are written by their users: pages are
escaped, and no text can steer a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from ...module_utils._internal.errors import ConfigurationError
from ...module_utils._internal.text.tables import NOTHING, text_table
from ...module_utils._internal.text.terminal import one_line
from ...module_utils._internal.usage import charts
from ...module_utils._internal.usage.text_report import amount, day

Report = Mapping[str, Any]

_OWN_FOLDER = Path(__file__).parents[3] / "playbooks" / "templates"
# With this before its name, a template of the collection is found from one of the user's, which can extend it.
_OWN_PREFIX = "jetstream.cloud"
HTML_TEMPLATE = _OWN_FOLDER / "usage_report.html.j2"
TEXT_TEMPLATE = _OWN_FOLDER / "usage_report.txt.j2"


def render_text(template: Path, report: Report) -> str:
    """Return the text of a report.

    Raises ConfigurationError if the template cannot be rendered.
    """
    return _rendered(_environment(template, escaped=False), template, report)


def render_html(template: Path, report: Report, *, with_charts: bool) -> str:
    """Return the page of a report.

    Raises ConfigurationError if the template cannot be rendered, or if there shall be charts without matplotlib.
    """
    environment = _environment(template, escaped=True)
    taken_at = datetime.fromisoformat(report["taken_at"])
    environment.globals |= {
        "with_charts": with_charts,
        # matplotlib escapes the texts in its pictures.
        "remaining_chart": lambda each: Markup(charts.remaining_chart(each, taken_at)),  # noqa: S704  # nosec B704
        "leads_somewhere": lambda allocation: charts.leads_somewhere(allocation, taken_at),
        "days_chart": lambda days: Markup(charts.days_chart(days)),  # noqa: S704  # nosec B704
        "day_series": charts.day_series,
    }
    if with_charts:
        charts.require_matplotlib()
    return _rendered(environment, template, report)


def _environment(template: Path, *, escaped: bool) -> Environment:
    own = FileSystemLoader(_OWN_FOLDER)
    environment = Environment(
        loader=ChoiceLoader([PrefixLoader({_OWN_PREFIX: own}), FileSystemLoader(template.parent)]),
        # Pages are escaped, and text is not.
        autoescape=escaped,  # noqa: S701  # nosec B701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # What is not known is a dash, as in tables.
        finalize=lambda value: NOTHING if value is None else value,
    )
    environment.filters |= {
        "amount": amount,
        "day": lambda text: day(date.fromisoformat(text[:10])),
        "short_day": _short_day,
        "moment": _moment,
        "per_day": lambda per_hour: None if per_hour is None else per_hour * 24,
        "total": _total,
        "table": text_table,
    }
    return environment


def _total(rows: Iterable[Mapping[str, Any]], key: str) -> Any:
    """Return the sum of the known values, None where no value is known."""
    known = [row[key] for row in rows if row[key] is not None]
    return sum(known) if known else None


def _harmless(value: Any) -> Any:
    """Return data without line breaks, control codes and halves of characters."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {str(key): _harmless(each) for key, each in value.items()}
    return [_harmless(each) for each in value] if isinstance(value, list | tuple) else value


def _short_day(text: str) -> str:
    read = date.fromisoformat(text[:10])
    return f"{read.day} {read:%b}"


def _moment(text: str) -> str:
    read = datetime.fromisoformat(text)
    return f"{day(read)}, {read:%H:%M} UTC"


def _rendered(environment: Environment, template: Path, report: Report) -> str:
    try:
        return environment.get_template(template.name).render(_harmless(report))
    except ConfigurationError:
        raise
    except TemplateError as error:
        reason = error.message or type(error).__name__
        raise _unusable(template, reason, getattr(error, "lineno", None) or _line_of(error, template)) from error
    except OSError as error:
        raise _unusable(template, str(error.strerror), None) from error
    except Exception as error:
        # A template is a program of the user's: it can raise anything.
        raise _unusable(template, f"{type(error).__name__}: {error}", _line_of(error, template)) from error


def _unusable(template: Path, reason: str, line: int | None) -> ConfigurationError:
    location = f", line {line}" if line else ""
    return ConfigurationError(f"The template {template}{location}, cannot be rendered: {one_line(reason)}.")


def _line_of(error: BaseException, template: Path) -> int | None:
    """Return the line of the template at which an error arose, which Jinja2 writes into the traceback."""
    lines = [number for name, number in _places(error) if name == str(template)]
    return lines[-1] if lines else None


def _places(error: BaseException) -> Iterator[tuple[str, int]]:
    trace = error.__traceback__
    while trace:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
