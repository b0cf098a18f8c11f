# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log with a line for each request of a client."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class RequestLog:
    """WSGI middleware that appends the requests to the public port to a file of JSON lines.

    A line is written before the response is sent, so a client with its response finds its request in the file.
    """

    def __init__(self, application: Application, *, service: str, path: str, public_port: str) -> None:
        self._application = application
        self._service = service
        self._public_port = public_port
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["SERVER_PORT"] != self._public_port:
            return self._application(environ, start_response)
        began = time.monotonic()
        # read at once: an application may change SCRIPT_NAME and PATH_INFO while it routes
        request = {
            "service": self._service,
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
            "query": environ.get("QUERY_STRING", ""),
            "agent": environ.get("HTTP_USER_AGENT", ""),
        }
        written = False

        def answer(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal written
            if not written:
                written = True
                seconds = round(time.monotonic() - began, 4)
                line = {"at": time.time(), **request, "status": int(status.split()[0]), "seconds": seconds}
                os.write(self._fd, json.dumps(line).encode() + b"\n")
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return self._application(environ, answer)
