# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules by which an instance counts as used, in one table, and their settings with defaults and bounds.

Each rule can only find use. None can argue it away, so more evidence never makes an instance idle. Where the defaults
come from: docs/idle.md. Pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from ..errors import ConfigurationError
from ..text.suggestions import did_you_mean
from .intervals import Interval
from .jobs import Job


class Finding(NamedTuple):
    """A sign of use. ``at`` is its last moment by the controller's clock, in seconds since 1970."""

    rule: str
    at: float
    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that a rule compares with: its default, and the bounds that no site and no owner can leave."""

    name: str
    default: float
    low: float
    high: float
    unit: str
    about: str
    # Of most limits, the smaller one finds more use.
    finds_more_above: bool = False

    def safer(self, one: float, other: float) -> float:
        """Return the one of two values by which more use is found."""
        return max(one, other) if self.finds_more_above else min(one, other)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its findings in words, and the settings that it compares with."""

    name: str
    about: str
    settings: tuple[str, ...]
    find: Callable[[Interval, Settings], Iterator[Finding]] = field(repr=False)


SETTINGS = (
    Setting("window_minutes", 60, 15, 10_080, "min", "for how long nothing may have happened", finds_more_above=True),
    Setting("interval_minutes", 15, 1, 60, "min", "how often readings are taken; twice that is too long a gap"),
    Setting(
        "hold_hours",
        72,
        0,
        720,
        "h",
        "for how long something that was left running holds an instance",
        finds_more_above=True,
    ),
    Setting("cores", 0.10, 0.02, 1, "cores", "busy cores, stolen time included"),
    Setting("iowait_cores", 0.25, 0.05, 4, "cores", "cores that wait for a disk"),
    Setting("net_rate", 10_000, 1_000, 1_000_000, "B/s", "traffic, both ways, without that of ssh scans"),
    Setting("disk_busy", 0.20, 0.05, 0.9, "of the time", "time in which the busiest disk had a request"),
    Setting("disk_rate", 1_000_000, 10_000, 100_000_000, "B/s", "bytes read from disks and written to them"),
    Setting("viewer_bytes", 500, 50, 100_000, "B", "bytes that viewers of a desktop sent in an interval"),
    Setting("ssh_received", 200, 50, 10_000, "B/min", "bytes received over an ssh connection, and at the same time"),
    Setting("ssh_sent", 1_800, 100, 100_000, "B/min", "bytes sent over it"),
    Setting("connections", 10, 1, 100_000, "an hour", "connections accepted where something is served"),
    Setting("datagrams", 60, 1, 1_000_000, "an hour", "datagrams received where something is served over UDP"),
    Setting("gpu_percent", 5, 1, 50, "%", "load of any GPU at a reading"),
    Setting("console_cores", 0.15, 0.10, 1, "cores", "busy cores by the lines that Exosphere prints on the console"),
)
# Served by programs of an image, not by those of people: ssh, name service, DHCP, NFS's helpers, printing, time,
# Slurm, node_exporter, and the gateway to Exosphere's desktop, whose viewers have a rule of their own.
QUIET_PORTS = frozenset({22, 53, 68, 111, 323, 546, 631, 5355, 6817, 6818, 6819, 9100, 49528})
QUIET_UDP_PORTS = frozenset({53, 67, 68, 111, 123, 137, 138, 161, 323, 546, 631, 5353, 5355, 51820})


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers that the rules compare with, in the units of ``SETTINGS``. ``ignore``: the rules not applied."""

    window_minutes: float = 60
    interval_minutes: float = 15
    hold_hours: float = 72
    cores: float = 0.10
    iowait_cores: float = 0.25
    net_rate: float = 10_000
    disk_busy: float = 0.20
    disk_rate: float = 1_000_000
    viewer_bytes: float = 500
    ssh_received: float = 200
    ssh_sent: float = 1_800
    connections: float = 10
    datagrams: float = 60
    gpu_percent: float = 5
    console_cores: float = 0.15
    quiet_ports: frozenset[int] = QUIET_PORTS
    quiet_udp_ports: frozenset[int] = QUIET_UDP_PORTS
    ignore: frozenset[str] = frozenset()

    @property
    def window(self) -> float:
        """Return the window in seconds."""
        return self.window_minutes * 60

    @property
    def interval(self) -> float:
        """Return the time between readings in seconds."""
        return self.interval_minutes * 60

    @property
    def hold(self) -> float:
        """Return in seconds how long something that was left running holds an instance."""
        return self.hold_hours * 3600


# The rule for lines of the console, which is applied beside those of the table (``console``).
CONSOLE = "console"
Bounds = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class OwnerSettings:
    """The settings of an instance, after those of its owner.

    ``notes`` are sentences about values that were not taken as written. ``doubts`` are those among them that leave the
    owner's intention open: the instance must not be called idle then.
    """

    settings: Settings
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Return the defaults, with the changes of a site.

    Raises ConfigurationError for a name that is not known, and a value that is no number or out of bounds.
    """
    return changed_settings(Settings(), values)


