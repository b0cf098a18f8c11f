# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that an action plugin writes while its task runs, and where they may go."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from typing import Self

from ansible import constants, context
from ansible.utils.display import Display

# These write results as JSON, each whole: a line in between would break the input of a program.
_DATA_CALLBACKS = frozenset({"minimal", "oneline", "json", "jsonl"})


def is_for_people() -> bool:
    """Whether the standard output is certainly for people: that of a playbook, written by the default callback."""
    return not _is_ad_hoc() and _callback() == "default"


def is_data() -> bool:
    """Whether the standard output is certainly for programs. It may be for either if it is not for people."""
    return _is_ad_hoc() or _callback() in _DATA_CALLBACKS


def show(text: str, *, aside: bool = False) -> None:
    """Write a text and a newline to the standard output, or ``aside``, to standard error. Raises no OSError.

    Ansible runs an action plugin in a worker, and its lines travel to the controller's process, where one thread
    writes them and receives the results. A write that fails in that thread, since the reader of the pipe has gone or
    the disk is full, ends it without a message, and the run waits for results forever. So a line is written as it is
    unpacked there, where the error can be kept from that thread. All that Ansible itself does with it is to log it.
    """
    if multiprocessing.parent_process() is None:
        _write(text, aside)
    else:
        Display().display(_Line(text, aside), log_only=True)


class _Line(str):
    """A text that is written where it arrives, in another process, and is plain text afterwards."""

    __slots__ = ("_aside",)
    _aside: bool

    def __new__(cls, text: str, aside: bool) -> Self:
        line = super().__new__(cls, text)
        line._aside = aside
        return line

    def __reduce__(self) -> tuple[object, tuple[str, bool]]:
        return _arrive, (str(self), self._aside)


def _arrive(text: str, aside: bool) -> str:
    _write(text, aside, screen_only=True)
    return text


def _write(text: str, aside: bool, *, screen_only: bool = False) -> None:
    try:
        Display().display(text, stderr=aside, screen_only=screen_only)
    except OSError as error:
        # Ansible warns of its own lines in the same words.
        with suppress(OSError):
            Display().warning(f"Output was lost: {error}")


def _callback() -> str:
    return str(constants.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2]


def _is_ad_hoc() -> bool:
    """Whether this is the program ``ansible``, which runs one module and prints nothing but its result."""
    return context.CLIARGS.get("module_name") is not None
