# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..module_utils.operations.credential import SPEC, credential
from ..plugin_utils.operation_action import OperationAction


class ActionModule(OperationAction):
    """Does the work of the module of the same name in the controller's own process."""

    spec = SPEC
    operation = staticmethod(credential)
