# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks at Atmosphere, each with the resources before and after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ....plugins.module_utils._internal.operations import instance, instance_state, project, volume
from .site import Series
from .site_atmosphere import FLAVOR, USER, AtmosphereSite

Reached = Callable[[AtmosphereSite], str]
LAUNCH: Mapping[str, Any] = {
    "image": "Ubuntu 18.04 Devel and Docker",
    "flavor": FLAVOR,
    "project": USER,
    "wait_timeout": 600,
}
_task = partial(Series[AtmosphereSite], AtmosphereSite)


def _there(*names: str) -> Reached:
    """Return a function that names instances that are not ready, or exist too often."""

    def reached(site: AtmosphereSite) -> str:
        for name in names:
            shown = [each.look().words for each in site.vms(name) if site.has_address(each)]
            if shown != ["active"]:
                return f"{name}: {shown or 'not there with an address'}"
            [row] = [each for each in site.world.instances if each.uuid == site.vms(name)[0].uuid]
            if row.project is None or row.project.name != USER or row.name != name:
                return f"{name} is {row.name}, in the project {row.project}"
        return ""

    return reached


def _there_alone(name: str, before: str) -> Reached:
    return lambda site: f"{before} is there" if site.vms(before) else _there(name)(site)


def _nodes(count: int) -> Reached:
    def reached(site: AtmosphereSite) -> str:
        expected = [f"node-{number}" for number in range(1, count + 1)]
        found = sorted(each.name for each in site.vms() if each.name.startswith("node-"))
        return _there(*expected)(site) if found == expected else f"there are: {found}"

    return reached


def _is(status: str, name: str = "web") -> Reached:
    def reached(site: AtmosphereSite) -> str:
        shown = [each.look().words for each in site.vms(name)]
        return "" if shown == [status] else f"{name}: {shown}"

    return reached


def _gone(*names: str) -> Reached:
    def reached(site: AtmosphereSite) -> str:
        left = [each.name for each in site.vms() if each.name in names]
        volumes = [each.name for each in site.volumes() if each.name == "data"]
        return f"left: {left} {volumes}" if left or volumes else ""

    return reached


def _web(state: str) -> Callable[[AtmosphereSite], object]:
    return lambda site: site.add_instance("web", state)


def _webs(state: str) -> Callable[[AtmosphereSite], None]:
    def begin(site: AtmosphereSite) -> None:
        for name in ("web", "db", "api"):
            site.add_instance(name, state)

    return begin


def _all_are(status: str) -> Reached:
    def reached(site: AtmosphereSite) -> str:
        return "; ".join(filter(None, (_is(status, name)(site) for name in ("web", "db", "api"))))

    return reached


def _with_volume(site: AtmosphereSite) -> None:
    site.add_instance("web")
    site.add_volume("data", "web")


def _web_and_db(site: AtmosphereSite) -> None:
    _with_volume(site)
    site.add_instance("db")


def _free_volume(site: AtmosphereSite) -> None:
    site.add_instance("web")
    site.add_volume("data")


def _volume_is(status: str, **wanted: Any) -> Reached:
    def reached(site: AtmosphereSite) -> str:
        found = site.volumes("data")
        if len(found) != 1:
            return f"{len(found)} volumes of the name"
        webs = [each.uuid for each in site.vms("web")]
        shown = {
            "status": found[0].status,
            "size": found[0].size,
            "description": found[0].description or "",
            "web": found[0].attached_to in webs,
        }
        expected = {**shown, "status": status, **wanted}
        return "" if shown == expected else str(shown)

    return reached


def _no_volume(site: AtmosphereSite) -> str:
    found = site.volumes("data")
    return f"{len(found)} volumes are left" if found else ""


def _project_is(description: str | None, name: str = "course") -> Reached:
    def reached(site: AtmosphereSite) -> str:
        found = [
            each.description
            for each in site.world.projects
            if each.name in (name, "course") and each.end_date is None and each.created_by.username == USER
        ]
        if description is not None and not any(each.name == name for each in site.world.projects):
            return f"there is no project {name}"
        return "" if found == ([] if description is None else [description]) else str(found)

    return reached


def _course(site: AtmosphereSite) -> None:
    site.world.add_project("course", site.world.users[USER], description="Old")


