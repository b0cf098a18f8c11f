# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Prometheus text format, version 0.0.4, as read by the textfile collector of node_exporter. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .terminal import one_line


@dataclass(frozen=True, slots=True)
class Sample:
    """A value with its labels. Empty labels are left out, since Prometheus treats them as missing."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge: its name, its description, and its samples."""

    name: str
    description: str
    samples: tuple[Sample, ...]


def exposition(metrics: Iterable[Metric]) -> str:
    """Return metrics as text, without those that have no sample.

    Of several samples with the same labels, the first counts: duplicates would make the collector refuse all files.
    """
    return "".join(f"{line}\n" for each in metrics if each.samples for line in _lines(each))


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {_escaped(metric.description)}"
    yield f"# TYPE {metric.name} gauge"
    values: dict[str, float] = {}
    for each in metric.samples:
        values.setdefault(_labels(each.labels), each.value)
    for labels, value in values.items():
        yield f"{metric.name}{labels} {float(value)!r}"


def _labels(labels: Mapping[str, str]) -> str:
    shown = {name: one_line(text) for name, text in labels.items()}
    pairs = ",".join(f'{name}="{_quoted(text)}"' for name, text in shown.items() if text)
    return f"{{{pairs}}}" if pairs else ""


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
