# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in JSON responses that no client expects."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Raw:
    """Text that is put into the response unchanged, be it JSON or not."""

    text: str
    mark: str = field(default_factory=lambda: f"raw-{secrets.token_hex(8)}")


@dataclass(frozen=True)
class Missing:
    """Removes a value and its name."""


def nested(depth: int) -> Raw:
    """Return ``depth`` nested lists, for more than a recursive parser can handle."""
    return Raw("[" * depth + "]" * depth)


# The control API's notation for values that JSON does not have.
_WRITTEN: Mapping[str, Callable[[Any], object]] = {
    "$nested": nested,
    "$raw": Raw,
    "$missing": lambda _value: Missing(),
}


def from_json(value: Any) -> Any:
    """Return the value for ``{"$nested": 100000}``, ``{"$raw": "NaN"}``, ``{"$missing": true}`` of the control API."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, argument),) = value.items()
        if name in _WRITTEN:
            return _WRITTEN[name](argument)
    return value


def check_edit(edit: Mapping[str, Any]) -> None:
    """Raise ValueError if a name in an edit is malformed."""
    for name in edit:
        if not all(name.split(".")):
            raise ValueError(f"not a dotted name: {name!r}")


def edited(body: bytes, edit: Mapping[str, Any], of: str | None = None) -> bytes:
    """Return a JSON body with other values.

    ``edit``: values by dotted name, such as ``size.cpu``. Names begin at each object whose name, uuid or alias is
    ``of``, or at the whole response if that is None. Names that do not exist are ignored, but for the last part of a
    dotted one, which is added. A value may be any JSON, with NaN and lone surrogates, or Raw, or Missing. A body that
    is not JSON is returned unchanged.
    """
    try:
        data = json.loads(body)
    except ValueError:
        return body
    targets = [data] if of is None else list(_rows(data, of))
    raws: list[Raw] = []
    for row in targets:
        for name, value in edit.items():
            _put(row, name.split("."), value, raws)
    text = json.dumps(data, separators=(",", ":"))
    for raw in raws:
        text = text.replace(json.dumps(raw.mark), raw.text)
    return text.encode("utf-8", "surrogatepass")


def _rows(data: Any, of: str) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        if of in (data.get("name"), data.get("uuid"), data.get("alias")):
            yield data
        for value in list(data.values()):
            yield from _rows(value, of)
    elif isinstance(data, list):
        for value in data:
            yield from _rows(value, of)


def _put(row: Any, names: list[str], value: Any, raws: list[Raw]) -> None:
    *way, last = names
    for name in way:
        row = row.get(name) if isinstance(row, dict) else None
    if not isinstance(row, dict):
        return
    if isinstance(value, Missing):
        row.pop(last, None)
    elif isinstance(value, Raw):
        raws.append(value)
        row[last] = value.mark
    else:
        row[last] = value
