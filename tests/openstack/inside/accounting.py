# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test double of Jetstream2's accounting service, which is not part of OpenStack, and whose server is not public.

Its clients are public: they send GET / with an ordinary token in X-Auth-Token. The response is a JSON list of rows:
several for a resource (past and renewed allocations), service_units_used null before the first use, active 0 or 1.
The response to a bad token (401, and its text) is a guess.

JETSTREAM_ACCOUNTING names the JSON file with the rows, which is read at each request. JETSTREAM_IDENTITY is keystone's
URL.
"""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

IDENTITY = urllib.parse.urlsplit(os.environ["JETSTREAM_IDENTITY"])
ROWS = pathlib.Path(os.environ["JETSTREAM_ACCOUNTING"])


def _is_valid(token: str) -> bool:
    connection = http.client.HTTPConnection(IDENTITY.netloc, timeout=30)
    try:
        # keystone validates a token for its own holder
        path = IDENTITY.path.rstrip("/") + "/auth/tokens"
        connection.request("GET", path, headers={"X-Auth-Token": token, "X-Subject-Token": token})
        return connection.getresponse().status == 200
    finally:
        connection.close()


def _answer(environ: dict[str, Any]) -> tuple[str, Any]:
    if environ["PATH_INFO"] not in ("", "/"):
        return "404 Not Found", {"error": "not found"}
    if environ["REQUEST_METHOD"] != "GET":
        return "405 Method Not Allowed", {"error": "only GET"}
    token = environ.get("HTTP_X_AUTH_TOKEN", "")
    if not token or not _is_valid(token):
        return "401 Unauthorized", {"error": "invalid token"}
    return "200 OK", json.loads(ROWS.read_bytes())


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    status, content = _answer(environ)
    body = json.dumps(content).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
