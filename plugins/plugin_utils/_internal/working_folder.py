# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in the folder where ansible-playbook was started, for tasks that run in the folder of their playbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# The variables that name a file to openstacksdk, and the stem of the file.
_STEMS = {"OS_CLIENT_CONFIG_FILE": "clouds", "OS_CLIENT_SECURE_FILE": "secure"}
# In the order in which openstacksdk tries them.
_SUFFIXES = (".yaml", ".yml", ".json")


def openstack_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that lead openstacksdk to clouds.yaml and secure.yaml in this process's working folder.

    OpenStack's own programs search for them there first, unless ``environ`` names another file.
    """
    try:
        folder = Path.cwd()
    except OSError:
        # It was removed.
        return {}
    found = {}
    for variable, stem in _STEMS.items():
        paths = [path for suffix in _SUFFIXES if (path := folder / f"{stem}{suffix}").is_file()]
        if paths and not environ.get(variable):
            found[variable] = str(paths[0])
    return found
