# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events between two readings of an instance: means of the kernel's counters, and the state at the end.

An interval holds numbers only, each of which grows with use, and no limit: what the numbers mean is decided in
``rules``, with settings that may change. So intervals are what is kept, and what a change of settings is tried on.
Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from .jobs import Job
from .readings import Connection, Listener, Reading

HOUR = 3600.0
# The clocks of instance and controller, and the uptime, may differ by this much before something is wrong:
# seconds, or a share of the interval. The controller's clock also has the time in which a probe is on its way.
_DRIFT = 5.0
_TRANSIT = 45.0
_DRIFT_SHARE = 0.05
# The bytes of a connection to the ssh port without a login.
_BYTES_PER_SSH_CONNECTION = 7500
_VNC_PORTS = range(5900, 5920)
_SSH_PORT = 22
# A request for a new picture of the screen, which a viewer sends by itself.
_BYTES_PER_SCREEN_REQUEST = 10
# The kernel assigns ports above it to clients.
_RANDOM_UDP_PORTS = 32768
_COUNTER_JITTER = 0.05
_MOST_JOBS = 20
_MOST_PORTS = 50
# Which rules cannot be judged where a source fails. One that is not here only lowers other numbers.
_RULES_OF_SOURCE: Mapping[str, tuple[str, ...]] = {
    "tty": ("keys",),
    "procs": ("jobs",),
    "conns": ("viewer", "ssh", "web"),
    "listent": ("web",),
    "listenu": ("udp",),
    "due": ("due",),
    "inhibit": ("inhibitor",),
    "slurm": ("slurm",),
    "gpu": ("gpu",),
    "gpufd": ("gpu",),
    "containers": ("web", "jobs"),
}


class Doubt(NamedTuple):
    """Why nothing can be concluded. ``rule`` is the one rule that it concerns, or "" for all of them."""

    rule: str
    reason: str


class SshUse(NamedTuple):
    """An ssh connection of a person in the interval: bytes a minute. Tunnels to Jupyter alone are left out."""

    received: float
    sent: float


class Rate(NamedTuple):
    """Connections an hour to a port."""

    port: int
    an_hour: float


@dataclass(frozen=True, slots=True)
class Interval:
    """The time between two readings of one boot. Times are the controller's, in seconds since 1970.

    An interval of no length only has the state at that moment. ``readings`` are those that it ends with, and
    ``longest_gap`` is the longest time between any two of them: 1 and its length, unless it is several put together.

    Rates are means: ``cores`` and ``iowait`` in CPUs, ``net`` and ``disk`` in bytes a second, ``disk_busy`` as a share,
    ``accepted`` and ``datagrams`` an hour, ``viewer`` in bytes. Ages are seconds before the end. ``gpu`` is per cent,
    and ``gpu_untold`` counts programs that hold a GPU whose load is not told. The rest are counts.
    """

    start: float
    end: float
    boot: str
    uptime: float
    readings: int = 1
    longest_gap: float = 0.0
    doubts: tuple[Doubt, ...] = ()
    cores: float = 0.0
    iowait: float = 0.0
    net: float = 0.0
    disk: float = 0.0
    disk_busy: float = 0.0
    accepted: float = 0.0
    web_ports: tuple[int, ...] = ()
    published: tuple[Rate, ...] = ()
    client_ports: tuple[int, ...] = ()
    datagrams: float = 0.0
    udp_ports: tuple[int, ...] = ()
    viewer: float = 0.0
    ssh: tuple[SshUse, ...] = ()
    key_age: float | None = None
    busy_kernels: int = 0
    jupyter_age: float | None = None
    jobs: tuple[Job, ...] = ()
    slurm: int = 0
    due: int = 0
    inhibitors: int = 0
    gpu: int = 0
    gpu_untold: int = 0
    # Processes that do not keep an instance, but are lost with its memory. Its owner is notified of them.
    kernels: int = 0
    terminals: int = 0
    logins: int = 0
    containers: int = 0
    # Seconds of which nothing is known for certain, where several intervals were put together.
    unknown: float = 0.0

    @property
    def is_combined(self) -> bool:
        """Whether it is several put together, so that nothing in it is known to the minute."""
        return self.readings > 1

    @property
    def length(self) -> float:
        """Return how long it lasted, in seconds."""
        return self.end - self.start


