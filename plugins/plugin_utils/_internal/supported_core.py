# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses an ansible-core that is too old, in one sentence.

Plugins of the controller call this before they import what an older ansible-core, or the older Python below it, has
not. Otherwise, Ansible says that a name cannot be imported, and that this is probably a bug. Nothing here may be newer
than what it refuses.
"""

from __future__ import annotations

import re

from ansible.errors import AnsibleError
from ansible.release import __version__

# The same as requires_ansible in meta/runtime.yml, of which Ansible only warns.
OLDEST = (2, 19)


def require_supported_core(version: str = __version__) -> None:
    """Raise AnsibleError if ansible-core, or the version given, is older than the oldest that is supported."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers and (int(numbers.group(1)), int(numbers.group(2))) < OLDEST:
        needed = f"{OLDEST[0]}.{OLDEST[1]}"
        raise AnsibleError(
            f"The collection jetstream.cloud requires ansible-core {needed} or newer, but this is {version}. "
            "Install one in a virtual environment with Python 3.11 or newer: pip install ansible-core"
        )
