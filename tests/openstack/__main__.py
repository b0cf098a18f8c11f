# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `python tests/openstack up`, `status`, `env`, `down`."""

from __future__ import annotations

import sys
import types
from pathlib import Path


def _find_collection() -> None:
    """Make this checkout importable by the name of the collection, in any folder and with any Python."""
    for name in ("ansible_collections", "ansible_collections.jetstream", "ansible_collections.jetstream.cloud"):
        module = types.ModuleType(name)
        module.__path__ = []
        sys.modules[name] = module
    sys.modules["ansible_collections.jetstream.cloud"].__path__ = [str(Path(__file__).resolve().parents[2])]


if __name__ == "__main__":
    _find_collection()
    from ansible_collections.jetstream.cloud.tests.openstack import command_line

    sys.exit(command_line.main(sys.argv[1:]))
