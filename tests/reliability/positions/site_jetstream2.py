# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project of OpenStack as a site."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from ...simulator.api.handling import RawRequest, RawResponse
from ...unit.fakes.fake_clock import FakeClock
from ..site import PASSWORD
from .faults import JETSTREAM2_FAULTS, Fault, error
from .project import COLLEAGUE_ID, OTHER_KEY, PROJECT_ID, REGION, Project


class Jetstream2Site(Project):
    """A project with what no task means: a colleague's server with its address and volume, a free address, and others.

    See Site.
    """

    faults: Mapping[str, Fault] = JETSTREAM2_FAULTS

    def __init__(self, clock: FakeClock) -> None:
        """Make it."""
        super().__init__(clock.now)
        theirs = self.add_server("theirs", user=COLLEAGUE_ID)
        self.add_address(theirs, ours=False)
        self.add_address(None, ours=False)
        self.add_volume("theirs", theirs)
        self.add_volume("spare")
        self.keys["other"] = {"name": "other", "public_key": OTHER_KEY, "fingerprint": "cc"}
        self.groups["g-1"] = {"id": "g-1", "name": "other", "description": "", "security_group_rules": []}

    def connection(self, folder: Path) -> tuple[Mapping[str, Any], MutableMapping[str, str]]:
        """Return an entry of clouds.yaml, and where that is."""
        file = folder / "clouds.yaml"
        if not file.exists():
            credential = {"application_credential_id": "0123", "application_credential_secret": PASSWORD}
            cloud = {
                "auth_type": "v3applicationcredential",
                "auth": {"auth_url": "http://127.0.0.1:5000/v3", **credential},
                "region_name": REGION,
            }
            file.write_text(json.dumps({"clouds": {"js2": cloud}}), encoding="utf-8")
        # openstacksdk reads it from the environment of the process.
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(file)
        return {"cloud": "js2"}, {"OS_CLIENT_CONFIG_FILE": str(file)}

    def is_login(self, raw: RawRequest) -> bool:
        """Return whether a request is a login."""
        return raw.path.endswith("/auth/tokens")

    def token_of(self, raw: RawRequest) -> str:
        """Return the token of a request."""
        return raw.headers["x-auth-token"]

    def expire_tokens(self) -> None:
        """Expire all tokens given so far."""
        self.tokens.clear()

    def given_tokens(self) -> Collection[str]:
        """Return the tokens given so far."""
        return self.tokens

    def error(self, status: int, words: str) -> RawResponse:
        """Return an error in the form of the services."""
        return error(status, words)

    def refused_token(self) -> RawResponse:
        """Return the response to a token that the cloud does not know."""
        return error(401, "The request you have made requires authentication.")

    def state(self) -> str:
        """Return all resources that tasks change, as text."""
        keys = {name: each["public_key"] for name, each in self.keys.items()}
        things = (self.servers, self.addresses, self.volumes, self.images, self.groups, keys)
        return json.dumps(things, sort_keys=True)

    def of_others(self) -> str:
        """Return all resources that no task may change, as text."""
        servers = [each for each in self.servers.values() if each["user_id"] == COLLEAGUE_ID]
        theirs = {each["id"] for each in servers}
        ports = {each["id"] for each in self.ports.values() if each["device_id"] in theirs}
        addresses = [each for each in self.addresses.values() if each["port_id"] in ports or not each["description"]]
        volumes = [each for each in self.volumes.values() if each["name"] in ("theirs", "spare")]
        key = self.keys.get("other")
        return json.dumps([servers, addresses, volumes, key, self.groups.get("g-1")], sort_keys=True)

    def names(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the account's resources, by kind."""
        kinds = {"server": self.servers, "volume": self.volumes, "group": self.groups}
        own_images = [each["name"] for each in self.images.values() if each["owner"] == PROJECT_ID]
        return {
            **{kind: [each["name"] for each in things.values()] for kind, things in kinds.items()},
            "image": own_images,
        }

    def orphans(self) -> Sequence[str]:
        """Return the addresses that were made for an instance, and are left without one."""
        made = [each for each in self.addresses.values() if each["description"] and each["port_id"] is None]
        return [each["floating_ip_address"] for each in made]

    def errors(self) -> Sequence[str]:
        """Return the names of the servers in error."""
        return [each["name"] for each in self.servers.values() if each["status"] == "ERROR"]
