# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_idle_info: verdicts on instances by the stored readings, and the proposed actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..idle.advice import JudgedInstance, advice, not_running, summary
from ..idle.console import SECONDS_BETWEEN_LINES, ConsoleUse, judge_by_console, use_of
from ..idle.keeps import KeepFile, mark_of_instance
from ..idle.replay import ReplayedInstance, replay, replay_result, span_of
from ..idle.rules import OwnerSettings, Settings
from ..idle.settings_file import read_site_settings
from ..idle.site_settings import changes
from ..idle.store import History, Store, StoreError, key_of
from ..idle.verdicts import State, Verdict, judge
from ..model import Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDENTIFIERS, IDLE_FILES, INSTANCE_FILTERS, RATES, ModuleSpec
from ..policy.filters import unmatched
from ..policy.schedule_file import read_timetable
from ..policy.schedules import window_at
from ..states import Action
from ..times import iso
from ..usage.rates import Rates

SPEC = (
    CONNECTION
    + IDENTIFIERS
    + INSTANCE_FILTERS
    + RATES
    + IDLE_FILES
    + ModuleSpec(
        argument_spec={
            "owner": {"type": "list", "elements": "str"},
            "settings": {"type": "dict"},
            "replay": {"type": "str"},
            "grace_minutes": {"type": "float", "default": 60.0},
        }
    )
)
_OTHER_LINES = 200
# Nova returns 100 kB at most.
_MOST_LINES = 2000
_LONGEST_GRACE = 7 * 24 * 3600.0
_READINGS = Path(".local/state/jetstream/readings")
_KEEP_FILE = Path(".local/share/jetstream/keep.json")
# The rules of unknown verdicts that more readings could end.
_FOR_WANT_OF_READINGS = frozenset({"readings", "old", "gap", "young", "console"})


@dataclass(frozen=True, slots=True)
class Case:
    """An instance with all that decides on it.

    ``last_look`` is the verdict that it would have right before an act, for which a short interval has to have just
    ended. ``last_interval`` is the length of the latest interval, in seconds. ``first`` is the time of the oldest
    evidence, None if there is none. ``settings`` are its own, and ``warnings`` are sentences about those that its owner
    set. ``console`` is the evidence from its console, None if it was not read.
    """

    judged: JudgedInstance
    last_look: Verdict
    last_interval: float
    first: float | None
    settings: Settings
    warnings: tuple[str, ...] = ()
    console: ConsoleUse | None = None

    def to_result(self, rates: Rates, now: datetime) -> dict[str, Any]:
        """Return the advice, with the settings and the console."""
        found = advice(self.judged, self.settings, rates, now)
        console = None if self.console is None else self.console.to_result()
        return {**found, "evidence": {**found["evidence"], "console": console}, "settings": changes(self.settings)}


@dataclass(frozen=True, slots=True)
class _Readings:
    """The readings of an instance, why they cannot be read, its settings, and the verdict by these alone."""

    history: History
    error: str | None
    own: OwnerSettings
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Judged:
    verdict: Verdict
    last_look: Verdict
    last_interval: float
    console: ConsoleUse | None = None


