# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project of OpenStack in many states, and tasks on it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ....plugins.module_utils._internal.clouds.jetstream2.parsing import MADE_FOR
from ....plugins.module_utils._internal.operations import (
    floating_ip,
    image,
    instance,
    instance_state,
    keypair,
    security_group,
    volume,
)
from ..positions.project import COLLEAGUE_ID, OTHER_KEY, PROJECT_ID, Project, Row
from ..positions.series_jetstream2 import KEY, LAUNCH
from ..positions.site import Series
from ..positions.site_jetstream2 import Jetstream2Site
from ..positions.trials import Scene
from .comparing import Observed, contradictions

Begin = Callable[[Project], None]
MINUTES: Mapping[str, Any] = {"wait_timeout": 600}


@dataclass(frozen=True)
class Case:
    """A task, and the state of the project that it meets.

    ``fails``: words of the failure that both runs end with; "" if neither fails, None if nothing is expected.
    """

    module: ModuleType
    options: Mapping[str, Any]
    begin: Begin
    fails: str | None = None


def compared(case: Case) -> list[str]:
    """Run a task in check mode and for real, from the same state, and return the contradictions."""
    runs: list[Observed] = []
    for check_mode in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            series = Series(Jetstream2Site, case.module, case.options, lambda _site: "", case.begin)
            runs.append(_observed(Scene(series, Path(folder)), check_mode=check_mode))
    found = list(contradictions(*runs))
    if case.fails is not None:
        for run, name in zip(runs, ("check", "run"), strict=True):
            found += list(_unexpected(run, name, case.fails))
    return found


def _unexpected(run: Observed, name: str, words: str) -> Iterator[str]:
    failure = str(run.result.get("msg", "")) if run.result.get("failed") else ""
    if (words and words not in failure) or (not words and failure):
        yield f"{name}: expected {words or 'no failure'!r}, got {failure!r}"


def _observed(scene: Scene, *, check_mode: bool) -> Observed:
    site = scene.site
    assert isinstance(site, Jetstream2Site)
    before, addresses = site.state(), set(site.addresses)
    ran = scene.run(check_mode=check_mode)
    writes = [each for each in ran.sent if not each.startswith("GET ")]
    if check_mode and site.state() != before:
        writes.append("something that changed the project")
    made = [row["floating_ip_address"] for key, row in site.addresses.items() if key not in addresses]
    return Observed(
        ran.result,
        warnings=tuple(ran.text.splitlines()[1:]),
        changes=(*writes, *ran.accepted) if check_mode else (),
        seconds=ran.seconds,
        given=tuple(made),
        crash=ran.crash,
    )


# --- states of an instance


def _web(status: str = "ACTIVE", task: str | None = None, **more: Any) -> Begin:
    def begin(project: Project) -> None:
        web = project.add_server("web", status=status, key_name="laptop")
        web.update(more)
        if task is not None:
            web["OS-EXT-STS:task_state"] = task
        project.groups["ssh"] = _group("ssh")

    return begin


def _then(first: Begin, *others: Begin) -> Begin:
    def begin(project: Project) -> None:
        for each in (first, *others):
            each(project)

    return begin


def _group(name: str, **more: Any) -> Row:
    row = {"id": name, "name": name, "description": "", "created_at": "2026-11-01T00:00:00Z"}
    return {**row, "security_group_rules": [], **more}


def _web_row(project: Project) -> Row:
    return next(each for each in project.servers.values() if each["name"] == "web")


def _moving(status: str, task: str, end: str) -> Begin:
    def begin(project: Project) -> None:
        _web(status, task)(project)
        web = _web_row(project)
        project.after(2.0, lambda: project._set(web, end))

    return begin


def _built(project: Project) -> None:
    _web("BUILD", "spawning")(project)
    web = _web_row(project)
    web["OS-SRV-USG:launched_at"] = None

    def built() -> None:
        project._set(web, "ACTIVE")
        web["OS-SRV-USG:launched_at"] = project._stamp()

    project.after(2.0, built)


def _resizing(project: Project) -> None:
    _web()(project)
    project._act_on("web", {"resize": {"flavorRef": "m3.small"}})


def _resized(project: Project) -> None:
    _resizing(project)
    project.settle_all()


def _without_port(project: Project) -> None:
    _web()(project)
    project.take_port(_web_row(project))


def _addressed(project: Project) -> None:
    _web()(project)
    project.add_address(_web_row(project))


