# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches instances: one bounded pool for requests, and one waiter for all instances.

A repeated launch request would create a twin. So each request has a token of its own, and after a lost response,
instances are searched by that token before another request is sent. See docs/launching.md.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from ...clock import Clock
from ...cloud import Cloud, Launcher
from ...errors import (
    FATAL_ERRORS,
    BugFound,
    JetstreamError,
    OverAllocation,
    RateLimited,
    ServerFault,
    UnexpectedResponse,
    Unreachable,
)
from ...model import AssignedAddress, Change, ChangeKind, Instance, Launch, LaunchOptions, LaunchRecipe
from ...parallel import in_parallel
from ...resending import Resender
from ...states import Goal, Kind
from ...times import moment_or_none
from ..converge import converge
from ..isolation import poll_and_confirm
from ..polling import PollScheduler
from ..progress import Completion, Progress, ProgressCallback
from ..runs import ConvergeOptions, state_text
from .changing import Changer
from .differences import changes
from .launch_runs import (
    FleetLaunch,
    Foreseen,
    LaunchRun,
    LaunchSettings,
    Stage,
    WaitFor,
    error_text,
    is_awaited,
    no_address_text,
    resume_resize,
    unchanged_text,
)
from .leftovers import Leftovers
from .plans import LaunchPlan, Present, is_gone, is_launched_for, is_remains, raced_twins
from .reach import ssh_answers
from .setup import LINES, LONGEST_SECONDS, Setup, SetupState, is_marked_complete, setup_of

# The minimum seconds from a launch to an active instance.
_FIRST_POLL = 3.0
# Seconds from an unclear launch to its first search: the cloud may still be working on it.
_SEARCH_PAUSE = 3.0
# After this number of searches without a result, a launch counts as not carried out.
_SEARCHES = 2
# Tolerance for rounding errors of sums of seconds.
_ROUNDING = 0.001
# The maximum number of requests for a launch that the cloud did not carry out.
_ATTEMPTS = 3
# The minimum and maximum pause before a launch is sent again.
_FIRST_RETRY = 2.0
_LONGEST_RETRY = 60.0
# The batch size when hosts are short, and the minimum and maximum pause. Launched instances are kept.
_BATCH = 4
_FIRST_CAPACITY_PAUSE = 15.0
_LONGEST_CAPACITY_PAUSE = 300.0
# Seconds reserved for the work after the last poll: removing failed launches.
_RESERVE = 5.0
_SSH_PAUSE = 2.0
# The minimum and maximum pause between polls of the consoles. Each poll costs a request per instance, and work on its
# host.
_FIRST_SETUP_PAUSE = 5.0
_LONGEST_SETUP_PAUSE = 20.0
# Nova's words if it found no host for an instance, or none of the tried hosts accepted it.
_NO_HOST = ("no valid host", "exceeded maximum number of retries")
_DELETED = "was deleted while it was launched"

Jitter = Callable[[float], float]


def some_jitter(pause: float) -> float:
    """Lengthen or shorten a pause a little, so that parallel runs do not act in step."""
    return random.uniform(0.9 * pause, 1.1 * pause)


def launch(
    cloud: Cloud,
    plan: LaunchPlan,
    recipe: LaunchRecipe | None,
    settings: LaunchSettings,
    clock: Clock,
    *,
    started_at: float,
    report: ProgressCallback,
    jitter: Jitter = some_jitter,
) -> FleetLaunch:
    """Launch what is missing, and wait until all wanted instances are ready, or return why one is not.

    ``recipe`` may be None if nothing is missing. ``started_at``: the start of the task by the clock's ``monotonic``.
    Raises nothing of its own.
    """
    return _Launching(cloud, plan, recipe, settings, clock, started_at, report, jitter).run()


