# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes the files of JSON in which this collection stores what outlives a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from .files import PRIVATE_FILE, read_file, replace_file

Content = TypeVar("Content")
# What a parser of JSON may raise for content that it was not written for. RecursionError: it is nested too deep.
UNPARSABLE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


class MalformedFile(Exception):
    """A file is corrupt."""


def read_json(path: Path, parse: Callable[[Any], Content]) -> Content | None:
    """Return what a file holds, None if there is none. Raises OSError, and MalformedFile for what ``parse`` refuses."""
    try:
        return parse(json.loads(read_file(path)))
    except FileNotFoundError:
        return None
    except UNPARSABLE:
        raise MalformedFile(f"{path} is malformed") from None


def write_json(path: Path, record: Any, *, indent: int | None = 1, sort_keys: bool = True) -> None:
    """Replace a file whole. Only its owner can read it. Raises OSError."""
    text = json.dumps(record, indent=indent, sort_keys=sort_keys) + "\n"
    replace_file(path, text.encode(), mode=PRIVATE_FILE)
