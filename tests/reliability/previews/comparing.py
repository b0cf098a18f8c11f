# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the result of a check run with that of the run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# What a check run cannot know of a thing that is not there yet, and what differs from run to run.
_UNKNOWN = frozenset(
    {"id", "uuid", "serial", "fingerprint", "created", "start_date", "elapsed", "device", "ip_address", "addresses"}
    # Where Atmosphere mounts a volume, and the group of a rule that is for its own members.
    | {"mount_location", "group"}
)
_UNKNOWN_OF_IMAGES = frozenset({"size", "min_disk", "min_ram"})
# Whether a shelved instance leaves its host is the cloud's to decide.
_SHELVED = ("shelved_offloaded", "shelved")


@dataclass(frozen=True)
class Observed:
    """A run: its ``result``, its ``warnings``, the requests that changed something, and the seconds that it took.

    ``given``: the floating IPs that the cloud made during the run.
    """

    result: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    seconds: float = 0.0
    given: tuple[str, ...] = ()
    crash: str = ""
    bodies: tuple[str, ...] = field(default=(), repr=False)


def contradictions(foreseen: Observed, done: Observed) -> Iterator[str]:
    """Yield each difference between a check run and the run, and each change that the check run made."""
    if foreseen.crash or done.crash:
        yield foreseen.crash or done.crash
        return
    if foreseen.changes:
        yield f"check mode sent {list(foreseen.changes)}"
    if foreseen.seconds > 2:
        yield f"check mode took {foreseen.seconds:.0f} s"
    expected, actual = _plain(foreseen, done.given), _plain(done, done.given)
    for key in sorted({*expected, *actual}):
        if expected.get(key) != actual.get(key):
            yield f"{key}: foreseen {_short(expected.get(key))}, done {_short(actual.get(key))}"


def _plain(run: Observed, given: tuple[str, ...]) -> dict[str, Any]:
    """Return a result without the values that check mode cannot predict."""
    text = json.dumps({"changed": False, "failed": False, "warnings": sorted(run.warnings), **run.result})
    text = text.replace(*_SHELVED)
    for address in given:
        text = text.replace(address, "new")
    # The number that Atmosphere gives to a new thing is in its label.
    plain = _without(json.loads(re.sub(r"(\w) \(\d+\)", r"\1", text)))
    if plain.get("changed") and plain.get("address", "") is None:
        plain["address"] = "new"
    if not plain.get("failed"):
        plain.pop("msg", None)
    assert isinstance(plain, dict)
    return plain


def _without(value: Any, unknown: frozenset[str] = _UNKNOWN) -> Any:
    if isinstance(value, list):
        return [_without(each, unknown) for each in value]
    if not isinstance(value, dict):
        return value
    left = {key: _without(each, _of(key, unknown)) for key, each in value.items() if key not in unknown}
    if "actions" in left and isinstance(left.get("msg"), str):
        left["msg"] = _as_done(left["msg"])
    return left


def _of(key: str, unknown: frozenset[str]) -> frozenset[str]:
    return unknown | _UNKNOWN_OF_IMAGES if key == "image" else unknown


def _as_done(message: str) -> str:
    """Return the message of a check run about an instance in the words of a run."""
    if re.fullmatch(r"would (?!wait)(?!be ).*", message):
        return f"{re.sub(r' once it is .*', '', message.removeprefix('would '))} done"
    if message.startswith("would be deleted"):
        return "deleted"
    if message.startswith("is in transition"):
        return "reached it on its own"
    if re.fullmatch(r"reached .* on its own", message):
        return "reached it on its own"
    steps = message.removesuffix(" done").split(", then ")
    is_deletion = "delete" in steps and "launch" not in steps
    return "deleted" if is_deletion else message


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 900 else f"{text[:900]} ..."
