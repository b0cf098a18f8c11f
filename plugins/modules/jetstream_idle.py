#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_idle
short_description: Shelve, stop or suspend idle instances after a notice to their owners
version_added: 1.0.0
description:
  - Decides about each instance by the readings that M(jetstream.cloud.jetstream_activity) has stored on the controller,
    and shelves, stops or suspends those that are due. Without O(apply=true), it only reports the actions.
  - It acts on an idle instance only if its owner got a notice at least O(grace_minutes) ago, the instance has not been
    used since, and a short reading right before the action found no use. The task returns the instances whose owners
    need a notice; send the notices, and record each delivery with M(jetstream.cloud.jetstream_notice).
  - Instances that have been shut off for O(sweep_minutes) are shelved without a notice, since they have no memory to
    lose and cost half.
  - Each decision is logged, with its reason and its numbers. M(jetstream.cloud.jetstream_decision_info) returns them.
    The playbook C(jetstream.cloud.shelve_idle) runs all steps in order; docs/idle.md explains them.
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.acts
  - jetstream.cloud.identifiers
  - jetstream.cloud.instance_filters
  - jetstream.cloud.rates
  - jetstream.cloud.idle_files
attributes:
  check_mode:
    support: full
    details:
      - Reads and decides as without check mode. Logs nothing, claims no notice, and stops before the first action.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A second run finds the instances shelved, and notices claimed by the first run.
options:
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) means all users whose instances are visible.
        Other values are names or globs of users.
    type: list
    elements: str
    default:
      - me
  settings:
    description:
      - Settings of the rules, by name, such as C(window_minutes) or C(cores). Each has bounds, and other values are
        refused. docs/idle.md lists them.
      - On Jetstream2, the owner of an instance can set a number for it in its metadata, such as
        C(jetstream_idle_window_minutes=240). A number out of bounds never makes the instance idle sooner, and an
        invalid value makes its verdict unknown, with a warning.
    type: dict
  apply:
    description:
      - Whether to send notices, and act on instances. Requires O(channels).
      - Without it, each step is only reported and logged, with the same delays as if the notices had been sent.
    type: bool
    default: false
  act:
    description:
      - Whether to carry out the actions that are due. With V(false), the task only decides, so that a playbook can send
        notices and take readings before another task acts.
    type: bool
    default: true
  only_uuid:
    description:
      - Only those of the selected instances with these UUIDs. A missing instance is no error. Use it in the task that
        acts on earlier decisions.
    type: list
    elements: str
  action:
    description:
      - The action on idle instances. V(shelve) ends their cost, V(stop) halves it, and both lose the memory. V(suspend)
        keeps the memory, costs three quarters, and is not offered for flavors with a GPU or large memory.
    type: str
    choices:
      - shelve
      - stop
      - suspend
    default: shelve
  channels:
    description:
      - The channels for notices, with names of your choice, such as V(mail). The notice counts as delivered once each
        channel has delivered it.
    type: list
    elements: str
    default: []
  grace_minutes:
    description: The time between the notice and the action in minutes.
    type: float
    default: 60.0
  sweep_minutes:
    description:
      - The time in minutes after which a shut-off instance is shelved. V(0) never shelves shut-off instances. Instances
        with an unknown time are skipped.
    type: float
    default: 15.0
  trial_days:
    description:
      - The number of days with readings of the project before the first action. Until then, actions are only reported.
        V(0) means no trial.
    type: float
    default: 7.0
  max_actions:
    description: The maximum number of actions. Instances that save most come first; later runs continue with the
      others.
    type: int
    default: 10
  least_interval:
    description:
      - The minimum length of the last interval before the action, in seconds. The interval must be at most three
        minutes long, and must have ended within the last three minutes.
    type: float
    default: 30.0
  never:
    description:
      - Names, globs, numbers or UUIDs of instances that are never acted on.
      - A name that no instance has is refused, since a mistyped one would protect none. A glob that none fits is a
        warning.
    type: list
    elements: str
    default: []
  controller:
    description:
      - The name or UUID of the instance that runs the task, which is never acted on. It is detected, except in a
        container. See docs/idle.md.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - The timeout in seconds for all instances together to reach the state. The others have failed.
    type: float
    default: 900.0
  decisions_path:
    description:
      - The folder on the controller for the decision log and the notices.
      - Without it, C(~/.local/state/jetstream/decisions).
    type: path
notes:
  - Concurrent runs are safe. An action is recorded before it is sent; the next run completes the record of a killed
    run.
