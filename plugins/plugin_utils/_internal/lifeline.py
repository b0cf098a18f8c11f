# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a process with the one that started it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TICK = 0.5


@contextmanager
def exit_with_parent() -> Iterator[None]:
    """End this process as soon as the parent is gone.

    Ansible passes Ctrl-C and a plain kill on to its workers. After kill -9 it cannot, and they would go on alone.
    """
    parent = os.getppid()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_TICK):
            if os.getppid() != parent:
                os._exit(1)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
