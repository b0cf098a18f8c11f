# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An idle instance goes through one step after the other. A veto, use or a doubt ends that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.advice import Veto
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import State, Verdict, judge
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.ladder import (
    STEPS,
    Decision,
    Facts,
    Policy,
    Step,
    decide,
    limited,
    owner_vetoes,
    protecting,
    trial_veto,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.memory import (
    CLAIM,
    Act,
    Notice,
    Remembered,
    remembered_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.text.terminal import one_line
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import SETTINGS, interval
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_795_500_000.0
MINUTE = 60.0
HOUR = 3600.0
SINCE = NOW - 6 * HOUR
IDLE = Verdict(State.IDLE, SINCE, "", "nothing happened for 360 min")
UNFIT = Verdict(State.UNKNOWN, SINCE, "last_look", "there was no short reading right before the actionion")
POLICY = Policy(channels=("mail",))
TWO_CHANNELS = replace(POLICY, channels=("mail", "webhook"))


def a_notice(minutes_ago: float, channel: str = "mail") -> Notice:
    return Notice(delivered={channel: NOW - minutes_ago * MINUTE})


def facts(notice: Notice | None = None, **changes: Any) -> Facts:
    """Return the facts of an idle instance that has just been read twice."""
    remembered = Remembered(notice=notice)
    given: dict[str, Any] = {"vetoes": (), "remembered": remembered, "last_interval": 90.0, **changes}
    return Facts(now=NOW, verdict=given.pop("verdict", IDLE), last_look=given.pop("last_look", IDLE), **given)


DUE = facts(a_notice(61))


@pytest.mark.parametrize(
    ("step", "given_facts", "policy"),
    [
        (Step.WARN, facts(), POLICY),
        (Step.WARN, facts(a_notice(6 * 60 + 1)), POLICY),
        (Step.WARN, facts(a_notice(61, "webhook")), POLICY),
        (Step.WARN, facts(Notice(claimed=NOW - CLAIM)), POLICY),
        # The clock was set back.
        (Step.WAIT, facts(Notice(claimed=NOW + 60)), POLICY),
        (Step.WARN, facts(Notice(claimed=NOW + CLAIM)), POLICY),
        # Each channel has a claim of its own.
        (Step.WAIT, facts(Notice(claimed=NOW, claims={"mail": NOW})), POLICY),
        (Step.WARN, facts(Notice(claimed=NOW, claims={"webhook": NOW})), POLICY),
        (Step.WARN, facts(Notice(claimed=NOW, claims={"mail": NOW - CLAIM, "webhook": NOW})), POLICY),
        (Step.WARN, facts(Notice(claimed=NOW, claims={"mail": NOW})), TWO_CHANNELS),
        (Step.WAIT, facts(Notice(claimed=NOW, claims={"mail": NOW, "webhook": NOW})), TWO_CHANNELS),
        (Step.WAIT, facts(Notice(NOW, {"mail": NOW}, claims={"webhook": NOW})), TWO_CHANNELS),
        (Step.WARN, facts(Notice(rehearsed=NOW - HOUR)), POLICY),
        (Step.WAIT, facts(Notice(claimed=NOW - CLAIM + 1)), POLICY),
        (Step.WAIT, facts(a_notice(59.9)), POLICY),
        (Step.WAIT, facts(a_notice(-1)), POLICY),
        (Step.WAIT, facts(a_notice(61)), replace(POLICY, grace=2 * HOUR)),
        (Step.READ, facts(a_notice(61), last_look=UNFIT), POLICY),
        (Step.READ, facts(a_notice(61), last_interval=29.0), POLICY),
        (Step.READ, facts(a_notice(61), last_interval=181.0), POLICY),
        (Step.ACT, DUE, POLICY),
        (Step.ACT, facts(a_notice(60)), POLICY),
        (Step.ACT, facts(a_notice(0)), replace(POLICY, grace=0.0)),
        (Step.NOTHING, facts(a_notice(61), verdict=Verdict(State.ACTIVE, NOW, "keys", "a key")), POLICY),
        (Step.NOTHING, facts(a_notice(61), verdict=Verdict(State.UNKNOWN, None, "old", "old")), POLICY),
    ],
)
def test_the_step_of_an_instance(step: Step, given_facts: Facts, policy: Policy) -> None:
    found = decide(given_facts, policy)
    assert found.step is step
    assert found.why
    assert (found.action is None) == (step is Step.NOTHING)


def clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


IDLE_FOR = "nothing happened for 360 min"
IN_AN_HOUR = NOW - 61 * MINUTE + HOUR
NO_SWEEP = Veto("not_running", "it is shut off, and sweep_minutes is 0")
SINCE_UNKNOWN = Veto("not_running", "it is shut off, but since when is unknown")
LOCKED = Veto("locked", "it is locked")
OFF = {"is_off": True, "off_since": NOW - HOUR}
OFF_SINCE = f"it is shut off since {clock(NOW - HOUR)}"
USED = Verdict(State.UNKNOWN, None, "old", "the latest reading is 2 h old")


@pytest.mark.parametrize(
    ("given_facts", "policy", "expected"),
    [
        (
            facts(),
            TWO_CHANNELS,
            Decision(
                Step.WARN,
                f"{IDLE_FOR}, and no notice was sent yet",
                Action.SHELVE,
                channels=("mail", "webhook"),
            ),
        ),
        (
            facts(a_notice(61)),
            TWO_CHANNELS,
            Decision(Step.WARN, f"{IDLE_FOR}, and no notice was sent yet", Action.SHELVE, channels=("webhook",)),
        ),
        (
            facts(Notice(claimed=NOW, claims={"mail": NOW})),
            TWO_CHANNELS,
            Decision(Step.WARN, f"{IDLE_FOR}, and no notice was sent yet", Action.SHELVE, channels=("webhook",)),
        ),
        (
            facts(Notice(claimed=NOW)),
            POLICY,
            Decision(Step.WAIT, "another run is sending its notice", Action.SHELVE),
        ),
        (
            facts(a_notice(30)),
            POLICY,
            Decision(
                Step.WAIT,
                f"its owner was notified at {clock(NOW - 1800)}, and the grace time ends at {clock(NOW + 1800)}",
                Action.SHELVE,
                NOW + 1800,
            ),
        ),
        (
            facts(a_notice(61), last_look=UNFIT),
            POLICY,
            Decision(
                Step.READ, "it is due, and needs a short reading right before the action", Action.SHELVE, IN_AN_HOUR
            ),
        ),
        (
            DUE,
            replace(POLICY, action=Action.SUSPEND),
            Decision(
                Step.ACT,
                f"{IDLE_FOR}, and its owner was notified at {clock(NOW - 61 * 60)}",
                Action.SUSPEND,
                IN_AN_HOUR,
            ),
        ),
        (
            facts(verdict=USED),
            POLICY,
            Decision(Step.NOTHING, USED.reason, vetoes=(Veto("unknown", USED.reason),)),
        ),
        (facts(**OFF), POLICY, Decision(Step.ACT, f"{OFF_SINCE}, which costs half", Action.SHELVE, NOW - 45 * 60)),
        (
            facts(**OFF),
            replace(POLICY, sweep=2 * HOUR),
            Decision(Step.WAIT, OFF_SINCE, Action.SHELVE, NOW + HOUR),
        ),
        (facts(**OFF, vetoes=(LOCKED,)), POLICY, Decision(Step.NOTHING, LOCKED.reason, vetoes=(LOCKED,))),
        (
            facts(**OFF, vetoes=(LOCKED,)),
            replace(POLICY, sweep=0.0),
            Decision(Step.NOTHING, NO_SWEEP.reason, vetoes=(LOCKED, NO_SWEEP)),
        ),
        (facts(is_off=True), POLICY, Decision(Step.NOTHING, SINCE_UNKNOWN.reason, vetoes=(SINCE_UNKNOWN,))),
    ],
)
def test_a_decision_has_its_reason_action_time_and_vetoes(
    given_facts: Facts, policy: Policy, expected: Decision
) -> None:
    assert decide(given_facts, policy) == expected


@pytest.mark.parametrize(
    ("seconds", "step"), [(29.9, Step.READ), (30.0, Step.ACT), (180.0, Step.ACT), (181.0, Step.READ)]
)
def test_the_last_interval_before_an_act_is_from_half_a_minute_to_three(seconds: float, step: Step) -> None:
    assert decide(facts(a_notice(61), last_interval=seconds), POLICY).step is step


def test_a_rehearsed_notice_of_the_first_idle_moment_counts() -> None:
    notice = Notice(rehearsed=SINCE)
    assert decide(facts(notice), replace(POLICY, rehearses=True)).step is Step.ACT


def test_without_channels_nobody_is_ever_notified() -> None:
    assert decide(DUE, replace(POLICY, channels=())).step is Step.WARN


@pytest.mark.parametrize(("minutes", "step"), [(59, Step.WAIT), (61, Step.ACT), (6 * 60 + 1, Step.WARN)])
def test_a_rehearsal_takes_its_time_but_needs_no_reading(minutes: float, step: Step) -> None:
    notice = Notice(rehearsed=NOW - minutes * MINUTE)
    assert decide(facts(notice, last_look=UNFIT), replace(POLICY, rehearses=True)).step is step


@pytest.mark.parametrize(
    ("ends", "veto"),
    [
        *((True, veto) for veto in ("kept", "locked", "opted_out", "not_mine", "active")),
        *((False, veto) for veto in ("busy", "unknown", "state_unknown", "controller", "booted", "unsupported")),
    ],
)
def test_a_veto_of_the_owner_ends_the_notice_and_one_of_the_moment_does_not(ends: bool, veto: str) -> None:
    found = decide(replace(DUE, vetoes=(Veto(veto, "for a reason"),)), POLICY)
    assert (found.step, found.ends_notice, found.why) == (Step.NOTHING, ends, "for a reason")


@pytest.mark.parametrize(
    ("veto", "reason", "changes"),
    [
        (
            "acting",
            f"another run began to shelve it at {clock(NOW - POLICY.claim + 1)}",
            {"act": Act("shelve", NOW - POLICY.claim + 1)},
        ),
        ("acting", f"another run began to shelve it at {clock(NOW)}", {"act": Act("shelve", NOW)}),
        (
            "failed",
            f"an attempt to shelve it failed at {clock(NOW - HOUR + 1)}: no room",
            {"act": Act("shelve", NOW - 2 * HOUR, "failed", NOW - HOUR + 1, "no room")},
        ),
        (
            "failed",
            f"an attempt to shelve it failed at {clock(NOW)}",
            {"act": Act("shelve", NOW - 2 * HOUR, "unclear", NOW)},
        ),
        (
            "woken",
            f"it was started by {clock(NOW - HOUR + 1)}, and is left alone for a whole window",
            {"woken": NOW - HOUR + 1},
        ),
        (
            "woken",
            f"it was started by {clock(NOW + HOUR)}, and is left alone for a whole window",
            {"woken": NOW + HOUR},
        ),
    ],
)
def test_a_recent_act_or_wake_is_a_veto(veto: str, reason: str, changes: dict[str, Any]) -> None:
    found = decide(replace(DUE, remembered=replace(DUE.remembered, **changes)), POLICY)
    assert (found.vetoes, found.step) == ((Veto(veto, reason),), Step.NOTHING)


@pytest.mark.parametrize(
    "changes",
    [
        {"act": Act("shelve", NOW - POLICY.claim)},
        {"act": Act("shelve", NOW - 2 * HOUR, "failed", NOW - HOUR)},
        {"act": Act("shelve", NOW - 2 * HOUR, "done", NOW - MINUTE)},
        {"woken": NOW - HOUR},
    ],
)
def test_an_act_or_wake_of_long_ago_is_no_veto(changes: dict[str, Any]) -> None:
    assert decide(replace(DUE, remembered=replace(DUE.remembered, **changes)), POLICY).step is Step.ACT


@pytest.mark.parametrize(
    ("step", "off_since", "changes", "policy"),
    [
        (Step.NOTHING, None, {}, POLICY),
        (Step.WAIT, NOW - 14 * MINUTE, {}, POLICY),
        (Step.WAIT, NOW + MINUTE, {}, POLICY),
        (Step.ACT, NOW - 15 * MINUTE, {}, POLICY),
        (Step.ACT, NOW - 15 * MINUTE, {"vetoes": (Veto("not_running", ""), Veto("young", ""))}, POLICY),
        (Step.NOTHING, NOW - HOUR, {"vetoes": (Veto("locked", "locked"),)}, POLICY),
        (Step.NOTHING, NOW - HOUR, {"vetoes": (Veto("kept", "kept"),)}, POLICY),
        (Step.NOTHING, NOW - HOUR, {}, replace(POLICY, sweep=0.0)),
        (Step.ACT, NOW - HOUR, {}, replace(POLICY, action=Action.STOP)),
    ],
)
def test_an_instance_that_is_shut_off_is_shelved_after_a_while(
    step: Step, off_since: float | None, changes: dict[str, Any], policy: Policy
) -> None:
    found = decide(facts(is_off=True, off_since=off_since, **changes), policy)
    assert found.step is step
    assert found.action in (None, Action.SHELVE)


@pytest.mark.parametrize(
    ("name", "metadata", "never", "opted_out"),
    [
        ("web", None, [], False),
        ("web", {}, ["db"], False),
        ("web", {"jetstream_idle": ""}, [], False),
        ("web", {"jetstream_idle": "Allow"}, [], False),
        ("web", {"jetstream_idle": "never"}, [], True),
        ("web", {"jetstream_idle": "off"}, [], True),
        ("web", {"jetstream_idle": "please not"}, [], True),
        ("Web-1", None, ["web-*"], True),
        ("web", None, ["WEB"], True),
        ("web", None, ["we"], False),
        # As everywhere, a name, a number and a UUID mean the same; and a name may have the characters of a glob.
        ("web", None, ["7"], True),
        ("web", None, [an_instance("web", number=7).uuid.upper()], True),
        ("web", None, ["[0-9]"], False),
        ("web[1]", None, ["web[1]"], True),
    ],
)
def test_owners_and_sites_may_opt_out(
    name: str, metadata: dict[str, str] | None, never: list[str], opted_out: bool
) -> None:
    assert bool(list(owner_vetoes(an_instance(name, number=7, metadata=metadata), never))) is opted_out


def test_a_name_that_protects_nothing_is_refused_and_a_glob_is_reported() -> None:
    instances = [an_instance("course-web"), an_instance("db", number=2)]
    assert protecting(instances, ["Course-Web", "2", "d*"]) == ()
    assert protecting(instances, ["x*"]) == ("never: x* matches nothing, so it protects nothing.",)
    assert protecting([], ["course-wbe"]) == ()
    with pytest.raises(SelectionError, match=r"never: course-wbe does not exist\. Did you mean course-web\?"):
        protecting(instances, ["db", "course-wbe"])


def test_every_way_to_opt_out_is_named() -> None:
    wish = "please not\x1b[2J " + "x" * 50
    assert list(owner_vetoes(an_instance("web-1", metadata={"jetstream_idle": wish}), ["db", "web*", "*"])) == [
        Veto("opted_out", "its name matches never: web*"),
        Veto("opted_out", f"its metadata has jetstream_idle={one_line(wish)[:40]}"),
    ]


@pytest.mark.parametrize(
    ("first", "days", "vetoed"),
    [
        (None, 7, True),
        (None, 0, False),
        (NOW - 6.9 * 86_400, 7, True),
        (NOW - 7 * 86_400, 7, False),
        (NOW + 1, 7, True),
        (NOW, 0, False),
    ],
)
def test_the_trial_lasts_for_days_of_readings(first: float | None, days: float, vetoed: bool) -> None:
    assert (trial_veto(first, NOW, days) is not None) is vetoed


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (None, "there is no evidence yet, and the trial lasts 7 days (trial_days)"),
        (NOW - 3 * 86_400, "the evidence began 3.0 days ago, and the trial lasts 7 days (trial_days)"),
        (NOW + 9, "the evidence began 0.0 days ago, and the trial lasts 7 days (trial_days)"),
    ],
)
def test_the_trial_tells_how_long_it_lasts(first: float | None, reason: str) -> None:
    assert trial_veto(first, NOW, 7) == Veto("trial", reason)


