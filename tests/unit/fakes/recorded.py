# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded responses of a real OpenStack (keystone 30, nova 34, cinder 29, glance 33) to a member of a project.

They have no links, and made-up addresses of services. The rows of allocations, which only Jetstream2 has, are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[1] / "plugins" / "module_utils" / "clouds" / "jetstream2" / "recorded"


def recorded(name: str) -> Any:
    """Return the content of a file in the folder ``recorded``. Each call returns a new object."""
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
