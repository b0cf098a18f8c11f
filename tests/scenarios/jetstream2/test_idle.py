# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of idle servers from outside, and what their owners say of them, on a real nova."""

from __future__ import annotations

import re
import time

import pytest
from ansible_collections.jetstream.cloud.tests.openstack.rest import RestError
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User
from ansible_collections.jetstream.cloud.tests.scenarios.stages import play
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.console_lines import log

UNTIL = "2031-01-01T00:00:00Z"
WRITE, REMOVE = (f"{method} compute /servers/metadata/jetstream_keep_until" for method in ("PUT", "DELETE"))


def test_a_keep_mark_in_metadata_is_one_key_of_it(user: User) -> None:
    [server] = user.has(name="kept", metadata={"course": "bio101"})
    checked = user.task("keep", name=["kept"], until=UNTIL, check_mode=True)
    assert (checked.outcome.changed, WRITE in checked.requests()) == (True, False)
    done = user.task("keep", name=["kept"], until=UNTIL)
    assert (done.of("kept")["source"], done.requests().count(WRITE)) == ("metadata", 1)
    assert user.cloud.show(server)["metadata"] == {"course": "bio101", "jetstream_keep_until": UNTIL}
    again = user.task("keep", name=["kept"], until=UNTIL)
    assert (again.outcome.changed, WRITE in again.requests()) == (False, False)
    [seen] = user.task("idle_info", name=["kept"]).result["instances"]
    assert (seen["keep"]["until"], seen["keep"]["source"], seen["keep"]["holds"]) == (UNTIL, "metadata", True)
    undone = user.task("keep", name=["kept"], state="absent")
    assert (undone.outcome.changed, undone.requests().count(REMOVE)) == (True, 1)
    assert user.cloud.show(server)["metadata"] == {"course": "bio101"}
    assert not user.task("keep", name=["kept"], state="absent").outcome.changed


def test_a_keep_mark_of_a_locked_or_shelved_server_is_in_the_file(user: User) -> None:
    """Nova refuses to change their metadata, as the requests at the end of this test show."""
    fleet = user.cloud.fleet({"locked": 1, "shelved_offloaded": 1, "shutoff": 1}, name="each")
    locked, shelved, off = (fleet[state][0] for state in ("locked", "shelved_offloaded", "shutoff"))
    done = user.task("keep", name=["each-*"], until=UNTIL)
    assert [done.of(each.name)["source"] for each in (locked, shelved, off)] == ["file", "file", "metadata"]
    assert done.requests().count(WRITE) == 1
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


def test_what_a_console_says_is_use_and_with_console_only_idleness(user: User) -> None:
    """A console has other text as well, and nova decodes and cuts it."""
    quiet, busy, mute = user.has(3, name="seen", flavor="m3.quad")
    boot = "Ubuntu 24.04 LTS seen ttyS0\r\n\u2014 cloud-init\r\n"
    end = time.time() - 20
    user.cloud.hypervisor.console(quiet, boot + log([1, 0, 0] * 20, end=end))
    user.cloud.hypervisor.console(busy, boot * 200 + log([0] * 50 + [40] * 10, end=end))
    user.cloud.hypervisor.console(mute, boot)
    done = user.task("idle_info")
    assert [done.of(each.name)["verdict"] for each in (quiet, busy, mute)] == ["unknown", "active", "unknown"]
    assert done.requests().count("POST compute /servers/action") == 3
    assert (done.of(busy.name)["rule"], done.of(busy.name)["evidence"]["console"]["used_now"]) == ("console", True)
    assert done.of(mute.name)["evidence"]["console"]["lines"] == 0
    alone = user.task("idle_info", console_only=True)
    assert [alone.of(each.name)["rule"] for each in (quiet, busy, mute)] == ["console_only", "console", "console"]
    assert (alone.of(quiet.name)["verdict"], alone.of(mute.name)["verdict"]) == ("idle", "unknown")
    user.brings([quiet], "shelved")
    asleep = user.task("idle_info", console_only=True, console="all")
    assert (asleep.of(quiet.name)["verdict"], asleep.of(quiet.name)["rule"]) == ("unknown", "not_running")
    assert asleep.requests().count("POST compute /servers/action") == 2


def test_what_computes_by_its_console_needs_no_reading(user: User) -> None:
    """None of them has an address, so that one that had to be read is named."""
    quiet, busy = user.has(2, name="seen", flavor="m3.quad")
    end = time.time() - 20
    user.cloud.hypervisor.console(quiet, log([0] * 60, end=end))
    user.cloud.hypervisor.console(busy, log([40] * 10, end=end))
    profiles = user.home / ".config" / "jetstream" / "profiles.toml"
    profiles.parent.mkdir(parents=True)
    profiles.write_text('[lab]\ncloud = "js2"\n')
    profiles.chmod(0o600)
    played = play("jetstream.cloud.activity", user.home, "-i", "localhost,")
    assert "0 of 2 running instances were read. 1 in use by the console." in played.text
    assert re.search(rf"^{quiet.name} .*has no address", played.text, re.MULTILINE)
    assert busy.name not in played.text.split("NOT READ")[1]
    all_read = play("jetstream.cloud.activity", user.home, "-i", "localhost,", "-e", "console=false")
    assert re.search(rf"^{busy.name} .*has no address", all_read.text, re.MULTILINE)
    assert (played.status, all_read.status) == (0, 0)
