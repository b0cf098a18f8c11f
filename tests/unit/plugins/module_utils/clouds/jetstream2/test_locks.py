# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock that was lifted for an action is put back, or reported as missing, and the next run puts it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.client import Jetstream2Cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.locks import (
    LockNotes,
    notes_folder,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Account
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    Conflict,
    JetstreamError,
    LockLost,
    PermissionDenied,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.deadline import Deadline
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Instance
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

LOST = Unreachable("The connection was lost.")
LOCKED = an_instance(locked=True, lock_reason="thesis")
UNLOCKED = an_instance(locked=False)


def status(number: int) -> Response:
    return Response(number, None, number != 202, "application/json", None, None)


class Nova:
    """One server with a lock. ``answers`` has, by the action's key, the errors or statuses of the next requests."""

    def __init__(self, clock: FakeClock, **answers: list[Any]) -> None:
        self.answers = {name.replace("_", "-"): list(each) for name, each in answers.items()}
        self.locked = True
        self.reason: str | None = "thesis"
        self.sent: list[str] = []
        self.deadline = Deadline(clock)

    def account(self) -> Account:
        return Account("u", "ada", "p", "geo", "IU")

    def extended(self, seconds: float) -> AbstractContextManager[None]:
        return self.deadline.extended(seconds)

    def request(
        self,
        method: str,
        service: str,
        path: str,
        *,
        data: Any = None,
        microversion: str | None = None,
        once: bool = False,
    ) -> Response:
        if self.deadline.left <= 0:
            raise Unreachable("The time is over.", unsent=True)
        [key] = data or ["get"]
        self.sent.append(key)
        answer = self.answers.get(key, []).pop(0) if self.answers.get(key) else 202
        carried_out, answer = (True, answer[0]) if isinstance(answer, tuple) else (answer == 202, answer)
        if carried_out and key in ("lock", "unlock"):
            self.locked = key == "lock"
            self.reason = (data[key] or {}).get("locked_reason") if key == "lock" else None
        if isinstance(answer, BaseException):
            raise answer
        if key == "get" and answer == 202:
            row = recorded("servers")["servers"][0]
            return Response(200, {"server": {**row, "locked": self.locked}}, True, "application/json", None, None)
        return status(answer)

    def close(self) -> None:
        pass


class Site:
    def __init__(self, folder: Path, **answers: list[Any]) -> None:
        self.clock = FakeClock()
        self.nova = Nova(self.clock, **answers)
        self.notes = LockNotes(folder, "js2")
        self.cloud = Jetstream2Cloud(self.nova, self.notes, self.clock, max_concurrency=1)  # type: ignore[arg-type]


