# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a trial as data, so that a trial can be printed, repeated, and made smaller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ATMOSPHERE, JETSTREAM2 = "atmosphere", "jetstream2"
# The owners of instances.
ME, COLLEAGUE = "me", "colleague"


@dataclass(frozen=True)
class Member:
    """An instance of a fleet. ``place``: the number of its provider. ``lock``: "", or who locked it: owner or site."""

    name: str
    state: str
    flavor: str
    project: str
    image: str
    place: int = 0
    owner: str = ME
    lock: str = ""


@dataclass(frozen=True)
class Task:
    """A task of jetstream_instance_state: its options without those of the connection."""

    options: Mapping[str, Any]
    check_mode: bool = False


@dataclass(frozen=True)
class Fault:
    """A fault: its kind and its details. ``target``: the number of the member that it affects."""

    kind: str
    target: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A fleet, a task, and faults. ``connection``: options of the connection. ``settings``: those of the cloud.

    ``latency``: seconds that a usual request takes. ``pause``: seconds between the faulty run and the next. ``rival``:
    another task that begins ``rival_at`` seconds after the first, on another machine.
    """

    seed: int
    cloud: str
    fleet: tuple[Member, ...]
    task: Task
    faults: tuple[Fault, ...]
    connection: Mapping[str, Any]
    settings: Mapping[str, Any]
    latency: float = 0.1
    pause: float = 0.0
    rival: Task | None = None
    rival_at: float = 0.0
