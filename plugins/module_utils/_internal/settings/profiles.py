# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ~/.config/jetstream/profiles.toml: a table of settings for each profile."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..files import read_file
from ..text.suggestions import did_you_mean, nearest
from .setting import Setting
from .sources import Source, open_to_others

PROFILES = Path(".config/jetstream/profiles.toml")
DEFAULT_PROFILE = "default"


class UnknownProfile(ConfigurationError):
    """There is no profile of a name. ``name``: that name, which may be one of something else."""

    def __init__(self, name: str, sentence: str, *, hint: str = "") -> None:
        """Take the name, and the sentence and remedy of a ConfigurationError."""
        super().__init__(f"There is no profile {name}{sentence}", hint=hint)
        self.name = name


def read_profile(
    home: Path | None, name: str | None, keys: Mapping[str, Setting], warnings: list[str], missed: list[str]
) -> Source | None:
    """Return the profile of that name, or the default one if there is one.

    A task that names none needs none. ``missed`` gets the reason for the message about a missing login.
    ``keys`` are the settings that a profile may have.
    """
    if home is None:
        if name is None:
            return None
        raise UnknownProfile(name, ", because this user has no home folder.")
    path = home / PROFILES
    shown = f"~/{PROFILES}"
    try:
        content = read_file(path)
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if name is None:
            return None
        raise UnknownProfile(name, f", because there is no file {shown}.") from None
    except OSError as error:
        sentence = f"{shown} cannot be read: {error.strerror}."
        if name is None:
            warnings.append(sentence)
            missed.append(sentence)
            return None
        raise ConfigurationError(sentence) from None
    profiles = _parse_profiles(content, shown)
    chosen = name or DEFAULT_PROFILE
    if chosen not in profiles:
        if name is None:
            missed += _without_default(profiles, shown)
            return None
        raise _unknown_profile(name, profiles, shown)
    secrets = [each.name for each in keys.values() if each.secret]
    if any(profile.get(secret) for profile in profiles.values() for secret in secrets):
        warnings += open_to_others(mode, shown)
    place = f"profile {chosen} in {shown}"
    _check_profile(profiles[chosen], place, keys)
    return Source(profiles[chosen], lambda _unused: place, lambda key: f"The {key} of {place}")


def _parse_profiles(content: bytes, shown: str) -> dict[str, dict[str, Any]]:
    document = _parse_toml(content, shown)
    if isinstance(document, ConfigurationError):
        # Not raised where it happened: the original errors hold the content of the file.
        raise document
    for key, value in document.items():
        if not isinstance(value, dict):
            raise ConfigurationError(f"{key} in {shown} is not in a profile.", hint="Add a line [default] above it.")
    return document


def _parse_toml(content: bytes, shown: str) -> dict[str, Any] | ConfigurationError:
    """Return the tables, or the error if there are none."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return ConfigurationError(f"{shown} is not UTF-8 text.", hint="Save it in UTF-8.")
    except tomllib.TOMLDecodeError as error:
        return ConfigurationError(
            _toml_sentence(str(error), shown), hint='Put text in quotes. Example: username = "ada"'
        )
    except RecursionError:
        return ConfigurationError(f"{shown} is nested too deeply.")


def _toml_sentence(error: str, shown: str) -> str:
    """Turn "Invalid value (at line 3, column 5)" into a sentence that begins with the place."""
    why = error.partition(" (at ")[0]
    line = re.search(r" \(at (line \d+)", error)
    return f"{shown} is not TOML in {line[1]}: {why}." if line else f"{shown} is not TOML at its end: {why}."


def hint_of_profile(name: str, home: Path | None) -> str:
    """Return the remedy if a name that was given for something else is, or may be, that of a profile; or ""."""
    shown = f"~/{PROFILES}"
    try:
        profiles = {} if home is None else _parse_profiles(read_file(home / PROFILES), shown)
    except (OSError, ConfigurationError):
        return ""
    if name in profiles:
        return f"{name} is a profile in {shown}: {_named(name)}."
    near = nearest(name, profiles)
    return f"Did you mean the profile {near} in {shown}? Then {_named(near)}." if near else ""


def _named(profile: str) -> str:
    """Return the ways to name a profile."""
    return f"set profile: {profile} in a task, -e profile={profile} for a playbook, or JETSTREAM_PROFILE={profile}"


def _unknown_profile(name: str, profiles: Mapping[str, object], shown: str) -> ConfigurationError:
    if not profiles:
        return UnknownProfile(name, f" in {shown}, which has no profiles.")
    there = ", ".join(sorted(profiles))
    return UnknownProfile(name, f" in {shown}, only {there}.", hint=did_you_mean(name, profiles))


def _without_default(profiles: Mapping[str, object], shown: str) -> list[str]:
    """Say which profiles are there, where none was named and none is the default."""
    if not profiles:
        return []
    there = ", ".join(sorted(profiles))
    return [f"No profile is selected, and {shown} has no profile {DEFAULT_PROFILE}, only {there}."]


def _check_profile(profile: Mapping[str, object], place: str, keys: Mapping[str, Setting]) -> None:
    for key, value in profile.items():
        if key not in keys:
            guess = did_you_mean(key, keys) or f"Valid settings: {', '.join(sorted(keys))}."
            raise ConfigurationError(f"The setting {key} of {place} is unknown.", hint=guess)
        wanted = keys[key].unlike(value)
        if wanted:
            raise ConfigurationError(f"The {key} of {place} must be {wanted}.")
