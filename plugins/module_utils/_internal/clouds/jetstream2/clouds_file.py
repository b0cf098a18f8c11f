# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds clouds.yaml by the rules of the OpenStack client, and reports mistakes in it.

openstacksdk skips a file that is not YAML, and then does not find the cloud; other mistakes cause Python exceptions.
The errors raised here name the file, the line and the remedy. Their messages contain no values of the file, which may
be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...files import read_file
from ...settings.profiles import hint_of_profile
from ...text.suggestions import did_you_mean, nearest
from ...yaml_tree import NOTHING, TABLE, TEXT, is_scalar, line_of, pairs, repeated, tree_of

_FILE_VARIABLE = "OS_CLIENT_CONFIG_FILE"
_SECURE_VARIABLE = "OS_CLIENT_SECURE_FILE"
_SUFFIXES = (".yaml", ".yml", ".json")
_SITE_FOLDERS = (Path("/etc/xdg/openstack"), Path("/etc/openstack"))
# The scope is part of an application credential: keystone refuses a login that also sets one of these keys.
_SCOPE = frozenset(
    {
        "domain_id",
        "domain_name",
        "project_domain_id",
        "project_domain_name",
        "project_id",
        "project_name",
        "tenant_id",
        "tenant_name",
    }
)
# The keys below auth whose values are strings. Others, such as unscoped, are not.
_IS_TEXT = re.compile(r"^(username|password|passcode|token)$|_(id|name|url|secret)$")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_INDENTED = "Write its content below it, indented by spaces."


def clouds_files(environ: Mapping[str, str], home: Path | None) -> list[Path]:
    """Return the possible paths of clouds.yaml, in the order of precedence."""
    return _places(environ, home, "clouds", _FILE_VARIABLE)


def secure_files(environ: Mapping[str, str], home: Path | None) -> list[Path]:
    """Return the possible paths of secure.yaml, the secrets for clouds.yaml, in the order of precedence."""
    return _places(environ, home, "secure", _SECURE_VARIABLE)


def refuse_blank_variables(environ: Mapping[str, str], names: Iterable[str] | None = None) -> None:
    """Raise ConfigurationError for a variable ``OS_*`` that contains only white space. ``names``: by default, all.

    openstacksdk would use it as a value, such as the name of a cloud. Empty variables count as unset.
    """
    for name in sorted(environ) if names is None else names:
        value = environ.get(name, "")
        if name.startswith("OS_") and value and not value.strip():
            raise ConfigurationError(f"The environment variable {name} is set, but blank.", hint="Correct or unset it.")


def _places(environ: Mapping[str, str], home: Path | None, name: str, variable: str) -> list[Path]:
    """Return the possible paths of a file. Raises ConfigurationError if its variable is blank."""
    refuse_blank_variables(environ, [variable])
    if environ.get(variable):
        return [Path(environ[variable])]
    own = environ.get("XDG_CONFIG_HOME", "")
    folders = [
        *_working_folder(),
        *([Path(own) / "openstack"] if own else []),
        *([home / ".config" / "openstack"] if home else []),
        *_SITE_FOLDERS,
    ]
    return [folder / f"{name}{suffix}" for folder in folders for suffix in _SUFFIXES]


def _working_folder() -> list[Path]:
    try:
        return [Path.cwd()]
    except OSError:
        # The working folder was removed.
        return []


def clouds_in_words(environ: Mapping[str, str], home: Path | None) -> str:
    """Return a sentence on the clouds in clouds.yaml, the mistake in it, or the folders without it."""
    return known_clouds(environ, home) or f"There is no clouds.yaml in {_folders(home)}."


def known_clouds(environ: Mapping[str, str], home: Path | None) -> str:
    """Return a sentence on the clouds in clouds.yaml, or on the mistake in it; "" without the file."""
    try:
        file = _first(clouds_files(environ, home), environ.get(_FILE_VARIABLE), home)
        if file is None:
            return ""
        many = "s" if len(file.clouds) > 1 else ""
        return f"{file.shown} has the cloud{many} {_listed(file.clouds)}."
    except ConfigurationError as error:
        return str(error)


def hint_of_cloud(name: str, environ: Mapping[str, str], home: Path | None) -> str:
    """Return the remedy for the name of an unknown profile, if a cloud has this or a similar name; or ""."""
    try:
        file = _first(clouds_files(environ, home), environ.get(_FILE_VARIABLE), home)
        clouds = {} if file is None else file.clouds
    except ConfigurationError:
        return ""
    if file is None:
        return ""
    if name in clouds:
        return f"{name} is a cloud in {file.shown}: {_selected(name)}."
    near = nearest(name, clouds)
    return f"Did you mean the cloud {near} in {file.shown}? Then {_selected(near)}." if near else ""


def _selected(cloud: str) -> str:
    """Return the clause on how to select a cloud."""
    return f"set JETSTREAM_CLOUD={cloud} for a playbook, or cloud: {cloud} in a task, and no profile"


