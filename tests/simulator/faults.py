# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a client and Atmosphere, when a test asks for it.

What goes wrong between Atmosphere and its cloud is in world.cloud (Trouble); one instance's own whims are in world.vm
(Quirks).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .api.pages import BROKEN

BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"


@dataclass
class Fault:
    """Goes wrong for the next requests with a method (any, if None) and a path that a regular expression finds.

    What happens is the first of these that is set:
      drop "before": the connection breaks, and nothing was done;
      drop "after": the request is carried out, but its connection breaks before the answer;
      status: this is answered, with C(body) (text as it is, anything else as JSON), and nothing is done;
      html: the request is carried out, but the answer is a page;
      truncate: the request is carried out, but only half of the answer's body comes.
    A delay, in seconds of real time, comes before any of them, or alone.
    """

    method: str | None = None
    path: str = ""
    # The first so many matching requests are let through, and the next so many are hit (None: all).
    skip: int = 0
    times: int | None = 1
    drop: Literal["before", "after"] | None = None
    status: int | None = None
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    html: bool = False
    truncate: bool = False
    delay: float = 0.0

    def matches(self, method: str, path: str) -> bool:
        """Say whether a request is one of those meant."""
        return self.method in (None, method) and re.search(self.path, path) is not None


class Faults:
    """What is to go wrong. May be changed at any time, from any thread."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Let something go wrong, until its times are over."""
        re.compile(fault.path)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything be right again."""
        with self._lock:
            self._faults.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Return what hits a request, and count that."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path) or fault.times == 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    # The usual ones.

    def rate_limit(
        self, *, times: int | None = 1, retry_after: float | None = None, path: str = "", **rest: Any
    ) -> Fault:
        """Answer 429, as a server in front of Atmosphere would."""
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        body = {"detail": "Request was throttled."}
        return self.add(Fault(path=path, status=429, body=body, headers=headers, times=times, **rest))

    def unavailable(
        self, *, times: int | None = 1, retry_after: float | None = None, path: str = "", **rest: Any
    ) -> Fault:
        """Answer 503 as a server in front of Atmosphere would: not in JSON."""
        headers = {"content-type": "text/html"}
        if retry_after is not None:
            headers["retry-after"] = f"{retry_after:g}"
        return self.add(Fault(path=path, status=503, body=BAD_GATEWAY, headers=headers, times=times, **rest))

    def bad_gateway(self, *, times: int | None = 1, path: str = "", **rest: Any) -> Fault:
        """Answer 502, in HTML."""
        headers = {"content-type": "text/html"}
        return self.add(Fault(path=path, status=502, body=BAD_GATEWAY, headers=headers, times=times, **rest))

    def broken(self, *, times: int | None = 1, path: str = "", **rest: Any) -> Fault:
        """Answer 500 with the page that speaks of maintenance."""
        headers = {"content-type": "text/html; charset=utf-8"}
        return self.add(Fault(path=path, status=500, body=BROKEN, headers=headers, times=times, **rest))
