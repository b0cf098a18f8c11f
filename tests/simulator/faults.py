# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults between a client and Atmosphere, which tests add.

``world.trouble`` has those between Atmosphere and its cloud (``Trouble``), ``world.vm`` those of one instance
(``Quirks``).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .api.pages import BROKEN
from .odd_values import check_edit
from .streams import Stream

BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
GATEWAY_TIMEOUT = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"


@dataclass
class Fault:
    """A fault of the next requests with a method (any, if None) and a path that a regular expression finds.

    The effect is the first of these that is set:
      drop "before": the connection breaks, and the request is not carried out;
      drop "after": the request is carried out, but its connection breaks before the response;
      status: the status of the response, with ``body`` (text is sent unchanged, anything else as JSON). The request is
        not carried out, unless ``carried_out`` is set;
      html: the request is carried out, but the response is a page;
      truncate: the request is carried out, but only half of the response's body is sent;
      edit: the request is carried out, and values in its JSON response are replaced (see ``odd_values.edited``);
      none of them: the request is carried out, with its usual response.
    In addition to any of them:
      delay: seconds of real time that pass first;
      stream: how the response is sent, if not at once (see ``streams``);
      then: called before the response is sent, whether the request was carried out or not.
    """

    method: str | None = None
    path: str = ""
    # The number of matching requests without the fault, and then of those with it (None: all).
    skip: int = 0
    times: int | None = 1
    drop: Literal["before", "after"] | None = None
    status: int | None = None
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    carried_out: bool = False
    html: bool = False
    truncate: bool = False
    # Dotted names and their values. ``of``: the name or uuid of the edited rows; None for the response as a whole.
    edit: Mapping[str, Any] = field(default_factory=dict)
    of: str | None = None
    delay: float = 0.0
    stream: Stream | None = None
    then: Callable[[], object] | None = None

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault applies to a request."""
        return self.method in (None, method) and re.search(self.path, path) is not None


class Faults:
    """All faults of a server. They may be changed at any time, from any thread."""

    def __init__(self) -> None:
        """Start without faults."""
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Add a fault. Raises re.error and ValueError if it is malformed."""
        re.compile(fault.path)
        check_edit(fault.edit)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Return the fault of a request, or None, and count it."""
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

    # The usual faults. Each method takes the other attributes of Fault by name.

    def rate_limit(
        self, *, times: int | None = 1, retry_after: float | str | None = None, path: str = "", **rest: Any
    ) -> Fault:
        """Respond with 429, as a server in front of Atmosphere would."""
        headers = {} if retry_after is None else {"retry-after": _retry_after(retry_after)}
        body = {"detail": "Request was throttled."}
        return self.add(Fault(path=path, status=429, body=body, headers=headers, times=times, **rest))

    def unavailable(
        self, *, times: int | None = 1, retry_after: float | str | None = None, path: str = "", **rest: Any
    ) -> Fault:
        """Respond with 503 and without JSON, as a server in front of Atmosphere would."""
        headers = {"content-type": "text/html"}
        if retry_after is not None:
            headers["retry-after"] = _retry_after(retry_after)
        return self.add(Fault(path=path, status=503, body=BAD_GATEWAY, headers=headers, times=times, **rest))

    def bad_gateway(self, *, times: int | None = 1, path: str = "", **rest: Any) -> Fault:
        """Respond with 502, in HTML."""
        headers = {"content-type": "text/html"}
        return self.add(Fault(path=path, status=502, body=BAD_GATEWAY, headers=headers, times=times, **rest))

    def broken(self, *, times: int | None = 1, path: str = "", **rest: Any) -> Fault:
        """Respond with 500, and with Atmosphere's page about maintenance."""
        headers = {"content-type": "text/html; charset=utf-8"}
        return self.add(Fault(path=path, status=500, body=BROKEN, headers=headers, times=times, **rest))

    def lost_answer(self, method: str = "POST", path: str = "/action$", *, times: int | None = 1, **rest: Any) -> Fault:
        """Carry requests out, and break their connections before the response."""
        return self.add(Fault(method, path, times=times, drop="after", **rest))

    def gateway_timeout(
        self, method: str = "POST", path: str = "/action$", *, times: int | None = 1, **rest: Any
    ) -> Fault:
        """Carry requests out, and respond with 504, as a server in front of Atmosphere would after a timeout."""
        headers = {"content-type": "text/html"}
        fault = Fault(
            method, path, times=times, status=504, body=GATEWAY_TIMEOUT, headers=headers, carried_out=True, **rest
        )
        return self.add(fault)

    def odd_row(self, of: str, edit: Mapping[str, Any], *, path: str = "", **rest: Any) -> Fault:
        """Replace values of one row, by its name or uuid, in every response to a GET of a path."""
        return self.add(Fault("GET", path, times=None, edit=edit, of=of, **rest))

    def huge_count(self, path: str, count: int = 10**9, *, times: int | None = None, **rest: Any) -> Fault:
        """Let a list of v2 claim ``count`` rows."""
        return self.add(Fault("GET", path, times=times, edit={"count": count}, **rest))

    def streamed(self, how: Stream, path: str = "", *, times: int | None = 1, **rest: Any) -> Fault:
        """Send responses as a Stream does."""
        return self.add(Fault(path=path, times=times, stream=how, **rest))

    def after(self, method: str, path: str, then: Callable[[], object], *, skip: int = 0, **rest: Any) -> Fault:
        """Call ``then`` once, right after a request was carried out, such as between two lists."""
        return self.add(Fault(method, path, skip=skip, then=then, **rest))


def _retry_after(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