def _shown_late(project: Project) -> None:
    """Have a floating IP that nova does not show yet."""
    _web()(project)
    before = _web_row(project)["addresses"]
    project.add_address(_web_row(project))
    _web_row(project)["addresses"] = before


def _spare(project: Project) -> None:
    """Have an address that an earlier run has made, and lost, and a free one."""
    _web()(project)
    project.add_address(None)["description"] = f"{MADE_FOR}{_web_row(project)['id']}"


def _with_volume(project: Project) -> None:
    _web()(project)
    project.add_volume("data", _web_row(project))


def _twins(project: Project) -> None:
    _web()(project)
    project.add_server("web")


def _theirs(project: Project) -> None:
    project.add_server("web", user=COLLEAGUE_ID)


def _none(_project: Project) -> None:
    """Start without an instance of the name."""


STATES: Mapping[str, Begin] = {
    "none": _none,
    "active": _web(),
    "stopped": _web("SHUTOFF"),
    "suspended": _web("SUSPENDED"),
    "paused": _web("PAUSED"),
    "shelved": _web("SHELVED_OFFLOADED"),
    "error": _web("ERROR", fault={"code": 500, "message": "No valid host was found."}),
    "rescue": _web("RESCUE"),
    "soft deleted": _web("SOFT_DELETED"),
    "locked": _web(locked=True),
    "locked for a reason": _web(locked=True, locked_reason="the exam"),
    "locked and shelved": _web("SHELVED_OFFLOADED", locked=True),
    "being built": _built,
    "being stopped": _moving("ACTIVE", "powering-off", "SHUTOFF"),
    "being started": _moving("SHUTOFF", "powering-on", "ACTIVE"),
    "being shelved": _moving("ACTIVE", "shelving", "SHELVED_OFFLOADED"),
    "being unshelved": _moving("SHELVED_OFFLOADED", "unshelving", "ACTIVE"),
    "being rebooted": _moving("REBOOT", "rebooting", "ACTIVE"),
    "being resized": _resizing,
    "resized": _resized,
    "without a port": _without_port,
    "with an address": _addressed,
    "with an address that nova shows late": _shown_late,
    "with a spare address": _spare,
    "with a volume": _with_volume,
    "twins": _twins,
    "a colleague's": _theirs,
}
INSTANCE_TASKS: Mapping[str, Mapping[str, Any]] = {
    "launched": {**LAUNCH},
    "renamed": {"new_name": "www"},
    "metadata": {"metadata": {"course": "geo"}},
    "description": {"description": "A test."},
    "groups": {"security_groups": ["default", "ssh"]},
    "no groups": {"security_groups": []},
    "address": {**LAUNCH, "floating_ip": "auto"},
    "no address": {"floating_ip": "none"},
    "resized": {"flavor": "m3.small"},
    "locked": {"locked": True},
    "unlocked": {"locked": False},
    "unlocked and changed": {"locked": False, "metadata": {"course": "geo"}, "flavor": "m3.small"},
    "replaced": {**LAUNCH, "key_name": "other", "replace": True},
    "differs": {**LAUNCH, "key_name": "other"},
    "absent": {"state": "absent"},
    "absent with all": {"state": "absent", "delete_volumes": True, "release_floating_ip": True},
    "absent also locked": {"state": "absent", "include_locked": True, "delete_volumes": True},
}


def _of_instances() -> Iterator[tuple[str, Case]]:
    for state, begin in STATES.items():
        for task, options in INSTANCE_TASKS.items():
            yield f"instance {task}: {state}", Case(instance, {"name": "web", **MINUTES, **options}, begin)
        for goal in ("started", "stopped", "suspended", "shelved", "rebooted"):
            for also in ({}, {"allow_wake": True, "include_locked": True}):
                name = f"instance_state {goal}{' also' if also else ''}: {state}"
                options = {"name": ["web"], "state": goal, **MINUTES, **also}
                yield name, Case(instance_state, options, begin)
        for goal in ("present", "absent"):
            yield f"floating_ip {goal}: {state}", Case(floating_ip, {"instance": "web", "state": goal}, begin)
        yield f"volume attached: {state}", Case(volume, _ATTACHED, _then(begin, _volume("data")))
        yield f"volume created and attached: {state}", Case(volume, {**_ATTACHED, "size": 5}, begin)
        yield f"volume detached: {state}", Case(volume, {"name": "data", "state": "detached", **MINUTES}, begin)
        yield f"volume absent: {state}", Case(volume, {"name": "data", "state": "absent", "detach": True}, begin)
        for force in (False, True):
            options = {"name": "course", "instance": "web", "force": force, **MINUTES}
            yield f"image, force {force}: {state}", Case(image, options, begin)


