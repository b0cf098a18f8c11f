# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, user data and the setup of instances, on a real nova."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.login import Session
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import (
    ConfigurationError,
    SelectionError,
    Unreachable,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import Response
from ansible_collections.jetstream.cloud.tests.openstack.rest import RestError
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.test_access import ONE, TWO
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.test_launch import LIST, SMALL, names, user_id
from ansible_collections.jetstream.cloud.tests.scenarios.jetstream2.user import User
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.fleet.launching.test_setup import (
    BOOT,
    COMPLETE,
    ERROR,
    FINISHED,
    RUNNING,
)

CONSOLE = "POST compute /servers/action"
KEY, KEYS = "GET compute /os-keypairs/laptop", "POST compute /os-keypairs"
WITH_KEY: dict[str, Any] = {"name": "head", "key_name": "laptop", "public_key": ONE, **SMALL}


@pytest.fixture(autouse=True)
def _no_key(user: User) -> Iterator[None]:
    yield
    user.cloud.owner.delete("compute", "/os-keypairs/laptop")


def test_instances_are_ready_when_their_consoles_say_so_on_a_real_nova(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: dict[str, Any] = {"names": ["ann", "bob", "eve"], "wait_for": "setup", **SMALL}
    user.cloud.hypervisor.console("ann", f"{BOOT}{RUNNING}\n")
    user.cloud.hypervisor.console("bob", f"{BOOT}{FINISHED}\n")
    user.cloud.hypervisor.console("eve", f"{BOOT}{ERROR}\n")
    really = Session.request
    reads: list[str] = []

    def request(self: Session, method: str, service: str, path: str, **more: Any) -> Response:
        reply = really(self, method, service, path, **more)
        if method == "POST" and path.endswith("/action"):
            reads.append(path)
        if len(reads) == 4:
            user.cloud.hypervisor.console("ann", f"{BOOT}{RUNNING}\n{COMPLETE}\n")
        return reply

    monkeypatch.setattr(Session, "request", request)
    done = user.task("instance", **wanted)
    assert done.failure == f"2 of 3 instances exist: eve: is active, but its setup failed: {ERROR}."
    assert (done.of("ann")["failed"], done.of("bob")["failed"]) == (False, False)
    # Eve and Bob are read once, Ann until she is set up.
    assert (done.requests().count(CONSOLE), sorted(map(reads.count, set(reads)))) == (5, [1, 1, 3])
    user.cloud.hypervisor.console("eve", f"{BOOT}{ERROR}\n{COMPLETE}\n")
    again = user.task("instance", **wanted)
    assert (again.failure, again.outcome.changed) == ("", False)
    assert again.requests() == [LIST, *[CONSOLE] * 3]
    gone = user.task("instance", state="absent", names=["ann", "bob", "eve"])
    assert (gone.failure, names(user)) == ("", [])


def test_a_setup_that_does_not_end_in_time_is_named_and_the_next_run_goes_on(user: User) -> None:
    user.cloud.hypervisor.console("head", f"{RUNNING}\n")
    done = user.task("instance", name="head", wait_for="setup", wait_timeout=15, **SMALL)
    assert done.failure == f"head: is active, but its setup has not ended within 15 s: {RUNNING}."
    user.cloud.hypervisor.console("head", f"{COMPLETE}\n")
    done = user.task("instance", name="head", wait_for="setup", initial_state="shelved", **SMALL)
    assert (done.failure, done.outcome.changed, done.of("head")["after"]) == ("", False, "active")


def test_a_key_is_imported_once_and_one_of_another_kind_is_refused(user: User) -> None:
    checked = user.task("instance", check_mode=True, **WITH_KEY)
    assert (checked.result["key_imported"], KEYS in checked.requests()) == (True, False)
    done = user.task("instance", **WITH_KEY)
    assert (done.failure, done.result["key_imported"]) == ("", True)
    assert [(each.outcome.diff or {})["after"].splitlines()[0] for each in (checked, done)] == [
        "key pair laptop: present"
    ] * 2
    assert (done.requests().count(KEY), done.requests().count(KEYS)) == (1, 1)
    assert user.cloud.show(user_id(user, "head"))["key_name"] == "laptop"
    again = user.task("instance", **WITH_KEY)
    assert (again.outcome.changed, again.requests()) == (False, [LIST])
    with pytest.raises(ConfigurationError, match="The key pair laptop has a different key"):
        user.task("instance", **{**WITH_KEY, "name": "other", "public_key": TWO})
    assert names(user) == ["head"]


def test_a_lost_answer_to_an_import_leaves_one_key_and_one_instance(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Session.request
    lost: list[str] = []

    def request(self: Session, method: str, service: str, path: str, **more: Any) -> Response:
        reply = really(self, method, service, path, **more)
        if method == "POST" and path == "/os-keypairs":
            lost.append(path)
            raise Unreachable("The connection was dropped.")
        return reply

    monkeypatch.setattr(Session, "request", request)
    done = user.task("instance", **WITH_KEY)
    assert (done.failure, done.result["key_imported"], len(lost), names(user)) == ("", True, 1, ["head"])


def test_user_data_of_a_file_arrives_and_too_much_of_it_is_refused_before_anything_is_sent(
    user: User, tmp_path: Path
) -> None:
    path = tmp_path / "cloud-init.yml"
    path.write_text("#cloud-config\npackages: [htop]\n", encoding="utf-8")
    assert user.task("instance", name="head", user_data_file=str(path), **SMALL).failure == ""
    shown = user.cloud.admin.get("compute", f"/servers/{user_id(user, 'head')}")["server"]
    sent = base64.b64decode(shown["OS-EXT-SRV-ATTR:user_data"]).decode("utf-8")
    assert sent == path.read_text(encoding="utf-8")
    # Three bytes are four characters of base64.
    path.write_text("x" * 49152, encoding="utf-8")
    with user.cloud.requests.counted() as seen, pytest.raises(SelectionError, match="65536 characters in base64"):
        user.task("instance", name="other", user_data_file=str(path), **SMALL)
    assert [each for each in seen if each.service != "identity"] == []
    body = {"name": "x", "imageRef": "x", "flavorRef": "1", "user_data": "A" * 65536, "networks": "none"}
    with pytest.raises(RestError) as refused:
        user.cloud.owner.post("compute", "/servers", {"server": body})
    assert refused.value.status == 400