def idle_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the verdict on each selected instance, and the proposed action."""
    span = None if options["replay"] is None else span_of(options["replay"])
    grace = options["grace_minutes"] * 60
    if not 0 <= grace <= _LONGEST_GRACE:
        raise ConfigurationError("grace_minutes must be between 0 and 10080 (a week).")
    judge_all = Judge(cloud, options, context)
    rates = Rates.from_options(options["rates"])
    selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec).with_account(cloud.account)
    instances = cloud.list_instances(
        live=True, images=bool(options["image"]), wanted=may_select(selector, INSTANCE_FIELDS)
    )
    selection = select(instances, selector, INSTANCE_FIELDS)
    meant = Selector(owners=selector.owners if options["owner"] else (ME,)).with_account(cloud.account)
    now = context.clock.now()
    judge_all.read_consoles(selection.things)
    cases = [judge_all.case(each, is_meant=meant.is_of_owner(each.owner)) for each in selection.things]
    rows = [each.to_result(rates, now) for each in cases]
    warnings = [
        *selection.warnings,
        *judge_all.unmatched(instances),
        *(warning for each in cases for warning in each.warnings),
    ]
    result: dict[str, Any] = {"instances": rows, "summary": summary(rows)}
    if span is not None:
        replayed = [judge_all.replayed(each, rates, span=span, grace=grace) for each in selection.things]
        result["replay"] = replay_result(replayed, since=now.timestamp() - span, grace=grace)
    return Outcome(result, warnings=tuple(warnings))


class Judge:
    """Judges instances by what is stored on the controller.

    ``site`` has the settings of all instances.
    """

    def __init__(self, cloud: Cloud, options: Mapping[str, Any], context: Context) -> None:
        """Read the settings and the keep marks. ``options`` are ``settings``, and those of ``IDLE_FILES``.

        Raises ConfigurationError or KeepFileError if something is wrong with them.
        """
        self._cloud = cloud
        path = options["settings_path"]
        self.site = read_site_settings(Path(path) if path else None, options["settings"] or {})
        self._now = context.clock.now().timestamp()
        self._kept = KeepFile(keep_path(options, context), context.clock).marks()
        schedules = options["schedules_path"]
        self._timetable = read_timetable(Path(schedules).absolute()) if schedules else None
        self._shown = {"settings": str(path or ""), "schedules": str(schedules or "")}
        self._store = Store(readings_path(options, context), context.clock)
        self._console: str = options["console"]
        self._console_only: bool = options["console_only"]
        self._consoles: dict[str, str] = {}
        self._readings: dict[str, _Readings] = {}

    def case(self, instance: Instance, *, is_meant: bool, action: Action = Action.SHELVE) -> Case:
        """Return all that decides on an instance. ``action`` is what may be done to it."""
        readings = self._by_readings(instance)
        history, own = readings.history, readings.own
        found = self._judged(instance, readings)
        judged = JudgedInstance(
            instance=instance,
            verdict=_with_failed_try(found.verdict, history, self._now),
            keep=mark_of_instance(instance.uuid, instance.metadata, self._kept, datetime.fromtimestamp(self._now, UTC)),
            booted=None if history.last is None else history.last.taken - history.last.uptime,
            is_meant=is_meant,
            unsupported=self._cloud.unsupported_actions(instance).get(action),
            scheduled=self._scheduled(instance),
            failed_try=history.failed,
        )
        known = history.intervals
        return Case(
            judged=judged,
            last_look=found.last_look,
            last_interval=found.last_interval,
            first=known[0].start if known else found.verdict.since,
            settings=own.settings,
            warnings=tuple(f"{instance.label}: {note}" for note in own.notes),
            console=found.console,
        )

    def unmatched(self, listed: Sequence[Instance]) -> tuple[str, ...]:
        """Return a sentence for each name in the files of settings and schedules that none of all instances has."""
        rules = self._timetable.rules if self._timetable else ()
        shown = self._shown
        return (*unmatched(shown["settings"], self.site.rows, listed), *unmatched(shown["schedules"], rules, listed))

    def read_consoles(self, instances: Sequence[Instance]) -> None:
        """Read the consoles that are needed side by side. Without this, each is read when its instance is judged."""
        needed = [each for each in instances if self._needs_console(self._by_readings(each).verdict)]
        if needed:
            longest = max(self._by_readings(each).own.settings.window_minutes for each in needed)
            outputs = self._cloud.console_outputs(needed, self._lines_to_read(longest))
            self._consoles |= {each.uuid: outputs.get(each.uuid, "") for each in needed}

    def _by_readings(self, instance: Instance) -> _Readings:
        if instance.uuid not in self._readings:
            history, error = _history(self._store, instance)
            own = self.site.of(instance)
            verdict = _verdict(instance, history, error, own, self._now)
            self._readings[instance.uuid] = _Readings(history, error, own, verdict)
        return self._readings[instance.uuid]

    def _judged(self, instance: Instance, readings: _Readings) -> _Judged:
        """Return the verdict by the readings and the console. The console can only find use, unless it is alone."""
        history, own, verdict = readings.history, readings.own, readings.verdict
        settings, now = own.settings, self._now
        last_interval = history.intervals[-1].length if history.intervals else 0.0
        text = self._console_of(instance, verdict, settings)
        if text is None:
            return _Judged(verdict, self._last_look(verdict, history, settings), last_interval)
        use = use_of(text, vcpus=instance.flavor.vcpus or 0, settings=settings, now=now)
        if use.finding is not None and verdict.state is not State.ACTIVE:
            verdict = judge(history.intervals, settings, now, console=use.finding)
        elif self._console_only and readings.error is None and not _was_read(history, settings, now):
            alone, last_look = (
                _doubted(judge_by_console(text, instance.flavor, settings, now, before_act=before_act), own)
                for before_act in (False, True)
            )
            return _Judged(alone, last_look, SECONDS_BETWEEN_LINES, use)
        return _Judged(verdict, self._last_look(verdict, history, settings), last_interval, use)

    def _last_look(self, verdict: Verdict, history: History, settings: Settings) -> Verdict:
        return judge(history.intervals, settings, self._now, before_act=True) if verdict.is_idle else verdict

    def _console_of(self, instance: Instance, verdict: Verdict, settings: Settings) -> str | None:
        """Return what is on the console of an instance, "" if it cannot be read, and None if it is not needed."""
        if not self._needs_console(verdict):
            return None
        if instance.uuid not in self._consoles:
            outputs = self._cloud.console_outputs([instance], self._lines_to_read(settings.window_minutes))
            self._consoles[instance.uuid] = outputs.get(instance.uuid, "")
        return self._consoles[instance.uuid]

    def _lines_to_read(self, window_minutes: float) -> int:
        """Return how many lines to ask for. Exosphere's come once a minute, and the system prints others between them.

        Alone, the console also shows since when an instance is idle: then all of it.
        """
        if self._console_only:
            return _MOST_LINES
        return min(_MOST_LINES, int(2 * window_minutes) + _OTHER_LINES)

    def _needs_console(self, verdict: Verdict) -> bool:
        if verdict.rule == "not_running" or self._console == "never":
            return False
        return self._console == "all" or verdict.state is not State.ACTIVE

    def _scheduled(self, instance: Instance) -> str | None:
        """Return a clause if a schedule wants an instance to run now, or its metadata name an unknown schedule."""
        if self._timetable is None:
            return None
        assigned = self._timetable.assignment(instance)
        if assigned.problem or assigned.schedule is None:
            return assigned.problem
        window = window_at(assigned.schedule, datetime.fromtimestamp(self._now, UTC))
        return None if window is None else f"its schedule {assigned.schedule.name} wants it until {iso(window.stop)}"

    def replayed(self, instance: Instance, rates: Rates, *, span: float, grace: float) -> ReplayedInstance:
        """Return what the rules would have done with an instance in a span of seconds before now."""
        readings = self._by_readings(instance)
        history, error, own = readings.history, readings.error, readings.own
        known = () if error or own.doubts else history.intervals
        running, shelved = (rates.su_per_hour(instance.flavor, status) for status in ("active", "shelved"))
        return ReplayedInstance(
            id=instance.id,
            uuid=instance.uuid,
            name=instance.name,
            owner=instance.owner,
            saves_su_per_hour=None if running is None or shelved is None else running - shelved,
            replay=replay(known, own.settings, since=self._now - span, now=self._now, grace=grace),
            problem=error or next(iter(own.doubts), ""),
        )


def readings_path(options: Mapping[str, Any], context: Context) -> Path:
    """Return the folder of readings."""
    return context.path(options["readings_path"], _READINGS)


def keep_path(options: Mapping[str, Any], context: Context) -> Path:
    """Return the file of keep marks."""
    return context.path(options["keep_path"], _KEEP_FILE)


def _history(store: Store, instance: Instance) -> tuple[History, str | None]:
    """Return the history of an instance, or the reason why it cannot be read: the others are not affected."""
    try:
        return store.load(key_of(instance)), None
    except StoreError as error:
        return History(), str(error)


def _verdict(instance: Instance, history: History, error: str | None, own: OwnerSettings, now: float) -> Verdict:
    if (asleep := not_running(instance)) is not None:
        return asleep
    if error is not None:
        return Verdict(State.UNKNOWN, None, "readings", error)
    return _doubted(judge(history.intervals, own.settings, now), own)


def _doubted(verdict: Verdict, own: OwnerSettings) -> Verdict:
    return verdict.in_doubt("settings", own.doubts[0]) if own.doubts else verdict


def _with_failed_try(verdict: Verdict, history: History, now: float) -> Verdict:
    """Return the verdict with the failed try in its words, if nothing is known for want of readings."""
    if history.failed is None or verdict.state is not State.UNKNOWN or verdict.rule not in _FOR_WANT_OF_READINGS:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; {history.failed.as_clause(now)}")


def _was_read(history: History, settings: Settings, now: float) -> bool:
    """Whether there is a reading in the window. It says more than the console, also if it leaves doubts."""
    return history.last is not None and now - history.last.taken <= settings.window


OPERATION = on_cloud(idle_info)
