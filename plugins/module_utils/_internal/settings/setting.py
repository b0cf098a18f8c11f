# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting: an option, an environment variable and a key of a profile at the same time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .sources import variable

# From Ansible's types to the words for values in a profile.
_IN_A_PROFILE = {
    "str": "text in quotes",
    "path": "text in quotes",
    "bool": "true or false, without quotes",
    "float": "a number of seconds, without quotes",
    "int": "a whole number, without quotes",
}
_TYPES: dict[str, type | tuple[type, ...]] = {"str": str, "path": str, "bool": bool, "float": (int, float), "int": int}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of a table of settings. Argument spec and documentation are made from it.

    - ``type``: Ansible's word: ``str``, ``path``, ``bool``, ``float`` (seconds) or ``int``.
    - ``description``: sentences in Ansible's markup.
    - ``otherwise``: follows "If not set, ... is used, else the profile's, else".
    - ``names_cloud``: where it is given, it says which kind of cloud is meant.
    - ``in_profile``: whether it is a key of a profile.
    """

    name: str
    description: tuple[str, ...]
    type: str = "str"
    otherwise: str = ""
    secret: bool = False
    choices: tuple[str, ...] = ()
    names_cloud: bool = False
    in_profile: bool = True

    @property
    def argument(self) -> dict[str, Any]:
        """The option, as AnsibleModule takes it."""
        argument: dict[str, Any] = {"type": self.type}
        if self.secret:
            argument["no_log"] = True
        if self.choices:
            argument["choices"] = list(self.choices)
        return argument

    @property
    def documentation(self) -> list[str]:
        """Its meaning and its default: sentences in Ansible's markup."""
        first, *more = self.description
        return [first, f"If not set, {', else '.join(self._fallbacks())}.", *more]

    def unlike(self, value: object) -> str | None:
        """Return the words for the type that a profile must have."""
        fits = isinstance(value, _TYPES[self.type]) and (self.type == "bool" or not isinstance(value, bool))
        return None if fits else _IN_A_PROFILE[self.type]

    def _fallbacks(self) -> Iterable[str]:
        yield f"E({variable(self.name)}) is used"
        if self.in_profile:
            yield "the profile's"
        if self.otherwise:
            yield self.otherwise
