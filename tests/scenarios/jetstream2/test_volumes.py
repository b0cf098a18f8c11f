# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes of a real cinder, attached by a real nova: growing, snapshots, and what is left behind."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Session
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import OverAllocation, SelectionError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

LOGIN = "POST identity /auth/tokens"
GONE = "11111111-2222-4333-8444-555555555555"


def _volume(user: User, name: str = "data", **options: Any) -> Done:
    return user.task("volume", name=name, **options)


def _thrice(user: User, actions: list[str], name: str = "data", **options: Any) -> Done:
    """Foresee a state, reach it, and keep it."""
    foreseen, done, again = (_volume(user, name, check_mode=check, **options) for check in (True, False, False))
    assert {each.failure for each in (foreseen, done, again)} == {""}
    assert [each.result["actions"] for each in (foreseen, done, again)] == [actions, actions, []]
    assert [each.outcome.changed for each in (foreseen, done, again)] == [True, True, False]
    assert (_writes(foreseen), _writes(again)) == ([], [])
    return done


def _writes(done: Done) -> list[str]:
    """Return the requests that change something."""
    return [each for each in done.requests() if each != LOGIN and not each.startswith("GET ")]


def test_a_volume_grows_also_while_it_is_attached(user: User) -> None:
    [server] = user.has(name="db")
    user.cloud.volume("data", 3)
    assert _thrice(user, ["grow"], size=4).result["volume"]["size"] == 4
    done = _thrice(user, ["grow", "attach"], size=5, state="attached", instance="db")
    assert done.result["volume"]["attachments"][0]["instance_uuid"] == server.id
    assert _thrice(user, ["grow"], size=6).result["volume"]["status"] == "in-use"
    assert "a volume cannot shrink to 5 GB" in _volume(user, size=5).failure


def test_a_snapshot_is_made_once_and_a_volume_created_from_it(user: User) -> None:
    [_server] = user.has(name="db")
    _thrice(user, ["create", "attach"], size=3, state="attached", instance="db")
    _thrice(user, ["snapshot"], snapshot="before")
    assert _thrice(user, ["create"], "copy", from_snapshot="before").result["volume"]["size"] == 3
    with pytest.raises(SelectionError, match="2 GB, but must be at least the 3 GB of the snapshot before"):
        _volume(user, "small", from_snapshot="before", size=2)
    _thrice(user, ["detach"], state="detached")
    assert (
        "it has snapshots (before). To delete them with it, set delete_snapshots: true."
        in _volume(user, state="absent").failure
    )
    _thrice(user, ["delete_snapshot", "delete"], state="absent", delete_snapshots=True)
    _thrice(user, ["delete"], "copy", state="absent")


def test_a_volume_left_reserved_by_an_instance_that_is_gone_is_freed(user: User) -> None:
    [_server] = user.has(name="db")
    left = user.cloud.volume("data", 3)
    body = {"attachment": {"volume_uuid": left.id, "instance_uuid": GONE}}
    user.cloud.owner.post("block-storage", "/attachments", body)
    assert _volume(user, check_mode=True).result["volume"]["status"] == "available"
    _thrice(user, ["repair", "attach"], state="attached", instance="db")
    assert _volume(user, state="detached").result["volume"]["status"] == "available"


@pytest.mark.parametrize(
    ("state", "reason"),
    [("suspended", "it is suspended"), ("locked", "it is locked"), ("error", "it is error")],
)
def test_an_instance_that_takes_no_volume_is_not_asked(user: User, state: Any, reason: str) -> None:
    user.has(state=state, name="db")
    user.cloud.volume("data", 3)
    done = _volume(user, state="attached", instance="db")
    assert done.failure.endswith(f"it cannot be attached to db: {reason}.")
    assert _writes(done) == []


@pytest.mark.parametrize("state", ["shutoff", "shelved_offloaded"])
def test_an_instance_at_rest_takes_a_volume(user: User, state: Any) -> None:
    user.has(state=state, name="db")
    user.cloud.volume("data", 3)
    _thrice(user, ["attach"], state="attached", instance="db")
    _thrice(user, ["detach", "delete"], state="absent", detach=True)


def test_a_quota_is_told_before_anything_is_requested(user: User) -> None:
    limits = user.cloud.owner.get("block-storage", "/limits")["limits"]["absolute"]
    size = int(limits["maxTotalVolumeGigabytes"]) + 1
    with pytest.raises(OverAllocation, match=f"data: {size} GB of volumes required, "):
        _volume(user, size=size)


def test_creating_costs_a_list_the_limits_and_one_request(user: User) -> None:
    done = _volume(user, size=1)
    assert [each for each in done.requests() if each != LOGIN][:3] == [
        "GET block-storage /volumes/detail",
        "GET block-storage /limits",
        "POST block-storage /volumes",
    ]


def test_creating_without_a_wait_costs_another_list(user: User) -> None:
    """A list may lack what was created a moment ago, and nothing is read afterwards that would show a second one."""
    done = _volume(user, size=1, wait=False)
    assert [each for each in done.requests() if each != LOGIN] == [
        "GET block-storage /volumes/detail",
        "GET block-storage /volumes/detail",
        "GET block-storage /limits",
        "POST block-storage /volumes",
        "GET block-storage /volumes",
    ]
    assert _volume(user).result["volume"]["status"] == "available"


def test_a_volume_that_another_run_attaches_meanwhile_is_attached(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nova refuses the second request: the volume is already attached."""
    [server] = user.has(name="db")
    volume = user.cloud.volume("data", 3)
    really = Session.request
    others: list[str] = []

    def request(self: Session, method: str, service: str, path: str, **more: Any) -> Response:
        if method == "POST" and path.endswith("/os-volume_attachments") and not others:
            others.append(path)
            body = {"volumeAttachment": {"volumeId": volume.id}}
            user.cloud.owner.post("compute", f"/servers/{server.id}/os-volume_attachments", body)
        return really(self, method, service, path, **more)

    monkeypatch.setattr(Session, "request", request)
    done = _volume(user, state="attached", instance="db")
    assert (done.failure, len(others)) == ("", 1)
    [attached] = done.result["volume"]["attachments"]
    assert (attached["instance_uuid"], done.result["volume"]["serial"]) == (server.id, volume.id)
