# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls the fake hypervisor by files that its driver reads."""

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
    """The scripts of servers, by the id or the name of the server. `default` is the script of all others.

    A script has the outcomes of the server's operations. `script()` changes one of them, `forget()` removes the script.
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
        """Let an operation take `seconds`, and fail with the text `fail`: always, or only the first `times` times.

        `then="error"` leaves the server in ERROR. `then="refused"` leaves it as it was, where nova would set ERROR.
        Any change of the server's script restarts the count of `times`.
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
        """Let no host accept this server, neither when it is created nor when it is unshelved."""
        self._change(server, {"no_capacity": none})

    @contextlib.contextmanager
    def held(self, server: object, operation: Operation) -> Iterator[None]:
        """Hold an operation of a server for a `with` block, in which the server shows the task state."""
        self._change(server, {operation: {"hold": True}})
        try:
            yield
        finally:
            self._change(server, {operation: {}})

    def console(self, server: object, text: str) -> None:
        """Set the text of a server's console. nova decodes it as ASCII: each other byte becomes U+FFFD."""
        (self._folder / f"{key(server)}.console").write_text(text, encoding="utf-8")

    def forget(self, server: object | None = None) -> None:
        """Remove the script and the console of a server, or of all servers."""
        name = "*" if server is None else key(server)
        for path in (*self._folder.glob(f"{name}.json"), *self._folder.glob(f"{name}.console")):
            path.unlink(missing_ok=True)

    def _change(self, server: object, change: dict[str, Any]) -> None:
        path = self._folder / f"{key(server)}.json"
        script: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
        write_json(path, script | change)


def key(server: object) -> str:
    """Return the id of a server, or a name or id as it is. Raises ValueError if it cannot be a file's name."""
    name = server if isinstance(server, str) else str(getattr(server, "id"))  # noqa: B009 - an object of any client
    if "/" in name or not name or name.startswith("."):
        raise ValueError(f"not a name for a file: {name!r}")
    return name
