# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines in the metadata and in a file, on a real nova."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import Done, User

APPLY: dict[str, Any] = {"apply": True, "channels": ["mail"], "notice_hours": 0}
LIST = "GET compute /servers/detail"


def deliver(user: User, done: Done) -> Done:
    return user.task("deadline", told=list(done.result["news"]), channel="mail")


def test_deadlines_are_checked_told_carried_out_once_and_respect_owners(user: User) -> None:
    past = iso(datetime.now(UTC) - timedelta(hours=1))
    due = {"jetstream_shelve_at": past, "jetstream_may_shelve": "true"}
    for name, metadata in (
        ("due", due),
        ("told", {"jetstream_shelve_at": past}),
        ("odd", {**due, "jetstream_shelve_at": "the 18th"}),
        ("kept", {**due, "jetstream_keep_until": "2031-01-01"}),
        ("later", {**due, "jetstream_keep_from": "2031-01-01", "jetstream_keep_until": "2031-02-01"}),
        ("plain", {}),
    ):
        user.has(name=name, metadata=metadata)
    [locked] = user.has(name="locked", metadata=due)
    user.cloud.lock(locked, "exam")
    path = user.home / "schedules.yml"
    path.write_text(f"deadlines: [{{name: plain, delete_warn_at: '{past}'}}]\n", encoding="utf-8")
    options = {"path": str(path), **APPLY}

    first = user.task("deadline", **options)
    assert first.requests() == ["POST identity /auth/tokens", LIST]
    steps = {each["name"]: each["step"] for each in first.result["instances"]}
    assert steps == {
        "due": "wait",
        "told": "left",
        "odd": "nothing",
        "kept": "left",
        "later": "wait",
        "plain": "nothing",
        "locked": "left",
    }
    assert ["odd" in each and "the 18th" in each for each in first.outcome.warnings] == [True]
    assert deliver(user, first).requests() == []

    ahead = user.task("deadline", check_mode=True, **options)
    assert (ahead.outcome.changed, ahead.requests(), ahead.of("due")["msg"]) == (True, [LIST], "would shelve")
    done = user.task("deadline", **options)
    assert done.failure == ""
    assert done.requests().count("POST compute /servers/action") == 2
    shelved = {each["name"] for each in done.result["instances"] if each["after"].startswith("shelved")}
    assert shelved == {"due", "later"}
    again = user.task("deadline", **options)
    assert (again.outcome.changed, again.requests(), again.result["news"]) == (False, [LIST], [])
    listed = user.cloud.owner.get("compute", "/servers/detail")["servers"]
    assert {each["name"] for each in listed if each["status"] == "ACTIVE"} == {"told", "odd", "kept", "plain", "locked"}


def test_a_mark_that_begins_later_is_two_keys_of_the_metadata(user: User) -> None:
    [server] = user.has(name="kept", metadata={"course": "bio101"})
    begin, end = "2031-01-01T00:00:00Z", "2031-02-01T00:00:00Z"
    span: dict[str, Any] = {"from": begin, "until": end}
    assert user.task("keep", name=["kept"], check_mode=True, **span).outcome.changed
    done = user.task("keep", name=["kept"], **span)
    assert [each for each in done.requests() if each.startswith("PUT")] == [
        "PUT compute /servers/metadata/jetstream_keep_until",
        "PUT compute /servers/metadata/jetstream_keep_from",
    ]
    assert user.cloud.show(server)["metadata"] == {
        "course": "bio101",
        "jetstream_keep_from": begin,
        "jetstream_keep_until": end,
    }
    assert not user.task("keep", name=["kept"], **span).outcome.changed
    [seen] = user.task("idle_info", name=["kept"]).result["instances"]
    assert (seen["keep"]["from"], seen["keep"]["holds"]) == (begin, False)
    assert user.task("keep", name=["kept"], state="absent").outcome.changed
    assert user.cloud.show(server)["metadata"] == {"course": "bio101"}
