# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an instance at one moment, from the output of the probe.

Everything is taken unchanged; its meaning is decided in ``intervals`` and ``rules``. Text that is cut, unknown or
contradicts itself is no reading at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from .. import times
from ..errors import JetstreamError
from .jobs import Job, Process, jobs_of
from .probe import FORMAT

# Many times the longest output of a probe.
_LONGEST_TEXT = 2_000_000
# The unit of the kernel's counters of CPU time, the same on every Linux.
_TICKS_PER_SECOND = 100
_BYTES_PER_SECTOR = 512
# A reading needs all of these. The other sources depend on the programs of the instance.
_REQUIRED = frozenset({"probe", "boot", "uptime", "cpu", "cpus", "net", "snmp", "disk", "tty", "procs"})
# Their traffic is counted once more on the real interface.
_VIRTUAL_INTERFACE = re.compile(
    r"(lo|docker|br-|veth|virbr|cni|flannel|cali|tun|tap|wg|tailscale|vxlan|ifb|dummy|sit|ip6tnl|gre)"
)
# Layers above a disk, and its parts: counted on the disk itself.
_PART_OF_DISK = re.compile(r"(loop|ram|zram|sr|fd|dm-|md|nbd)\d*.*|(nvme\d+n\d+|mmcblk\d+)p\d+|(sd|vd|xvd|hd)[a-z]+\d+")
_SECTION = re.compile(r"== ([a-z]+(?: \d{1,10})?)")
_STATUS = re.compile(r"=! (\d{1,3})")
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_BOOT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NoEvidence(JetstreamError):
    """Output of the probe that is no evidence: cut, empty, of another format, or contradictory."""


class Connection(NamedTuple):
    """An established TCP connection, by the ports of its two ends.

    ``near`` and ``far`` are ``loopback``, ``self`` (another address of the instance) or ``outside``. ``owner`` is
    ``own`` for the probe's, ``sshd`` for those of an ssh server, ``nobody`` for those of it without a login (yet),
    ``other``, or ``-`` where only root may know. ``processes`` are those of an ssh server that hold it. Bytes and
    segments are counted since it began.
    """

    port: int
    near: str
    peer_port: int
    far: str
    owner: str
    processes: tuple[int, ...]
    received: int
    sent: int
    segments: int


class Listener(NamedTuple):
    """A port on which something listens. ``quiet``: by a program that does not serve people."""

    port: int
    outside: bool
    quiet: bool


class Terminal(NamedTuple):
    """A terminal. ``key_age`` and ``output_age`` are seconds since something was typed, and shown."""

    key_age: float
    output_age: float


class Jupyter(NamedTuple):
    """A Jupyter server. Ages are in seconds. ``answers``: whether it returned its kernels and terminals."""

    port: int
    process: int
    answers: bool
    busy_kernels: int
    kernel_ages: tuple[float, ...]
    terminal_ages: tuple[float, ...]


class Published(NamedTuple):
    """A port that is sent on to a container, and how many connections were, ever."""

    port: int
    container_port: int
    connections: int


class Gpu(NamedTuple):
    """The answer of the driver: the load of each GPU in per cent (None: unknown), and the number of programs on them.

    ``answers``: whether the tool worked. ``holders`` are counted by the kernel, for root only.
    """

    answers: bool
    loads: tuple[int | None, ...]
    programs: int | None
    holders: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """An instance at one moment.

    ``taken`` is the controller's clock when the text arrived, ``clock`` the instance's own (both in seconds since
    1970), ``uptime`` in seconds. ``cpu`` is seconds of CPU time used, ``iowait`` seconds in which a CPU waited for a
    disk, both since boot. ``net`` is bytes by interface, ``disk`` bytes and seconds with a request by disk.
    ``sections`` is the status of each source by name.
    """

    taken: float
    boot: str
    clock: float
    uptime: float
    root: bool
    cpus: int
    cpu: float
    iowait: float
    net: Mapping[str, int]
    disk: Mapping[str, tuple[int, float]]
    accepted: int
    datagrams: int
    terminals: tuple[Terminal, ...]
    jobs: tuple[Job, ...]
    unasked_jupyter: int
    connections: tuple[Connection, ...]
    listeners: tuple[Listener, ...]
    udp_listeners: tuple[Listener, ...]
    ssh_logged: int | None
    ssh_logged_since: float | None
    due: Mapping[str, int]
    inhibitors: int
    gpu: Gpu | None
    slurm: Mapping[str, int]
    containers: int
    published: tuple[Published, ...]
    held_in_containers: Mapping[int, int]
    jupyter: tuple[Jupyter, ...]
    sections: Mapping[str, int]


