# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals and outages of the cloud, which tests add as faults."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class NovaRefused(Exception):
    """A refusal by nova, or by a proxy. The text begins with status and reason, as Atmosphere passes it on."""

    def __init__(self, status: int, text: str) -> None:
        """Refuse in nova's words."""
        super().__init__(f"{status} {_REASONS.get(status, 'Error')} {text}")
        self.status = status


class KeystoneRefused(Exception):
    """The identity's own login at the cloud was refused."""


class CloudUnreachable(Exception):
    """The connection to nova broke."""


@dataclass
class Trouble:
    """A fault between Atmosphere and the cloud.

    ``service`` is "keystone", where each action and each read by v1 logs in (its list does not), or "nova". ``call`` is
    a regular expression over calls of nova: "GET servers", as each action and each read by v1 does, and then
    "POST action/stop" and the like. ``status`` 0 breaks the connection. ``times`` None: until it is removed.
    ``provider`` is the name of the only one that is meant, None means all.
    """

    service: str
    call: str = ""
    status: int = 500
    text: str = "Unexpected API Error."
    times: int | None = 1
    provider: str | None = None

    def strikes(self, service: str, call: str, provider: str) -> bool:
        """Tell whether it strikes a call, and count that."""
        if self.times == 0 or service != self.service or not re.search(self.call, call):
            return False
        if self.provider not in (None, provider):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class NoHost:
    """Launches of machines with a ``name`` (a regular expression) find no host: they end in error, with a text.

    The first ``skip`` are not meant. ``times`` None: until it is removed.
    """

    text: str
    name: str = ""
    times: int | None = 1
    skip: int = 0

    def strikes(self, name: str) -> bool:
        """Tell whether it strikes a launch, and count that."""
        if self.times == 0 or not re.search(self.name, name):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True
