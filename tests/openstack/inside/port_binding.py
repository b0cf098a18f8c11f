# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""A mechanism driver for neutron that binds each port at once, without an agent."""

from __future__ import annotations

from typing import Any

from neutron_lib.plugins.ml2 import api


class Driver(api.MechanismDriver):
    def initialize(self) -> None:
        """Do nothing: this driver needs no preparation."""

    def bind_port(self, context: Any) -> None:
        segment = context.segments_to_bind[0]
        context.set_binding(segment[api.ID], "ovs", {"port_filter": True}, status="ACTIVE")