# --- volumes

_ATTACHED: Mapping[str, Any] = {"name": "data", "state": "attached", "instance": "web", **MINUTES}


def _volume(name: str, status: str = "available", **more: Any) -> Begin:
    def begin(project: Project) -> None:
        if not any(each["name"] == name for each in project.volumes.values()):
            project.add_volume(name).update({"status": status, **more})

    return begin


def _busy_volume(status: str, end: str) -> Begin:
    def begin(project: Project) -> None:
        _web()(project)
        row = project.add_volume("data")
        row["status"] = status
        project.after(2.0, lambda: row.update(status=end))

    return begin


def _with_snapshot(status: str) -> Begin:
    def begin(project: Project) -> None:
        _web()(project)
        row = project.add_volume("data")
        snapshot = {"id": "s-1", "name": "weekly", "volume_id": row["id"], "size": row["size"], "status": status}
        project.snapshots["s-1"] = snapshot

    return begin


def _attached_elsewhere(project: Project) -> None:
    _web()(project)
    project.add_volume("data", project.add_server("db"))


def _volume_twins(project: Project) -> None:
    _web()(project)
    for _number in range(2):
        project.add_volume("data")


VOLUMES: Mapping[str, Begin] = {
    "none": _web(),
    "available": _then(_web(), _volume("data")),
    "attached": _with_volume,
    "attached elsewhere": _attached_elsewhere,
    "in error": _then(_web(), _volume("data", "error")),
    "deletion failed": _then(_web(), _volume("data", "error_deleting")),
    "growth failed": _then(_web(), _volume("data", "error_extending")),
    "being created": _busy_volume("creating", "available"),
    "being reserved": _busy_volume("reserved", "available"),
    "with a snapshot": _with_snapshot("available"),
    "with a snapshot in error": _with_snapshot("error"),
    "twins": _volume_twins,
    "a colleague's": _then(_web(), _volume("data", user_id=COLLEAGUE_ID)),
}
VOLUME_TASKS: Mapping[str, Mapping[str, Any]] = {
    "present": {"size": 5},
    "grown": {"size": 9},
    "shrunk": {"size": 2},
    "described": {"size": 5, "description": "Pictures."},
    "snapshot": {"size": 5, "snapshot": "weekly"},
    "attached": {"state": "attached", "instance": "web", "size": 9},
    "moved": {"state": "attached", "instance": "web", "detach": True},
    "detached": {"state": "detached"},
    "detached from it": {"state": "detached", "instance": "web"},
    "absent": {"state": "absent"},
    "absent with all": {"state": "absent", "detach": True, "delete_snapshots": True},
}


def _of_volumes() -> Iterator[tuple[str, Case]]:
    for state, begin in VOLUMES.items():
        for task, options in VOLUME_TASKS.items():
            yield f"volume {task}: {state}", Case(volume, {"name": "data", **MINUTES, **options}, begin)


# --- images, keys and groups


def _image(status: str = "active", **more: Any) -> Begin:
    def begin(project: Project) -> None:
        _web("SHUTOFF")(project)
        row = {"id": "image-1", "name": "course", "visibility": "private", "owner": PROJECT_ID, "status": status}
        project.images["image-1"] = {**row, "created_at": "2026-11-02T00:00:00Z", **more}

    return begin


def _image_being_made(project: Project) -> None:
    _web("SHUTOFF")(project)
    project._act_on("web", {"createImage": {"name": "course", "metadata": {}}})


def _image_being_deleted(project: Project) -> None:
    _image("pending_delete")(project)

    def gone() -> None:
        del project.images["image-1"]

    project.after(2.0, gone)


def _in_use(project: Project) -> None:
    _image()(project)
    _web_row(project)["image"] = {"id": "image-1"}


def _image_twins(project: Project) -> None:
    _image()(project)
    project.images["image-2"] = {**project.images["image-1"], "id": "image-2"}


def _shared(project: Project) -> None:
    _image(visibility="shared")(project)


IMAGES: Mapping[str, Begin] = {
    "none": _web("SHUTOFF"),
    "active": _image(),
    "being made": _image_being_made,
    "killed": _image("killed"),
    "being deleted": _image_being_deleted,
    "protected": _image(protected=True),
    "in use": _in_use,
    "shared": _shared,
    "the site's": _image(owner="site", visibility="public"),
    "twins": _image_twins,
}


