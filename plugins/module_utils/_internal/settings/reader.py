# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides every setting: by the option, else the environment, else the profile. See docs/connection.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from . import values
from .profiles import DEFAULT_PROFILE, read_profile
from .setting import Setting
from .sources import Found, Source, find, from_environment, from_options, refuse_mistyped, variable

T = TypeVar("T")
THE_DEFAULT = "the default"


@dataclass(frozen=True, slots=True)
class Owner:
    """A setting that secrets belong to: the value that is in use, and how to read it where it is given."""

    value: str | None
    read: Callable[[Found], str] = values.text


class Reader:
    """Finds one setting after the other in the sources, the nearest first, and keeps account of where each came from.

    ``sources`` says for each setting that was found where that was, in words for a person. ``warnings`` are whole
    sentences for the user; ``missed`` are sentences on places that gave nothing, for an error about a missing
    login. Every method raises ConfigurationError, in one sentence, without a secret in it.
    """

    def __init__(
        self,
        options: Mapping[str, object],
        environ: Mapping[str, str],
        home: Path | None,
        settings: Sequence[Setting],
    ) -> None:
        """Read the profile that the option or the environment names, or else the default one.

        ``settings`` are all that there are. ``home`` is None for a user that has none, and so no profiles.
        """
        names = [each.name for each in settings]
        self.options = from_options(options, names)
        self.environment = from_environment(environ, names)
        self.environ = environ
        self.home = home
        self.sources: dict[str, str] = {}
        self.warnings: list[str] = []
        self.missed: list[str] = []
        refuse_mistyped(environ, names)
        named = find("profile", (self.options, self.environment))
        name = values.text(named) if named else None
        keys = {each.name: each for each in settings if each.in_profile}
        self.profile = read_profile(home, name, keys, self.warnings, self.missed)
        self.profile_name = (name or DEFAULT_PROFILE) if self.profile else None
        if self.profile:
            self.sources["profile"] = named.words if named else THE_DEFAULT

    @property
    def places(self) -> Sequence[Source]:
        """The sources, the nearest first."""
        return [self.options, self.environment, *([self.profile] if self.profile else [])]

    def gives(self, names: Iterable[str]) -> bool:
        """Whether any source gives any of these settings."""
        return any(place.gives(name) for name in names for place in self.places)

    def found(self, name: str) -> Found | None:
        """Return a setting from the first source that has it, and record that source."""
        found = find(name, self.places)
        if found:
            self.sources[name] = found.words
        return found

    def text(self, name: str) -> str | None:
        """Return text without blanks at its ends, or None."""
        found = self.found(name)
        return values.text(found) if found else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return yes or no."""
        found = self.found(name)
        return values.flag(found) if found else self.otherwise(name, default)

    def seconds(self, name: str, *, default: float, zero: bool) -> float:
        """Return a number of seconds. ``zero``: whether it may be 0."""
        found = self.found(name)
        return values.seconds(found, zero=zero) if found else self.otherwise(name, default)

    def count(self, name: str, *, default: int, most: int) -> int:
        """Return a whole number from 1 to ``most``."""
        found = self.found(name)
        return values.count(found, most=most) if found else self.otherwise(name, default)

    def path(self, name: str) -> str | None:
        """Return the path of a file or folder that is there and can be read, or None."""
        found = self.found(name)
        return str(values.readable_path(found, self.home)) if found else None

    def otherwise(self, name: str, default: T) -> T:
        """Note that a setting is the default, and return that."""
        self.sources[name] = THE_DEFAULT
        return default

    def secrets(self, names: Sequence[str], owners: Mapping[str, Owner]) -> tuple[dict[str, Found], list[str]]:
        """Return the secrets of these names, of the nearest source that has any for these owners.

        ``owners`` are the settings that a secret belongs to, such as a username and a server. The secrets of a source
        that gives one of them another value are not used; the second thing returned has a sentence on each of those.
        Secrets are taken from one source alone: a token that no longer serves must not lead to a login as somebody
        else.
        """
        strangers: list[str] = []
        for place in self.places:
            secrets = {name: place.take(name) for name in names if place.gives(name)}
            if not secrets:
                continue
            owner = _other_owner(place, owners)
            if owner is None:
                self.sources |= {name: found.words for name, found in secrets.items()}
                return secrets, strangers
            strangers += [f"{found.subject} was ignored, because it belongs to {owner}." for found in secrets.values()]
        return {}, strangers

    def warn_if_overruled(self, names: Iterable[str], rivals: Iterable[str] = ()) -> None:
        """Warn if a profile is named by an option, and the environment still leads to another account.

        ``names`` are the settings in use. ``rivals`` are those that they are used instead of.
        """
        if self.profile is None or not self.options.gives("profile"):
            return
        has_rival = any(self.profile.gives(name) for name in rivals)
        overruled = [name for name in names if self._overrules(self.profile, name, has_rival=has_rival)]
        if not overruled:
            return
        variables = " and ".join(variable(name) for name in overruled)
        profile = self.profile.words("profile")
        warning = f"The {profile} was selected, but {variables} in the environment took precedence."
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _overrules(self, profile: Source, name: str, *, has_rival: bool) -> bool:
        if self.options.gives(name) or not self.environment.gives(name):
            return False
        return self.environment.values[name] != profile.values[name] if profile.gives(name) else has_rival


def _other_owner(place: Source, owners: Mapping[str, Owner]) -> str | None:
    """Return the owner of the secrets of a source, if it is another one."""
    for name, owner in owners.items():
        if place.gives(name):
            value = owner.read(place.take(name))
            if value != owner.value:
                return value
    return None
