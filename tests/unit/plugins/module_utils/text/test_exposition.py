# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus reads the metrics back unchanged, whatever characters a name has."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.exposition import (
    Metric,
    Sample,
    exposition,
)
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

_TEXTS = st.text(max_size=20)
_VALUES = st.floats(allow_nan=False, allow_infinity=False)
_PROMTOOL = shutil.which("promtool")
HARD = (
    Metric(
        "jetstream_thing",
        'What it "is": a \\ and\na line.',
        (
            Sample({"name": 'a "b" \\ c\nd{},=#', "empty": ""}, 1),
            Sample({"name": "\x1b[31m\ud800\u202e", "empty": ""}, 1e300),
            Sample({"name": "schön"}, -0.1),
        ),
    ),
    Metric("jetstream_nothing", "A metric without a sample.", ()),
)


def read(text: str) -> list[tuple[str, dict[str, str], float]]:
    """Return the samples that Prometheus finds in a text."""
    families = list(text_string_to_metric_families(text))
    assert {each.type for each in families} <= {"gauge"}
    return [(each.name, each.labels, each.value) for family in families for each in family.samples]


def test_special_characters_and_values_are_escaped_as_the_format_requires() -> None:
    assert exposition(HARD).splitlines() == [
        '# HELP jetstream_thing What it "is": a \\\\ and\\na line.',
        "# TYPE jetstream_thing gauge",
        'jetstream_thing{name="a \\"b\\" \\\\ c d{},=#"} 1.0',
        'jetstream_thing{name="\ufffd[31m\ufffd\ufffd"} 1e+300',
        'jetstream_thing{name="schön"} -0.1',
    ]


@given(st.lists(st.tuples(_TEXTS, _TEXTS, _VALUES), max_size=5), _TEXTS)
def test_the_text_is_read_back_and_has_no_sample_twice(rows: list[tuple[str, str, float]], description: str) -> None:
    samples = tuple(Sample({"name": name, "other": other}, value) for name, other, value in rows)
    text = exposition([Metric("jetstream_thing", description, samples)])
    found = read(text)
    assert bool(text.encode()) == bool(rows)
    assert len({tuple(sorted(labels.items())) for _name, labels, _value in found}) == len(found)
    assert {value for _name, _labels, value in found} <= {value for _name, _other, value in rows}
    assert bool(found) == bool(rows)
    if rows:
        assert found[0][2] == rows[0][2]


def test_of_twins_the_first_counts() -> None:
    twins = (Sample({"name": "a\tb"}, 1), Sample({"name": "a b", "empty": ""}, 2), Sample({"name": "c"}, 3))
    assert [value for _name, _labels, value in read(exposition([Metric("jetstream_thing", "It.", twins)]))] == [1, 3]


@pytest.mark.skipif(_PROMTOOL is None, reason="promtool is not installed (Debian, Ubuntu: the package prometheus)")
def test_promtool_takes_what_is_hard() -> None:
    checked = subprocess.run(
        [str(_PROMTOOL), "check", "metrics"], input=exposition(HARD).encode(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
