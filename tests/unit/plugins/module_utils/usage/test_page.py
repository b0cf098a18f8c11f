# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page is valid, legible in both schemes, needs nothing from elsewhere, and shows names as names."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree.ElementTree import Element

import html5lib
import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.budget import Budget, Burn
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.figures import Reading, Spender, Standing, Usage
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.letter import forecast, letter, subject
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.page import page

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
NASTY = '<script>alert("1")</script>&amp;\x1b[2J'
# Asks for charts where matplotlib is not installed, and then for a page without.
NO_MATPLOTLIB = """
import sys
from datetime import UTC, datetime
sys.modules["matplotlib"] = None
from ansible_collections.jetstream.cloud.plugins.module_utils.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils.usage import charts
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.figures import Usage
from ansible_collections.jetstream.cloud.plugins.module_utils.usage.page import page
print(len(page(Usage(datetime.now(UTC), 1, (), {}, (), ()), charts=False)) > 1000)
try:
    charts.require()
except ConfigurationError as error:
    print(error)
"""


def a_standing(
    left: str = "18759.25",
    burn: str = "24",
    *,
    name: str = "TG-GEO160014",
    end: datetime | None = None,
    unknown: tuple[str, ...] = (),
    to_last: str | None = None,
) -> Standing:
    hours = Decimal(left) / Decimal(burn) if Decimal(burn) and not unknown else None
    uuid = f"9-{name}"
    days = range(60, 0, -1)
    return Standing(
        name=name,
        uuid=uuid,
        allowed=Decimal(50000),
        used=Decimal(50000) - Decimal(left),
        end=end,
        burn=Burn(Decimal(burn), unknown),
        budget=Budget(
            left=Decimal(left),
            percent_used=(Decimal(50000) - Decimal(left)) / 500,
            hours_left=hours,
            exhausted_at=None if hours is None else NOW + timedelta(hours=float(hours)),
            su_per_hour_to_last=None if to_last is None else Decimal(to_last),
        ),
        past=tuple(Reading(NOW.date() - timedelta(days=day), uuid, Decimal(left) + 400 * day) for day in days),
    )


USAGE = Usage(
    taken_at=NOW,
    span=60,
    standings=(a_standing(), a_standing(name=NASTY, left="0"), a_standing(name="GPU", unknown=("g9.big",))),
    days={NOW.date() - timedelta(days=day): Decimal(day * 13 % 300) for day in range(59, -1, -1)},
    spenders=(Spender(NASTY, None, Decimal("1.25"), None), Spender("web", "active", Decimal(0), Decimal(2))),
    idle_volumes=(),
    warnings=(f"No rate is known for {NASTY}.",),
)


def parsed(text: str) -> Element:
    """Parse as strictly as the standard allows. Raises html5lib.html5parser.ParseError."""
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    return tree


def css_colours() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", page(USAGE, charts=False), re.DOTALL)[:2]
    return {
        name: dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", each)) for name, each in (("light", light), ("dark", dark))
    }


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2: from 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("charts", [True, False])
def test_is_valid_html_in_which_names_are_only_text(charts: bool) -> None:
    tree = parsed(page(USAGE, charts=charts))
    assert tree.findall(".//script") == []
    assert "".join(tree.itertext()).count("<script>") == 3
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    assert (len(tree.findall(".//{http://www.w3.org/2000/svg}svg")) == 4) == charts


