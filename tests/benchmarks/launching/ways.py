# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks that are compared, as their users write them. Both name the instances node-1 and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.jetstream.cloud.tests.benchmarks.side_by_side.ways import Json, Way

IMAGE, FLAVOR = "Featured-Ubuntu24", "m3.tiny"
_INSTANCE = "jetstream.cloud.jetstream_instance"
_SERVER = "openstack.cloud.server"


@dataclass(frozen=True)
class LaunchWay:
    """A way to launch a fleet of a size, to delete it, and to delete instances by their names."""

    name: str
    about: str
    launch: Callable[[int], Way]
    deletion: Callable[[int], Way]
    deletion_of: Callable[[Sequence[str]], Way]


def _one_task(size: int) -> Way:
    task = {"cloud": "js2", "name": "node", "count": size, "image": IMAGE, "flavor": FLAVOR}
    return Way("one task", "", [{_INSTANCE: task}])


def _one_task_deletes(_size: int) -> Way:
    return Way("one task", "", [{_INSTANCE: {"cloud": "js2", "name": "node-{number}", "state": "absent"}}])


def _one_task_deletes_those(names: Sequence[str]) -> Way:
    return Way("one task", "", [{_INSTANCE: {"cloud": "js2", "names": list(names), "state": "absent"}}])


def _loop(size: int, **options: object) -> Way:
    task: Json = {_SERVER: {"cloud": "js2", "name": "node-{{ item }}", **options}}
    return Way("openstack.cloud", "", [{**task, "loop": f"{{{{ range(1, {size + 1}) | list }}}}"}])


def _loop_deletes_those(names: Sequence[str]) -> Way:
    task: Json = {_SERVER: {"cloud": "js2", "name": "{{ item }}", "state": "absent"}}
    return Way("openstack.cloud", "", [{**task, "loop": list(names)}])


def _loop_launches(size: int) -> Way:
    return _loop(size, image=IMAGE, flavor=FLAVOR, network="auto_allocated_network", auto_ip=False)


OURS = LaunchWay(
    "one task",
    "`jetstream_instance` with `name: node` and a `count`; to delete, with `name: node-{number}` and `state: absent`",
    _one_task,
    _one_task_deletes,
    _one_task_deletes_those,
)
A_LOOP = LaunchWay(
    "openstack.cloud",
    "`server` in a loop over the names, with `auto_ip: false`, and with `wait` and `timeout` as they are unless one "
    "sets them (`true`, 180 seconds); to delete, with `state: absent`",
    _loop_launches,
    lambda size: _loop(size, state="absent"),
    _loop_deletes_those,
)
WAYS = (OURS, A_LOOP)