_PARTS: Mapping[str, Any] = {
    "terminals": Terminal,
    "jobs": Job,
    "connections": Connection,
    "listeners": Listener,
    "udp_listeners": Listener,
    "published": Published,
    "jupyter": Jupyter,
}


def parse(text: str, *, taken: float) -> Reading:
    """Return the reading in the output of a probe. ``taken`` is the controller's clock, in seconds since 1970.

    Raises NoEvidence.
    """
    sections = _sections(text)
    missing = sorted(_REQUIRED - sections.keys())
    failed = sorted(name for name in _REQUIRED & sections.keys() if sections[name].status and name != "procs")
    if missing or failed:
        raise NoEvidence(f"The probe could not read {', '.join(missing or failed)}.")
    try:
        return _Parser(sections).reading(taken)
    except (ValueError, IndexError, KeyError) as error:
        raise NoEvidence(f"The output of the probe cannot be parsed: {error}.") from None


def to_record(reading: Reading) -> dict[str, Any]:
    """Return a reading as plain JSON."""
    record = {each.name: getattr(reading, each.name) for each in fields(reading)}
    return record | {"net": dict(reading.net), "disk": {name: list(each) for name, each in reading.disk.items()}}


def from_record(record: Mapping[str, Any]) -> Reading:
    """Return the reading that a record holds. Raises TypeError, ValueError or AttributeError if it is none."""
    values = dict(record)
    for name, kind in _PARTS.items():
        values[name] = tuple(kind(*(_frozen(part) for part in each)) for each in values.get(name, ()))
    gpu = values.get("gpu")
    values["gpu"] = None if gpu is None else Gpu(*(_frozen(part) for part in gpu))
    values["disk"] = {name: (each[0], each[1]) for name, each in values.get("disk", {}).items()}
    held = values.get("held_in_containers", {})
    values["held_in_containers"] = {int(port): count for port, count in held.items()}
    return Reading(**values)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class _Section(NamedTuple):
    status: int
    lines: list[list[str]]


def _sections(text: str) -> dict[str, _Section]:
    """Return the words of each line by section. Raises NoEvidence if the text is not whole."""
    if len(text) > _LONGEST_TEXT:
        raise NoEvidence("The output of the probe is too long.")
    sections: dict[str, _Section] = {}
    name: str | None = None
    lines: list[list[str]] = []
    # Before the first section, a login may have printed anything.
    for line in text.replace("\r\n", "\n").split("\n"):
        if found := _SECTION.fullmatch(line):
            if name is not None or found[1] in sections:
                raise NoEvidence(f"The output of the probe is malformed: section {found[1]} begins inside another.")
            if found[1] == "end":
                return sections
            name, lines = found[1], []
        elif name is None:
            continue
        elif ended := _STATUS.fullmatch(line):
            sections[name] = _Section(int(ended[1]), lines)
            name = None
        elif words := line.split():
            lines.append(words)
    raise NoEvidence(
        "The output of the probe is truncated: its end is missing." if sections else "The probe printed nothing."
    )


