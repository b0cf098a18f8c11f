# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users read their fleets as tables."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.jetstream.cloud.plugins.filter.table import FilterModule, table
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.terminal import display_width
from hypothesis import given
from hypothesis import strategies as st

FLEET: list[dict[str, Any]] = [
    {
        "name": "geo-node-01",
        "id": 21752,
        "status": "active",
        "activity": "powering-off",
        "flavor": {"name": "m1.small", "vcpus": 2},
        "allocation_source": {"name": "TG-GEO160014", "compute_used": 1234.567},
        "shell": True,
        "volumes": [{"name": "a", "device": "/dev/sdb"}, {"name": "b", "device": None}],
    },
    {
        "name": "日本語",
        "id": 7,
        "status": "shutoff",
        "activity": "",
        "flavor": {"name": "m1.xlarge", "vcpus": 24},
        "allocation_source": None,
        "shell": False,
        "volumes": [],
    },
]


def lines(rows: object, columns: object, **options: Any) -> list[str]:
    return table(rows, columns, **options).split("\n")


def test_is_the_filter_of_its_name() -> None:
    assert FilterModule().filters() == {"table": table}


def test_names_are_aligned_left_and_numbers_right_by_their_width_on_a_terminal() -> None:
    assert lines(FLEET, ["name", "id", "flavor.name", "flavor.vcpus", "shell"]) == [
        "NAME            ID  FLAVOR     FLAVOR VCPUS  SHELL",
        "geo-node-01  21752  m1.small              2  yes",
        "日本語           7  m1.xlarge            24  no",
    ]


def test_a_string_with_commas_names_columns_as_a_list_does() -> None:
    assert table(FLEET, "name, id") == table(FLEET, ["name", "id"])


def test_rows_may_come_one_by_one() -> None:
    def one_by_one() -> Iterator[dict[str, Any]]:
        yield from FLEET

    assert table(one_by_one(), "id") == table(FLEET, "id")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        (" ", "-"),
        ([], "-"),
        ([None, None], "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (50000.0, "50000"),
        (0.1, "0.1"),
        (float("inf"), "inf"),
        (Decimal("1E+3"), "1000"),
        (["a", None, 2], "a, -, 2"),
        ({"name": "Geo", "uuid": "x"}, "Geo"),
        ({"a": 1, "b": True}, "a=1, b=yes"),
        ('say "hi"', 'say "hi"'),
        ("{{ 1 + 1 }}", "{{ 1 + 1 }}"),
        ("two\nlines", "two lines"),
        ("\x1b[2J", "\ufffd[2J"),
    ],
)
def test_a_cell_reads_as_a_person_would_write_it(value: object, text: str) -> None:
    assert lines([{"value": value}], "value")[1].strip() == text


def test_a_column_may_have_a_title_a_side_and_a_greatest_width() -> None:
    columns = [{"key": "name", "title": "VM", "width": 5, "align": "right"}, {"key": "id", "align": "left"}]
    assert lines(FLEET, columns) == ["   VM  ID", "geo-…  21752", "日本…  7"]


def test_a_column_may_join_several_values_and_leaves_out_missing_ones() -> None:
    column = {"key": ["status", "activity"], "separator": " - ", "title": "STATUS"}
    assert lines(FLEET, [column]) == ["STATUS", "active - powering-off", "shutoff"]


def test_columns_have_words_for_the_command_line() -> None:
    words = {"flavor": "flavor.name", "used": {"key": "allocation_source.compute_used", "title": "SU"}}
    assert lines(FLEET, "flavor,used,id", words=words)[0] == "FLAVOR           SU     ID"


def test_a_path_goes_to_every_element_of_a_list() -> None:
    assert lines(FLEET, "volumes.name,volumes.device") == [
        "VOLUMES  VOLUMES DEVICE",
        "a, b     /dev/sdb, -",
        "-        -",
    ]


def test_numbers_in_a_list_stand_right_as_others_do() -> None:
    assert lines([{"disks": [{"size": 1}]}, {"disks": []}], "disks.size") == ["DISKS SIZE", "         1", "         -"]


