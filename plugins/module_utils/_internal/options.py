# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs, in pieces that are combined. Each piece has a doc fragment of the same name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .clouds.registry import connection_settings
from .errors import ConfigurationError

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
# Of a name or a description. Nova, neutron and cinder have columns of that length.
LONGEST_TEXT = 255
# A name may have brackets as well. It would never have these.
_GLOB_CHARACTERS = frozenset("*?")

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


def require_time(options: Mapping[str, Any]) -> None:
    """Raise ConfigurationError unless ``wait_timeout`` is above 0."""
    if options["wait_timeout"] <= 0:
        hint = "To return without waiting, set wait: false." if "wait" in options else None
        raise ConfigurationError("wait_timeout must be more than 0 seconds.", hint=hint)


def refuse_blank(options: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise ConfigurationError for an option of text that is given without text, as an unset variable leaves it.

    Nothing is named by it, and a cloud may have things without a name.
    """
    for name in names:
        value = options[name]
        if value is not None and not value.strip():
            raise ConfigurationError(f"{name} is given, but empty.", hint="Give it a value, or leave it out.")


def refuse_loose(options: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise ConfigurationError for a name with white space at its ends, which the clouds take away.

    The next run would not find what was made, and would make it again.
    """
    for name in names:
        value = options[name]
        if value is not None and value != value.strip():
            raise ConfigurationError(f"{name}: {value!r} has white space at its ends.", hint="Remove it.")


def refuse_glob(option: str, name: str) -> None:
    """Raise ConfigurationError for a glob in the place of the name of something that is not there.

    It would be made under that name, or nothing would be deleted, and neither was meant.
    """
    if not _GLOB_CHARACTERS.isdisjoint(name):
        raise ConfigurationError(
            f"{option}: there is no {name}, and globs are not taken here.", hint="Give the exact name."
        )


def refuse_long(options: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise ConfigurationError for a text that is longer than the clouds take, so that check mode tells it as well."""
    for name in names:
        if len(options[name] or "") > LONGEST_TEXT:
            raise ConfigurationError(
                f"{name} has {len(options[name])} characters, and at most {LONGEST_TEXT} are taken."
            )


def as_texts(option: str, given: Mapping[Any, Any]) -> dict[str, str]:
    """Return the pairs of a mapping as text, yes and no in YAML's own words.

    Raises ConfigurationError for a value that is none or several: its Python form would be stored.
    """
    for name, value in given.items():
        if value is None:
            raise ConfigurationError(f"{option}: {name} is given, but empty.", hint="Give it a value, or leave it out.")
        if isinstance(value, Mapping | list | tuple):
            raise ConfigurationError(f"{option}: {name} must be one value, and has several.")
    return {str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in given.items()}
