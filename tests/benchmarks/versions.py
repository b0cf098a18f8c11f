# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of the programs that are measured beside this collection."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.jetstream.cloud.tests.openstack import packages


def version_of_openstack_cloud(collections: Path) -> str:
    """Return the version of openstack.cloud in a folder with collections."""
    manifest = collections / "ansible_collections" / "openstack" / "cloud" / "MANIFEST.json"
    return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])


def version_of_nova() -> str:
    """Return the pinned version of nova."""
    [pin] = [line for line in packages.PINS.read_text(encoding="utf-8").splitlines() if line.startswith("nova==")]
    return pin.removeprefix("nova==").split()[0]