def test_a_lock_is_lifted_and_put_back_with_its_reason_and_no_note_is_left(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.cloud.act(LOCKED, Action.STOP)
    assert site.nova.sent == ["unlock", "os-stop", "lock"]
    assert (site.nova.locked, site.nova.reason) == (True, "thesis")
    assert site.notes.instances() == set()


@pytest.mark.parametrize("failure", [LOST, 500, 502, 503, 429], ids=str)
def test_putting_a_lock_back_is_tried_again(tmp_path: Path, failure: Any) -> None:
    site = Site(tmp_path, lock=[failure, failure])
    site.cloud.act(LOCKED, Action.STOP)
    assert site.nova.sent.count("lock") == 3
    assert site.nova.locked
    assert site.notes.instances() == set()


def test_a_lock_whose_response_was_lost_is_seen_to_be_there(tmp_path: Path) -> None:
    site = Site(tmp_path, lock=[(LOST,)])
    site.cloud.act(LOCKED, Action.STOP)
    assert site.nova.sent == ["unlock", "os-stop", "lock", "get"]


def test_a_lock_that_cannot_be_put_back_is_reported_with_its_reason_and_noted(tmp_path: Path) -> None:
    site = Site(tmp_path, lock=[500] * 9)
    with pytest.raises(LockLost, match=r"Locking it again failed \(reason: thesis\): .*HTTP 500") as caught:
        site.cloud.act(LOCKED, Action.STOP)
    assert caught.value.accepted
    assert site.notes.instances() == {LOCKED.uuid}
    assert site.clock.monotonic() <= 30


@pytest.mark.parametrize("failure", [LOST, (LOST,), 500, 502], ids=str)
def test_an_action_whose_lock_was_perhaps_not_lifted_was_surely_not_sent(tmp_path: Path, failure: Any) -> None:
    site = Site(tmp_path, unlock=[failure])
    with pytest.raises(Unreachable) as caught:
        site.cloud.act(LOCKED, Action.STOP)
    assert caught.value.unsent
    assert site.nova.sent == ["unlock", "lock"]
    assert (site.nova.locked, site.nova.reason) == (True, "thesis")
    assert site.notes.instances() == set()


def test_a_lock_that_was_perhaps_lifted_and_cannot_be_restored_is_tried_for_half_a_minute(tmp_path: Path) -> None:
    site = Site(tmp_path, unlock=[(LOST,)], lock=[500] * 99)
    with pytest.raises(LockLost) as caught:
        site.cloud.act(LOCKED, Action.STOP)
    assert caught.value.unsent
    assert site.nova.sent.count("lock") == 4
    assert site.clock.monotonic() <= 30


def test_no_pause_is_longer_than_the_time_for_a_lock(tmp_path: Path) -> None:
    site = Site(tmp_path, lock=[500] * 9)
    slow = site.cloud.get_instance

    def get_instance(instance: Instance) -> Instance:
        site.clock.sleep(29.5)
        return slow(instance)

    site.cloud.get_instance = get_instance  # type: ignore[method-assign]
    with pytest.raises(LockLost):
        site.cloud.act(LOCKED, Action.STOP)
    assert site.clock.monotonic() <= 30


def test_a_refused_action_leaves_its_lock_behind_it(tmp_path: Path) -> None:
    site = Site(tmp_path, os_stop=[409])
    with pytest.raises(Conflict):
        site.cloud.act(LOCKED, Action.STOP)
    assert (site.nova.locked, site.notes.instances()) == (True, set())


@pytest.mark.parametrize(("failure", "is_unsent"), [(409, True), (500, False)])
def test_an_action_that_failed_and_a_lost_lock_are_both_reported(tmp_path: Path, failure: int, is_unsent: bool) -> None:
    site = Site(tmp_path, os_stop=[failure], lock=[500] * 9)
    with pytest.raises(LockLost, match=rf"HTTP {failure}.*Locking it again failed") as caught:
        site.cloud.act(LOCKED, Action.STOP)
    assert (caught.value.accepted, caught.value.unsent) == (False, is_unsent)


def test_an_unlock_that_was_refused_lifted_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, unlock=[403])
    with pytest.raises((PermissionDenied, JetstreamError)):
        site.cloud.act(LOCKED, Action.STOP)
    assert site.nova.sent == ["unlock"]
    assert site.notes.instances() == set()


@pytest.mark.parametrize("carried_out", [False, True])
def test_an_unlock_whose_response_was_lost_is_made_good(tmp_path: Path, carried_out: bool) -> None:
    site = Site(tmp_path, unlock=[(LOST,) if carried_out else LOST])
    with pytest.raises(Unreachable):
        site.cloud.act(LOCKED, Action.STOP)
    assert site.nova.sent == ["unlock", "lock"]
    assert (site.nova.locked, site.notes.instances()) == (True, set())


