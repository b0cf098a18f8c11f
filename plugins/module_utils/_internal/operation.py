# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operation, carried out: the connection found, the cloud opened, the work done, the cloud closed.

Knows neither modules nor action plugins; both hand it a Context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from .clock import Clock
from .cloud import Cloud
from .clouds.cloud_type import Surroundings
from .clouds.connect import connect, resolve
from .errors import BugFound, ConfigurationError, JetstreamError
from .fleet.progress import ProgressCallback, no_progress
from .model import Outcome
from .state_folder import shared_folder, shared_path
from .text.terminal import one_line


@dataclass(frozen=True, slots=True)
class Context:
    """The environment of an operation, and its outputs.

    ``home`` is None for a user that has none. ``warn`` takes a sentence for the user, ``hide`` a secret that must not
    appear in any output.
    """

    check_mode: bool
    clock: Clock
    environ: Mapping[str, str]
    home: Path | None
    warn: Callable[[str], None]
    hide: Callable[[str], None]
    report: ProgressCallback = no_progress

    def in_home(self, path: Path) -> Path:
        """Return a path below the user's home. Raises ConfigurationError for a user that has none."""
        if self.home is None:
            raise ConfigurationError(f"This user has no home folder for ~/{path}.", hint="Set HOME.")
        return self.home / path

    def path(self, given: str | None, default: Path) -> Path:
        """Return the path that an option gives, or else that of a file that outlives a run (``kept``).

        Raises ConfigurationError for a user that has no home.
        """
        return Path(given).absolute() if given else self.kept(default)

    def kept(self, default: Path) -> Path:
        """Return a path that outlives a run: ``default`` below the user's home, or in the folder that nodes share.

        Raises ConfigurationError for a user that has no home, and if the shared folder is not there.
        """
        return shared_path(self.environ, self.home, default) or self.in_home(default)

    @property
    def can_keep(self) -> bool:
        """Whether anything can outlive a run. Raises ConfigurationError if the shared folder is not there."""
        return self.home is not None or shared_folder(self.environ, self.home) is not None

    def path_or_none(self, given: str | None, default: Path) -> Path | None:
        """Return what ``path`` returns, or None if nothing is given and nothing can outlive a run."""
        return self.path(given, default) if given or self.can_keep else None

    def surroundings(self, *, fresh: bool = False) -> Surroundings:
        """Return the surroundings of a connection. ``fresh``: log in even if a token is in the cache."""
        return Surroundings(self.environ, self.home, self.clock, self.hide, fresh=fresh)


def user_home() -> Path | None:
    """Return the home of the user that runs this, or None if there is neither HOME nor an entry in passwd.

    Containers run programs as such users. They have no profiles, and no cache. A relative HOME is none: tasks run in
    the folder of their playbook, and would write tokens and records there.
    """
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


Work = Callable[[Cloud, Mapping[str, Any], Context], Outcome]
Operation = Callable[[Mapping[str, Any], Context], Outcome]


def on_cloud(work: Work) -> Operation:
    """Return the operation that does the work on the cloud of the connection options.

    It raises any JetstreamError.
    """

    def operation(options: Mapping[str, Any], context: Context) -> Outcome:
        connection = resolve(options, context.environ, context.home)
        for warning in connection.warnings:
            context.warn(warning)
        with closing(connect(connection, context.surroundings())) as cloud:
            try:
                return work(cloud, options, context)
            finally:
                for warning in cloud.take_warnings():
                    context.warn(warning)

    return operation


def result_of(operation: Operation, options: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Run an operation, and return the module's result, with ``failed`` and ``msg`` if it failed.

    Messages and warnings may quote the cloud, and so its users. Ansible prints both: neither may steer a terminal.
    """
    try:
        _require_numbers(options)
        outcome = operation(options, context)
    except JetstreamError as error:
        return {**_traces_of(error), "failed": True, "msg": one_line(str(error))}
    except Exception as error:
        return {"failed": True, "msg": one_line(str(BugFound(error)))}
    for warning in outcome.warnings:
        context.warn(warning)
    result = outcome.to_result()
    return result if outcome.failure is None else {**result, "failed": True, "msg": one_line(outcome.failure)}


def _traces_of(error: JetstreamError) -> dict[str, bool]:
    """Return what an error leaves behind: a change, or a request that may have been carried out."""
    traces = {"changed": True} if error.changed or error.unclear else {}
    return {**traces, "unclear": True} if error.unclear else traces


def _require_numbers(options: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for YAML's ``.nan`` and ``.inf``: neither is below or above a limit that is compared."""
    for name, value in options.items():
        if isinstance(value, float) and not isfinite(value):
            raise ConfigurationError(f"{name} is {value}, and has to be a number.")
