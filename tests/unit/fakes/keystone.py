# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses of a real keystone to a login."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.jetstream.cloud.tests.unit.fakes.loopback import Loopback, answer
from ansible_collections.jetstream.cloud.tests.unit.fakes.recorded import recorded

LATER = datetime(2099, 1, 1, tzinfo=UTC)


def a_token(server: Loopback, value: str = "gAAAA-first", expires: datetime = LATER, **more: Any) -> bytes:
    """Return keystone's response to a login, with a catalog whose services are at the server."""
    body = recorded("token")
    body["token"]["expires_at"] = expires.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    for service in body["token"]["catalog"]:
        for endpoint in service["endpoints"]:
            endpoint["url"] = f"{server.url}/{service['type']}"
    body["token"].update(more)
    return answer(201, body, headers={"X-Subject-Token": value})