def changed_settings(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return settings, with the changes of a site.

    Raises ConfigurationError for a name that is not known, and a value that is no number or out of bounds.
    """
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name in _SETS:
            changes[name] = _SETS[name](name, value)
            continue
        setting = setting_of(name)
        number = _number(name, value)
        if not setting.low <= number <= setting.high:
            raise ConfigurationError(
                f"The setting {name} is {number:g}, but must be between {setting.low:g} and {setting.high:g}."
            )
        changes[name] = number
    return replace(settings, **changes)


def settings_of_owner(
    site: Settings, values: Mapping[str, Any], bounds: Bounds, *, may_ignore: frozenset[str] = frozenset()
) -> OwnerSettings:
    """Return a site's settings, with the changes of the owner of an instance, inside the bounds of the site.

    The owner's text is the cloud's, so nothing of it fails, and no mistake in it makes an instance idle sooner: a
    number out of bounds counts as the bound or as the site's own value, whichever finds more use, and with a text that
    is not understood the instance is in doubt. ``may_ignore`` are the rules that owners may switch off.
    """
    settings = site
    notes: list[str] = []
    doubts: list[str] = []
    for name, value in values.items():
        try:
            if name == "ignore":
                settings, refused = _ignoring(settings, str(value), may_ignore)
                notes += refused
                continue
            setting = setting_of(name)
            number = _number(name, value)
        except ConfigurationError as error:
            doubts.append(str(error))
            continue
        low, high = _bounds_of_owner(setting, bounds)
        taken = number
        if not low <= number <= high:
            taken = setting.safer(min(max(number, low), high), getattr(settings, name))
            notes.append(f"{name} is {number:g}, must be between {low:g} and {high:g} here, and counts as {taken:g}.")
        changes: dict[str, Any] = {name: taken}
        settings = replace(settings, **changes)
    return OwnerSettings(settings, (*notes, *doubts), tuple(doubts))


def _ignoring(settings: Settings, text: str, may_ignore: frozenset[str]) -> tuple[Settings, list[str]]:
    """Return the settings without the rules that a text names, and a sentence for each that it may not name."""
    words = text.replace(",", " ").split()
    allowed = ", ".join(sorted(may_ignore)) or "none"
    refused = [f"ignore contains {word[:40]!r}, but only these may be ignored here: {allowed}." for word in words]
    return (
        replace(settings, ignore=settings.ignore | {word for word in words if word in may_ignore}),
        [sentence for word, sentence in zip(words, refused, strict=True) if word not in may_ignore],
    )


def _bounds_of_owner(setting: Setting, bounds: Bounds) -> tuple[float, float]:
    low, high = bounds.get(setting.name, (setting.low, setting.high))
    return max(low, setting.low), min(high, setting.high)


def setting_of(name: str) -> Setting:
    """Return the number of that name. Raises ConfigurationError, with the nearest name."""
    if name in _SETS:
        raise ConfigurationError(f"Only the site can set {name}.")
    for each in SETTINGS:
        if each.name == name:
            return each
    known = [each.name for each in fields(Settings)]
    hint = did_you_mean(name, known) or f"There are {', '.join(known)}."
    raise ConfigurationError(f"There is no setting {name[:40]!r}.", hint=hint)


def _number(name: str, value: Any) -> float:
    try:
        number = float("" if isinstance(value, bool) else value)
    except (TypeError, ValueError):
        number = float("nan")
    if not math.isfinite(number):
        raise ConfigurationError(f"The setting {name} is {str(value)[:40]!r}, which is not a number.")
    return number


def _ports(name: str, value: Any) -> frozenset[int]:
    ports = [value] if isinstance(value, int | str) else value
    if not isinstance(ports, Sequence) or not all(str(each).isdigit() and int(each) < 65536 for each in ports):
        raise ConfigurationError(f"The setting {name} must be a list of ports.")
    return frozenset(int(each) for each in ports)


def _rule_names(name: str, value: Any) -> frozenset[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence):
        raise ConfigurationError(f"The setting {name} must be a list of rules.")
    known = [*(each.name for each in RULES), CONSOLE]
    for each in names:
        if each not in known:
            hint = did_you_mean(str(each), known) or f"There are {', '.join(known)}."
            raise ConfigurationError(f"The setting {name} contains {str(each)[:40]!r}, which is not a rule.", hint=hint)
    return frozenset(names)


_SETS: Mapping[str, Callable[[str, Any], frozenset[Any]]] = {
    "quiet_ports": _ports,
    "quiet_udp_ports": _ports,
    "ignore": _rule_names,
}


def findings(interval: Interval, settings: Settings) -> list[Finding]:
    """Return every sign of use in an interval."""
    return [found for rule in RULES if rule.name not in settings.ignore for found in rule.find(interval, settings)]


def _cores(interval: Interval, settings: Settings) -> Iterator[Finding]:
    if interval.cores >= settings.cores:
        yield Finding("cores", interval.end, f"{interval.cores:.2g} cores were busy", interval.cores)


def _iowait(interval: Interval, settings: Settings) -> Iterator[Finding]:
    if interval.iowait >= settings.iowait_cores:
        yield Finding("iowait", interval.end, f"{interval.iowait:.2g} cores waited for a disk", interval.iowait)


def _net(interval: Interval, settings: Settings) -> Iterator[Finding]:
    if interval.net >= settings.net_rate:
        yield Finding("net", interval.end, f"{interval.net / 1000:.3g} kB/s went over the network", interval.net)


def _disk(interval: Interval, settings: Settings) -> Iterator[Finding]:
    if interval.disk_busy >= settings.disk_busy:
        text = f"a disk was busy for {interval.disk_busy:.0%} of the time"
        yield Finding("disk", interval.end, text, interval.disk_busy)
    if interval.disk >= settings.disk_rate:
        text = f"{interval.disk / 1_000_000:.3g} MB/s were read from disks or written"
        yield Finding("disk", interval.end, text, interval.disk)


def _keys(interval: Interval, _settings: Settings) -> Iterator[Finding]:
    if interval.key_age is not None:
        yield Finding("keys", interval.end - interval.key_age, "a key was pressed in a terminal", interval.key_age)


def _viewer(interval: Interval, settings: Settings) -> Iterator[Finding]:
    if interval.viewer >= settings.viewer_bytes:
        text = f"viewers of a desktop sent {interval.viewer:.0f} bytes"
        yield Finding("viewer", interval.end, text, interval.viewer)


def _ssh(interval: Interval, settings: Settings) -> Iterator[Finding]:
    for use in interval.ssh:
        if use.received >= settings.ssh_received and use.sent >= settings.ssh_sent:
            text = f"an ssh connection was used: {use.received:.0f} bytes a minute in, {use.sent:.0f} out"
            yield Finding("ssh", interval.end, text, use.received)


def _jupyter(interval: Interval, _settings: Settings) -> Iterator[Finding]:
    if interval.busy_kernels:
        yield Finding(
            "jupyter", interval.end, f"{_count(interval.busy_kernels, 'Jupyter kernel')} busy", interval.busy_kernels
        )
    if interval.jupyter_age is not None:
        at = interval.end - interval.jupyter_age
        yield Finding("jupyter", at, "a kernel or terminal of Jupyter was used", interval.jupyter_age)


def _slurm(interval: Interval, _settings: Settings) -> Iterator[Finding]:
    if interval.slurm:
        yield Finding("slurm", interval.end, _count(interval.slurm, "Slurm job"), interval.slurm)


_JOB_WORDS = {
    "nohup": "under nohup",
    "foreground": "in the foreground of a terminal",
    "session": "started by a login",
    "service": "run as a person's service",
    "container": "in a container that is not started with the instance",
}


def _jobs(interval: Interval, settings: Settings) -> Iterator[Finding]:
    young = [each for each in interval.jobs if each.age < settings.hold]
    for kind in dict.fromkeys(each.kind for each in young):
        count = sum(each.kind == kind for each in young)
        yield Finding("jobs", interval.end, describe_jobs(kind, count), count)


def describe_jobs(kind: str, count: int) -> str:
    """Return jobs in words: "2 programs under nohup"."""
    return f"{_count(count, 'program')} {_JOB_WORDS.get(kind, kind)}"


def old_jobs(interval: Interval, settings: Settings) -> list[Job]:
    """Return the jobs that have run for so long that they no longer hold the instance."""
    return [each for each in interval.jobs if each.age >= settings.hold]


def _due(interval: Interval, _settings: Settings) -> Iterator[Finding]:
    if interval.due:
        text = f"{_count(interval.due, 'entry', 'entries')} of at, cron or timers are pending"
        yield Finding("due", interval.end, text, interval.due)


def _gpu(interval: Interval, settings: Settings) -> Iterator[Finding]:
    if interval.gpu >= settings.gpu_percent:
        yield Finding("gpu", interval.end, f"a GPU had a load of {interval.gpu} %", interval.gpu)
    if interval.gpu_untold:
        text = f"{_count(interval.gpu_untold, 'program')} had a GPU open whose load is unknown"
        yield Finding("gpu", interval.end, text, interval.gpu_untold)


def _web(interval: Interval, settings: Settings) -> Iterator[Finding]:
    served = [port for port in interval.web_ports if port not in settings.quiet_ports]
    if served and interval.accepted >= settings.connections:
        text = f"port {served[0]} was served: {interval.accepted:.0f} connections an hour"
        yield Finding("web", interval.end, text, interval.accepted)
    published = [each for each in interval.published if each.port not in settings.quiet_ports]
    total = sum(each.an_hour for each in published)
    if total >= settings.connections:
        text = f"port {published[0].port} of a container was served: {total:.0f} connections an hour"
        yield Finding("web", interval.end, text, total)
    clients = [port for port in interval.client_ports if port not in settings.quiet_ports]
    if clients:
        yield Finding("web", interval.end, f"a client was connected to port {clients[0]}", len(clients))


def _udp(interval: Interval, settings: Settings) -> Iterator[Finding]:
    served = [port for port in interval.udp_ports if port not in settings.quiet_udp_ports]
    if served and interval.datagrams >= settings.datagrams:
        text = f"UDP port {served[0]} was served: {interval.datagrams:.0f} datagrams an hour"
        yield Finding("udp", interval.end, text, interval.datagrams)


def _inhibitor(interval: Interval, _settings: Settings) -> Iterator[Finding]:
    if interval.inhibitors:
        text = "a program or an administrator inhibits the shutdown of the instance"
        yield Finding("inhibitor", interval.end, text, interval.inhibitors)


def _count(number: int, noun: str, nouns: str | None = None) -> str:
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


RULES = (
    Rule("cores", "CPUs compute, in containers and Slurm jobs too", ("cores",), _cores),
    Rule("iowait", "CPUs wait for a disk", ("iowait_cores",), _iowait),
    Rule("net", "traffic on real interfaces, also of network file systems and tunnels", ("net_rate",), _net),
    Rule("disk", "a disk is read or written", ("disk_busy", "disk_rate"), _disk),
    Rule("keys", "a key was pressed in any terminal, also in tmux, screen, Jupyter, a desktop", (), _keys),
    Rule("viewer", "a viewer of a VNC desktop sends more than requests for pictures", ("viewer_bytes",), _viewer),
    Rule("ssh", "a person works through an ssh connection: a tunnel, an editor", ("ssh_received", "ssh_sent"), _ssh),
    Rule("jupyter", "a kernel is busy, or a kernel or a terminal was used", (), _jupyter),
    Rule("slurm", "there is a job, waiting ones too", (), _slurm),
    Rule("jobs", "something was left running on purpose", ("hold_hours",), _jobs),
    Rule("due", "a job of at, a crontab of a person, a timer of a person waits for its time", (), _due),
    Rule("gpu", "a GPU is loaded, or held by a program if its load is not told", ("gpu_percent",), _gpu),
    Rule("web", "something is served over TCP, and is asked, or a client stays connected", ("connections",), _web),
    Rule("udp", "something is served over UDP, and is sent to", ("datagrams",), _udp),
    Rule("inhibitor", "systemd was asked not to shut down or sleep", (), _inhibitor),
)