class _Launching:
    def __init__(
        self,
        cloud: Cloud,
        plan: LaunchPlan,
        recipe: LaunchRecipe | None,
        settings: LaunchSettings,
        clock: Clock,
        started_at: float,
        report: ProgressCallback,
        jitter: Jitter,
    ) -> None:
        self._cloud = cloud
        self._launcher: Launcher = cloud.launcher()
        self._plan = plan
        self._recipe = recipe
        self._settings = settings
        self._clock = clock
        self._start = started_at
        self._deadline = started_at + settings.timeout
        self._report = report
        self._jitter = jitter
        self._scheduler: PollScheduler[LaunchRun] = PollScheduler(jitter, first_poll=_FIRST_POLL)
        self._runs = [_begun(each, settings, started_at) for each in plan.present]
        self._resender = Resender(clock, self._deadline - _RESERVE)
        self._changer = Changer(cloud, clock, self._resender)
        self._leftovers = Leftovers(cloud, clock, self._deadline)
        self._warnings: list[str] = []
        self._over_quota: JetstreamError | None = None
        self._aborted_by: JetstreamError | None = None
        self._sent = 0
        self._lock = threading.Lock()

    def run(self) -> FleetLaunch:
        try:
            self._cloud.limit(self._deadline)
            self._stamp()
            self._leftovers.delete([each for present in self._plan.present for each in present.remains])
            self._delete_twins([each for present in self._plan.present for each in present.twins])
            self._bring_up()
            self._apply_changes()
            self._retry_short()
            self._take_groups_from_new()
            if self._settings.wait:
                self._await_setup()
                self._shelve()
                self._await_ssh()
            self._lock_new()
        except JetstreamError as error:
            self._aborted_by = self._aborted_by or error
        except Exception as error:
            self._aborted_by = self._aborted_by or BugFound(error)
        self._finish()
        warnings = (*self._warnings, *self._leftovers.warnings)
        return FleetLaunch(tuple(self._runs), tuple(self._leftovers.deleted), self._aborted_by, warnings)

    # --- the books

    def _of(self, *stages: Stage) -> list[LaunchRun]:
        return [each for each in self._runs if each.stage in stages]

    def _stamp(self) -> None:
        """Record the elapsed time of the newly ended runs, and report it."""
        passed = round(self._clock.monotonic() - self._start, 1)
        ended = [each for each in self._runs if each.stage in (Stage.BUILT, Stage.DONE)]
        completed = [each for each in ended if each.elapsed is None]
        for run in completed:
            run.elapsed = passed
        progress = Progress(
            goal="present",
            total=len(self._runs),
            ended=len(ended),
            failed=sum(each.failed for each in self._runs),
            sent=self._sent,
            elapsed=passed,
            completed=tuple(
                Completion(each.name, each.message or each.state_text(), each.failed) for each in completed
            ),
            pending=tuple(each.name for each in self._runs if each not in ended),
        )
        with self._lock:
            self._report(progress)

    def _finish(self) -> None:
        why = f"was not completed: {str(self._aborted_by).rstrip('.')}" if self._aborted_by else ""
        for run in self._runs:
            if run.done:
                continue
            if run.stage is Stage.BUILT:
                run.finish(_ready_text(run))
            elif run.stage is Stage.SHORT:
                run.finish(_short_text(run), failed=True)
            elif why or self._settings.wait:
                run.finish(why or self._late_text(run), failed=True)
            elif run.stage is Stage.BUILDING and run.changes and run.now is not None:
                run.finish(unchanged_text(run.now, run.changes), failed=True)
            elif run.stage is Stage.BUILDING:
                self._foresee(run)
                run.finish(f"{run.steps[-1]} was accepted; not waited for" if run.steps else "is built; not waited for")
            else:
                run.finish(self._late_text(run), failed=True)
        self._stamp()

    def _foresee(self, run: LaunchRun) -> None:
        """Record the expected state of an instance, without waiting for it."""
        if run.launches:
            run.foreseen = self._settings.launched
        elif run.resize is not None and run.before is not None:
            run.foreseen = Foreseen(run.before.status, self._settings.flavor)

    def _late_text(self, run: LaunchRun) -> str:
        within = f"within {self._settings.timeout:g} s"
        if run.doubt is not None:
            return (
                f"was not confirmed as launched {within}: the request was sent, but its response was lost ({run.doubt})"
            )
        if run.now is None:
            return f"was not launched {within}"
        last = f"last error: {run.last_error}" if run.last_error else f"last seen {run.state_text()}"
        return f"was not ready {within} ({last})"

    # --- launching

    def _bring_up(self) -> None:
        """Launch the missing instances, and assign addresses to the new ones without twins."""
        self._drive()
        if self._remove_twins():
            self._drive()
        self._fail_deleted()
        self._assign_addresses()

    def _drive(self) -> None:
        """Send the launches, and poll until each instance is built, short of a host, or has failed."""
        while True:
            now = self._clock.monotonic()
            in_parallel(self._send, self._due(Stage.TO_LAUNCH, now), self._cloud.max_concurrency)
            self._look_for(self._due(Stage.IN_DOUBT, self._clock.monotonic()))
            self._stamp()
            if self._aborted_by is not None:
                raise self._aborted_by
            building = self._of(Stage.BUILDING) if self._settings.wait else []
            later = self._of(Stage.TO_LAUNCH, Stage.IN_DOUBT)
            if not building and not later:
                return
            now = self._clock.monotonic()
            poll = self._scheduler.next_poll(building, now) if building else None
            moment = min([*(each.not_before for each in later), *([poll.at] if poll else [])])
            if max(now, moment) >= self._deadline - _RESERVE:
                self._clock.sleep(max(0.0, self._deadline - _RESERVE - now))
                self._poll(building, thorough=True)
                return
            self._clock.sleep(max(0.0, moment - now))
            if poll and poll.at <= moment:
                self._poll(poll.instances)

    def _due(self, stage: Stage, now: float) -> list[LaunchRun]:
        return [each for each in self._of(stage) if each.not_before <= now + _ROUNDING]

    def _send(self, run: LaunchRun) -> None:
        if self._aborted_by is not None or self._recipe is None:
            return
        if self._over_quota is not None:
            run.finish(f"was not launched: {self._over_quota}", failed=True)
            return
        request = Launch(run.name, self._settings.group(run.name), secrets.token_hex(12))
        run.launches.append(request)
        run.attempts += 1
        try:
            instance = self._launcher.launch(self._recipe, request)
        except FATAL_ERRORS as error:
            self._aborted_by = self._aborted_by or error
            run.stage, run.doubt = Stage.IN_DOUBT, None
        except Exception as error:
            self._judge(run, error)
        else:
            self._accept(run, instance)

    def _accept(self, run: LaunchRun, instance: Instance) -> None:
        run.launched(instance, self._clock.monotonic())
        with self._lock:
            self._sent += 1

    def _judge(self, run: LaunchRun, error: Exception) -> None:
        """Handle the error of a launch request."""
        match error:
            case OverAllocation():
                # The others would be refused for the same reason, and are not sent.
                self._over_quota = error
                run.finish(str(error), failed=True)
            case RateLimited() | Unreachable(unsent=True):
                run.launches.pop()
                self._retry_later(run, error)
            case ServerFault() | UnexpectedResponse() | Unreachable():
                self._begin_doubt(run, error)
            case JetstreamError():
                run.finish(str(error), failed=True)
            case _:
                # A bug may have occurred after the request was sent.
                self._begin_doubt(run, BugFound(error))

    def _retry_later(self, run: LaunchRun, error: JetstreamError) -> None:
        run.stage, run.last_error = Stage.TO_LAUNCH, error
        pause = min(_FIRST_RETRY * 2.0 ** (run.attempts - 1), _LONGEST_RETRY)
        run.not_before = self._clock.monotonic() + self._jitter(pause)

    def _begin_doubt(self, run: LaunchRun, error: JetstreamError) -> None:
        run.stage, run.doubt, run.searches = Stage.IN_DOUBT, error, 0
        run.note("launch")
        run.not_before = self._clock.monotonic() + _SEARCH_PAUSE

    def _look_for(self, runs: Sequence[LaunchRun]) -> None:
        """Search the instances of unclear launches by their tokens."""
        if not runs:
            return
        try:
            found = self._launcher.find([each for run in runs for each in run.launches])
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            for run in runs:
                run.last_error, run.not_before = error, self._clock.monotonic() + _SEARCH_PAUSE
            return
        for run in runs:
            instance = next((found[each.token] for each in run.launches if each.token in found), None)
            if instance is not None:
                self._accept(run, instance)
                self._observe(run, instance)
            else:
                self._not_found(run)

    def _not_found(self, run: LaunchRun) -> None:
        run.searches += 1
        run.not_before = self._clock.monotonic() + _SEARCH_PAUSE * (run.searches + 1)
        if run.searches < _SEARCHES:
            return
        error, run.doubt = run.doubt, None
        run.steps.remove("launch")
        if run.attempts >= _ATTEMPTS or isinstance(error, BugFound):
            run.finish(f"was not launched: {error}", failed=True)
        else:
            self._retry_later(run, error or BugFound(ValueError("a doubt without an error")))

    # --- observing

    def _poll(self, runs: Sequence[LaunchRun], *, thorough: bool = False) -> None:
        polled = [each.now for each in runs if each.now is not None]
        if not polled:
            return
        begun = self._clock.monotonic()
        seen = poll_and_confirm(self._cloud, polled, thorough=thorough)
        for run in self._of(Stage.BUILDING):
            found = seen.get(run.now.uuid) if run.now else None
            if found is None:
                continue
            run.polled_at = begun
            if isinstance(found, Instance):
                self._observe(run, found)
            elif isinstance(found, FATAL_ERRORS):
                raise found
            else:
                run.last_error = found

    def _observe(self, run: LaunchRun, instance: Instance) -> None:
        """Record the observation of a building instance. Return whether its build has ended."""
        run.now, run.last_error = _with_image(instance, run.now), None
        observed = run.observed
        if run.resize is not None and not self._changer.is_resized(run, run.resize):
            return
        if observed.is_awake:
            self._note_awake(run, instance)
        if observed.kind is Kind.MOVING or (observed.is_awake and not self._is_ready(run)):
            return
        if observed.kind is Kind.ERROR:
            self._judge_error(run, instance)
        elif observed.kind is Kind.GONE and run.launches and not run.twins_searched:
            # Another run may have launched the same name, and have deleted this one as a twin.
            run.stage = Stage.BUILT
        elif observed.kind is Kind.GONE:
            run.finish(_DELETED, failed=True)
        elif observed.defect:
            run.finish(observed.defect, failed=True)
        else:
            run.stage = Stage.BUILT
            self._scheduler.learn(None, self._clock.monotonic() - run.since)

    def _note_awake(self, run: LaunchRun, instance: Instance) -> None:
        """Record that an instance runs, so that it never counts as a failed launch without a host."""
        run.now = replace(run.now or instance, facts=replace(instance.facts, has_run=True))
        if run.awake_since is None:
            run.awake_since = self._clock.monotonic()

    def _is_ready(self, run: LaunchRun) -> bool:
        """Return whether an active instance has the address that the task waits for.

        This module assigns floating IPs later. If the cloud assigns them, an instance without one appears ready before
        its deployment has begun.
        """
        if run.now is None or run.now.ip_address or run.observed.defect:
            return True
        settles_until = (run.awake_since or 0.0) + self._cloud.no_address_seconds
        if self._clock.monotonic() < settles_until:
            return False
        if self._settings.wait_for is WaitFor.ACTIVE or self._settings.options.wants_address:
            return True
        return bool(run.now.addresses)

    def _judge_error(self, run: LaunchRun, instance: Instance) -> None:
        """Only the record of a launch of ours that never ran is removed. Of the others, the fault is reported."""
        if not is_remains(instance, self._settings.group(run.name)):
            run.finish(error_text(instance), failed=True)
        else:
            run.stage, run.shortage = Stage.SHORT, (instance.fault or "the cloud gives no reason").rstrip(". ")

    # --- changing

    def _apply_changes(self) -> None:
        """Change existing instances in place, and wait for resizes."""
        while runs := [each for each in self._of(Stage.BUILT) if each.changes]:
            in_parallel(self._changer.change, runs, self._cloud.max_concurrency)
            self._drive()

    def _take_groups_from_new(self) -> None:
        """Remove the cloud's default group from new instances that are to have no group.

        A launch request cannot express that: nova assigns the group if none is named.
        """
        options = self._settings.options
        if options.security_groups != ():
            return
        runs = [each for each in self._of(Stage.BUILT) if each.launches and each.now]
        for run in runs:
            of_groups = LaunchOptions(security_groups=options.security_groups)
            run.changes = changes(run.now, of_groups) if run.now else ()
        in_parallel(self._changer.change, runs, self._cloud.max_concurrency)

    def _lock_new(self) -> None:
        """Lock the new instances if the options say so."""
        if not self._settings.options.locked:
            return
        runs = [each for each in self._of(Stage.BUILT) if each.launches and each.now and not each.now.locked]
        for run in runs:
            run.changes = (Change(ChangeKind.LOCK, "unlocked", "locked"),)
        in_parallel(self._changer.change, runs, self._cloud.max_concurrency)

    # --- hosts are short

    def _retry_short(self) -> None:
        """Launch instances without a host in small batches, until too many batches fail as a whole, or time is up."""
        failures, pause = 0, _FIRST_CAPACITY_PAUSE
        while short := self._of(Stage.SHORT):
            self._remove_records(short)
            batch = [each for each in short if each.stage is Stage.SHORT and _is_shortage(each)][:_BATCH]
            if not batch or failures >= self._settings.capacity_retries or not self._has_time(pause):
                return
            self._clock.sleep(self._jitter(pause))
            for run in batch:
                run.stage, run.not_before, run.attempts, run.elapsed = Stage.TO_LAUNCH, 0.0, 0, None
                run.twins_searched = False
            self._bring_up()
            if any(each.stage in (Stage.BUILT, Stage.DONE) and not each.failed for each in batch):
                failures, pause = 0, _FIRST_CAPACITY_PAUSE
            else:
                failures, pause = failures + 1, min(2 * pause, _LONGEST_CAPACITY_PAUSE)

    def _remove_records(self, runs: Sequence[LaunchRun]) -> None:
        records = [each.now for each in runs if each.now is not None]
        kept = self._leftovers.delete(records)
        for run in runs:
            if run.now is not None and run.now.uuid not in kept:
                # Nothing is left of it, so nothing has changed.
                run.now, run.steps = None, [each for each in run.steps if each != "launch"]

    def _has_time(self, pause: float) -> bool:
        return self._clock.monotonic() + 2 * pause + _RESERVE < self._deadline

    # --- after they are built

    def _assign_addresses(self) -> None:
        """Assign a floating IP to each built instance that lacks one."""
        options = self._settings.options
        if not self._settings.wait:
            return
        runs = [each for each in self._of(Stage.BUILT) if not each.addressed and each.lacks_address(options)]
        if not runs:
            return
        instances = [each.now for each in runs if each.now is not None]
        try:
            found = self._launcher.assign_addresses(options, instances)
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            found = dict.fromkeys((each.uuid for each in instances), error)
        for run in runs:
            run.addressed = True
            if run.now is not None:
                _note_address(run, run.now, found[run.now.uuid])

    def _shelve(self) -> None:
        """Shelve the new instances if their initial state is shelved."""
        runs = [each for each in self._of(Stage.BUILT) if each.launches]
        if not self._settings.shelved or not runs:
            return
        left = max(1.0, self._deadline - self._clock.monotonic())
        fleet = converge(
            self._cloud,
            [each.now for each in runs if each.now is not None],
            ConvergeOptions(goal=Goal.SHELVED, timeout=left),
            self._clock,
            jitter=self._jitter,
        )
        for run, shelved in zip(runs, fleet.runs, strict=True):
            run.now = _with_image(shelved.now, run.now)
            if shelved.changed:
                run.note("shelve")
            if shelved.failed:
                run.finish(f"was launched, but not shelved: {shelved.message}", failed=True)

    def _await_setup(self) -> None:
        """Wait until the consoles show that the instances have completed their setup."""
        if self._settings.wait_for is not WaitFor.SETUP:
            return
        waiting = [each for each in self._of(Stage.BUILT) if each.observed.is_awake]
        if self._launcher.sets_up:
            # On Atmosphere, an active instance is deployed, unless the deployment failed.
            for run in waiting:
                if run.observed.defect:
                    run.finish(run.observed.defect, failed=True)
            return
        waiting = [each for each in waiting if each.now and not is_marked_complete(each.now.metadata)]
        pause = _FIRST_SETUP_PAUSE
        try:
            while waiting and (waiting := self._still_in_setup(waiting)):
                if self._clock.monotonic() + pause >= self._deadline:
                    break
                self._clock.sleep(self._jitter(pause))
                pause = min(_LONGEST_SETUP_PAUSE, 1.5 * pause)
        finally:
            for run in waiting:
                if not run.done:
                    run.finish(f"is active, but {self._setup_text(run)}", failed=True)

    def _still_in_setup(self, runs: Sequence[LaunchRun]) -> list[LaunchRun]:
        """Read the consoles, end instances with a failed setup, and return those whose setup goes on."""
        instances = [each.now for each in runs if each.now is not None]
        consoles = self._cloud.console_outputs(instances, LINES)
        waiting = []
        for run in runs:
            run.setup = setup_of(consoles.get(run.now.uuid, "") if run.now else "")
            if run.setup.state is SetupState.FAILED:
                run.finish(f"is active, but its setup failed: {run.setup.line}", failed=True)
            elif run.setup.state is not SetupState.COMPLETE and not self._is_past_setup(run):
                waiting.append(run)
        self._stamp()
        return waiting

    def _is_past_setup(self, run: LaunchRun) -> bool:
        """Return whether an instance with a silent console is older than any setup takes."""
        begun = moment_or_none(run.now.start_date) if run.now else None
        if run.launches or begun is None or run.setup != Setup(SetupState.UNKNOWN):
            return False
        return (self._clock.now() - begun).total_seconds() > LONGEST_SECONDS

    def _setup_text(self, run: LaunchRun) -> str:
        within = f"{self._settings.timeout:g} s"
        if run.setup is None or run.setup.state is SetupState.UNKNOWN:
            return f"its console shows no setup messages of Exosphere or cloud-init within {within}"
        return f"its setup has not ended within {within}: {run.setup.line}"

    def _await_ssh(self) -> None:
        """Wait until the ssh port is open from this machine."""
        if self._settings.wait_for is not WaitFor.SSH:
            return
        waiting = [each for each in self._of(Stage.BUILT) if each.observed.is_awake]
        while waiting:
            answers = in_parallel(lambda run: ssh_answers(_address(run)), waiting, self._cloud.max_concurrency)
            waiting = [run for run, answered in zip(waiting, answers, strict=True) if not answered]
            if waiting and self._clock.monotonic() + _SSH_PAUSE >= self._deadline:
                break
            if waiting:
                self._clock.sleep(_SSH_PAUSE)
        for run in waiting:
            where = _address(run) or "no address"
            run.finish(
                f"is active, but port 22 is not open at {where} within {self._settings.timeout:g} s", failed=True
            )

    def _remove_twins(self) -> bool:
        """Check the launched names for twins of concurrent runs.

        Returns whether another run's instance is kept for one of them.
        """
        built = self._of(Stage.BUILT, Stage.BUILDING)
        runs = [each for each in built if each.launches and not each.twins_searched]
        if not runs or self._clock.monotonic() >= self._deadline:
            return False
        try:
            account = self._cloud.account()
            names = {each.name for each in runs}
            listed = self._resender.read(
                lambda: self._cloud.list_instances(live=True, images=False, wanted=lambda each: each.name in names)
            )
            listed = [each for each in listed if not is_gone(each) and account.answers_for(each.owner)]
        except FATAL_ERRORS:
            raise
        except JetstreamError as error:
            self._warnings.append(f"The check for instances of the same name failed: {error}")
            return False
        before = [each.now for each in runs]
        twins = [twin for run in runs for twin in self._twins_of(run, listed)]
        self._delete_twins(twins)
        return [each.now for each in runs] != before

    def _fail_deleted(self) -> None:
        for run in self._of(Stage.BUILT):
            if run.now is not None and is_gone(run.now):
                run.finish(_DELETED, failed=True)

    def _delete_twins(self, twins: Sequence[Instance]) -> None:
        if self._settings.options.wants_address:
            self._leftovers.delete_with_addresses(twins)
        else:
            self._leftovers.delete(twins)

    def _twins_of(self, run: LaunchRun, listed: Sequence[Instance]) -> list[Instance]:
        run.twins_searched = True
        group = self._settings.group(run.name)
        called = [each for each in listed if each.name == run.name and not is_remains(each, group)]
        is_deleted = run.now is not None and is_gone(run.now)
        if len(called) < 2 and not (is_deleted and called and is_launched_for(called[0], group)):
            return []
        kept, twins = raced_twins(called, group)
        own = [each for each in called if each.facts.token in {launch.token for launch in run.launches}]
        if len(twins) < len(called) - 1:
            if kept in own or len(called) - len(own) > 1:
                self._warnings.append(f"There are {len(called)} instances named {run.name}.")
                return []
            # Launched by mistake a moment ago, and unused.
            self._warnings.append(f"{run.name} exists, although the first list lacked it. Its twin is deleted.")
            run.now, run.stage, run.polled_at = kept, Stage.BUILDING, None
            return own
        if run.now is None or run.now.uuid != kept.uuid:
            self._warnings.append(f"Another run launched {run.name} at the same time: its instance is kept.")
            run.now, run.stage, run.polled_at = kept, Stage.BUILDING, None
        return twins


