# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests whether a port of an instance can be reached from this machine."""

from __future__ import annotations

import socket

_SSH = 22
_SECONDS = 4.0


def ssh_answers(address: str | None, port: int = _SSH) -> bool:
    """Return whether a connection to the ssh port can be opened."""
    if not address:
        return False
    try:
        with socket.create_connection((address, port), timeout=_SECONDS):
            return True
    except OSError:
        return False
