# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects the processes that a person left running on purpose, also if they sleep.

A job that waits uses nothing that could be counted. Its only trace is how it was started: under nohup, in the
foreground of a terminal, in a login, or as a person's service. Pure functions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import NamedTuple, TypeVar

_Key = TypeVar("_Key", bound=Hashable)

# A process cannot be older than its machine, apart from rounding.
_ROUNDED = 60.0
# The kinds that people start. The others wait for people, or belong to a desktop, a terminal or a login.
_WORK = frozenset({"program", "link"})
# With one of these in it, a session is not over, or has signals of its own.
_OPEN = frozenset({"sshd", "login", "screen"})


class Process(NamedTuple):
    """A process of a person, or of root after a login.

    ``flags``: ``h`` ignores the hang-up signal, ``t`` has a terminal, ``f`` is in the foreground of it, ``p`` runs as a
    person.
    ``age`` is in seconds. ``holder`` is where it was started: ``sN`` a login session, ``uN`` a service, ``tN`` a
    unit of systemd-run, ``cID`` a container, ``-`` anything else. ``kind`` is a class of programs, not a name.
    """

    id: int
    parent: int
    group: int
    flags: frozenset[str]
    age: float
    holder: str
    kind: str


class Job(NamedTuple):
    """A process that was left running: how it was found, and its age in seconds."""

    kind: str
    age: float


def jobs_of(processes: Sequence[Process], jupyter: Collection[int], uptime: float) -> tuple[Job, ...]:
    """Return the jobs among processes, each once. ``jupyter`` are the servers that were queried; ``uptime`` in seconds.

    An impossible age counts as 0.
    """
    table = _Table(processes, jupyter)
    found: dict[int, Job] = {}
    for kind, search in _SEARCHES.items():
        for process, age in search(table):
            # One job may be found in several ways. The first is the most specific.
            if process.id not in found:
                possible = 0 <= age <= uptime + _ROUNDED
                found[process.id] = Job(kind, age if possible else 0.0)
    return tuple(found.values())


class _Table:
    """Processes with their parents, groups and holders."""

    def __init__(self, processes: Sequence[Process], jupyter: Collection[int]) -> None:
        self.by_id = {each.id: each for each in processes if not each.holder.startswith("c")}
        self.all = list(self.by_id.values())
        self.groups = _by(self.all, lambda each: each.group)
        self.holders = _by(self.all, lambda each: each.holder)
        self._servers = set(jupyter)
        # Such as "uv run jupyter lab": it only waits for the server.
        self._launchers = {
            above.id
            for server in map(self.by_id.get, self._servers)
            if server
            for above in self.ancestors(server)
            if above.group == server.group
        }

    def ancestors(self, process: Process) -> Iterator[Process]:
        """Yield the process, its parent, and so on, for as long as they are known."""
        met: set[int] = set()
        next_one: Process | None = process
        while next_one is not None and next_one.id not in met:
            yield next_one
            met.add(next_one.id)
            next_one = self.by_id.get(next_one.parent)

    def server_of(self, process: Process) -> Process | None:
        """Return the Jupyter server that a process is below, or is, or has started."""
        return next((each for each in self.ancestors(process) if each.id in self._servers | self._launchers), None)

    def first_of_job(self, process: Process) -> Process:
        """Return the oldest ancestor that is of one job with a process: a script that starts a program each minute."""
        top = process
        for above in self.ancestors(process):
            if above.holder != process.holder or not (above.kind in _WORK or above.group == process.group):
                break
            top = above
        return top


def _by(processes: Sequence[Process], key: Callable[[Process], _Key]) -> dict[_Key, list[Process]]:
    found: dict[_Key, list[Process]] = defaultdict(list)
    for each in processes:
        found[key(each)].append(each)
    return found


def _foreground(table: _Table) -> Iterator[tuple[Process, float]]:
    """Yield the programs in the foreground of a terminal, also of a detached one, and of Jupyter's."""
    for group in table.groups.values():
        work = [each for each in group if "f" in each.flags and each.kind in _WORK and not _is_server(table, each)]
        if work:
            oldest = max(group, key=lambda each: each.age)
            yield oldest, oldest.age


def _is_server(table: _Table, process: Process) -> bool:
    server = table.server_of(process)
    return server is not None and server.group == process.group


def _nohup(table: _Table) -> Iterator[tuple[Process, float]]:
    """Yield the top of each tree of processes that ignore the hang-up signal."""
    for each in table.all:
        if _ignores_hangup(each) and not _below_nohup(table, each) and table.server_of(each) is None:
            yield each, each.age


def _ignores_hangup(process: Process) -> bool:
    return "h" in process.flags and process.kind not in {"terminal", "agent", "screen", "sshd"}


def _below_nohup(table: _Table, process: Process) -> bool:
    above = table.by_id.get(process.parent)
    return above is not None and _ignores_hangup(above)


def _in_session(table: _Table) -> Iterator[tuple[Process, float]]:
    """Yield the programs of login sessions, whether those are over or not, and the scripts of those that are over."""
    for name, session in table.holders.items():
        kinds = {each.kind for each in session}
        # A desktop has many programs that are not work.
        if not name.startswith("s") or "screen" in kinds:
            continue
        for each in session:
            if table.server_of(each) is not None or not _counts(each, kinds):
                continue
            top = table.first_of_job(each)
            left = top.parent not in table.by_id or not kinds & _OPEN
            if each.kind == "program" or (_is_script(each) and left):
                yield top, top.age


def _is_script(process: Process) -> bool:
    """Whether it is a shell without a terminal. A login may talk to one that is below it."""
    return process.kind == "shell" and "t" not in process.flags


def _counts(process: Process, kinds: Collection[str]) -> bool:
    # The jobs of root's crontab run in sessions of their own, and are the system's.
    return "cron" not in kinds or "p" in process.flags


def _service(table: _Table) -> Iterator[tuple[Process, float]]:
    """Yield the services that run as a person, and those that a person started with systemd-run."""
    for name, unit in table.holders.items():
        if not name.startswith(("u", "t")) or any(each.kind in {"screen", "jupyter"} for each in unit):
            continue
        work = [
            each
            for each in unit
            if (each.kind == "program" or _is_script(each)) and (name.startswith("t") or "p" in each.flags)
        ]
        if work and not any(table.server_of(each) for each in work):
            oldest = max(unit, key=lambda each: each.age)
            yield oldest, oldest.age


_SEARCHES = {"nohup": _nohup, "foreground": _foreground, "session": _in_session, "service": _service}
