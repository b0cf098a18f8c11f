# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of consoles, as clouds answer with them."""

from __future__ import annotations

import re

from ..errors import UnexpectedResponse
from ..model import ConsoleUrl

_LONGEST = 4000
_URL = re.compile(r"https?://[!-~]+", re.ASCII)


def console_url(kind: str, value: object, task: str) -> ConsoleUrl:
    """Return the address that a cloud answered with. Raises UnexpectedResponse for what is none, and quotes nothing."""
    if not isinstance(value, str) or len(value) > _LONGEST or not _URL.fullmatch(value):
        raise UnexpectedResponse(f"{task} failed: the response has no URL.")
    return ConsoleUrl(kind, value)