def act(action: Action = Action.SHELVE) -> Decision:
    return Decision(Step.ACT, "it is due", action)


def test_the_limit_leaves_those_that_save_least_and_waits_with_no_other() -> None:
    wait, read = Decision(Step.WAIT, "grace", Action.SHELVE), Decision(Step.READ, "due", Action.SHELVE)
    given = [("a", 1.0, act()), ("b", 1.0, act()), ("c", 8.0, read), ("d", 0.0, wait)]
    found = limited(given, 2)
    assert [each.step for each in found] == [Step.ACT, Step.NOTHING, Step.READ, Step.WAIT]
    beyond = "max_actions (2) is reached: a later run continues"
    assert (found[1].vetoes, found[1].why) == ((Veto("max_actions", beyond),), beyond)
    assert [each.step for each in limited(given, 0)] == [Step.NOTHING, Step.NOTHING, Step.NOTHING, Step.WAIT]


def test_of_acts_that_save_the_same_the_first_by_name_is_taken() -> None:
    found = limited([("web", 1.0, act()), ("db", 1.0, act())], 1)
    assert [each.step for each in found] == [Step.NOTHING, Step.ACT]


# --- properties

_TIMES = st.floats(NOW - 8 * HOUR, NOW + HOUR)
_NOTICES = st.builds(
    Notice,
    claimed=st.just(0.0) | _TIMES,
    delivered=st.none() | st.dictionaries(st.sampled_from(["mail", "webhook"]), _TIMES),
    rehearsed=st.just(0.0) | _TIMES,
)
_ACTS = st.builds(
    Act,
    action=st.sampled_from(["shelve", "stop", "suspend"]),
    began=_TIMES,
    outcome=st.sampled_from(["", "done", "failed", "unclear"]),
    ended=_TIMES,
    reason=st.text(max_size=5),
)
_REMEMBERED = st.builds(
    Remembered,
    name=st.text(max_size=5),
    seen=_TIMES,
    asleep=st.just(0.0) | _TIMES,
    woken=st.just(0.0) | _TIMES,
    notice=st.none() | _NOTICES,
    act=st.none() | _ACTS,
)
_POLICIES = st.builds(
    Policy,
    action=st.sampled_from([Action.SHELVE, Action.STOP, Action.SUSPEND]),
    grace=st.floats(0, 3 * HOUR),
    sweep=st.floats(0, HOUR),
    channels=st.sampled_from([(), ("mail",), ("mail", "webhook")]),
    rehearses=st.booleans(),
)
_VERDICTS = st.builds(
    Verdict,
    state=st.sampled_from(State),
    since=st.none() | _TIMES,
    rule=st.just("keys"),
    reason=st.just("a reason"),
)
_FACTS = st.builds(
    Facts,
    now=st.just(NOW),
    verdict=_VERDICTS,
    last_look=_VERDICTS,
    last_interval=st.floats(0, 1000),
    vetoes=st.just(()),
    remembered=_REMEMBERED,
    is_off=st.booleans(),
    off_since=st.none() | _TIMES,
)


