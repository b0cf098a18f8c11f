# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes one profile in the text of profiles.toml, and writes the file whole or not at all.

What is not of that profile stays as it is, comments and order among it. The text is edited by lines, since nothing in
the standard library writes TOML; what came out is read again, and refused unless it says just what was meant.
"""

from __future__ import annotations

import json
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import ConfigurationError
from ..files import PRIVATE_FILE, PRIVATE_FOLDER, exclusive, make_folder, replace_file
from .profiles import PROFILES

# None removes the setting.
Settings: TypeAlias = "Mapping[str, str | bool | float | None]"

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ANY_HEADER = re.compile(r"\s*\[")


def profiles_in(text: str) -> dict[str, Any]:
    """Read a profile file's text.

    Raises ConfigurationError if it is not TOML; the parser's words, which may hold a secret, are kept out of it.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r" \(at (line \d+)", str(error))
    place = f" in {line[1]}" if line else " at its end"
    raise ConfigurationError(f"~/{PROFILES} is not TOML{place}, so nothing was changed.", hint="Fix it in an editor.")


def with_profile(text: str, name: str, settings: Settings) -> str:
    """Return the text with these settings in that profile; its other settings stay.

    Raises ConfigurationError if the text is written in a way that this cannot change.
    """
    wanted = profiles_in(text)
    merged = {**wanted.get(name, {}), **settings}
    wanted[name] = {key: value for key, value in merged.items() if value is not None}
    lines = _lines(text)
    found = _place(lines, name)
    assignments = {key: "" if value is None else f"{key} = {_toml(value)}\n" for key, value in settings.items()}
    if found is None:
        gap = ["\n"] if lines and lines[-1].strip() else []
        edited = [*_ended(lines), *gap, f"[{_key(name)}]\n", *assignments.values()]
    else:
        start, end = found
        edited = [*_ended(lines[:start]), *_assigned(_ended(lines[start:end]), assignments), *lines[end:]]
    return _as_meant("".join(edited), wanted)


def without_profile(text: str, name: str) -> str:
    """Return the text without that profile."""
    wanted = profiles_in(text)
    if name not in wanted:
        return text
    del wanted[name]
    lines = _lines(text)
    found = _place(lines, name)
    if found is None:
        raise _unknown_form()
    start, end = found
    # A comment right above the next header belongs to that one.
    while end > start and end < len(lines) and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return _as_meant("".join([*lines[:start], *lines[end:]]).lstrip("\n"), wanted)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, as a whole or not at all. A link stays one: its target is written.

    Folders that are missing are made for the owner alone, and the file's own folder is closed to others.

    Raises ConfigurationError if it cannot be written.
    """
    with _as_sentence(path, "written"):
        _make_private(path.parent)
        replace_file(path, text.encode(), mode=PRIVATE_FILE)


def is_private(path: Path) -> bool:
    """Whether only its owner can access a file and its folder."""
    return all(not stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (path, path.parent))


@contextmanager
def exclusive_profiles(path: Path) -> Iterator[None]:
    """Let one process at a time change a file. Makes its folder if there is none.

    Raises ConfigurationError if that folder cannot be made, or another process holds the file for half a minute.
    """
    with ExitStack() as held:
        with _as_sentence(path, "changed"):
            _make_private(path.parent)
            held.enter_context(exclusive(path))
        yield


@contextmanager
def _as_sentence(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be {done}: {error.strerror}.") from None


def _make_private(folder: Path) -> None:
    make_folder(folder, private=True)
    folder.chmod(PRIVATE_FOLDER)


def _lines(text: str) -> list[str]:
    """Split where TOML does. str.splitlines() splits at more characters, which a password may contain."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _place(lines: list[str], name: str) -> tuple[int, int] | None:
    """Return where a profile's lines begin, with its header, and where they end."""
    ways = "|".join(re.escape(each) for each in (name, _quoted(name), json.dumps(name), f"'{name}'"))
    header = re.compile(rf"\s*\[\s*(?:{ways})\s*\]\s*(?:#.*)?$")
    start = next((number for number, line in enumerate(lines) if header.match(line.rstrip("\r\n"))), None)
    if start is None:
        return None
    rest = range(start + 1, len(lines))
    return start, next((number for number in rest if _ANY_HEADER.match(lines[number])), len(lines))


def _assigned(lines: list[str], assignments: Mapping[str, str]) -> list[str]:
    """Replace the line of each key, or else insert one under the header."""
    left = dict(assignments)
    edited = []
    for line in lines:
        key = line.partition("=")[0].strip().strip("\"'") if "=" in line else ""
        edited.append(left.pop(key) if key in left else line)
    return [edited[0], *left.values(), *edited[1:]]


def _ended(lines: list[str]) -> list[str]:
    """End the last line, which need not be in a file."""
    return [*lines[:-1], lines[-1] if lines[-1].endswith("\n") else lines[-1] + "\n"] if lines else []


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _toml(value: str | bool | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """JSON's strings are TOML's, but for one character that JSON does not escape."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _as_meant(text: str, wanted: Mapping[str, Any]) -> str:
    try:
        if tomllib.loads(text) == wanted:
            return text
    except tomllib.TOMLDecodeError:
        pass
    raise _unknown_form()


def _unknown_form() -> ConfigurationError:
    return ConfigurationError(
        f"~/{PROFILES} has a form that cannot be changed automatically, so nothing was changed.",
        hint="Write each profile as a line [name], followed by one line for each setting.",
    )
