# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects whether an instance has completed its setup, by the console lines of Exosphere or cloud-init.

Any user of the instance can print such lines, so they are untrusted text. Pure functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ...text.terminal import one_line, shorten

# After the last of these, instances of Exosphere print a line every minute.
LINES = 500
# Exosphere itself gives up after this time.
LONGEST_SECONDS = 7200.0
# Exosphere's web page copies the console's status into this metadata key.
_MARK = "exoSetup"
_NAMES = ("status", _MARK)
_LONGEST_LINE = 1000
_SHOWN = 200
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_OBJECT = re.compile(r"\{[^{}]*\}")
_FINISHED = re.compile(r"Cloud-init v\. .* finished at ")
_FAILED_MODULE = re.compile(r"Failed to run module |Running module \S+ .*failed")
_FAILED_SERVICE = re.compile(r"Failed to start .*cloud[- ]?(?:init|config|final|user)", re.IGNORECASE)


class SetupState(Enum):
    """The progress of an instance's setup. UNKNOWN: the console does not show it."""

    UNKNOWN = "unknown"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Setup:
    """The state of a setup. ``line``: the console line that shows it, harmless and shortened, or ""."""

    state: SetupState
    line: str = ""


_OF_EXOSPHERE: Mapping[str, SetupState] = {
    "waiting": SetupState.RUNNING,
    "starting": SetupState.RUNNING,
    "running": SetupState.RUNNING,
    "complete": SetupState.COMPLETE,
    "error": SetupState.FAILED,
    "timeout": SetupState.FAILED,
}


def setup_of(console: str) -> Setup:
    """Return the state of a setup by the text of a console.

    The last status of Exosphere decides, unless it is missing or says that the setup is running; then a failure of
    cloud-init decides. Without any status of Exosphere, cloud-init's last message decides.
    """
    exosphere, cloud_init = Setup(SetupState.UNKNOWN), Setup(SetupState.UNKNOWN)
    failure = ""
    for raw in console.splitlines():
        line = _COLORS.sub("", raw[:_LONGEST_LINE])
        status = _status(line)
        if status is not None:
            exosphere = Setup(status, _shown(line))
        elif _FAILED_MODULE.search(line):
            # Later modules run anyway, and the first failure is the cause of later ones.
            failure = failure or _shown(line)
        elif _FAILED_SERVICE.search(line):
            cloud_init = Setup(SetupState.FAILED, failure or _shown(line))
        elif _FINISHED.search(line):
            # The next boot prints it again.
            cloud_init = Setup(SetupState.FAILED, failure) if failure else Setup(SetupState.COMPLETE, _shown(line))
            failure = ""
    if exosphere.state in (SetupState.COMPLETE, SetupState.FAILED):
        return exosphere
    is_running = exosphere.state is SetupState.RUNNING and cloud_init.state is not SetupState.FAILED
    return exosphere if is_running else cloud_init


def is_marked_complete(metadata: Mapping[str, str] | None) -> bool:
    """Return whether an open page of Exosphere has recorded the completed setup in the metadata."""
    status = _status((metadata or {}).get(_MARK, ""))
    return status is SetupState.COMPLETE


def _status(line: str) -> SetupState | None:
    """Return the Exosphere status in a line, which the kernel may prefix with the time."""
    match = _OBJECT.search(line[:_LONGEST_LINE])
    if match is None:
        return None
    try:
        told = json.loads(match[0])
    except ValueError:
        return None
    value = next((told[name] for name in _NAMES if name in told), None)
    return _OF_EXOSPHERE.get(value) if isinstance(value, str) else None


def _shown(line: str) -> str:
    return shorten(one_line(line), _SHOWN)
