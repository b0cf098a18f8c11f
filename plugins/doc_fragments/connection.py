# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

from ..module_utils._internal.clouds.registry import connection_settings, requirements
from ..module_utils._internal.settings.setting import Setting

_NOTES = (
    "The token of a login is kept in C(~/.cache/jetstream/tokens), readable for the user alone, until it expires.",
    "Environment, profiles and cache are those of the host and the user that the task runs on and as.",
    "With C(become), that is another user.",
)


def _documented(setting: Setting) -> dict[str, Any]:
    documented: dict[str, Any] = {"description": setting.documentation, "type": setting.type}
    if setting.choices:
        documented["choices"] = list(setting.choices)
    return documented


class ModuleDocFragment:
    """Documents options.CONNECTION, from the tables that it is made of."""

    # JSON is YAML.
    # With its type: ansible-test reads the values of plain assignments, and expects text there.
    DOCUMENTATION: str = json.dumps(
        {
            "requirements": requirements(),
            "options": {each.name: _documented(each) for each in connection_settings()},
            "notes": list(_NOTES),
        }
    )