def test_a_key_with_a_dot_in_it_is_found() -> None:
    assert lines([{"a.b": 1}], "a.b")[1].strip() == "1"


def test_a_column_that_some_rows_lack_is_shown() -> None:
    assert lines([{"a": 1}, {"b": 2}], "a")[1:] == ["1", "-"]


def test_a_column_whose_parent_is_missing_everywhere_is_no_mistake() -> None:
    assert lines(FLEET[1:], "allocation_source.name")[1] == "-"


def test_no_rows_give_a_sentence() -> None:
    assert table([], "name") == "none"
    assert table([], "name", empty="No instances.") == "No instances."


def test_gives_a_plain_string_that_ansible_does_not_take_for_a_template() -> None:
    class Tagged(str):
        __slots__ = ()

    assert table([{"a": Tagged("{{ x }}")}], Tagged("a")).__class__ is str
    assert table([], "a", empty=Tagged("none")).__class__ is str


@pytest.mark.parametrize(
    ("rows", "columns", "options", "message"),
    [
        (FLEET, "nmae", {}, "There is no column nmae. Did you mean name? Columns: name, id, "),
        (FLEET, "flavor.vcpu", {}, "There is no column flavor.vcpu. Did you mean flavor.vcpus? "),
        (FLEET, "name.first", {}, "There is no column name.first."),
        (
            FLEET,
            "flavro",
            {"words": {"flavor": "flavor.name"}},
            "Did you mean flavor? Columns: flavor, name, id, status, activity, allocation_source, shell, volumes.",
        ),
        ({"a": 1}, "a", {}, "A table is made of a list of dictionaries, not of a dictionary."),
        ("text", "a", {}, "A table is made of a list of dictionaries, not of a text."),
        (None, "a", {}, "A table is made of a list of dictionaries, not of nothing."),
        ([{"a": 1}, 2], "a", {}, "A table is made of a list of dictionaries; item 2 of it is a number."),
        (FLEET, [], {}, "columns is empty. Set at least one column."),
        (FLEET, " , ", {}, "columns is empty. Set at least one column."),
        (FLEET, 3, {}, "columns must be a list, or names separated by commas, not a number."),
        (FLEET, [3], {}, "A column is a name or a dictionary, not a number."),
        (FLEET, [{"title": "X"}], {}, "The key of a column must be a name, a dotted path, or a list of such."),
        (
            FLEET,
            [{"key": "id", "color": 1}],
            {},
            "A column has no key color. Valid keys: key, title, align, ",
        ),
        (FLEET, [{"key": "id", "align": "up"}], {}, "align must be left or right, not up."),
        (FLEET, [{"key": "id", "width": 0}], {}, "width must be a number of 1 or more, not 0."),
        (FLEET, [{"key": "id", "width": True}], {}, "width must be a number of 1 or more, not True."),
        (FLEET, "id", {"words": ["id"]}, "words must be a dictionary, from a name to its column, not a list."),
        ([], [{"key": ""}], {}, "The key of a column must be a name"),
    ],
)
def test_a_mistake_is_reported_in_one_sentence(
    rows: object, columns: object, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        table(rows, columns, **options)
    assert message in str(caught.value)


WIDE: list[dict[str, Any]] = [
    {"name": "base-2", "id": 1, "result": "skipped: suspended (stopping it would start it first)", "note": "x" * 20},
    {"name": "base-10", "id": 2, "result": "stop done", "note": None},
]
COLUMNS = ["name", "id", {"key": "result", "wrap": 20}, "note"]


def test_a_table_has_no_limit_unless_one_is_given() -> None:
    assert len(lines(WIDE, COLUMNS)[1]) > 80
    assert table(WIDE, COLUMNS, width=0) == table(WIDE, COLUMNS)


def test_a_table_fits_its_width_and_says_which_columns_are_not_shown() -> None:
    assert lines(WIDE, COLUMNS, width=40, drop=["note", "id"], hint="See all: -e width=0") == [
        "NAME     ID  RESULT",
        "base-2    1  skipped: suspended",
        "             (stopping it would start it",
        "             first)",
        "base-10   2  stop done",
        "Columns not shown: NOTE. See all: -e",
        "width=0",
    ]


EMPTY: list[dict[str, Any]] = [
    {"name": "base-2", "left": None, "id": 1, "reason": "nothing happened for 375 min", "kept": [], "known": True},
    {"name": "base-10", "left": "", "id": 2, "reason": "nothing happened", "kept": [], "known": False},
]


def test_columns_in_which_no_row_has_anything_go_first_and_are_not_named() -> None:
    still = {"key": "left", "title": "STILL THERE"}
    columns = ["name", still, "id", {"key": "reason", "wrap": 10}, "kept"]
    drop = ["id", still, "kept"]
    assert lines(EMPTY, columns, width=45, drop=drop) == [
        "NAME     ID  REASON",
        "base-2    1  nothing happened for 375 min",
        "base-10   2  nothing happened",
    ]
    # No more than needed.
    assert lines(EMPTY, columns, width=48, drop=drop)[0] == "NAME     ID  REASON                        KEPT"
    assert "STILL THERE" in lines(EMPTY, columns, width=80, drop=drop)[0]
    assert "STILL THERE" in lines(EMPTY, columns, width=20)[0]


def test_a_single_empty_column_is_shown() -> None:
    assert lines(EMPTY, "left,kept", width=5, drop="left,kept") == ["KEPT", "-", "-"]


def test_a_short_time_has_no_year_and_no_seconds_and_is_never_cut() -> None:
    rows = [{"name": "x" * 30, "at": "2026-11-25T21:02:33Z"}, {"name": "y", "at": None}, {"name": "z", "at": "soon"}]
    columns = ["name", {"key": "at", "short_time": True}]
    assert lines(rows, columns, width=10) == ["NAME      AT", "xxxxxxx…  11-25 21:02Z", "y         -", "z         soon"]


def test_a_lower_bound_is_shown_as_one() -> None:
    rows = [*EMPTY, {"id": None, "known": False}, {"id": 12, "known": None}]
    assert lines(rows, [{"key": "id", "exact": "known"}]) == ["  ID", "   1", ">= 2", "   -", "  12"]


def test_texts_are_shortened_and_numbers_are_not_where_no_column_may_be_dropped() -> None:
    assert lines(WIDE, "name,id,note", width=20) == [
        "NAME     ID  NOTE",
        "base-2    1  xxxxxxx…",
        "base-10   2  -",
    ]


def test_a_column_that_is_not_shown_need_not_be_dropped() -> None:
    assert lines(WIDE, "name,id", width=5, drop=["note", "id"])[0] == "NAME"


@pytest.mark.parametrize("width", [-1, "wide", None, True, 1.5])
def test_an_invalid_width_is_refused(width: object) -> None:
    with pytest.raises(AnsibleFilterError, match="width must be a number, 0 for no limit, or terminal"):
        table(WIDE, "name", width=width)


def test_the_width_is_that_of_the_terminal_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert table(WIDE, COLUMNS, width="terminal", drop="note") == table(WIDE, COLUMNS, width=40, drop="note")


@given(st.lists(st.fixed_dictionaries({"a": st.text(), "b": st.none() | st.integers() | st.text()}), min_size=1))
def test_every_table_has_a_line_for_each_row_and_its_columns_in_line(rows: list[dict[str, Any]]) -> None:
    drawn = lines(rows, ["a", {"key": "b", "align": "left"}])
    assert len(drawn) == len(rows) + 1
    assert all(line == line.rstrip(" ") for line in drawn)
    # Every second column begins where its title does: the text before it is as wide as in the first line.
    offset = drawn[0].rindex("B")
    for line, row in zip(drawn[1:], lines(rows, ["b"])[1:], strict=True):
        before = line.removesuffix(row.strip())
        assert display_width(before) == offset
