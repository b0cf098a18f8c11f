# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the consoles of instances by an action of Atmosphere's v1. Facts: docs/atmosphere.md, Catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ...errors import Refused
from ...model import ConsoleUrl, Instance
from ..console_urls import console_url
from ..json_values import mapping
from .login import Login
from .responses import raise_for_status


class AtmosphereConsoles:
    """The consoles of the instances of an account. The API does not offer the web shell and the web desktop."""

    kinds: Sequence[str] = ("novnc",)
    unsupported: Mapping[str, str] = MappingProxyType(
        {
            "text": "Atmosphere returns no text of consoles.",
            "spice": "Atmosphere has only noVNC consoles.",
        }
    )

    def __init__(self, login: Login) -> None:
        """Send nothing yet."""
        self._login = login

    def url(self, instance: Instance, kinds: Sequence[str]) -> ConsoleUrl:
        """Return the URL in the response of v1. The response of v2 to the same action lacks it. See Consoles."""
        task = f"Opening the console of {instance.label}"
        account = f"/api/v1/provider/{instance.provider.uuid}/identity/{instance.identity.uuid}"
        path = f"{account}/instance/{instance.uuid}/action"
        body = raise_for_status(self._login.request("POST", path, data={"action": "console"}), task)
        return console_url("novnc", mapping(body).get("object"), task)

    def text(self, instance: Instance, lines: int) -> str:
        """Raise Refused: see ``unsupported`` and Consoles."""
        raise Refused(f"{instance.label}: {self.unsupported['text']}")
