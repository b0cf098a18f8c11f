# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of idle servers from outside, and what their owners say of them, on a real nova."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.tests.openstack.rest import RestError
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User

UNTIL = "2031-01-01T00:00:00Z"
WRITE, REMOVE = (f"{method} compute /servers/metadata/jetstream_keep_until" for method in ("PUT", "DELETE"))


def test_a_keep_mark_in_metadata_is_one_key_of_it(user: User) -> None:
    [server] = user.has(name="kept", metadata={"course": "bio101"})
    checked = user.task("keep", name=["kept"], until=UNTIL, check_mode=True)
    assert (checked.outcome.changed, WRITE in checked.asked()) == (True, False)
    done = user.task("keep", name=["kept"], until=UNTIL)
    assert (done.of("kept")["source"], done.asked().count(WRITE)) == ("metadata", 1)
    assert user.cloud.show(server)["metadata"] == {"course": "bio101", "jetstream_keep_until": UNTIL}
    again = user.task("keep", name=["kept"], until=UNTIL)
    assert (again.outcome.changed, WRITE in again.asked()) == (False, False)
    [seen] = user.task("idle_info", name=["kept"]).result["instances"]
    assert (seen["keep"]["until"], seen["keep"]["source"], seen["keep"]["holds"]) == (UNTIL, "metadata", True)
    undone = user.task("keep", name=["kept"], state="absent")
    assert (undone.outcome.changed, undone.asked().count(REMOVE)) == (True, 1)
    assert user.cloud.show(server)["metadata"] == {"course": "bio101"}
    assert not user.task("keep", name=["kept"], state="absent").outcome.changed


def test_a_keep_mark_of_a_locked_or_shelved_server_is_in_the_file(user: User) -> None:
    """Nova refuses to change their metadata, as the requests at the end of this test show."""
    fleet = user.cloud.fleet({"locked": 1, "shelved_offloaded": 1, "shutoff": 1}, name="each")
    locked, shelved, off = (fleet[state][0] for state in ("locked", "shelved_offloaded", "shutoff"))
    done = user.task("keep", name=["each-*"], until=UNTIL)
    assert [done.of(each.name)["source"] for each in (locked, shelved, off)] == ["file", "file", "metadata"]
    assert done.asked().count(WRITE) == 1
    assert [each.partition(" Its metadata cannot be changed now: ")[2] for each in done.outcome.warnings] == [
        "it is locked.",
        "it is shelved_offloaded.",
    ]
    for each in (locked, shelved):
        path = f"/servers/{each.id}/metadata/jetstream_keep_until"
        with pytest.raises(RestError) as refused:
            user.cloud.owner.put("compute", path, {"meta": {"jetstream_keep_until": UNTIL}})
        assert refused.value.status == 409
    assert not user.task("keep", name=["each-*"], until=UNTIL).outcome.changed
