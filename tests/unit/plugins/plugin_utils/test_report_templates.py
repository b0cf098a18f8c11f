# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page is valid, legible in both schemes, needs no other file, and shows names as text. So does any template."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    AllocationSource,
    Identity,
    Provider,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.budget import Budget
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.report_data import (
    AllocationStatus,
    UsageReport,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.results import report_result
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.report_templates import (
    HTML_TEMPLATE,
    TEXT_TEMPLATE,
    render_html,
    render_text,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.usage import (
    NOW,
    OWNER,
    a_day,
    a_report,
    a_status,
    an_instance_usage,
)

NASTY = '<script>alert("1")</script>&amp;\x1b[2J\ud83d'
SVG = "{http://www.w3.org/2000/svg}svg"
# Asks for charts where matplotlib is not installed, and then for a page without.
NO_MATPLOTLIB = """
import sys
sys.modules["matplotlib"] = None
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.usage.results import report_result
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.report_templates import (
    HTML_TEMPLATE,
    render_html,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.usage import a_report
print(len(render_html(HTML_TEMPLATE, report_result(a_report()), with_charts=False)) > 1000)
try:
    render_html(HTML_TEMPLATE, report_result(a_report()), with_charts=True)
except ConfigurationError as error:
    print(error)
"""


def a_volume(name: str) -> Volume:
    return Volume("v", "v", name, 1000, "available", Provider("IU", "IU"), Identity("ada", "ada"), "ada", "ada")


REPORT = a_report(
    a_status(),
    a_status("0", name=NASTY),
    a_status(name="GPU", unknown=("g9.big",), per_day=None),
    a_status("5", end="2020-12-31", name="ended"),
    a_status(None, name="silent"),
    instances=(an_instance_usage(NASTY, "1.25", status=None), an_instance_usage("web", "0")),
    unattached_volumes=(a_volume(NASTY),),
    notes=(f"No rate is known for {NASTY}.",),
)


def page(report: UsageReport = REPORT, *, charts: bool = True, template: Path = HTML_TEMPLATE) -> str:
    return render_html(template, report_result(report), with_charts=charts)


@functools.cache
def the_page(*, charts: bool) -> str:
    """Return the page of REPORT. Its ten drawings take more time than all else here: they are drawn once."""
    return page(charts=charts)


def text(report: UsageReport = REPORT, *, template: Path = TEXT_TEMPLATE) -> str:
    return render_text(template, report_result(report))


def parsed(html: str) -> Element:
    """Parse as strictly as the standard allows. Raises html5lib.html5parser.ParseError."""
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    return tree


def words(element: Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def css_colors() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", the_page(charts=False), re.DOTALL)[:2]
    return {
        name: dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", each)) for name, each in (("light", light), ("dark", dark))
    }


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colors by WCAG 2: from 1 to 21."""

    def luminance(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("charts", [True, False])
def test_is_valid_html_in_which_names_are_only_text(charts: bool) -> None:
    html = the_page(charts=charts)
    tree = parsed(html)
    assert tree.findall(".//script") == []
    assert words(tree).count("<script>") == 4 + charts
    assert "\x1b" not in html
    html.encode()
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    # Two for each chart, of which the page shows one.
    assert len(tree.findall(f".//{SVG}")) == (10 if charts else 0)


def test_needs_nothing_from_elsewhere_and_a_policy_forbids_it() -> None:
    html = the_page(charts=True)
    tree = parsed(html)
    used = {value for each in tree.iter() for name, value in each.attrib.items() if name.endswith(("href", "src"))}
    assert [value for value in used if not value.startswith("#")] == []
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert set(re.findall(r"https?://[^\s\"]+", html)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in html
    [policy] = [each for each in tree.iter("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert (policy.get("content") or "").startswith("default-src 'none'; style-src 'unsafe-inline';")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_color_stands_out_from_the_paper(scheme: str) -> None:
    colors = css_colors()[scheme]
    graphic = {"first": 3, "second": 3, "third": 3, "fourth": 3}
    for name, least in {"ink": 7, "soft": 4.5, "warn": 4.5, **graphic}.items():
        assert contrast(colors[name], colors["paper"]) >= least, name


def test_charts_take_their_colors_from_the_page() -> None:
    drawings = re.findall(r"<svg.*?</svg>", the_page(charts=True), re.DOTALL)
    for drawing in drawings:
        assert set(re.findall(r"(?<!, )#[0-9a-f]{6}(?![0-9a-f])", drawing)) <= {"#000000"}
    used = {name for drawing in drawings for name in re.findall(r"var\(--(\w+), #\w+\)", drawing)}
    assert used <= css_colors()["light"].keys()
    assert {"ink", "first", "second", "band"} <= used


def first_allocation(status: AllocationStatus) -> Element:
    main = parsed(page(replace(REPORT, allocations=(status,)), charts=False)).find(".//main")
    assert main is not None
    return main


@pytest.mark.parametrize(
    ("status", "big", "is_warning", "width"),
    [
        (a_status("25000", "24"), "1,041 days", False, "50%"),
        (a_status("240", "24"), "10 days", True, "0.5%"),
        (a_status("0", "24"), "used up", True, "0%"),
        (a_status("-100", "24"), "used up", True, "0%"),
        (a_status("25000", "24", end="2020-12-31"), "ended on 31 December 2020", True, None),
        (a_status(None), "not known", False, None),
    ],
)
def test_the_page_begins_with_how_long_it_lasts_and_the_bar_agrees(
    status: AllocationStatus, big: str, is_warning: bool, width: str | None
) -> None:
    main = first_allocation(status)
    [headline] = [each for each in main.iter("p") if "big" in (each.get("class") or "")]
    assert words(headline) == big
    assert ("warn" in (headline.get("class") or "")) == is_warning
    bars = [each for each in main.iter("div") if "bar" in (each.get("class") or "").split()]
    assert [each[0].get("style") for each in bars] == ([] if width is None else [f"width: {width}"])


def test_names_which_account_and_cloud_it_is() -> None:
    label = "johndoe, project TG-GEO160014 at js2.jetstream-cloud.org (IU)"
    assert label in the_page(charts=True)
    assert text().splitlines()[:2] == ["Jetstream usage, 23 November 2026, 18:00 UTC", label]


def drawn(status: AllocationStatus) -> list[list[str]]:
    """Return the words in each chart of one allocation. The chart of days has one day: it is drawn as well."""
    tree = parsed(page(replace(REPORT, allocations=(status,), days=REPORT.days[-1:])))
    charts = [
        figure
        for figure in tree.iter("figure")
        if any("Remaining" in words(each) for each in figure.iter("figcaption"))
    ]
    return [
        ["".join(each.itertext()) for each in svg.iter() if each.tag.endswith("}text")]
        for figure in charts
        for svg in figure.iter(SVG)
    ]


def test_draws_no_chart_of_a_single_point() -> None:
    for remaining, per_day in (("48", "0"), ("0", "48"), ("-400", "48")):
        assert drawn(a_status(remaining, per_day, per_hour="0", past_days=0)) == []
    assert len(drawn(a_status("48", "24", past_days=0))) == 2
    assert len(drawn(a_status("48", "0", per_hour="0"))) == 2


def test_a_chart_has_amounts_that_people_read_and_looks_a_year_ahead() -> None:
    # Lasts for thousands of years.
    source = AllocationSource("TG", "u", compute_allowed=1e8, compute_used=0.5)
    long = replace(a_status(past_days=0), source=source, budget=Budget(Decimal("99999999.5"), Decimal(0)))
    for labels in drawn(long):
        assert "100,000,000" in labels
        assert [each for each in labels if re.fullmatch(r"\d{4}", each) and int(each) > 2028] == []
    # Overspent for as long as anybody knows: hangs from zero.
    for labels in drawn(a_status("-400", "48", past_days=1)):
        assert {"0", "\N{MINUS SIGN}400"} <= set(labels)


def test_a_chart_looks_a_year_back() -> None:
    for labels in drawn(a_status("100", "0", per_hour="0", past_days=900)):
        assert [each for each in labels if re.fullmatch(r"\d{4}", each)] == ["2026"]


@pytest.mark.parametrize(("remaining", "per_day"), [("48", "0"), ("48", "576"), ("1", "24")])
def test_a_chart_of_few_days_has_days(remaining: str, per_day: str) -> None:
    for labels in drawn(a_status(remaining, per_day, per_hour="0", past_days=1)):
        assert {"22", "23", "24"} <= set(labels)
        assert [each for each in labels if ":" in each] == []


def test_days_in_a_chart_have_no_leading_zero() -> None:
    first_days = tuple(a_day(ago, {"u": 1}) for ago in range(22, 10, -1))
    tree = parsed(page(replace(REPORT, allocations=(), days=first_days)))
    labels = {"".join(each.itertext()) for each in tree.iter() if each.tag.endswith("}text")}
    assert "5" in labels
    assert [each for each in labels if re.fullmatch(r"0\d", each)] == []


def bars_of(report: UsageReport) -> list[dict[str, str]]:
    """Return the styles of the paths in the wide chart of days."""
    [svg] = re.findall(r'<div class="wide"><svg[^>]*aria-label="SU used per day".*?</svg>', page(report), re.DOTALL)
    styles = re.findall(r'style="([^"]*)"', svg)
    return [dict(part.strip().split(": ", 1) for part in each.split(";") if ": " in part) for each in styles]


def test_days_are_split_by_allocation_weekends_marked_and_today_pale() -> None:
    # Of nothing that is known to remain, there is no chart.
    report = a_report(
        a_status(None, name="CPU"),
        a_status(None, name="GPU"),
        days=tuple(a_day(ago, {"u-CPU": 10, "u-GPU": 20}) for ago in range(6, -1, -1)),
    )
    fills = [each for each in bars_of(report) if each.get("fill", "").startswith("var(")]
    by_color = {
        color: [each for each in fills if each["fill"].startswith(f"var(--{color},")]
        for color in ("first", "second", "band")
    }
    assert {color: len(each) for color, each in by_color.items()} == {"first": 7, "second": 7, "band": 2}
    assert ["opacity" in each for each in by_color["first"]] == [False] * 6 + [True]
    legend = [words(each) for each in parsed(page(report)).iter("p") if each.get("class") == "legend"]
    assert legend == ["GPU: 140 SU CPU: 70 SU"]


def test_one_allocation_needs_no_legend_and_many_are_joined() -> None:
    assert 'class="legend"' not in page(a_report(a_status(None)))
    names = [f"A{number}" for number in range(6)]
    report = a_report(
        *(a_status(None, name=name) for name in names),
        days=tuple(a_day(ago, {f"u-{name}": 10 + number for number, name in enumerate(names)}) for ago in (1, 0)),
    )
    [legend] = [words(each) for each in parsed(page(report)).iter("p") if each.get("class") == "legend"]
    assert legend == "A5: 30 SU A4: 28 SU A3: 26 SU 3 others: 66 SU"


def rows_below(title: str, report: UsageReport, *, charts: bool = False) -> list[list[str]]:
    """Return the cells of the table below a title."""
    main = parsed(page(report, charts=charts)).find(".//main")
    assert main is not None
    places = [number for number, each in enumerate(main) if each.tag == "h2" and words(each) == title]
    table = next(each for each in list(main)[places[0] :] if each.find(".//table") is not None)
    return [[words(cell) for cell in row] for row in table.iter("tr")]


def test_the_most_expensive_instances_have_their_share_and_the_others_are_counted() -> None:
    instances = tuple(an_instance_usage(f"node-{number}", "10.4", percent="5") for number in range(20))
    rows = rows_below("The most expensive instances", a_report(instances=instances))
    assert rows[:2] == [["Instance", "SU", "%", "SU a day now"], ["node-0 active", "10", "5", "48"]]
    assert rows[10:] == [["node-9 active", "10", "5", "48"], ["and 10 more", "104", "50", "480"]]
    assert "and 10 more: 104 SU" in text(a_report(instances=instances))
    assert "more" not in text(a_report(instances=instances[:10]))


def test_without_charts_tables_have_the_same_data() -> None:
    report = a_report(a_status("100", "24"), days=tuple(a_day(ago, {"u": ago * 10}) for ago in (2, 1, 0)))
    assert rows_below("TG-GEO160014", report) == [
        ["Day", "Remaining SU"],
        ["21 Nov", "580"],
        ["22 Nov", "340"],
        ["23 Nov", "100"],
    ]
    assert rows_below("SU per day", report) == [
        ["Day", "SU"],
        ["21 Nov", "20"],
        ["22 Nov", "10"],
        ["23 Nov (so far)", "0"],
    ]


def test_requests_matplotlib_by_name_only_where_it_is_wanted() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", NO_MATPLOTLIB],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines() == [
        "True",
        (
            "The Python library matplotlib, which draws the charts, is not installed. "
            "Install it with: python3 -m pip install matplotlib, or set charts: false."
        ),
    ]


def test_the_text_cannot_steer_a_terminal_and_has_all_of_it() -> None:
    said = text()
    assert "\x1b" not in said
    assert "TG-GEO160014: 78 days\n18,759 of 50,000 SU remain, 62 % used.\nAt the pace of the last 7 days," in said
    assert "ended: ended on 31 December 2020\n49,995 of 50,000 SU were used.\n" in said
    assert "silent: not known\nThe site returns no remaining SU.\n" in said
    assert re.search(r"^web +active +0 +5 +48$", said, re.MULTILINE)
    assert "Note: No rate is known for" in said
    assert "\n\n\n" not in said


def test_an_account_without_anything_has_a_report() -> None:
    empty = a_report(allocations=(), instances=(), days=(a_day(0, {}),))
    assert "There is no allocation." in text(empty)
    for charts in (True, False):
        assert "There is no allocation." in page(empty, charts=charts)


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def test_a_template_can_replace_a_part_of_the_page(tmp_path: Path) -> None:
    template = written(
        tmp_path,
        # The same name as that of the template that it extends.
        "usage_report.html.j2",
        '{% extends "jetstream.cloud/usage_report.html.j2" %}\n'
        "{% block style %}{{ super() }}body { font-family: serif; }{% endblock %}\n"
        "{% block header %}<h1>Lab of {{ account.user }}</h1>{% endblock %}\n",
    )
    tree = parsed(page(a_report(), template=template))
    assert [words(each) for each in tree.iter("h1")] == ["Lab of johndoe"]
    assert "font-family: serif" in words(tree.findall(".//style")[0])
    assert len(tree.findall(f".//{SVG}")) == 4


@pytest.mark.parametrize(
    "content",
    [
        "{% for each in allocations %}{{ each.name }}\n{% endfor %}",
        '{{ allocations | table([{"key": "name", "title": "NAME"}]) }}',
    ],
    ids=["value", "table"],
)
def test_a_template_may_have_any_name_and_is_escaped_all_the_same(tmp_path: Path, content: str) -> None:
    template = written(tmp_path, "lab", content)
    assert "&lt;script&gt;" in page(template=template)
    assert "<script>" in text(template=template)
    assert "\x1b" not in text(template=template)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("\n{{ allocatoins }}", 2, "'allocatoins' is undefined"),
        ("\n\n{% for each in days %}", 3, "Unexpected end of template"),
        ("\n{{ 1 / 0 }}", 2, "ZeroDivisionError"),
        ("{{ taken_at | nonsense }}", 1, "No filter named 'nonsense'"),
        ('{% extends "nowhere.j2" %}', 1, "nowhere.j2"),
    ],
)
def test_a_mistake_in_a_template_is_reported_with_its_line(
    tmp_path: Path, content: str, line: int, reason: str
) -> None:
    template = written(tmp_path, "lab.j2", content)
    with pytest.raises(ConfigurationError) as raised:
        page(template=template)
    assert str(raised.value).startswith(f"The template {template}, line {line}, cannot be rendered: ")
    assert reason in str(raised.value)


def test_a_template_that_is_gone_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"lab\.j2, cannot be rendered|lab\.j2 cannot be rendered"):
        page(template=tmp_path / "lab.j2")


def test_snapshots_do_not_name_the_account() -> None:
    result: dict[str, Any] = report_result(a_report(a_status(past_days=1)))
    yesterday, _today = result["allocations"][0]["snapshots"]
    assert yesterday == {"date": (NOW.date() - timedelta(days=1)).isoformat(), "remaining": 18999.25}
    assert OWNER[2] not in str(result["allocations"])


def test_an_unknown_value_is_a_dash_and_never_none(tmp_path: Path) -> None:
    unknown = [replace(an_instance_usage(f"i{at}", "1"), su=None, percent=None, su_per_hour=None) for at in range(12)]
    volumes = (replace(a_volume("data"), size=None),)
    report = a_report(a_status(None), instances=tuple(unknown), unattached_volumes=volumes)
    made = page(report, charts=False)
    assert "None" not in made
    assert re.search(r"<td>data</td><td[^>]*>-</td>", made)
    assert re.search(r"and 2 more</td><td[^>]*>-</td>", made)
    told = text(report)
    assert "None" not in told
    assert re.search(r"data +-", told)
    assert "and 2 more: - SU" in told
    own = tmp_path / "own.txt.j2"
    own.write_text("{{ unattached_volumes[0].size }} GB\n", encoding="utf-8")
    assert text(report, template=own) == "- GB\n"
