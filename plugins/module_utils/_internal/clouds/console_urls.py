# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the URLs of consoles in the responses of clouds."""

from __future__ import annotations

import re

from ..errors import UnexpectedResponse
from ..model import ConsoleUrl

_LONGEST = 4000
_URL = re.compile(r"https?://[!-~]+", re.ASCII)


def console_url(kind: str, value: object, task: str) -> ConsoleUrl:
    """Return a console of a kind by the URL in a response.

    Raises UnexpectedResponse if the value is not a URL. The message does not quote it: a URL grants access.
    """
    if not isinstance(value, str) or len(value) > _LONGEST or not _URL.fullmatch(value):
        raise UnexpectedResponse(f"{task} failed: the response has no URL.")
    return ConsoleUrl(kind, value)
