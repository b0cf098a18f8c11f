# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks whose requests get faults, on both clouds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .series_atmosphere import ATMOSPHERE
from .series_jetstream2 import JETSTREAM2
from .site import Series

_ATMOSPHERE = "Atmosphere: "
SERIES: Mapping[str, Series[Any]] = {
    **JETSTREAM2,
    **{f"{_ATMOSPHERE}{name}": series for name, series in ATMOSPHERE.items()},
}


def named(name: str) -> list[str]:
    """Return the names of the tasks that "all", the name of a cloud, or those of tasks with "; " between them mean."""
    clouds = {"all": list(SERIES), "jetstream2": list(JETSTREAM2)}
    clouds["atmosphere"] = [each for each in SERIES if each not in JETSTREAM2]
    tasks = name.split("; ")
    return clouds.get(name.lower(), tasks if set(tasks) <= set(SERIES) else [])
