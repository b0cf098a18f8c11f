# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as rulebooks get them: plain values, described by ``extensions/eda/schemas/fleet_event.json``. Pure functions.

Users of the cloud choose some of the texts, such as the name of an instance. A rulebook passes them to the arguments of
its actions, where Ansible evaluates templates, so no text of an event may be a template.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..model import CloudAccount, Instance
from ..text.terminal import one_line
from ..times import iso

_ID_LENGTH = 32
_TEMPLATE = re.compile(r"(?<=\{)(?=[{%#])|(?<=[}%#])(?=\})")


class EventType(StrEnum):
    """The types of events."""

    STATE = "instance_state_changed"
    IDLE = "instance_idle"
    DEADLINE = "deadline_near"
    BUDGET = "budget_threshold"
    FAILED = "source_failed"
    RECOVERED = "source_recovered"


@dataclass(frozen=True, slots=True)
class Event:
    """An event.

    ``subject``: the uuid of the instance or allocation, or the name of the part. ``number``: the number of earlier
    events about it. ``change``: the change in a word. ``body``: the keys specific to this type.
    """

    type: EventType
    subject: str
    number: int
    change: str
    body: Mapping[str, Any]

    def to_result(self, account: CloudAccount, at: datetime) -> dict[str, Any]:
        """Return the event as a rulebook gets it. If it is emitted again after a crash, it has the same ``id``."""
        cloud = {"site": account.site, "name": account.cloud, "user": account.user, "project": account.project}
        parts = (account.site, account.cloud, account.project_uuid or "", self.type, self.subject, str(self.number))
        digest = hashlib.sha256("\0".join((*parts, self.change)).encode("utf-8", "surrogatepass")).hexdigest()
        result = {"type": self.type.value, "id": digest[:_ID_LENGTH], "time": iso(at), "cloud": cloud, **self.body}
        return {key: harmless(value) for key, value in result.items()}


def instance_body(instance: Instance) -> dict[str, Any]:
    """Return an instance as events show it, without its metadata: Exosphere may keep a passphrase there."""
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "owner": instance.owner,
        "status": instance.status,
        "activity": instance.activity,
        "flavor": instance.flavor.name,
        "project": instance.project.name if instance.project else None,
        "provider": instance.provider.name,
        "address": instance.ip_address,
    }


def harmless(value: Any) -> Any:
    """Return a value whose texts are single lines without templates: a blank separates the delimiters of Jinja."""
    if isinstance(value, str):
        return _TEMPLATE.sub(" ", one_line(value))
    if isinstance(value, Mapping):
        return {key: harmless(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [harmless(each) for each in value]
    return value