def test_needs_nothing_from_elsewhere() -> None:
    text = page(USAGE, charts=True)
    tree = parsed(text)
    used = {value for each in tree.iter() for name, value in each.attrib.items() if name.endswith(("href", "src"))}
    assert [value for value in used if not value.startswith("#")] == []
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert set(re.findall(r"https?://[^\s\"]+", text)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_stands_out_from_the_paper(scheme: str) -> None:
    colours = css_colours()[scheme]
    for name, least in (("ink", 7), ("soft", 4.5), ("warn", 4.5), ("first", 4.5), ("second", 3)):
        assert contrast(colours[name], colours["paper"]) >= least, name


def test_charts_take_their_colours_from_the_page() -> None:
    [drawing, *_unused] = re.findall(r"<svg.*?</svg>", page(USAGE, charts=True), re.DOTALL)
    alone = set(re.findall(r"(?<!, )#[0-9a-f]{6}(?![0-9a-f])", drawing))
    assert alone <= {"#000000"}
    assert {"var(--ink, #1c2733)", "var(--first, #1769aa)"} <= set(re.findall(r"var\(--\w+, #\w+\)", drawing))


def drawn(standing: Standing) -> list[str]:
    """Return the words in the chart of one allocation; nothing if there is none."""
    tree = parsed(page(replace(USAGE, standings=(standing,), days={}), charts=True))
    return ["".join(each.itertext()) for each in tree.iter() if each.tag.endswith("}text")]


def test_draws_no_chart_of_a_single_point() -> None:
    for left, burn in (("48", "0"), ("0", "2"), ("-400", "2")):
        assert drawn(replace(a_standing(left, burn), past=())) == []
    assert drawn(replace(a_standing("48", "2"), past=())) != []
    assert drawn(a_standing("48", "0")) != []


def test_a_chart_has_amounts_that_people_read_and_looks_a_year_ahead() -> None:
    # Lasts for 5700 years.
    labels = drawn(a_standing("99999999.5", "2"))
    assert "100,000,000" in labels
    assert [each for each in labels if re.fullmatch(r"\d{4}", each) and int(each) > 2028] == []
    # Overspent for as long as anybody knows: hangs from zero.
    overspent = replace(a_standing("-400", "2"), past=(Reading(NOW.date() - timedelta(days=1), "9", Decimal(-300)),))
    assert {"0", "\N{MINUS SIGN}400"} <= set(drawn(overspent))


@pytest.mark.parametrize(("left", "burn"), [("48", "0"), ("48", "24"), ("1", "1")])
def test_a_chart_of_few_days_has_days(left: str, burn: str) -> None:
    past = (Reading(NOW.date() - timedelta(days=1), "9", Decimal(50)),)
    labels = drawn(replace(a_standing(left, burn), past=past))
    assert {"22", "23", "24"} <= set(labels)
    assert [each for each in labels if ":" in each] == []


def test_without_charts_the_same_stands_in_tables() -> None:
    usage = replace(USAGE, standings=(a_standing("100", "2"),), span=3)
    tables = re.findall(r"<table>.*?</table>", page(usage, charts=False), re.DOTALL)
    rows = re.findall(r"<td>(.*?)</td><td class=n>(.*?)</td></tr>", tables[0])
    assert rows == [("21 Nov", "900"), ("22 Nov", "500"), ("23 Nov", "100")]


def test_asks_for_matplotlib_by_name_only_where_it_is_wanted() -> None:
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
            "Install it with: python3 -m pip install matplotlib, or say charts: false."
        ),
    ]


def test_a_letter_cannot_steer_a_terminal_and_has_all_of_it() -> None:
    text = letter(USAGE)
    assert "\x1b" not in text
    assert "TG-GEO160014: 18,759.2 of 50,000 SU left, 62.5 % used; 24 SU per hour now." in text
    assert re.search(r"^web +active +0 +2$", text, re.MULTILINE)
    assert "Note: No rate is known for" in text
    assert "\n" not in subject(USAGE)


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (a_standing("48", "2"), "It lasts until 24 November 2026, if everything stays as it is."),
        (
            a_standing("48", "2", end=NOW + timedelta(days=10), to_last="0.2"),
            (
                "It lasts until 24 November 2026, if everything stays as it is. "
                "To last to its end on 03 December 2026: 0.2 SU per hour."
            ),
        ),
        (
            a_standing("4800", "2", end=NOW + timedelta(days=10), to_last="20"),
            "It lasts to its end on 03 December 2026, if everything stays as it is.",
        ),
        (a_standing("48", "0"), "Nothing is using it now."),
        (a_standing("-1", "2"), "It is used up."),
        (a_standing("48", "2", unknown=("g9.big",)), "How long it lasts is not known: no rate for g9.big."),
    ],
)
def test_says_in_a_sentence_how_long_an_allocation_lasts(standing: Standing, said: str) -> None:
    assert forecast(standing) == said