class _Parser:
    """Turns sections into a reading. Raises ValueError, IndexError or KeyError for unknown text."""

    def __init__(self, sections: Mapping[str, _Section]) -> None:
        self._sections = sections
        told = dict(self._pairs("probe"))
        if told.get("format") != str(FORMAT):
            raise ValueError(f"format {told.get('format', 'missing')}, and only {FORMAT} is known")
        self._clock = float(_number(told["clock"]))
        self._root = _number(told["uid"]) == 0
        self._since = float(_number(told["since"])) if "since" in told else None
        self._uptime = _decimal(self._one("uptime")[0])

    def reading(self, taken: float) -> Reading:
        boot = self._one("boot")[0]
        if not _BOOT.fullmatch(boot):
            raise ValueError("the boot has no id")
        cpu = [_number(word) / _TICKS_PER_SECOND for word in self._one("cpu")]
        snmp = {name: _number(value) for name, value in self._pairs("snmp")}
        jupyter = tuple(self._jupyter())
        processes = [_process(words) for words in self._lines("procs")]
        jobs = jobs_of(processes, {each.process for each in jupyter}, self._uptime) + self._container_jobs()
        asked = {each.process for each in jupyter}
        logged = self._lines("sshlog") if self._works("sshlog") else []
        return Reading(
            taken=taken,
            boot=boot,
            clock=self._clock,
            uptime=self._uptime,
            root=self._root,
            cpus=_number(self._one("cpus")[0]),
            # Stolen time is demand of this instance that was not met. Time of guests is in the user's already.
            cpu=cpu[0] + cpu[1] + cpu[2] + sum(cpu[5:8]),
            iowait=cpu[4],
            net=self._net(),
            disk=self._disk(),
            accepted=snmp["Tcp:PassiveOpens"],
            datagrams=snmp["Udp:InDatagrams"],
            terminals=tuple(self._terminals()),
            jobs=jobs,
            unasked_jupyter=sum(each.kind == "jupyter" and each.id not in asked for each in processes),
            connections=tuple(_connection(words) for words in self._lines("conns")),
            listeners=self._listeners("listent"),
            udp_listeners=self._listeners("listenu"),
            ssh_logged=_number(logged[0][0]) if logged else None,
            ssh_logged_since=self._since,
            due={name: _number(value) for name, value in self._pairs("due")},
            inhibitors=_number(self._one("inhibit")[0]) if self._works("inhibit") else 0,
            gpu=self._gpu(),
            slurm={name: _number(value) for name, value in self._pairs("slurm")},
            containers=sum(words[0] == "container" for words in self._lines("containers")),
            published=self._published(),
            held_in_containers=self._held(),
            jupyter=jupyter,
            sections={name: section.status for name, section in self._sections.items()},
        )

    def _lines(self, name: str) -> list[list[str]]:
        return self._sections[name].lines if name in self._sections else []

    def _pairs(self, name: str) -> Iterator[tuple[str, str]]:
        for words in self._lines(name):
            yield words[0], words[1]

    def _one(self, name: str) -> list[str]:
        [words] = self._lines(name)
        return words

    def _works(self, name: str) -> bool:
        return name in self._sections and self._sections[name].status == 0

    def _age(self, moment: int) -> float:
        """Return the age of a moment of the instance's clock. A moment in the future has the age 0."""
        return max(0.0, self._clock - moment)

    def _net(self) -> dict[str, int]:
        return {
            name: _number(received) + _number(sent)
            for name, received, sent in self._lines("net")
            if not _VIRTUAL_INTERFACE.match(name)
        }

    def _disk(self) -> dict[str, tuple[int, float]]:
        return {
            name: (_number(sectors) * _BYTES_PER_SECTOR, _number(busy) / 1000)
            for name, sectors, busy in self._lines("disk")
            if not _PART_OF_DISK.fullmatch(name)
        }

    def _terminals(self) -> Iterator[Terminal]:
        for _device, _uid, typed, shown, mark in self._lines("tty"):
            if mark != "own":
                yield Terminal(self._age(_number(typed)), self._age(_number(shown)))

    def _listeners(self, name: str) -> tuple[Listener, ...]:
        return tuple(
            Listener(_number(port), near == "outside", mark == "quiet") for port, near, mark in self._lines(name)
        )

    def _gpu(self) -> Gpu | None:
        if "gpu" not in self._sections:
            return None
        # nvidia-smi prints a table with commas.
        rows = [" ".join(words).split(",") for words in self._lines("gpu")]
        loads = tuple(_load(row[1]) for row in rows if len(row) > 1)
        programs = _number(self._one("gpuapps")[0]) if self._works("gpuapps") else None
        holders = _number(self._one("gpufd")[0]) if self._works("gpufd") else None
        return Gpu(self._works("gpu") and len(loads) == len(rows) > 0, loads, programs, holders)

    def _container_jobs(self) -> tuple[Job, ...]:
        """Return the containers that a boot does not start again: jobs, not services."""
        policies = {words[1]: words[2] if len(words) > 2 else "no" for words in self._kind("containers", "policy")}
        return tuple(
            Job("container", float(_number(words[2])))
            for words in self._kind("containers", "container")
            if words[4] != "other" and policies.get(words[1], "no") not in {"always", "unless-stopped"}
        )

    def _published(self) -> tuple[Published, ...]:
        return tuple(
            Published(_number(port), _number(inside), _number(count))
            for _word, port, inside, count in self._kind("containers", "published")
            # A range is no single port.
            if port.isdigit() and inside.isdigit()
        )

    def _held(self) -> dict[int, int]:
        held: dict[int, int] = {}
        for _word, port, count in self._kind("containers", "held"):
            held[int(port, 16)] = held.get(int(port, 16), 0) + _number(count)
        return held

    def _kind(self, section: str, kind: str) -> list[list[str]]:
        return [words for words in self._lines(section) if words[0] == kind]

    def _jupyter(self) -> Iterator[Jupyter]:
        for name, section in self._sections.items():
            kind, _blank, process = name.partition(" ")
            if kind == "jupyter":
                yield self._jupyter_server(int(process), section)

    def _jupyter_server(self, process: int, section: _Section) -> Jupyter:
        told = [" ".join(words) for words in section.lines]
        [port] = [words[1] for words in section.lines if words[0] == "port"]
        # A server without terminals has no such address.
        answers = section.status == 0 and "kernels 200" in told and bool({"terminals 200", "terminals 404"} & set(told))
        return Jupyter(
            port=int(port) if port.isdigit() else 0,
            process=process,
            answers=answers,
            # A kernel to which no page was ever connected stays "starting". The others are dated by their last use.
            busy_kernels=sum(words == ["kernel", "execution_state", "busy"] for words in section.lines),
            kernel_ages=self._last_activity("kernel", section),
            terminal_ages=self._last_activity("terminal", section),
        )

    def _last_activity(self, kind: str, section: _Section) -> tuple[float, ...]:
        moments = [words[2] for words in section.lines if words[:2] == [kind, "last_activity"]]
        return tuple(max(0.0, self._clock - _iso(moment)) for moment in moments)


def _process(words: Sequence[str]) -> Process:
    _word, number, parent, group, flags, age, holder, kind = words
    return Process(
        _number(number), _number(parent), _number(group), frozenset(flags) - {"-"}, float(_number(age)), holder, kind
    )


def _connection(words: Sequence[str]) -> Connection:
    port, near, peer_port, far, owner, processes, received, sent, segments = words
    return Connection(
        port=_number(port),
        near=near,
        peer_port=_number(peer_port),
        far=far,
        owner=owner,
        processes=() if processes == "-" else tuple(_number(each) for each in processes.split(",")),
        received=_number(received),
        sent=_number(sent),
        segments=_number(segments),
    )


def _load(word: str) -> int | None:
    """Return a GPU's load in per cent, or None if the driver does not know it."""
    load = word.strip()
    return int(load) if load.isascii() and load.isdigit() and int(load) <= 100 else None


def _iso(text: str) -> float:
    return times.moment(text).timestamp()


def _number(word: str) -> int:
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word[:20]!r} is no number")
    return int(word)


def _decimal(word: str) -> float:
    if not _DECIMAL.fullmatch(word):
        raise ValueError(f"{word[:20]!r} is no number")
    return float(word)
