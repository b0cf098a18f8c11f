# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and changes the file of a practice fleet, safely for concurrent processes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...clock import Clock
from ...errors import ConfigurationError
from ...files import exclusive
from ...json_file import MalformedFile, read_json, write_json

# The clouds that a fleet can imitate. Like at Jetstream2, instances have UUIDs, consoles and metadata, and keep their
# floating IP. Like at Atmosphere, they have numbers, and lose their floating IP when they are no longer active.
LIKE = ("jetstream2", "atmosphere")
_TEXT = ("name", "flavor", "status")


class FleetFile:
    """A fleet in a JSON file. Raises ConfigurationError if the file is missing, unreadable, malformed or read-only.

    Its keys: ``like``, ``user``, ``project``, ``allocation`` (``name``, ``allowed`` and ``used`` in SU, ``days`` to its
    end) and ``instances``: ``name``, ``flavor``, ``vcpus``, ``ram`` (MB), ``disk`` (GB), ``image``, ``status``,
    ``address``, ``age_hours`` and ``idle_hours`` (null: not idle), both as of the first use of the file. The first use
    adds ``began``, its time in seconds since 1970. PracticeCloud adds the changes of instances.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Read nothing yet."""
        self._path = path
        self._clock = clock

    def read(self) -> dict[str, Any]:
        """Return the content. The first read stores its time, the reference of the hours in the file."""
        content = self._content()
        return content if content.get("began") else self.change(lambda _content: None)

    def change(self, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Change the content under an exclusive lock, and return it. If ``change`` raises, the file stays as it was."""
        try:
            with exclusive(self._path, clock=self._clock):
                content = self._content()
                content.setdefault("began", None)
                before = copy.deepcopy(content)
                content["began"] = content["began"] or self._clock.now().timestamp()
                change(content)
                if content != before:
                    write_json(self._path, content, sort_keys=False)
                return content
        except OSError as error:
            raise ConfigurationError(f"The practice fleet {self._path} cannot be written: {error.strerror}.") from None

    def _content(self) -> dict[str, Any]:
        try:
            content = read_json(self._path, _checked)
        except OSError as error:
            raise ConfigurationError(f"The practice fleet {self._path} cannot be read: {error.strerror}.") from None
        except MalformedFile:
            raise ConfigurationError(
                f"The practice fleet {self._path} is malformed.",
                hint="Run the playbook jetstream.cloud.tour in another empty folder.",
            ) from None
        if content is None:
            raise ConfigurationError(f"The practice fleet {self._path} does not exist.")
        return content


def _checked(content: Any) -> dict[str, Any]:
    """Return the content if it is a valid fleet. Raises ValueError, KeyError or TypeError otherwise."""
    if content["like"] not in LIKE or not isinstance(content["user"], str) or not isinstance(content["project"], str):
        raise ValueError
    allocation = content["allocation"]
    float(allocation["allowed"]), float(allocation["used"]), float(allocation["days"])
    for each in content["instances"]:
        _check_instance(each)
    names = [each["name"] for each in content["instances"]]
    if len(set(names)) != len(names):
        raise ValueError
    found: dict[str, Any] = content
    return found


def _check_instance(each: Mapping[str, Any]) -> None:
    if not all(isinstance(each[key], str) for key in _TEXT):
        raise TypeError
    int(each["vcpus"]), float(each["age_hours"])
    if each.get("idle_hours") is not None:
        float(each["idle_hours"])
