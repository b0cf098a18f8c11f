# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens and reads the consoles of servers, by requests to nova. Facts: docs/jetstream2.md, Console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ...errors import JetstreamError, Refused, ServerFault, UnexpectedResponse
from ...model import ConsoleUrl, Instance
from ..console_urls import console_url
from ..json_values import mapping, text
from .api import Api

_PROTOCOLS: Mapping[str, Mapping[str, str]] = {
    "novnc": {"protocol": "vnc", "type": "novnc"},
    "spice": {"protocol": "spice", "type": "spice-html5"},
}
_NOT_IMPLEMENTED = 501


class Jetstream2Consoles:
    """The consoles of the servers of a project."""

    kinds: Sequence[str] = tuple(_PROTOCOLS)
    unsupported: Mapping[str, str] = MappingProxyType({})

    def __init__(self, api: Api) -> None:
        """Send nothing yet."""
        self._api = api

    def url(self, instance: Instance, kinds: Sequence[str]) -> ConsoleUrl:
        """Request each kind of console until the site has it. See Consoles."""
        refusals: list[JetstreamError] = []
        for kind in kinds:
            task = f"Opening the {kind} console of {instance.label}"
            path, body = f"/servers/{instance.uuid}/remote-consoles", {"remote_console": _PROTOCOLS[kind]}
            try:
                response = self._api.send("POST", "compute", path, task, body)
            except (Refused, ServerFault) as error:
                if isinstance(error, ServerFault) and error.status != _NOT_IMPLEMENTED:
                    raise
                # The site lacks this kind of console.
                refusals.append(error)
                continue
            return console_url(kind, mapping(mapping(response).get("remote_console")).get("url"), task)
        raise Refused(" ".join(map(str, refusals)) or f"{instance.label} has no console.")

    def text(self, instance: Instance, lines: int) -> str:
        """Return the last lines, at most 100 kB. See Consoles."""
        task = f"Reading the console of {instance.label}"
        body = {"os-getConsoleOutput": {"length": lines}}
        response = self._api.send("POST", "compute", f"/servers/{instance.uuid}/action", task, body)
        output = text(mapping(response).get("output"))
        if output is None:
            raise UnexpectedResponse(f"{task} failed: the response has no text.")
        return output