def intervals_of(readings: Sequence[Reading]) -> list[Interval]:
    """Return the intervals between readings, oldest first. Each boot begins with an interval of no length."""
    found: list[Interval] = []
    previous: Reading | None = None
    for each in readings:
        found.append(since(previous, each))
        previous = each
    return found


def since(previous: Reading | None, reading: Reading) -> Interval:
    """Return the interval from one reading to the next, or the state alone at the first reading of a boot."""
    if previous is None or previous.boot != reading.boot:
        return _moment(reading, reading.taken)
    return _between(previous, reading)


def hourly(intervals: Iterable[Interval]) -> list[Interval]:
    """Put the intervals that end in one hour of one boot together, so that each number is the greatest of them."""
    return [
        _together(list(group))
        for _hour, group in groupby(intervals, key=lambda each: (each.boot, int(each.end // HOUR)))
    ]


def to_record(interval: Interval) -> dict[str, Any]:
    """Return an interval as plain JSON, without zeros."""
    return {
        name: value
        for field in fields(interval)
        for name, value in [(field.name, getattr(interval, field.name))]
        if value != field.default
    }


def from_record(record: Mapping[str, Any]) -> Interval:
    """Return the interval that a record holds. Raises TypeError or ValueError if it is none."""
    values = {name: _frozen(value) for name, value in record.items()}
    for name, kind in _PARTS.items():
        if name in values:
            values[name] = tuple(kind(*each) for each in values[name])
    return Interval(**values)


_PARTS: Mapping[str, Any] = {"doubts": Doubt, "published": Rate, "ssh": SshUse, "jobs": Job}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value


def _moment(reading: Reading, start: float) -> Interval:
    """Return the state at a reading."""
    keys = [each.key_age for each in reading.terminals]
    used = [age for each in reading.jupyter for age in (*each.kernel_ages, *each.terminal_ages)]
    gpu = reading.gpu
    return Interval(
        start=start,
        end=reading.taken,
        boot=reading.boot,
        uptime=reading.uptime,
        longest_gap=reading.taken - start,
        doubts=tuple(_doubts_of(reading)),
        key_age=min(keys, default=None),
        busy_kernels=sum(each.busy_kernels for each in reading.jupyter),
        jupyter_age=min(used, default=None),
        jobs=_youngest(reading.jobs),
        slurm=sum(reading.slurm.values()),
        due=sum(reading.due.values()),
        inhibitors=reading.inhibitors,
        gpu=max((load for load in gpu.loads if load is not None), default=0) if gpu else 0,
        gpu_untold=max(gpu.programs or 0, gpu.holders or 0) if gpu and None in gpu.loads else 0,
        kernels=sum(len(each.kernel_ages) for each in reading.jupyter),
        terminals=len(reading.terminals),
        logins=sum(_is_ssh(each) for each in reading.connections),
        containers=reading.containers,
    )


def _doubts_of(reading: Reading) -> Iterator[Doubt]:
    for name, status in reading.sections.items():
        if status and name not in _ANSWERS_OF_THEIR_OWN:
            yield from _failed(name, f"the probe could not read {name} (status {status})")
    if "conns" not in reading.sections:
        yield from _failed("conns", "the instance has no ss, which lists its connections")
    if not reading.disk:
        yield Doubt("disk", "there is no disk whose counters are known")
    for server in reading.jupyter:
        if not server.answers:
            yield Doubt("jupyter", f"the Jupyter server on port {server.port} does not report its activity")
    if reading.unasked_jupyter:
        yield Doubt("jupyter", "a Jupyter server cannot be queried")
    yield from _gpu_doubts(reading)


# Jupyter and GPUs have more precise doubts.
_ANSWERS_OF_THEIR_OWN = frozenset({"gpu", "gpuapps"})


def _failed(source: str, reason: str) -> Iterator[Doubt]:
    for rule in _RULES_OF_SOURCE.get(source, ()):
        yield Doubt(rule, reason)


def _gpu_doubts(reading: Reading) -> Iterator[Doubt]:
    gpu = reading.gpu
    if gpu is None:
        return
    if not gpu.answers:
        yield Doubt("gpu", "the driver of the GPU does not respond")
    elif None in gpu.loads and gpu.holders is None and not gpu.programs:
        # A driver that hides the load may hide the programs as well. The kernel shows them, but to root only.
        yield Doubt("gpu", "the load of the GPU is unknown, and only root can list its programs")


def _between(before: Reading, after: Reading) -> Interval:
    seconds = after.uptime - before.uptime
    interval = _moment(after, before.taken)
    doubts = [*interval.doubts, *_clock_doubts(before, after)]
    for name in before.sections.keys() - after.sections.keys() - _COME_AND_GO:
        doubts += _failed(name, f"the probe no longer reads {name}")
    if seconds <= 0:
        return replace(interval, doubts=tuple(doubts))
    rates = _Rates(before, after, seconds)
    found = replace(
        interval,
        cores=rates.cores(),
        iowait=rates.of("iowait", before.iowait, after.iowait, ""),
        net=rates.net(),
        disk=rates.disk(),
        disk_busy=rates.disk_busy(),
        accepted=rates.accepted(),
        web_ports=_ports_of(before.listeners, after.listeners, {each.port for each in after.jupyter if each.answers}),
        published=rates.published(),
        client_ports=rates.client_ports(),
        datagrams=rates.of("udp", before.datagrams, after.datagrams, "the counter of datagrams") * HOUR,
        udp_ports=_udp_ports(before, after),
        viewer=rates.viewer(),
        ssh=rates.ssh(),
    )
    return replace(found, doubts=tuple(doubts + rates.doubts))


# Programs that were queried may end, and so may the last container.
_COME_AND_GO = frozenset({"containers", "slurm"})


def _clock_doubts(before: Reading, after: Reading) -> Iterator[Doubt]:
    seconds = after.uptime - before.uptime
    if seconds <= 0:
        yield Doubt("", "the instance's uptime did not grow")
        return
    own = after.clock - before.clock
    if abs(own - seconds) > max(_DRIFT, _DRIFT_SHARE * seconds):
        yield Doubt("", f"the instance's clock jumped by {own - seconds:+.0f} s")
    ours = after.taken - before.taken
    if abs(ours - seconds) > max(_TRANSIT, _DRIFT_SHARE * seconds):
        yield Doubt(
            "",
            f"the instance ran for {seconds:.0f} s of {ours:.0f} s: it was paused, or the clock of this machine jumped",
        )


class _Rates:
    """Means over an interval. A counter that went back, or an impossible mean, becomes a doubt."""

    def __init__(self, before: Reading, after: Reading, seconds: float) -> None:
        self._before = before
        self._after = after
        self._seconds = seconds
        self.doubts: list[Doubt] = []

    def of(self, rule: str, before: float, after: float, counter: str) -> float:
        """Return the mean growth of a counter per second. ``counter``: its name for the message if it went back."""
        if after < before and counter:
            self.doubts.append(Doubt(rule, f"{counter} went back"))
        return max(0.0, after - before) / self._seconds

    def cores(self) -> float:
        cores = self.of("", self._before.cpu, self._after.cpu, "the counter of CPU time")
        if cores > self._after.cpus * (1 + _COUNTER_JITTER) + _COUNTER_JITTER:
            self.doubts.append(Doubt("", f"{cores:.1f} cores were busy, of {self._after.cpus}"))
        return cores

    def net(self) -> float:
        """Return bytes a second, less the cost of connections that the ssh server logged."""
        before, after = self._before.net, self._after.net
        both = before.keys() & after.keys()
        if not both:
            self.doubts.append(Doubt("net", "no network interface has counters at both readings"))
        total = sum(
            self.of("net", before[name], after[name], "the counter of a network interface") for name in sorted(both)
        )
        scans = (self._logged() or 0) * _BYTES_PER_SSH_CONNECTION / self._seconds
        return max(0.0, total - scans)

    def disk(self) -> float:
        before, after = self._before.disk, self._after.disk
        both = sorted(before.keys() & after.keys())
        if after and not both:
            self.doubts.append(Doubt("disk", "no disk has counters at both readings"))
        return sum(self.of("disk", before[name][0], after[name][0], "the counter of a disk") for name in both)

    def disk_busy(self) -> float:
        before, after = self._before.disk, self._after.disk
        both = before.keys() & after.keys()
        # This counter has 32 bits, and starts again after 49 days of use.
        return max(
            (self.of("disk", before[name][1], after[name][1], "the time of a disk") for name in both), default=0.0
        )

    def accepted(self) -> float:
        """Return connections an hour that were accepted, without those that had nothing to do with a service."""
        grown = (
            self.of("web", self._before.accepted, self._after.accepted, "the counter of connections") * self._seconds
        )
        logged = self._logged()
        # A connection without a login yet was accepted before the reading, and is logged after it.
        ssh = self._own_logins() if logged is None else logged - _going_on(self._before) + _going_on(self._after)
        own = len(self._after.jupyter) + max(0, ssh)
        return max(0.0, grown - own) / self._seconds * HOUR

    def published(self) -> tuple[Rate, ...]:
        before = _published(self._before)
        rates = []
        for port, count in sorted(_published(self._after).items()):
            # A restarted container has a new counter.
            grown = count - before.get(port, 0) if count >= before.get(port, 0) else count
            if grown > 0:
                rates.append(Rate(port, grown / self._seconds * HOUR))
        return tuple(rates[:_MOST_PORTS])

    def client_ports(self) -> tuple[int, ...]:
        return tuple(sorted(_client_ports(self._before) & _client_ports(self._after)))[:_MOST_PORTS]

    def viewer(self) -> float:
        """Return the bytes that viewers of a desktop sent, unless all of them only requested pictures."""
        total = 0.0
        only_requests = True
        for connection, received, _sent, segments in self._grown():
            if connection.port in _VNC_PORTS:
                total += received
                only_requests = only_requests and received == _BYTES_PER_SCREEN_REQUEST * segments
        return 0.0 if only_requests else total

    def ssh(self) -> tuple[SshUse, ...]:
        minutes = self._seconds / 60
        # Jupyter and desktops have rules of their own, which know an open page from a person.
        known = {each.port for each in self._after.jupyter if each.answers} | set(_VNC_PORTS)
        uses = {
            SshUse(received / minutes, sent / minutes)
            for connection, received, sent, _segments in self._grown()
            if _is_ssh(connection) and not _leads_only_to(known, connection, self._after.connections)
        }
        return tuple(sorted(uses, reverse=True)[:_MOST_PORTS])

    def _grown(self) -> Iterator[tuple[Connection, int, int, int]]:
        """Yield each connection with bytes received, bytes sent and segments received in the interval."""
        old = {_key(each): each for each in self._before.connections}
        for each in self._after.connections:
            known = old.get(_key(each))
            if known is None or known.received > each.received or known.sent > each.sent:
                yield each, each.received, each.sent, each.segments
            else:
                yield each, each.received - known.received, each.sent - known.sent, each.segments - known.segments

    def _logged(self) -> int | None:
        """Return how many connections the ssh server logged in this very interval, or None if that is not known."""
        began = self._after.ssh_logged_since
        return self._after.ssh_logged if began is not None and 0 <= began - self._before.clock <= _DRIFT else None

    def _own_logins(self) -> int:
        before = {_key(each) for each in self._before.connections}
        return sum(each.owner == "own" and _key(each) not in before for each in self._after.connections)


def _going_on(reading: Reading) -> int:
    """Return how many connections to the ssh server have no login yet: scans, most of them."""
    return sum(each.owner == "nobody" for each in reading.connections)


def _key(connection: Connection) -> tuple[int, int, str]:
    return connection.port, connection.peer_port, connection.far


def _is_ssh(connection: Connection) -> bool:
    """Whether it is a person's connection to the ssh server, and not the probe's."""
    if connection.far == "loopback" or connection.near == "loopback":
        return False
    # If only root can see the owner, the usual port decides.
    return connection.owner == "sshd" or (connection.owner == "-" and connection.port == _SSH_PORT)


def _leads_only_to(ports: set[int], connection: Connection, connections: Iterable[Connection]) -> bool:
    """Whether an ssh connection is forwarded, and to none but these ports of the instance."""
    forwards = [
        each
        for each in connections
        if each.owner == "sshd" and set(each.processes) & set(connection.processes) and _key(each) != _key(connection)
    ]
    return bool(forwards) and all(each.far != "outside" and each.peer_port in ports for each in forwards)


def _ports_of(before: Iterable[Listener], after: Iterable[Listener], known: set[int]) -> tuple[int, ...]:
    """Return the ports that something serves to others at both readings, without those that have rules of their own."""
    both = {each.port for each in before if _serves(each)} & {each.port for each in after if _serves(each)}
    return tuple(sorted(both - known - set(_VNC_PORTS)))[:_MOST_PORTS]


def _serves(listener: Listener) -> bool:
    return listener.outside and not listener.quiet


def _udp_ports(before: Reading, after: Reading) -> tuple[int, ...]:
    ports = _ports_of(before.udp_listeners, after.udp_listeners, set())
    return tuple(port for port in ports if port < _RANDOM_UDP_PORTS)


def _client_ports(reading: Reading) -> set[int]:
    """Return the ports at which a client from outside is connected, also those that lead into a container."""
    known = {each.port for each in reading.jupyter if each.answers} | set(_VNC_PORTS)
    served = {each.port for each in reading.listeners if _serves(each)} - known
    direct = {each.port for each in reading.connections if each.far == "outside" and each.owner != "own"}
    inside = {each.port for each in reading.published if each.container_port in reading.held_in_containers}
    return (served & direct) | inside


def _published(reading: Reading) -> dict[int, int]:
    counts: dict[int, int] = {}
    for each in reading.published:
        counts[each.port] = counts.get(each.port, 0) + each.connections
    return counts


def _youngest(jobs: Iterable[Job]) -> tuple[Job, ...]:
    return tuple(sorted(jobs, key=lambda each: (each.age, each.kind))[:_MOST_JOBS])


def _together(intervals: Sequence[Interval]) -> Interval:
    if len(intervals) == 1:
        return intervals[0]
    end = intervals[-1].end
    between = [max(0.0, after.start - before.end) for before, after in pairwise(intervals)]
    gaps = [*(each.longest_gap for each in intervals), *between]
    values: dict[str, Any] = {name: max(getattr(each, name) for each in intervals) for name in _GREATEST}
    values |= {name: _ages(intervals, name, end) for name in ("key_age", "jupyter_age")}
    values |= {name: _all(intervals, name, most) for name, most in _ALL_OF.items()}
    return replace(
        intervals[-1],
        start=intervals[0].start,
        readings=sum(each.readings for each in intervals),
        longest_gap=max(gaps),
        unknown=sum(_unknown_seconds(each) for each in intervals) + sum(between),
        jobs=_youngest({job for each in intervals for job in each.jobs}),
        **values,
    )


def _unknown_seconds(interval: Interval) -> float:
    """Return for how many seconds an interval is in doubt. One that was put together knows it already."""
    if interval.is_combined:
        return interval.unknown
    return interval.length if interval.doubts else 0.0


_GREATEST = (
    *("cores", "iowait", "net", "disk", "disk_busy", "accepted", "datagrams", "viewer", "busy_kernels", "slurm", "due"),
    *("inhibitors", "gpu", "gpu_untold", "kernels", "terminals", "logins", "containers"),
)
_ALL_OF = {
    "doubts": _MOST_JOBS,
    "web_ports": _MOST_PORTS,
    "published": _MOST_PORTS,
    "client_ports": _MOST_PORTS,
    "udp_ports": _MOST_PORTS,
    "ssh": _MOST_PORTS,
}


def _ages(intervals: Sequence[Interval], name: str, end: float) -> float | None:
    """Return the least of some ages, as seconds before the end of the last interval."""
    ages = [end - each.end + age for each in intervals for age in [getattr(each, name)] if age is not None]
    return min(ages, default=None)


def _all(intervals: Sequence[Interval], name: str, most: int) -> tuple[Any, ...]:
    return tuple(sorted({part for each in intervals for part in getattr(each, name)}, reverse=True)[:most])