IMAGE_TASKS: Mapping[str, Mapping[str, Any]] = {
    "present": {"instance": "web"},
    "described": {"instance": "web", "description": "A course.", "properties": {"os": "linux"}},
    "community": {"instance": "web", "visibility": "community"},
    "protected": {"instance": "web", "protected": True},
    "without an instance": {},
    "absent": {"state": "absent"},
    "absent anyway": {"state": "absent", "force": True},
}
KEYS: Mapping[str, Begin] = {
    "none": _none,
    "same": lambda project: _add_key(project, KEY),
    "another": lambda project: _add_key(project, OTHER_KEY),
}


def _add_key(project: Project, key: str) -> None:
    project.keys["laptop"] = {"name": "laptop", "public_key": key, "fingerprint": "aa:bb"}


KEY_TASKS: Mapping[str, Mapping[str, Any]] = {
    "present": {"public_key": KEY},
    "replaced": {"public_key": KEY, "replace": True},
    "absent": {"state": "absent"},
    "no key": {"public_key": "hello"},
}


def _course(*, used: bool = False, rules: bool = False) -> Begin:
    def begin(project: Project) -> None:
        project.groups["course"] = _group("course")
        if rules:
            project.groups["course"]["security_group_rules"] = [
                {
                    "id": "rule-1",
                    "direction": "ingress",
                    "ethertype": "IPv4",
                    "protocol": "tcp",
                    "port_range_min": 22,
                    "port_range_max": 22,
                    "remote_ip_prefix": "0.0.0.0/0",
                    "remote_group_id": None,
                }
            ]
        if used:
            _web()(project)
            project._port_of(_web_row(project)["id"])["security_groups"] = ["course"]

    return begin


def _group_twins(project: Project) -> None:
    _course()(project)
    project.groups["course-2"] = _group("course", id="course-2")


GROUPS: Mapping[str, Begin] = {
    "none": _none,
    "there": _course(),
    "with a rule": _course(rules=True),
    "in use": _course(used=True),
    "twins": _group_twins,
}
_PORT = {"cidr": "0.0.0.0/0"}
GROUP_TASKS: Mapping[str, Mapping[str, Any]] = {
    "present": {"rules": [{**_PORT, "ports": "80"}, {**_PORT, "ports": "22"}], "description": "A course."},
    "purged": {"rules": [{**_PORT, "ports": "80"}], "purge_rules": True},
    "among themselves": {"rules": [{"group": "course", "protocol": "any"}]},
    "of an unknown group": {"rules": [{"group": "nobody"}]},
    "absent": {"state": "absent"},
}


def _of_the_rest() -> Iterator[tuple[str, Case]]:
    for state, begin in IMAGES.items():
        for task, options in IMAGE_TASKS.items():
            yield f"image {task}: {state}", Case(image, {"name": "course", **MINUTES, **options}, begin)
    for state, begin in KEYS.items():
        for task, options in KEY_TASKS.items():
            yield f"keypair {task}: {state}", Case(keypair, {"name": "laptop", **options}, begin)
    for state, begin in GROUPS.items():
        for task, options in GROUP_TASKS.items():
            yield f"security_group {task}: {state}", Case(security_group, {"name": "course", **options}, begin)


# --- quotas

FULL = "required, 0 of"


def _left(resource: str, count: int) -> Begin:
    def begin(project: Project) -> None:
        project.leave(resource, count)

    return begin