def test_a_lock_is_put_back_also_after_the_deadline(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.nova.deadline.set(10)
    site.clock.sleep(9)
    real = site.nova.request

    def slow(*arguments: Any, **keywords: Any) -> Response:
        answer = real(*arguments, **keywords)
        site.clock.sleep(2 if site.nova.sent[-1] == "os-stop" else 0)
        return answer

    site.nova.request = slow  # type: ignore[method-assign]
    site.cloud.act(LOCKED, Action.STOP)
    assert site.nova.locked


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(143)], ids=lambda end: type(end).__name__)
def test_an_end_from_outside_puts_the_lock_back_first(tmp_path: Path, end: BaseException) -> None:
    site = Site(tmp_path, os_stop=[end])
    with pytest.raises(type(end)):
        site.cloud.act(LOCKED, Action.STOP)
    assert (site.nova.locked, site.notes.instances()) == (True, set())


@contextmanager
def killed_between(folder: Path) -> Iterator[None]:
    """Leave the state of a run that was killed between unlock and lock."""
    with LockNotes(folder, "js2").written(LOCKED.uuid, "thesis"):
        pass
    yield


def test_the_next_run_locks_an_instance_that_a_killed_run_left_unlocked(tmp_path: Path) -> None:
    with killed_between(tmp_path):
        site = Site(tmp_path)
    site.nova.locked = False
    [instance], [told] = site.cloud.restore([UNLOCKED])
    assert (instance.locked, instance.lock_reason) == (True, "thesis")
    assert told == "An interrupted run left web (1) unlocked. It is locked again."
    assert (site.nova.locked, site.nova.reason, site.nova.sent) == (True, "thesis", ["lock"])
    assert site.notes.instances() == set()
    assert site.cloud.restore([UNLOCKED])[1] in ((), [])


def test_a_lock_that_its_owner_has_put_back_is_left_as_it_is(tmp_path: Path) -> None:
    with killed_between(tmp_path):
        site = Site(tmp_path)
    assert site.cloud.restore([LOCKED]) == ([LOCKED], [])
    assert (site.nova.sent, site.notes.instances()) == ([], set())


def test_a_lock_that_another_run_is_lifting_right_now_is_its_own_affair(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with site.notes.written(LOCKED.uuid, "thesis"):
        assert site.cloud.restore([UNLOCKED])[1] in ((), [])
    assert site.nova.sent == []


def test_a_lock_that_cannot_be_restored_is_reported_and_tried_by_the_run_after(tmp_path: Path) -> None:
    with killed_between(tmp_path):
        site = Site(tmp_path, lock=[500] * 9)
    site.nova.locked = False
    [instance], [told] = site.cloud.restore([UNLOCKED])
    assert instance is UNLOCKED
    assert "Locking it again failed (reason: thesis)" in told
    assert site.notes.instances() == {UNLOCKED.uuid}


def test_without_a_place_for_notes_the_lock_is_put_back_all_the_same(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    site = Site(blocked)
    site.cloud.act(LOCKED, Action.STOP)
    assert site.nova.locked
    assert site.cloud.restore([UNLOCKED])[1] in ((), [])


def test_notes_are_private_and_apart_for_each_cloud(tmp_path: Path) -> None:
    folder = notes_folder({"XDG_STATE_HOME": str(tmp_path)}, Path("/nowhere"))
    assert folder == tmp_path / "jetstream" / "lifted-locks"
    assert notes_folder({}, tmp_path) == tmp_path / ".local/state/jetstream/lifted-locks"
    with LockNotes(folder, "one").written("u", "thesis"):
        assert LockNotes(folder, "two").instances() == set()
        [note] = folder.rglob("u")
        assert note.stat().st_mode & 0o777 == 0o600
        assert note.parent.stat().st_mode & 0o777 == 0o700


def test_an_unreadable_note_has_no_reason(tmp_path: Path) -> None:
    notes = LockNotes(tmp_path, "js2")
    with killed_between(tmp_path):
        [path] = tmp_path.rglob(LOCKED.uuid)
        path.write_text("[")
    with notes.left_behind(LOCKED.uuid) as note:
        assert note is not None
        assert note.reason() is None
