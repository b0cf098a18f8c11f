# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_run_record: stores that a playbook succeeded, for the figures of jetstream_metrics.

Needs no connection. That it cannot be stored is a warning: the playbook succeeded all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..model import Outcome
from ..operation import Context
from ..options import ModuleSpec
from ..policy.run_store import RunStore, RunStoreError
from ..text.terminal import one_line
from ..times import iso

SPEC = ModuleSpec(
    argument_spec={
        "playbook": {"type": "str", "required": True},
        "profile": {"type": "str"},
        "runs_path": {"type": "path"},
    }
)
_RUNS = Path(".local/state/jetstream/runs.json")
_PROFILE_VARIABLE = "JETSTREAM_PROFILE"
_DEFAULT_PROFILE = "default"
_LONGEST_NAME = 100


def run_record(options: Mapping[str, Any], context: Context) -> Outcome:
    """Store that a playbook succeeded now."""
    playbook, profile = playbook_name(options, _LONGEST_NAME), profile_name(options, context)
    result: dict[str, Any] = {"playbook": playbook, "profile": profile, "succeeded": None}
    store = run_store(options, context)
    if store is None:
        return Outcome(result)
    if context.check_mode:
        return Outcome(result, changed=True)
    try:
        succeeded = store.record((profile, playbook))
    except RunStoreError as error:
        return Outcome(result, warnings=(str(error),))
    return Outcome({**result, "succeeded": iso(succeeded)}, changed=True)


OPERATION = run_record


def run_store(options: Mapping[str, Any], context: Context) -> RunStore | None:
    """Return the file of ``runs_path``; None for a user that has no home to have one in."""
    path = context.path_or_none(options["runs_path"], _RUNS)
    return None if path is None else RunStore(path, context.clock)


def playbook_name(options: Mapping[str, Any], longest: int) -> str:
    """Return the name of the playbook that the options have, as one line. Raises ConfigurationError."""
    name = one_line(options["playbook"]).strip()
    if not 0 < len(name) <= longest:
        raise ConfigurationError(f"playbook must have from 1 to {longest} characters.")
    return name


def profile_name(options: Mapping[str, Any], context: Context) -> str:
    """Return the name of the profile that the options or the environment choose: a blank name chooses none."""
    given = (options["profile"], context.environ.get(_PROFILE_VARIABLE))
    return next((str(each) for each in given if each and str(each).strip()), _DEFAULT_PROFILE)