# The task, what there is before it, the quota, and how much of it the task needs.
_QUOTAS: list[tuple[ModuleType, Mapping[str, Any], Begin, str, int]] = [
    (floating_ip, {"instance": "web"}, _web(), "floatingip", 1),
    (instance, {**LAUNCH, "name": "web"}, _none, "instances", 1),
    (instance, {**LAUNCH, "name": "web"}, _none, "cores", 1),
    (instance, {**LAUNCH, "name": "web"}, _none, "ram", 3072),
    (instance, {**LAUNCH, "names": ["web", "db"], "floating_ip": "auto"}, _none, "floatingip", 2),
    (instance, {**LAUNCH, "name": "web", "floating_ip": "auto"}, _web(), "floatingip", 1),
    (instance, {**LAUNCH, "names": ["web", "db"], "floating_ip": "auto"}, _web(), "floatingip", 2),
    (instance, {**LAUNCH, "name": "web", "boot_volume": {"size": 30}}, _none, "volumes", 1),
    (instance, {**LAUNCH, "name": "web", "boot_volume": {"size": 30}}, _none, "gigabytes", 30),
    (instance, {**LAUNCH, "name": "web", "key_name": "mine", "public_key": KEY}, _none, "key_pairs", 1),
    (instance, {"name": "web", "flavor": "m3.small"}, _web(), "cores", 1),
    (instance, {"name": "web", "flavor": "m3.small"}, _web(), "ram", 3072),
    (
        instance,
        {**LAUNCH, "name": "web", "flavor": "m3.small", "key_name": "other", "replace": True},
        _web(),
        "cores",
        1,
    ),
    (volume, {"name": "data", "size": 5}, _none, "volumes", 1),
    (volume, {"name": "data", "size": 5}, _none, "gigabytes", 5),
    (volume, {"name": "data", "size": 9}, _volume("data"), "gigabytes", 4),
    (volume, {"name": "data", "snapshot": "weekly"}, _volume("data"), "snapshots", 1),
    (volume, {"name": "data", "size": 9, "snapshot": "weekly"}, _volume("data"), "gigabytes", 4),
    (volume, {"name": "data", "size": 5, "snapshot": "weekly"}, _none, "snapshots", 1),
    (keypair, {"name": "mine", "public_key": KEY}, _none, "key_pairs", 1),
    (security_group, {"name": "course", "rules": [{**_PORT, "ports": "22"}]}, _none, "security_group", 1),
    (
        security_group,
        {"name": "course", "rules": [{**_PORT, "ports": "22"}, {**_PORT, "ports": "80"}]},
        _course(rules=True),
        "security_group_rule",
        1,
    ),
]


def _of_quotas() -> Iterator[tuple[str, Case]]:
    for number, (module, options, begin, resource, needed) in enumerate(_QUOTAS):
        name = f"{module.__name__.rpartition('.')[2]} {number}: {resource}"
        waits = {} if module in (floating_ip, keypair, security_group) else MINUTES
        short, enough = _then(begin, _left(resource, needed - 1)), _then(begin, _left(resource, needed))
        yield f"{name}, one too few", Case(module, {**options, **waits}, short, f"required, {needed - 1} of")
        yield f"{name}, just enough", Case(module, {**options, **waits}, enough, "")


# --- names that mean nothing, and networks


def _no_network(project: Project) -> None:
    project.networks = [each for each in project.networks if each.get("router:external")]


def _two_networks(project: Project) -> None:
    _no_network(project)
    for name in ("blue", "red"):
        project.networks.append({"id": name, "name": name, "status": "ACTIVE", "tenant_id": PROJECT_ID})


def _of_names() -> Iterator[tuple[str, Case]]:
    for option in ("image", "flavor", "network", "key_name"):
        options = {**LAUNCH, option: "nothing"}
        yield f"launch with an unknown {option}", Case(instance, {**options, "name": "web"}, _none)
        beside = {**options, "names": ["web", "db"]}
        yield f"launch beside one with an unknown {option}", Case(instance, beside, _web())
    unknown_group = {**LAUNCH, "name": "web", "security_groups": ["nothing"]}
    yield "launch with an unknown group", Case(instance, unknown_group, _none)
    yield "change to an unknown group", Case(instance, {"name": "web", "security_groups": ["nothing"]}, _web())
    yield "change to an unknown flavor", Case(instance, {"name": "web", "flavor": "nothing"}, _web())
    yield "launch where no network was made yet", Case(instance, {**LAUNCH, "name": "web"}, _no_network, "")
    yield "launch where there are two networks", Case(instance, {**LAUNCH, "name": "web"}, _two_networks)
    yield "launch of one of two networks", Case(instance, {**LAUNCH, "name": "web", "network": "red"}, _two_networks)


# --- texts that the services do not take, or do not keep as they are