def check_cloud(name: str, environ: Mapping[str, str], home: Path | None) -> str:
    """Return the name of a cloud with its file, as in "js2 in ~/.config/openstack/clouds.yaml".

    Raises ConfigurationError if the cloud does not exist, or openstacksdk would not understand its entry.
    """
    file = _first(clouds_files(environ, home), environ.get(_FILE_VARIABLE), home)
    secure = _first(secure_files(environ, home), environ.get(_SECURE_VARIABLE), home)
    if file is None:
        raise ConfigurationError(
            f"There is no cloud {name}, because there is no clouds.yaml in {_folders(home)}.",
            hint=hint_of_profile(name, home) or f"Put the file there, or set {_FILE_VARIABLE} to its path.",
        )
    if name not in file.clouds:
        raise ConfigurationError(
            f"There is no cloud {name} in {file.shown}, only {_listed(file.clouds)}.",
            hint=" ".join(filter(None, [did_you_mean(name, file.clouds), hint_of_profile(name, home)])),
        )
    file.check(name)
    if secure is not None and name in secure.clouds:
        secure.check(name)
    return f"{name} in {file.shown}"


def _first(places: Sequence[Path], named: str | None, home: Path | None) -> _File | None:
    """Read the first existing file; None without one. ``named``: the value of the variable, a file that must exist.

    Raises ConfigurationError for a file that is missing, unreadable, or neither YAML nor UTF-8.
    """
    for path in places:
        shown = _shown(path, home)
        try:
            content = read_file(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise ConfigurationError(f"{shown} cannot be read: {error.strerror}.") from None
        if content.startswith(_UTF_16):
            # UTF-16 is valid YAML, but openstacksdk finds no clouds in it.
            raise ConfigurationError(f"{shown} is not UTF-8 text.", hint="Save it in UTF-8.")
        return _File(shown, tree_of(content, shown))
    if named:
        raise ConfigurationError(
            f"{named} does not exist, but {_FILE_VARIABLE} or {_SECURE_VARIABLE} refers to it.",
            hint="Correct that variable, or unset it.",
        )
    return None


@dataclass(frozen=True, slots=True)
class _File:
    """A file. ``shown``: its path in messages. ``root``: the YAML tree of its content."""

    shown: str
    root: Any

    @property
    def clouds(self) -> dict[str, Any]:
        """The YAML node of each cloud, by name. Raises ConfigurationError without clouds."""
        clouds = _entries(self.root).get("clouds")
        if clouds is None:
            raise ConfigurationError(
                f"{self.shown} has no clouds.", hint="Begin it with a line clouds: and write each cloud below it."
            )
        self._require_table(clouds, "clouds")
        return {name: node for name, (_key, node) in pairs(clouds).items()}

    def check(self, name: str) -> None:
        """Raise ConfigurationError if openstacksdk would not understand the entry of a cloud."""
        entry = self.clouds[name]
        self._require_one(name)
        self._require_table(entry, f"the cloud {name}")
        self._refuse_repeated(entry)
        auth = _entries(entry).get("auth")
        if auth is None:
            return
        self._require_table(auth, f"auth of the cloud {name}")
        self._refuse_repeated(auth)
        for key, (_key, value) in pairs(auth).items():
            if _IS_TEXT.search(key):
                self._require_text(key, value)
        if "application_credential_id" in _entries(auth) or "application_credential_name" in _entries(auth):
            self._refuse_scope({**pairs(entry), **pairs(auth)})

    def _require_table(self, node: Any, subject: str) -> None:
        if node.tag == NOTHING:
            raise self._mistake(node, f"{subject} is empty", _INDENTED)
        if node.tag != TABLE:
            raise self._mistake(
                node, f"{subject} is not a mapping", f"Write each line as a name, a colon and a value. {_INDENTED}"
            )

    def _require_one(self, name: str) -> None:
        """Refuse a name that is not a string in YAML, and a second entry of it: only the last one would count."""
        self._refuse_repeated(self.root)
        keys = [key for key, _value in _entries(self.root)["clouds"].value if str(key.value) == name]
        if len(keys) > 1:
            raise self._mistake(keys[1], f"there is another cloud {name} above", "Remove one of them.")
        if keys[0].tag != TEXT:
            raise self._mistake(
                keys[0], f"{name} is not a string in YAML, but a number or a keyword", "Put the name in quotes."
            )

    def _refuse_repeated(self, node: Any) -> None:
        key = repeated(node)
        if key is not None:
            raise self._mistake(key, f"{key.value} is there twice", "Remove one of them.")

    def _require_text(self, key: str, value: Any) -> None:
        if value.tag == NOTHING:
            raise self._mistake(value, f"{key} is empty", "Write the value after the colon.")
        if is_scalar(value) and value.tag != TEXT:
            raise self._mistake(
                value, f"{key} is not a string in YAML, but a number or a keyword", "Put the value in quotes."
            )

    def _refuse_scope(self, found: Mapping[str, tuple[Any, Any]]) -> None:
        for key, (node, _value) in found.items():
            if key in _SCOPE:
                raise self._mistake(
                    node,
                    f"an application credential already belongs to a project, but {key} also sets one",
                    "Remove that line.",
                )

    def _mistake(self, node: Any, clause: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(f"{self.shown}, line {line_of(node)}: {clause}.", hint=remedy)


def _entries(node: Any) -> dict[str, Any]:
    return {key: value for key, (_key, value) in pairs(node).items()}


def _shown(path: Path, home: Path | None) -> str:
    if home and path.is_relative_to(home):
        return f"~/{path.relative_to(home)}"
    return str(path)


def _folders(home: Path | None) -> str:
    return f"the working folder{', ~/.config/openstack,' if home else ''} or /etc/openstack"


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return " and ".join(filter(None, [", ".join(ordered[:-1]), *ordered[-1:]])) or "none"
