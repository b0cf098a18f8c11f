# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next step of a volume, from each of cinder's states."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.steps import Impossible, Wait
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.volumes.steps import (
    Act,
    Goal,
    Kind,
    Seen,
    State,
    decide,
    foresee,
    settled,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    Attachment,
    Identity,
    Provider,
    Snapshot,
    Volume,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import VOLUME_STATUSES
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance

WEB = an_instance(name="web")
ERRORS = [each for each in VOLUME_STATUSES if each.startswith("error")]
DELETABLE = {"available", "error", "error_extending", "error_managing", "error_restoring"}


def a_volume(status: str = "available", *attached_to: str) -> Volume:
    return Volume(
        id="v",
        uuid="v",
        name="data",
        size=10,
        status=status,
        provider=Provider("IU", "IU"),
        identity=Identity("me", "me"),
        user="me",
        owner="me",
        attachments=tuple(Attachment(each, each, each) for each in attached_to),
    )


def a_snapshot(name: str = "before", status: str = "available") -> Snapshot:
    return Snapshot(name, name, "v", 10, status)


def goal(state: str = "present", **more: object) -> Goal:
    return replace(Goal(State(state), "data"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", VOLUME_STATUSES)
def test_a_volume_is_deleted_in_the_states_that_cinder_deletes_in_alone(status: str) -> None:
    step = decide(goal("absent"), Seen(a_volume(status)))
    if status in DELETABLE:
        assert step == Act(Kind.DELETE)
    elif status in ERRORS:
        assert isinstance(step, Impossible)
    else:
        assert step == Wait(status)


@pytest.mark.parametrize("status", VOLUME_STATUSES)
@pytest.mark.parametrize("state", ["present", "attached", "detached"])
def test_a_volume_is_changed_at_rest_alone(status: str, state: str) -> None:
    step = decide(goal(state, instance=WEB, size=20), Seen(a_volume(status)))
    if status in ("available", "in-use"):
        assert step in (Act(Kind.GROW), Wait("in-use"))
    else:
        assert isinstance(step, Impossible) if status in ERRORS else step == Wait(status)


def test_a_volume_with_a_second_attachment_is_not_detached_from_there() -> None:
    shared = Seen(a_volume("in-use", WEB.uuid, "db"))
    assert decide(goal("attached", instance=WEB, may_detach=True), shared) is None
    assert decide(goal("detached", instance=WEB), shared) == Act(Kind.DETACH, WEB.uuid)
    assert decide(goal("detached", instance=WEB), Seen(a_volume("in-use", "db"))) is None


def test_a_volume_is_detached_from_all_before_it_is_deleted() -> None:
    seen, acts = Seen(a_volume("in-use", "web", "db")), []
    wanted = goal("absent", may_detach=True)
    while isinstance(step := decide(wanted, seen), Act):
        acts.append(step)
        seen = foresee(seen, step, wanted, None)
    assert acts == [Act(Kind.DETACH, "web"), Act(Kind.DETACH, "db"), Act(Kind.DELETE)]


def test_a_volume_in_use_of_nothing_is_waited_for() -> None:
    assert decide(goal("detached"), Seen(a_volume("in-use"))) == Wait("in-use")


def test_a_stale_attachment_is_removed_where_it_keeps_the_volume_reserved() -> None:
    reserved = Seen(a_volume("reserved"), stale=("a", "b"))
    for state in ("present", "absent"):
        assert decide(goal(state), reserved) == Act(Kind.REPAIR, "a")
    first = foresee(reserved, Act(Kind.REPAIR, "a"), goal(), None)
    assert (first.volume, first.stale) == (a_volume("reserved"), ("b",))
    last = foresee(first, Act(Kind.REPAIR, "b"), goal(), None)
    assert (last.volume, last.stale) == (a_volume("available"), ())
    assert decide(goal(), Seen(a_volume("in-use", "web"), stale=("a",))) is None


@pytest.mark.parametrize(
    ("snapshots", "step"),
    [
        ((), Act(Kind.SNAPSHOT)),
        ((a_snapshot("other"),), Act(Kind.SNAPSHOT)),
        ((a_snapshot(),), None),
        ((a_snapshot(status="creating"),), Wait("creating its snapshot before")),
        ((a_snapshot(status="error"),), Impossible("its snapshot before is error")),
    ],
)
def test_a_snapshot_is_made_once(snapshots: tuple[Snapshot, ...], step: object) -> None:
    assert decide(goal(snapshot="before"), Seen(a_volume(), snapshots)) == step


def test_snapshots_go_before_their_volume_if_that_is_allowed() -> None:
    seen = Seen(a_volume(), (a_snapshot("one"), a_snapshot("two")))
    refused = decide(goal("absent"), seen)
    assert isinstance(refused, Impossible)
    assert refused.problem == "it has snapshots (one, two)"
    allowed = goal("absent", may_delete_snapshots=True)
    assert decide(allowed, seen) == Act(Kind.DELETE_SNAPSHOT, "one")
    pending = Seen(a_volume(), (a_snapshot("one", "deleting"), a_snapshot("two")))
    assert decide(allowed, pending) == Wait("deleting its snapshots")
    assert decide(allowed, Seen(a_volume())) == Act(Kind.DELETE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (a_volume("creating"), a_volume("available")),
        (a_volume("detaching", "web"), a_volume("available")),
        (a_volume("in-use", "web"), a_volume("in-use", "web")),
        (a_volume("deleting"), None),
        (None, None),
    ],
)
def test_check_mode_takes_what_is_under_way_as_done(before: Volume | None, after: Volume | None) -> None:
    assert settled(Seen(before)).volume == after
