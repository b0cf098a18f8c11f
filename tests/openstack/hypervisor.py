# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steers the fake hypervisor, by files that its driver reads."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from ansible_collections.jetstream.cloud.tests.openstack.services import write_json

Operation = Literal[
    "create",
    "start",
    "stop",
    "suspend",
    "resume",
    "pause",
    "unpause",
    "reboot",
    "shelve",
    "offload",
    "unshelve",
    "delete",
    "snapshot",
    "attach_volume",
    "detach_volume",
]


class Hypervisor:
    """The outcomes of operations of servers, by the server's id or name. `default` is every server without its own.

    A server has one script. `script()` changes an operation in it, `forget()` removes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def script(
        self,
        server: object,
        operation: Operation,
        *,
        seconds: float = 0,
        fail: str | None = None,
        times: int | None = None,
        then: Literal["error", "refused"] | None = None,
    ) -> None:
        """Have an operation take `seconds`, and fail with the text `fail`: always, or the first `times` times.

        `then="error"` leaves the server in ERROR; `then="refused"` leaves it as it was where nova would set ERROR.
        A change to the script of a server counts the times anew.
        """
        wanted: dict[str, Any] = {"seconds": seconds}
        if fail is not None:
            wanted["fail"] = fail
        if times is not None:
            wanted["times"] = times
        if then is not None:
            wanted["then"] = then
        self._change(server, {operation: wanted})

    def no_capacity(self, server: object, *, none: bool = True) -> None:
        """Have no host take this server: neither when it is created nor when it is unshelved."""
        self._change(server, {"no_capacity": none})

    @contextlib.contextmanager
    def held(self, server: object, operation: Operation) -> Iterator[None]:
        """Hold an operation in the middle for the length of a `with`: the server shows its task state meanwhile."""
        self._change(server, {operation: {"hold": True}})
        try:
            yield
        finally:
            self._change(server, {operation: {}})

    def console(self, server: object, text: str) -> None:
        """Set the text on a server's console. Bytes that are not ASCII come out as U+FFFD: nova decodes them so."""
        (self._folder / f"{key(server)}.console").write_text(text, encoding="utf-8")

    def forget(self, server: object | None = None) -> None:
        """Forget the script and the console of a server, or of all."""
        name = "*" if server is None else key(server)
        for path in (*self._folder.glob(f"{name}.json"), *self._folder.glob(f"{name}.console")):
            path.unlink(missing_ok=True)

    def _change(self, server: object, change: dict[str, Any]) -> None:
        path = self._folder / f"{key(server)}.json"
        script: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
        write_json(path, script | change)


def key(server: object) -> str:
    """Return a server's id, or the name or id itself."""
    name = server if isinstance(server, str) else str(getattr(server, "id"))  # noqa: B009 - any client's object will do
    if "/" in name or not name or name.startswith("."):
        raise ValueError(f"not a name for a file: {name!r}")
    return name