@given(_FACTS, _POLICIES, st.sampled_from(["kept", "locked", "opted_out", "not_mine", "controller", "busy"]))
def test_a_veto_always_wins(given_facts: Facts, policy: Policy, veto: str) -> None:
    found = decide(replace(given_facts, vetoes=(Veto(veto, "a reason"),)), policy)
    assert found.step is Step.NOTHING
    assert found.action is None


@given(_FACTS, _POLICIES)
def test_a_running_one_is_put_away_only_if_it_is_idle_now_and_its_owner_was_notified_long_enough_ago(
    given_facts: Facts, policy: Policy
) -> None:
    found = decide(given_facts, policy)
    if found.step is not Step.ACT or given_facts.is_off or policy.rehearses:
        return
    assert given_facts.verdict.is_idle
    assert given_facts.last_look.is_idle
    notice = given_facts.remembered.notice
    assert notice is not None
    assert policy.channels
    for channel in policy.channels:
        at = (notice.delivered or {})[channel]
        assert at >= (given_facts.verdict.since or NOW)
        assert NOW - at >= policy.grace


@given(_FACTS, _POLICIES, _TIMES)
def test_a_later_sign_of_use_never_leads_higher(given_facts: Facts, policy: Policy, at: float) -> None:
    """An idle stretch that begins later is more evidence of use."""
    if given_facts.verdict.since is None or at < given_facts.verdict.since or not given_facts.verdict.is_idle:
        return
    used = replace(given_facts, verdict=replace(given_facts.verdict, since=at))
    before, after = decide(given_facts, policy), decide(used, policy)
    assert STEPS.index(after.step) <= STEPS.index(before.step)


