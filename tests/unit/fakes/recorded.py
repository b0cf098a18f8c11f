# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded answers of a real OpenStack: keystone 30, nova 34, cinder 29 and glance 33, to a member of a project.

Links are left out, and addresses of services are made up. So are the rows of allocations, which only Jetstream2 has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[1] / "plugins" / "module_utils" / "clouds" / "jetstream2" / "recorded"


def recorded(name: str) -> Any:
    """Return the content of a file of the folder recorded, each time anew."""
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
