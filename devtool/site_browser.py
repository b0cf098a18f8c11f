# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a site in a browser: each page at the width of a phone and of a desktop, light and dark.

Chromium opens ``site/look.html``, which loads each page of the site into a frame, and posts its findings.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

_LOOK = Path(__file__).parent / "site" / "look.html"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Other sites cannot be resolved. The pages come from the checkout, so they need no sandbox, which root cannot have.
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Seconds for all pages. A page takes a fifth of a second.
_TIMEOUT = 240.0


class BrowserFailed(Exception):
    """The browser did not check all pages. The message has the reason."""


def browser() -> str | None:
    """Return the path of a browser, or None."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def findings(program: str, site: Path) -> list[str]:
    """Return the defects of pages: wider than the window, or text of too little contrast. Raises BrowserFailed."""
    received: Queue[dict[str, Any]] = Queue()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, site, received)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            found = _look(program, server.server_port, received)
        finally:
            server.shutdown()
            thread.join()
    if found["pages"] != len(_pages(site)):
        raise BrowserFailed(f"the browser checked {found['pages']} of {len(_pages(site))} pages")
    return [str(each) for each in found["findings"]]


def _look(program: str, port: int, received: Queue[dict[str, Any]]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_OPTIONS, f"--user-data-dir={profile}", f"http://127.0.0.1:{port}/look.html"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return received.get(timeout=_TIMEOUT)
        except Empty:
            raise BrowserFailed(f"{program} did not check all pages in {_TIMEOUT:.0f} s") from None
        finally:
            process.terminate()
            process.wait(20)


def _pages(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


class _Handler(SimpleHTTPRequestHandler):
    """Serves a site and the page that checks it, and receives the findings."""

    def __init__(self, site: Path, received: Queue[dict[str, Any]], *arguments: Any) -> None:
        self._received = received
        self._added = {
            "/look.html": ("text/html", _LOOK.read_bytes()),
            "/pages.json": ("application/json", json.dumps(_pages(site)).encode()),
        }
        super().__init__(*arguments, directory=str(site))

    def do_GET(self) -> None:
        """Answer with a file of the site, or with one that the check adds."""
        if self.path in self._added:
            self._answer(*self._added[self.path])
        else:
            super().do_GET()

    def do_POST(self) -> None:
        """Receive the findings."""
        self._received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer("text/plain", b"")

    def log_message(self, *_arguments: Any) -> None:
        """Write no log of the requests."""

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
