# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides the next step of an instance, for a real run and for check mode alike. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..cloud import Cloud
from ..model import Instance
from ..states import (
    REBOOTS,
    Action,
    Goal,
    Kind,
    ObservedState,
    Plan,
    RestingState,
    Verdict,
    leads_to,
    plan,
)
from .runs import ConvergeOptions, FleetRun, InstanceRun, classify_instance, settled, state_text

_NOT_LIVE = "its state in the cloud cannot be read"


@dataclass(frozen=True, slots=True)
class Settling:
    """Seconds for which a started instance may appear ready before its deployment begins.

    ``address_kept``: if it still has its former address. ``no_address``: if it has none, which takes longer if the
    cloud's workers are behind.
    """

    address_kept: float
    no_address: float


def decide(
    run: InstanceRun,
    options: ConvergeOptions,
    unsupported: Mapping[Action, str],
) -> Plan:
    """Return the next step for an instance as it was last observed.

    ``unsupported``: the actions that the cloud does not offer for it, with the reason.
    """
    if not run.now.live:
        return Plan(Verdict.FAIL, reason=f"{_NOT_LIVE}: {run.now.read_error}" if run.now.read_error else _NOT_LIVE)
    step = _decide(run, run.observed, options, unsupported)
    return _unless_spared(_unless_locked(step, run, options), run, options)


def _decide(
    run: InstanceRun, observed: ObservedState, options: ConvergeOptions, unsupported: Mapping[Action, str]
) -> Plan:
    if observed.kind is Kind.ERROR and run.actions:
        return Plan(Verdict.FAIL, reason=_with_fault("in error", run.now))
    goal = Goal.STARTED if _is_rebooted(run, observed, options) else options.goal
    supported = [action for action in Action if action not in unsupported]
    step = plan(observed, goal, supported=supported, allow_wake=options.allow_wake, reboot=options.reboot)
    if run.actions and _is_astray(run, observed, step):
        return Plan(Verdict.FAIL, reason=f"it is {state_text(run.now)} after the {run.actions[-1]}")
    if observed.kind is Kind.ERROR:
        step = replace(step, reason=_with_fault(step.reason, run.now))
    if step.verdict is Verdict.FAIL and observed.kind is Kind.NEEDS_OPERATOR:
        step = replace(step, reason=f"{step.reason} (state: {state_text(run.now)})")
    if step.missing_action:
        return replace(step, reason=f"{step.reason}, and {unsupported[step.missing_action]}")
    return step


def _is_astray(run: InstanceRun, observed: ObservedState, step: Plan) -> bool:
    """Return whether another client changed an instance after an action of this run.

    The action after a reboot is never another reboot. After an action, the step is never to leave the instance as it
    is.
    """
    if step.verdict is Verdict.ACT:
        return run.actions[-1] in REBOOTS
    return step.verdict is Verdict.SKIP and observed.kind is not Kind.GONE


def _unless_locked(step: Plan, run: InstanceRun, options: ConvergeOptions) -> Plan:
    """Skip a locked instance that needs or may need an action, even if the lock was set during the run."""
    is_new = step.verdict is Verdict.ACT and step.actions[0] not in run.actions[-1:]
    would_act = is_new or (run.observed.kind is Kind.MOVING and not run.actions and not _will_arrive(run, options))
    locked = next((each for each in (run.now, run.before) if each.locked), None)
    if not would_act or locked is None or options.include_locked:
        return step
    reason = f": {locked.lock_reason}" if locked.lock_reason else ""
    verdict = Verdict.FAIL if run.actions else Verdict.SKIP
    return Plan(verdict, reason=f"{state_text(run.now)}, locked{reason} (include_locked)")


def _unless_spared(step: Plan, run: InstanceRun, options: ConvergeOptions) -> Plan:
    """Skip the machine that runs the task. The task would end with it, and it could not wake itself."""
    if step.verdict is not Verdict.ACT or options.goal is Goal.STARTED or run.now.uuid not in options.spared:
        return step
    return Plan(Verdict.SKIP, reason=f"{state_text(run.now)}, and this task runs on it (name it to change it as well)")


