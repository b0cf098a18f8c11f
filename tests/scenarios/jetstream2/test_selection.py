# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of another user in the project are left alone, and only what is selected is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import api
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import SelectionError
from ansible_collections.jetstream.cloud.tests.openstack.fleet import Fleet
from ansible_collections.jetstream.cloud.tests.openstack.seeding import IMAGE, OWNER
from ansible_collections.jetstream.cloud.tests.scenarios.colleague import colleague_in
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User


@pytest.fixture
def colleague(user: User) -> Iterator[Fleet]:
    with colleague_in(user.cloud) as fleet:
        yield fleet


def test_the_servers_of_a_colleague_are_counted_shown_and_left_alone(user: User, colleague: Fleet) -> None:
    user.has(2, name="mine")
    hers = colleague.servers(1, name="hers")[0]
    owner = colleague.owner.user_id

    done = user.task("instance_state", state="stopped", all=True)
    assert {each["name"]: each["owner"] for each in done.result["instances"]} == {"mine-1": OWNER, "mine-2": OWNER}
    assert (done.result["summary"]["changed"], done.result["summary"]["others"]) == (2, 1)
    assert user.cloud.show(hers)["status"] == "ACTIVE"

    shown = user.task("instance_info", image_names=False).result["instances"]
    assert {each["name"]: each["owner"] for each in shown} == {"mine-1": OWNER, "mine-2": OWNER, "hers": owner}

    with pytest.raises(SelectionError) as raised:
        user.task("instance_state", state="stopped", name="hers")
    assert str(raised.value) == f"hers belongs to {owner}, but owner is me. To select it, set owner: any."

    # In one project, everybody may.
    assert user.task("instance_state", state="stopped", all=True, owner=owner).result["summary"]["changed"] == 1
    assert user.cloud.show(hers)["status"] == "SHUTOFF"


def test_what_a_colleague_has_is_not_deleted_by_its_name(user: User, colleague: Fleet) -> None:
    colleague.servers(1, name="hers")
    colleague.volume("data", 1)
    wanted: list[dict[str, Any]] = [{"state": "absent"}, {"image": IMAGE, "flavor": "m3.tiny"}, {"new_name": "mine"}]
    for options in wanted:
        with pytest.raises(SelectionError, match=r"hers belongs to .*, but owner is me\."):
            user.task("instance", name="hers", **options)
    with pytest.raises(SelectionError, match=r"data belongs to .*, but owner is me\."):
        user.task("volume", name="data", state="absent")
    assert user.task("volume", name="data", state="absent", owner="any").failure == ""
    assert user.task("instance", name="hers", state="absent", owner="any").failure == ""
    assert user.task("instance_info", image_names=False).result["instances"] == []


def test_a_history_requests_the_actions_of_what_is_selected(user: User) -> None:
    # No other test has these names: a history also has the servers that were deleted.
    user.has(4, name="chosen")
    done = user.task("history_info", name="chosen-2")
    assert [each["name"] for each in done.result["instances"]] == ["chosen-2"]
    assert done.requests() == [
        "POST identity /auth/tokens",
        "GET compute /servers/detail",
        "GET compute /servers/detail",
        "GET compute /servers/os-instance-actions",
    ]
    misspelt = user.task("history_info", name="chsoen-2")
    assert misspelt.outcome.warnings == ("name: chsoen-2 does not exist. Did you mean chosen-2?",)
    assert "GET compute /servers/os-instance-actions" not in misspelt.requests()


def test_a_history_in_pages_is_the_same(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    [server] = user.has(name="restless")
    for _round in range(3):
        user.brings([server], "stopped")
        user.brings([server], "started")
    whole = user.task("history_info", name="restless").of("restless")
    assert len(whole["periods"]) == 7
    monkeypatch.setattr(api, "_PAGE", 3)
    paged = user.task("history_info", name="restless")
    assert paged.of("restless")["periods"][:-1] == whole["periods"][:-1]
    assert paged.requests().count("GET compute /servers/os-instance-actions") == 3


def test_names_of_images_and_of_servers_are_requested_only_where_they_are_shown(user: User) -> None:
    [server] = user.has(name="db")
    user.cloud.volume("data", 7, attached_to=server)
    user.task("instance_info")
    assert user.task("instance_info", image_names=False).requests() == ["GET compute /servers/detail"]
    assert user.task("instance_info", name="d*").requests() == ["GET compute /servers/detail", "GET image /images"]
    assert user.task("volume_info").requests() == ["GET block-storage /volumes/detail", "GET compute /servers"]
    assert user.task("volume_info", name="x*").requests() == ["GET block-storage /volumes/detail"]
