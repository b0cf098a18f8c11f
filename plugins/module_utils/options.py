# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs, in pieces that are combined. Each piece has a doc fragment of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .clouds.registry import connection_settings

STATUSES = (
    "active",
    "build",
    "deleted",
    "error",
    "hard_reboot",
    "migrating",
    "missing",
    "password",
    "paused",
    "reboot",
    "rebuild",
    "redeploy",
    "rescue",
    "resize",
    "shelved",
    "shelved_offloaded",
    "shutoff",
    "soft_deleted",
    "suspended",
    "unknown",
    "verify_resize",
)
VOLUME_STATUSES = (
    "attaching",
    "available",
    "awaiting-transfer",
    "backing-up",
    "creating",
    "deleting",
    "detaching",
    "downloading",
    "error",
    "error_backing-up",
    "error_deleting",
    "error_extending",
    "error_managing",
    "error_restoring",
    "extending",
    "in-use",
    "maintenance",
    "managing",
    "reserved",
    "restoring-backup",
    "retyping",
    "unmanaging",
    "uploading",
)


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """What a module takes, in AnsibleModule's own words."""

    argument_spec: Mapping[str, Mapping[str, Any]]
    mutually_exclusive: tuple[tuple[str, ...], ...] = field(default=())
    required_together: tuple[tuple[str, ...], ...] = field(default=())
    required_one_of: tuple[tuple[str, ...], ...] = field(default=())
    required_if: tuple[tuple[Any, ...], ...] = field(default=())
    required_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __add__(self, other: ModuleSpec) -> ModuleSpec:
        """Return a spec with the options and rules of both, which must not name the same option."""
        twice = set(self.argument_spec) & set(other.argument_spec)
        if twice:
            raise ValueError(f"options of two specs: {', '.join(sorted(twice))}")
        return ModuleSpec(
            argument_spec={**self.argument_spec, **other.argument_spec},
            mutually_exclusive=self.mutually_exclusive + other.mutually_exclusive,
            required_together=self.required_together + other.required_together,
            required_one_of=self.required_one_of + other.required_one_of,
            required_if=self.required_if + other.required_if,
            required_by={**self.required_by, **other.required_by},
        )

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for AnsibleModule."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.argument_spec.items()},
            "mutually_exclusive": list(self.mutually_exclusive),
            "required_together": list(self.required_together),
            "required_one_of": list(self.required_one_of),
            "required_if": list(self.required_if),
            "required_by": dict(self.required_by),
        }


# Nothing here has a default: it would hide the environment and the profile.
CONNECTION = ModuleSpec(argument_spec={each.name: each.argument for each in connection_settings()})

_STRINGS = {"type": "list", "elements": "str"}

IDENTIFIERS = ModuleSpec(
    argument_spec={
        "name": _STRINGS,
        "id": _STRINGS,
        "uuid": _STRINGS,
        "exclude": _STRINGS,
    },
)

INSTANCE_FILTERS = ModuleSpec(
    argument_spec={
        "status": {**_STRINGS, "choices": list(STATUSES)},
        "project": _STRINGS,
        "flavor": {**_STRINGS, "aliases": ["size"]},
        "image": _STRINGS,
        "provider": _STRINGS,
        "allocation_source": _STRINGS,
    },
)

VOLUME_FILTERS = ModuleSpec(
    argument_spec={
        "status": {**_STRINGS, "choices": list(VOLUME_STATUSES)},
        "project": _STRINGS,
        "provider": _STRINGS,
    },
)

WAIT = ModuleSpec(
    argument_spec={
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "float", "default": 900.0},
    },
)

RATES = ModuleSpec(
    argument_spec={
        "rates": {
            "type": "dict",
            "options": {
                "families": {"type": "dict"},
                "flavors": {"type": "dict", "aliases": ["sizes"]},
                "states": {"type": "dict"},
            },
        },
    },
)

IDLE_FILES = ModuleSpec(
    argument_spec={
        "readings_path": {"type": "path"},
        "settings_path": {"type": "path"},
        "console": {"type": "str", "default": "needed", "choices": ["needed", "all", "never"]},
        "console_only": {"type": "bool", "default": False},
        "keep_path": {"type": "path"},
        "schedules_path": {"type": "path"},
    },
)