seealso:
  - module: jetstream.cloud.jetstream_idle_info
  - module: jetstream.cloud.jetstream_notice
  - module: jetstream.cloud.jetstream_decision_info
"""

EXAMPLES = r"""
- name: Read the proposed actions on idle instances
  jetstream.cloud.jetstream_idle:
  register: idle

- name: Decide, and find the owners that need a notice
  jetstream.cloud.jetstream_idle:
    apply: true
    act: false
    channels: [mail]
    never: [login-*]
  register: decided

- name: Act on the instances that are due
  jetstream.cloud.jetstream_idle:
    apply: true
    channels: [mail]
    only_uuid: "{{ decided.instances | selectattr('step', 'in', ['read', 'act']) | map(attribute='uuid') }}"
    never: [login-*]
    max_actions: 5
"""

RETURN = r"""
instances:
  description: The selected instances, by number, each with its step.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The number that the web page shows. On Jetstream2, the UUID.
      type: raw
      sample: 21752
    uuid:
      description: The UUID.
      type: str
    name:
      description: The name.
      type: str
    owner:
      description: The user that owns it.
      type: str
    status:
      description: The state, in the cloud's own word.
      type: str
      sample: active
    activity:
      description: The task in progress. Empty if there is none.
      type: str
    flavor:
      description: The name of its flavor.
      type: str
      sample: m3.small
    verdict:
      description: V(active), V(idle) or V(unknown). Unknown counts as active.
      type: str
      sample: idle
    since:
      description:
        - For an idle instance, the latest possible start of the idle time. For others, the last known use. ISO 8601,
          UTC.
      type: str
      sample: "2026-11-23T12:57:00Z"
    since_is_known:
      description:
        - For an idle instance, whether the evidence shows the use that ended at RV(instances[].since). If V(false), the
          evidence begins there, so RV(instances[].idle_hours) and RV(instances[].su_since_idle) are lower bounds.
          V(null) for others.
      type: bool
    idle_hours:
      description: The number of idle hours. V(null) if it is not idle.
      type: float
      sample: 6.25
    rule:
      description:
        - The rule that found use, or one word for the reason why the use is unknown. Empty for an idle instance.
      type: str
      sample: keys
    reason:
      description: The verdict in words.
      type: str
      sample: nothing happened for 375 min
    caveat:
      description: A sentence about the limits of the evidence. Empty if there is none.
      type: str
      sample: The console does not show interactive use, transfers and waiting jobs.
    evidence:
      description: The evidence of the verdict.
      type: dict
      contains:
        numbers:
          description: The maximum of each number in the window, such as C(cores) or C(net).
          type: dict
        findings:
          description: Each sign of use in the window, the latest first.
          type: list
          elements: dict
          contains:
            rule:
              description: The rule that found it.
              type: str
            at:
              description: When. ISO 8601, UTC.
              type: str
            text:
              description: The sign of use in words.
              type: str
            value:
              description: The compared number.
              type: float
        doubts:
          description: The reasons why the evidence is incomplete.
          type: list
          elements: str
        losses:
          description: Programs that are running although nothing happens, and would be lost with the memory.
          type: list
          elements: str
          sample: [2 Jupyter kernels]
        readings:
          description: The number of readings behind the verdict.
          type: int
        newest:
          description: The time of the latest reading. ISO 8601, UTC.
          type: str
    failed_try:
      description:
        - The last attempt to take a reading, if it failed and none was taken since. V(null) otherwise. It does not
          affect the verdict.
      type: dict
      contains:
        at:
          description: When. ISO 8601, UTC.
          type: str
        reason:
          description: The reason in the words of ssh, sudo or this collection, with at most 200 characters.
          type: str
          sample: "ssh: connect to host 149.165.150.2 port 22: Connection refused"
    keep:
      description:
        - The valid keep mark with the latest end. If none is valid now, the one with the latest end, even if it has
          ended or has not begun. V(null) if there is none.
      type: dict
      contains:
        from:
          description: The beginning. V(null) if the mark has none. ISO 8601, UTC.
          type: str
        until:
          description: The end. V(null) if the mark is invalid, which keeps the instance. ISO 8601, UTC.
          type: str
        source:
          description: V(metadata) of the instance, or V(file) on the controller.
          type: str
        text:
          description: The mark as it was written.
          type: str
        holds:
          description: Whether it keeps the instance now.
          type: bool
    su_per_hour:
      description: The cost in its present state in SU per hour. V(null) if the flavor has no known rate.
      type: float
      sample: 2
    su_since_idle:
      description: The SU it has cost since it became idle. V(null) if it is not idle.
      type: float
      sample: 12.5
    saves_su_per_day:
      description: The savings of the action in SU per day.
      type: float
      sample: 48
    settings:
      description:
        - The settings for this instance that differ from the defaults, from O(settings), O(settings_path) and its
          metadata.
      type: dict
      sample: {"window_minutes": 240}
    at:
      description: The time of the decision. ISO 8601, UTC.
      type: str
      sample: "2026-11-23T18:57:00Z"
    site:
      description: The UUID or the name of its site, for M(jetstream.cloud.jetstream_notice).
      type: str
    project:
      description: The UUID of its project, or of the account if it is in none.
      type: str
    label:
      description: The name without control characters.
      type: str
    takes_metadata:
      description: Whether its owner can set a keep mark in its metadata.
      type: bool
    notice:
      description: The notice to send now. V(null) if there is none.
      type: dict
      contains:
        id:
          description: The ID of the notice, the same if it is sent again.
          type: str
        repeated:
          description: Whether an earlier run may have sent it, but ended before it recorded the delivery.
          type: bool
    progress:
      description: The step in a few words, or the outcome of the action.
      type: str
      sample: waits until 2026-11-23T19:57:00Z
    step:
      description:
        - V(nothing); V(warn) (its owner needs a notice); V(wait) (the grace time); V(read) (it is due, and needs a
          short reading); V(act) (the action is, or would be, carried out).
      type: str
      sample: warn
    why:
      description: The step in words.
      type: str
      sample: nothing happened for 375 min, and no notice was sent yet
    due:
      description: The earliest time of the action. V(null) if not known yet. ISO 8601, UTC.
      type: str
    action:
      description: The action that the steps lead to, V(shelve), V(stop) or V(suspend). V(null) for none.
      type: str
    would:
      description: The action once it is due, or V(nothing).
      type: str
      sample: shelve
    applies:
      description: Whether the step is carried out. V(false) without O(apply), and in the trial.
      type: bool
    channels:
      description: The channels for the notice to its owner.
      type: list
      elements: str
    saves_su_per_hour:
      description: The savings of the action in SU per hour. V(null) if the flavor has no known rate.
      type: float
    outcome:
      description: The outcome of the action, as M(jetstream.cloud.jetstream_instance_state) returns it. V(null) if
        there was none.
      type: dict
    changed:
      description: Whether an action was sent; in check mode, whether one would be.
      type: bool
    vetoes:
      description: The reasons to do nothing.
      type: list
      elements: dict
      contains:
        veto:
          description:
            - V(active), V(unknown), V(not_running), V(busy) (the cloud is changing it), V(locked), V(not_mine),
              V(kept), V(young) (launched within the window), V(booted) (started within 30 minutes), V(unsupported),
              V(state_unknown), V(opted_out) (by name or metadata), V(controller) (it runs the task), V(woken) (within
              the window), V(acting) (another run is), V(failed) (an attempt within the window), V(max_actions) or
              V(trial).
          type: str
          sample: locked
        reason:
          description: The threshold as a sentence.
          type: str
          sample: "it is locked: exam"
    left_because:
      description: The reasons of these vetoes in words, without V(trial), which applies to all instances.
      type: list
      elements: str
    kept_because:
      description: The reasons of these vetoes in words, without V(active), V(unknown) and V(trial).
      type: list
      elements: str
      sample: ["it is locked: exam"]
summary:
  description: The sums over these instances.
  returned: success
  type: dict
  contains:
    selected:
      description: The number of selected instances.
      type: int
    active:
      description: The number of active instances.
      type: int
    idle:
      description: The number of idle instances.
      type: int
    unknown:
      description: The number of instances with an unknown verdict.
      type: int
    idle_su_per_hour:
      description: The cost of the idle instances in SU per hour.
      type: float
    su_since_idle:
      description: The SU they have cost since each became idle.
      type: float
    saves_su_per_day:
      description: The SU per day that shelving all instances without a veto would save.
      type: float
    unknown_costs:
      description: The number of idle instances without a known rate.
      type: int
    steps:
      description: The number of instances at each step.
      type: dict
      sample: {nothing: 5, warn: 1, wait: 2, read: 0, act: 1}
    done:
      description: The number of instances acted on.
      type: int
    failed:
      description: The number of failed actions.
      type: int
    sentence:
      description: The idle instances and their cost, as a sentence.
      type: str
      sample: >-
        3 instances have been idle for 4.0 to 9.5 hours, and cost 41 SU since: web, gpu, old. Shelving would save
        145 SU a day.
"""

from ..module_utils._internal.operations.idle import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