def _begun(present: Present, settings: LaunchSettings, at: float) -> LaunchRun:
    """Return the run of a wanted instance as listed."""
    instance = present.instance
    run = LaunchRun(present.name, present.replaced or instance, instance, since=at)
    run.meant = present.meant
    if instance is not None:
        # Those of a replaced instance do not concern the one that is launched for it.
        run.changes = settings.changes.get(present.name, ())
    if present.replaced is not None:
        run.note("delete")
    if present.remains:
        run.note("remove failed launch")
    if present.twins:
        run.note("remove twin")
    if present.problem is not None:
        run.finish(present.problem, failed=True)
    elif instance is not None:
        run.stage = Stage.BUILDING if is_awaited(instance, wait=settings.wait) else Stage.BUILT
        if present.meant:
            resume_resize(run, settings.options)
        if run.observed.kind is Kind.ERROR:
            run.finish(error_text(instance), failed=True)
    return run


def _note_address(run: LaunchRun, instance: Instance, given: AssignedAddress | JetstreamError) -> None:
    """Record the floating IP of an instance, or why it has none."""
    if isinstance(given, JetstreamError):
        if given.unclear or given.changed:
            run.note("assign address")
        run.doubt = given if given.unclear else run.doubt
        run.finish(no_address_text(run, given), failed=True)
        return
    if given.is_new:
        run.note("assign address")
    run.now = replace(instance, ip_address=given.address)


def _with_image(instance: Instance, before: Instance | None) -> Instance:
    """Keep the image name, which polls do not read."""
    return replace(instance, image=before.image) if before and before.image and instance.image else instance


def _is_shortage(run: LaunchRun) -> bool:
    fault = (run.shortage or "").lower()
    return any(words in fault for words in _NO_HOST)


def _address(run: LaunchRun) -> str | None:
    if run.now is None:
        return None
    return run.now.ip_address or next(iter(run.now.addresses or ()), None)


def _ready_text(run: LaunchRun) -> str:
    if run.steps:
        return f"{', then '.join(run.steps)} done"
    return f"already {state_text(run.now)}" if run.now else "absent"


def _short_text(run: LaunchRun) -> str:
    reason = f"no host had room for it: {run.shortage}" if _is_shortage(run) else f"could not be built: {run.shortage}"
    return f"was not launched: {reason}" if run.now is None else f"{reason}, and its record could not be removed"