_KEY_OF_ANNA = {"name": "anna.mueller", "public_key": KEY}
# The task, what there is before it, and the failure.
_TEXTS: list[tuple[ModuleType, Mapping[str, Any], Begin, str]] = [
    (instance, {**LAUNCH, "name": "web \U0001f98a"}, _none, "not a valid name of an instance"),
    (instance, {"name": "web", "new_name": "web \U0001f98a"}, _web(), "not a valid name of an instance"),
    (instance, {**LAUNCH, "name": "web", "description": "Two\nlines."}, _none, "nova takes one line"),
    (instance, {"name": "web", "description": "A \U0001f98a."}, _web(), "nova takes one line"),
    (instance, {**LAUNCH, "name": "web", "description": "A block of YAML.\n"}, _none, ""),
    (instance, {"name": "web", "description": "A block of YAML.\n"}, _web(), ""),
    (instance, {**LAUNCH, "name": "web", "key_name": "anna@home", "public_key": KEY}, _none, "the name of a key pair"),
    (keypair, _KEY_OF_ANNA, _none, "cannot be the name of a key pair"),
    (keypair, {"name": "laptop ", "public_key": KEY}, _none, "cannot be the name of a key pair"),
    (image, {"name": "course ", "instance": "web"}, _web("SHUTOFF"), "not a valid name of an image"),
    (image, {"name": "course \U0001f98a", "instance": "web"}, _web("SHUTOFF"), "not a valid name of an image"),
    (
        image,
        {"name": "course", "instance": "web", "properties": {"os/version": "1"}},
        _web("SHUTOFF"),
        "no key for nova",
    ),
    (image, {"name": "course", "description": "Two\nlines.", "instance": "web"}, _web("SHUTOFF"), ""),
    (volume, {"name": "data ", "size": 5}, _volume("data"), "white space at its ends"),
    (volume, {"name": "data ", "state": "absent"}, _volume("data"), "white space at its ends"),
    (volume, {"name": "data", "size": 5, "description": "Two\nlines.\n"}, _none, ""),
    (volume, {"name": "data", "size": 5, "description": "A block of YAML.\n"}, _volume("data"), ""),
    (instance, {**LAUNCH, "name": "we*"}, _web(), "globs are not taken here"),
    (volume, {"name": "dat?", "size": 5}, _volume("data"), "globs are not taken here"),
    (volume, {"name": "dat*", "state": "absent"}, _volume("data"), "globs are not taken here"),
    (image, {"name": "cours*", "state": "absent"}, _image(), "globs are not taken here"),
    (keypair, {"name": "lap*", "state": "absent"}, lambda project: _add_key(project, KEY), "globs are not taken here"),
    (security_group, {"name": "cours*", "state": "absent"}, _course(), "globs are not taken here"),
    (security_group, {"name": "cours*"}, _course(), "globs are not taken here"),
    (volume, {"name": "data", "size": 5, "snapshot": "weekly "}, _volume("data"), "white space at its ends"),
]


def _of_texts() -> Iterator[tuple[str, Case]]:
    for number, (module, options, begin, said) in enumerate(_TEXTS):
        waits = {} if module in (keypair, security_group) else MINUTES
        name = f"{module.__name__.rpartition('.')[2]}, text {number}"
        yield name, Case(module, {**options, **waits}, begin, said)


# --- without a wait

_AT_ONCE: Mapping[str, Any] = {**MINUTES, "wait": False}
_UNMADE = "was not changed without a wait"


def _without_wait() -> Iterator[tuple[str, Case]]:
    """Yield tasks that do not wait, on what the cloud is working on: what they leave undone must be told."""
    for task in ("renamed", "metadata", "description", "resized", "unlocked and changed"):
        options = {"name": "web", **INSTANCE_TASKS[task], **_AT_ONCE}
        yield f"instance {task} without a wait: being built", Case(instance, options, _built, _UNMADE)
    options = {"name": "web", **INSTANCE_TASKS["unlocked and changed"], **_AT_ONCE}
    yield "instance changed without a wait: being resized", Case(instance, options, _resizing, _UNMADE)
    for state in ("being created", "being reserved"):
        options = {"name": "data", **VOLUME_TASKS["shrunk"], **_AT_ONCE}
        yield f"volume shrunk without a wait: {state}", Case(volume, options, VOLUMES[state], "cannot shrink to 2 GB")
    for task in ("described", "community", "protected"):
        options = {"name": "course", **IMAGE_TASKS[task], **_AT_ONCE}
        yield f"image {task} without a wait: being made", Case(image, options, _image_being_made, "")
    options = {"name": "course", **_AT_ONCE}
    yield "image without a wait: being deleted", Case(image, options, _image_being_deleted, "set instance")
    options = {"name": "course", "instance": "web", **MINUTES}
    yield "image made again: being deleted", Case(image, options, _image_being_deleted, "")


# Nova shows where a resize leads to, and whether it has to be confirmed, at its end alone (docs/jetstream2.md).
UNKNOWABLE = re.compile(r"(instance (launched|address)|instance_state .*|image, .*): being resized")
CASES: Mapping[str, Case] = {
    name: case
    for source in (_of_instances, _of_volumes, _of_the_rest, _of_quotas, _of_names, _of_texts, _without_wait)
    for name, case in source()
    if not UNKNOWABLE.fullmatch(name)
}