@given(_FACTS, _POLICIES, st.sampled_from([State.ACTIVE, State.UNKNOWN]))
def test_an_instance_that_is_not_idle_is_left(given_facts: Facts, policy: Policy, state: State) -> None:
    found = decide(replace(given_facts, is_off=False, verdict=replace(given_facts.verdict, state=state)), policy)
    assert found.step is Step.NOTHING


@given(st.sampled_from(["cores", "net", "slurm", "gpu", "disk_busy", "due"]), st.integers(0, 4))
def test_use_in_any_interval_ends_in_no_act(name: str, number: int) -> None:
    """From the intervals to the step: readings that alone lead to the act, and one of them with use."""
    quiet = [*(interval(each) for each in range(8)), replace(interval(8), end=interval(8).start + 90, longest_gap=90.0)]
    now = quiet[-1].end + 10

    def step(chosen: list[Any]) -> Step:
        verdict = judge(chosen, SETTINGS, now)
        last_look = judge(chosen, SETTINGS, now, before_act=True)
        notice = Notice(delivered={"mail": now - 61 * MINUTE})
        remembered = Remembered(notice=notice)
        given_facts = Facts(now, verdict, last_look, chosen[-1].length, (), remembered)
        return decide(given_facts, POLICY).step

    assert step(quiet) is Step.ACT
    used = list(quiet)
    # The last five intervals are inside the window.
    used[-1 - number] = replace(used[-1 - number], **{name: 50_000})
    assert step(used) is not Step.ACT


@given(_REMEMBERED)
def test_the_memory_is_read_as_it_was_written(remembered: Remembered) -> None:
    again = remembered_of(remembered.to_json())
    notice = again.notice
    if notice is not None and remembered.notice is not None and remembered.notice.delivered is None:
        again = replace(again, notice=replace(notice, delivered=None))
    assert again == remembered


def test_an_instance_that_wakes_has_no_agreed_act_any_more() -> None:
    slept = Remembered("web", NOW, asleep=NOW - HOUR, notice=a_notice(61), act=Act("shelve", NOW - HOUR, "done"))
    assert slept.observed("web", NOW, awake=True) == Remembered("web", NOW, woken=NOW)
    assert slept.observed("web", NOW, awake=None) == slept
    assert slept.observed("web", NOW, awake=False) == slept
    awake = replace(slept, asleep=0.0)
    assert awake.observed("web", NOW, awake=True) == awake
    assert awake.observed("web", NOW, awake=False).asleep == NOW
