# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of the kinds of cloud: the source of settings, options and documentation. A new kind is one entry."""

from __future__ import annotations

from typing import Any

from ..settings.connection import HTTP, PROFILE
from ..settings.setting import Setting
from .atmosphere.cloud_type import ATMOSPHERE
from .cloud_type import CloudType
from .jetstream2.cloud_type import JETSTREAM2
from .practice.cloud_type import PRACTICE

# In the order of precedence: the first kind whose settings are given is used.
CLOUD_TYPES: tuple[CloudType[Any], ...] = (JETSTREAM2, ATMOSPHERE, PRACTICE)


def connection_settings() -> tuple[Setting, ...]:
    """Return all settings of a connection: the common ones, and those of each kind of cloud."""
    own = [setting for each in CLOUD_TYPES for setting in each.settings]
    return (PROFILE, _backend(), *own, *HTTP)


def requirements() -> list[str]:
    """Return sentences about the required libraries: for all kinds of cloud first, then for single ones."""
    common = "Python 3.11 or newer, with the library C(requests), on the host that the task runs on"
    return [common, *(sentence for each in CLOUD_TYPES for sentence in each.requirements)]


def _backend() -> Setting:
    choices = "; ".join(f"V({each.backend}) for {each.title}" for each in CLOUD_TYPES)
    given = "; ".join(f"{_any_of(_selectors(each))} for V({each.backend})" for each in CLOUD_TYPES)
    return Setting(
        name="backend",
        description=(
            f"The kind of cloud. {choices}.",
            f"If it is not set, the other settings decide, options first, in this order: {given}.",
        ),
        choices=tuple(sorted(each.backend for each in CLOUD_TYPES)),
    )


def _selectors(cloud_type: CloudType[Any]) -> list[str]:
    return [*(f"O({each})" for each in cloud_type.naming_settings), *cloud_type.detected_by]


def _any_of(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
