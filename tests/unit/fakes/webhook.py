# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A webhook on loopback that stores the posts to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Webhook:
    """Accepts posts on a free port.

    ``posts``: the JSON of each. ``status``: the status of the responses. ``fetched``: the paths that were requested
    with GET, as a dead man's switch is. ``before_response``: called between a post and its response.
    """

    def __init__(self) -> None:
        self.posts: list[Any] = []
        self.fetched: list[str] = []
        self.status = 200
        self.before_response: Callable[[], object] = bool
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                hook.before_response()
                self.send_response(hook.status)
                self.end_headers()

            def do_GET(self) -> None:
                hook.fetched.append(self.path)
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/a-secret"


@contextmanager
def a_webhook() -> Iterator[Webhook]:
    """Run a webhook for a with statement."""
    hook = Webhook()
    thread = threading.Thread(target=hook.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        hook.server.server_close()
        thread.join(timeout=10)
