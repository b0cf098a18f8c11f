# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of cloud. Settings, options and documentation are made from it; a new kind is one entry."""

from __future__ import annotations

from typing import Any

from ..settings.connection import HTTP, PROFILE
from ..settings.setting import Setting
from .atmosphere.cloud_type import ATMOSPHERE
from .cloud_type import CloudType
from .jetstream2.cloud_type import JETSTREAM2
from .practice.cloud_type import PRACTICE

# The first whose settings are given is used.
CLOUD_TYPES: tuple[CloudType[Any], ...] = (JETSTREAM2, ATMOSPHERE, PRACTICE)


def connection_settings() -> tuple[Setting, ...]:
    """Return every setting of a connection: those of each kind of cloud, and those that all have."""
    own = [setting for each in CLOUD_TYPES for setting in each.settings]
    return (PROFILE, _backend(), *own, *HTTP)


def requirements() -> list[str]:
    """Return sentences about the libraries to install: for all kinds of cloud, and for some."""
    common = "Python 3.11 or newer, with the library C(requests), on the host that the task runs on"
    return [common, *(sentence for each in CLOUD_TYPES for sentence in each.requirements)]


def _backend() -> Setting:
    choices = "; ".join(f"V({each.backend}) for {each.title}" for each in CLOUD_TYPES)
    given = "; ".join(f"{_either(_pointers(each))} for V({each.backend})" for each in CLOUD_TYPES)
    return Setting(
        name="backend",
        description=(
            f"The kind of cloud. {choices}.",
            f"If it is not set, the other settings decide, options first, in this order: {given}.",
        ),
        choices=tuple(sorted(each.backend for each in CLOUD_TYPES)),
    )


def _pointers(cloud_type: CloudType[Any]) -> list[str]:
    return [*(f"O({each})" for each in cloud_type.naming_settings), *cloud_type.pointers]


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
