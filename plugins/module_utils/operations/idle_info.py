# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_idle_info: verdicts on instances by the stored readings, and the proposed actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..errors import ConfigurationError
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select
from ..idle.advice import JudgedInstance, advice, not_running, summary
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
_LONGEST_GRACE = 7 * 24 * 3600.0
_READINGS = Path(".local/state/jetstream/readings")
_KEEP_FILE = Path(".local/share/jetstream/keep.json")


@dataclass(frozen=True, slots=True)
class Case:
    """An instance with all that decides on it.

    ``last_look`` is the verdict that it would have right before an act, for which a short interval has to have just
    ended. ``last_interval`` is the length of the newest interval, in seconds. ``first`` is the time of the oldest
    evidence, None if there is none. ``settings`` are its own, and ``warnings`` are sentences about those that its owner
    set.
    """

    judged: JudgedInstance
    last_look: Verdict
    last_interval: float
    first: float | None
    settings: Settings
    warnings: tuple[str, ...] = ()


def idle_info(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Return the verdict on each selected instance, and the proposed action."""
    span = None if options["replay"] is None else span_of(options["replay"])
    grace = options["grace_minutes"] * 60
    if not 0 <= grace <= _LONGEST_GRACE:
        raise ConfigurationError("grace_minutes has to be from 0 to 10080, which is a week.")
    judge_all = Judge(cloud, options, context)
    rates = Rates.from_options(options["rates"])
    selector = Selector.from_options(options, INSTANCE_FILTERS.argument_spec).with_account(cloud.account)
    instances = cloud.list_instances(
        live=True, images=bool(options["image"]), wanted=may_select(selector, INSTANCE_FIELDS)
    )
    selection = select(instances, selector, INSTANCE_FIELDS)
    meant = Selector(owners=selector.owners if options["owner"] else (ME,)).with_account(cloud.account)
    now = context.clock.now()
    cases = [judge_all.case(each, is_meant=meant.is_of_owner(each.owner)) for each in selection.things]
    rows = [{**advice(each.judged, each.settings, rates, now), "settings": changes(each.settings)} for each in cases]
    warnings = [*selection.warnings, *(warning for each in cases for warning in each.warnings)]
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
        self._store = Store(readings_path(options, context), context.clock)

    def case(self, instance: Instance, *, is_meant: bool, action: Action = Action.SHELVE) -> Case:
        """Return all that decides on an instance. ``action`` is what may be done to it."""
        history, error = _history(self._store, instance)
        own = self.site.of(instance)
        verdict = _verdict(instance, history, error, own, self._now)
        last_look = verdict
        if verdict.is_idle:
            last_look = judge(history.intervals, own.settings, self._now, before_act=True)
        judged = JudgedInstance(
            instance=instance,
            verdict=verdict,
            keep=mark_of_instance(instance.uuid, instance.metadata, self._kept),
            booted=None if history.last is None else history.last.taken - history.last.uptime,
            is_meant=is_meant,
            unsupported=self._cloud.unsupported_actions(instance).get(action),
            scheduled=self._scheduled(instance),
        )
        known = history.intervals
        return Case(
            judged=judged,
            last_look=last_look,
            last_interval=known[-1].length if known else 0.0,
            first=known[0].start if known else None,
            settings=own.settings,
            warnings=tuple(f"{instance.label}: {note}" for note in own.notes),
        )

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
        history, error = _history(self._store, instance)
        own = self.site.of(instance)
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
    given = options["readings_path"]
    return Path(given) if given else context.in_home(_READINGS)


def keep_path(options: Mapping[str, Any], context: Context) -> Path:
    """Return the file of keep marks."""
    given = options["keep_path"]
    return Path(given).absolute() if given else context.in_home(_KEEP_FILE)


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
    verdict = judge(history.intervals, own.settings, now)
    return verdict.in_doubt("settings", own.doubts[0]) if own.doubts else verdict


OPERATION = on_cloud(idle_info)
