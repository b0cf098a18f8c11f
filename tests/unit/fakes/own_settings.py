# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment without the settings of the user who runs the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def without_own_settings(home: Path, prefixes: tuple[str, ...] = ("JETSTREAM_",)) -> Iterator[None]:
    """Hide the profiles, tokens, proxies and certificates of the real user, and variables with some prefixes."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(prefixes) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        for name in ("XDG_CACHE_HOME", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        yield