def _state(state: str, begin: str, reached: Reached, **more: Any) -> Series[AtmosphereSite]:
    options = {"name": ["web"], "state": state, "wait_timeout": 600, **more}
    return _task(instance_state, options, reached, _web(begin), again=state == "rebooted")


_THREE = ["web", "db", "api"]
ATMOSPHERE: Mapping[str, Series[AtmosphereSite]] = {
    "launch of 3": _task(instance, {**LAUNCH, "name": "node", "count": 3}, _nodes(3)),
    "launch beside what is there": _task(
        instance, {**LAUNCH, "names": ["web", "alice"]}, _there("web", "alice"), _web("active")
    ),
    "count raised": _task(
        instance, {**LAUNCH, "name": "node", "count": 3}, _nodes(3), first={**LAUNCH, "name": "node", "count": 1}
    ),
    "count lowered": _task(
        instance,
        {**LAUNCH, "name": "node", "count": 1, "shrink": True},
        _nodes(1),
        first={**LAUNCH, "name": "node", "count": 3},
    ),
    "deletion by a template": _task(
        instance,
        {"name": "node-{number}", "state": "absent", "wait_timeout": 600},
        _nodes(0),
        first={**LAUNCH, "name": "node-{number}", "count": 2},
    ),
    "deletion with volumes": _task(
        instance,
        {"names": ["web", "db"], "state": "absent", "delete_volumes": True, "wait_timeout": 600},
        _gone("web", "db"),
        _web_and_db,
    ),
    "rename": _task(instance, {"name": "web", "new_name": "www", "wait_timeout": 600}, _there("www"), _web("active")),
    "launch or rename": _task(
        instance, {**LAUNCH, "name": "web", "new_name": "www"}, _there_alone("www", "web"), _web("active")
    ),
    "started": _state("started", "shutoff", _there("web")),
    "started from suspended": _state("started", "suspended", _there("web"), allow_wake=True),
    "started from shelved": _state("started", "shelved_offloaded", _there("web"), allow_wake=True),
    "stopped": _state("stopped", "active", _is("shutoff")),
    "suspended": _state("suspended", "active", _is("suspended")),
    "shelved": _state("shelved", "active", _is("shelved_offloaded")),
    "rebooted": _state("rebooted", "active", _there("web")),
    "rebooted hard": _state("rebooted", "active", _there("web"), reboot_type="hard"),
    "three stopped": _task(
        instance_state,
        {"name": _THREE, "state": "stopped", "wait_timeout": 600},
        _all_are("shutoff"),
        _webs("active"),
    ),
    "three started": _task(
        instance_state, {"name": _THREE, "state": "started", "wait_timeout": 600}, _there(*_THREE), _webs("shutoff")
    ),
    "volume": _task(
        volume,
        {"name": "data", "size": 5, "project": USER, "description": "A test."},
        _volume_is("available", size=5, description="A test."),
    ),
    "volume without a wait": _task(
        volume,
        {"name": "data", "size": 5, "project": USER, "wait": False},
        _volume_is("in-use", web=True),
        _with_volume,
    ),
    "volume described": _task(
        volume,
        {"name": "data", "description": "A test."},
        _volume_is("in-use", web=True, description="A test."),
        _with_volume,
    ),
    "volume attached": _task(
        volume,
        {"name": "data", "size": 5, "state": "attached", "instance": "web"},
        _volume_is("in-use", web=True),
        _web("active"),
    ),
    "volume that is there attached": _task(
        volume, {"name": "data", "state": "attached", "instance": "web"}, _volume_is("in-use", web=True), _free_volume
    ),
    "volume detached": _task(volume, {"name": "data", "state": "detached"}, _volume_is("available"), _with_volume),
    "volume deleted": _task(volume, {"name": "data", "state": "absent", "detach": True}, _no_volume, _with_volume),
    "project": _task(project, {"name": "course", "description": "A test."}, _project_is("A test.")),
    "project changed": _task(
        project,
        {"name": "course", "new_name": "lab", "description": "A test."},
        _project_is("A test.", "lab"),
        _course,
    ),
    "project deleted": _task(project, {"name": "course", "state": "absent"}, _project_is(None), _course),
}
