# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks that are compared, as their users write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_STATE = "jetstream.cloud.jetstream_instance_state"
_INFO = "openstack.cloud.server_info"
_ACTION = "openstack.cloud.server_action"
# As often as server_action itself looks, and as long as it waits unless it is told otherwise.
_LOOK_SECONDS = 2
_WAIT_SECONDS = 180


@dataclass(frozen=True)
class Way:
    """A way to stop all servers: what it is called, what it does in a few words, and its tasks."""

    name: str
    about: str
    tasks: Sequence[Json]


OURS = Way(
    "one task",
    "`jetstream_instance_state` with `all: true`",
    [{_STATE: {"cloud": "js2", "state": "stopped", "all": True}}],
)
_IN_A_LOOP: Json = {"loop": "{{ found.servers }}", "loop_control": {"label": "{{ item.name }}"}}
A_LOOP = Way(
    "openstack.cloud",
    "`server_info`, then `server_action` with `action: stop` in a loop over all servers it found, with `wait` and "
    "`timeout` as they are unless one sets them (`true`, 180 seconds)",
    [
        {_INFO: {"cloud": "js2"}, "register": "found"},
        {_ACTION: {"cloud": "js2", "name": "{{ item.id }}", "action": "stop"}, **_IN_A_LOOP},
    ],
)
WITH_CARE = Way(
    "openstack.cloud, with care",
    "the same, but `filters` leave only servers that are active and not locked, none is waited for (`wait: false`), "
    "and then one `server_info` with `until` waits for all of them",
    [
        {_INFO: {"cloud": "js2", "filters": {"status": "ACTIVE", "is_locked": False}}, "register": "found"},
        {_ACTION: {"cloud": "js2", "name": "{{ item.id }}", "action": "stop", "wait": False}, **_IN_A_LOOP},
        {
            _INFO: {"cloud": "js2", "filters": {"status": "SHUTOFF"}},
            "register": "stopped",
            "when": "found.servers | length > 0",
            "until": "found.servers | map(attribute='id') | difference(stopped.servers | map(attribute='id')) == []",
            "delay": _LOOK_SECONDS,
            "retries": _WAIT_SECONDS // _LOOK_SECONDS,
        },
    ],
)
WAYS = (OURS, A_LOOP, WITH_CARE)
