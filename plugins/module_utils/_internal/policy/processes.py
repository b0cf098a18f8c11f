# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifies the process of a run, so that a later run on the same machine can see whether it is alive."""

from __future__ import annotations

import os
from pathlib import Path

from ..files import read_file

_ROOT = Path("/")
# In /proc/PID/stat, counted from after the program name, which may contain spaces and parentheses.
_STATE, _STARTED = 0, 19
# A zombie: a killed process that its parent has not waited for.
_ENDED = frozenset("ZXx")


def parent_process(root: Path = _ROOT) -> str:
    """Return an identifier of this process's parent: Ansible, if a worker runs an operation.

    It names the boot of the machine, the PID namespace, the PID and the start time. "" if that is unknown.
    """
    machine, number = _machine(root), os.getppid()
    stat = _stat(root, number)
    return f"{machine} {number} {stat[_STARTED]}" if machine and stat else ""


def is_alive(process: str, root: Path = _ROOT) -> bool | None:
    """Return whether the process of an identifier is alive; None if it belongs to another machine."""
    machine, _space, rest = process.partition(" ")
    number, _space, started = rest.partition(" ")
    own = _machine(root)
    if not own or own != machine or not number.isdecimal():
        return None
    stat = _stat(root, int(number))
    return bool(stat) and stat[_STARTED] == started and stat[_STATE] not in _ENDED


def _machine(root: Path) -> str:
    """Return an identifier of this machine's boot and PID namespace, or ""."""
    try:
        boot = read_file(root / "proc/sys/kernel/random/boot_id").decode(errors="replace").strip()
        namespace = (root / "proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot}/{namespace}".replace(" ", "")


def _stat(root: Path, number: int) -> list[str]:
    try:
        text = read_file(root / "proc" / str(number) / "stat").decode(errors="replace")
    except OSError:
        return []
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > _STARTED else []