def _will_arrive(run: InstanceRun, options: ConvergeOptions) -> bool:
    """Return whether an instance is already on its way to the goal, so that only a wait is needed."""
    return run.observed.state is options.goal.state and options.goal is not Goal.REBOOTED


def _is_rebooted(run: InstanceRun, observed: ObservedState, options: ConvergeOptions) -> bool:
    return options.goal is Goal.REBOOTED and bool(run.actions) and observed.is_awake


def _with_fault(reason: str, instance: Instance) -> str:
    """Append the fault, if the cloud returns one, to the words "in error"."""
    fault = f": {instance.fault.rstrip('.')}" if instance.fault else ", and the cloud gives no reason"
    return reason.replace("in error", f"in error{fault}")


def is_settling(run: InstanceRun, options: ConvergeOptions, settling: Settling) -> bool:
    """Return whether a started instance appears ready, or failed, only because its deployment has not begun.

    Right after a start, ``deploy_error`` is the outcome of the previous deployment (docs/atmosphere.md, Deployments).
    An instance that was active without an address at the beginning may have been started a moment before, by an earlier
    run.
    """
    if options.goal.state is not RestingState.ACTIVE or run.deployment_seen or run.active_since is None:
        return False
    if not run.actions and classify_instance(run.before).is_awake and not _may_have_been_woken(run, options):
        return False
    address, defect = run.now.ip_address, run.observed.defect
    if address and address != run.before.ip_address and not defect:
        return False
    bound = settling.address_kept if address and not defect else settling.no_address
    return run.as_of - run.active_since < bound


def _may_have_been_woken(run: InstanceRun, options: ConvergeOptions) -> bool:
    return options.goal is Goal.STARTED and not run.before.ip_address and not run.observed.defect


def is_confirmed(run: InstanceRun, action: Action, goal: Goal) -> bool:
    """Return whether the observation shows that an action was carried out, or the goal reached without it."""
    observed = run.observed
    if leads_to(action, observed):
        return True
    if action in REBOOTS:
        return False
    return observed.state is goal.state


def reached(run: InstanceRun) -> str:
    """Return a clause on how an instance reached the goal."""
    if run.actions:
        return ", then ".join(run.actions) + " done"
    if run.now.status != run.before.status or run.before.activity:
        return f"reached {state_text(run.now)} on its own"
    return f"already {state_text(run.now)}"


def conclude(run: InstanceRun, step: Plan) -> None:
    """End the run of an instance whose plan has no further actions."""
    if step.verdict is Verdict.REACHED:
        run.finish(reached(run))
        return
    run.finish(
        step.reason,
        failed=step.verdict is Verdict.FAIL,
        # A changed instance is not reported as skipped.
        skipped=step.verdict is Verdict.SKIP and not run.actions,
        warn=step.warn,
    )


def preview(cloud: Cloud, instances: Sequence[Instance], options: ConvergeOptions) -> FleetRun:
    """Return the result of ``converge`` by the same decisions, without sending requests (check mode)."""
    runs = tuple(InstanceRun(each, each) for each in instances)
    for run in runs:
        _preview_one(cloud, run, options)
    return FleetRun(runs)


def _preview_one(cloud: Cloud, run: InstanceRun, options: ConvergeOptions) -> None:
    step, later = decide(run, options, cloud.unsupported_actions(run.now)), ""
    if step.verdict is Verdict.WAIT and run.observed.state is not None:
        # It is waited for, and decided about again.
        later = f" once it is {run.observed.state}"
        run.now = settled(run.now)
        step = decide(run, options, cloud.unsupported_actions(run.now))
    if step.verdict is Verdict.ACT:
        run.actions += step.actions
        run.now = replace(run.now, status=options.goal.state.value, activity="")
        run.finish(f"would {', then '.join(step.actions)}{later}")
    elif step.verdict is Verdict.WAIT:
        run.finish(f"would wait: it is busy ({state_text(run.now)}), and its next state is unknown")
    elif step.verdict is Verdict.REACHED and later:
        run.finish(f"is in transition ({state_text(run.before)})")
    else:
        conclude(run, step)
