# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._internal.supported_core import require_supported_core

require_supported_core()

import json
import os
import re
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._internal.clock import Clock, SystemClock
from ..module_utils._internal.errors import JetstreamError
from ..module_utils._internal.idle.failed_try import FailedTry
from ..module_utils._internal.idle.probe import probe_script
from ..module_utils._internal.idle.readings import NoEvidence, Reading, parse, to_record
from ..module_utils._internal.idle.store import History, Key, Store, StoreError
from ..module_utils._internal.text.terminal import one_line

_KEY = ("site", "project", "uuid")
_ARGUMENT_SPEC = {
    "readings_path": {"type": "path"},
    "site": {"type": "str"},
    "project": {"type": "str"},
    "uuid": {"type": "str"},
    "since": {"type": "float"},
    "timeout": {"type": "int", "default": 30},
    "unreachable_ok": {"type": "bool", "default": False},
}
# With these words, Ansible's ssh begins the reason for which a host is unreachable. ssh's own words follow.
_PREAMBLE = re.compile(r".*can be reached over ssh:\s*", re.DOTALL)
# The variables of a connection that are secrets.
_PASSWORDS = (
    *("ansible_password", "ansible_ssh_pass", "ansible_ssh_password", "ansible_ssh_private_key_passphrase"),
    *("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass", "ansible_sudo_password"),
)
# Through these, the probe is started by an ssh server of the instance.
_SSH = frozenset({"ssh", "paramiko", "paramiko_ssh", "libssh"})


class _NotRead(NoEvidence):
    """A host answered with no evidence. ``reason``: our own words. ``stderr``: what its shell or sudo printed."""

    def __init__(self, reason: str, stderr: str) -> None:
        shown = f" Its error output: {one_line(stderr)[:200]}" if stderr else ""
        super().__init__(f"{reason}{shown}", hint="The instance counts as active.")
        self.reason, self.stderr = reason, stderr


class _TimeIsUp(BaseException):
    """Not an Exception: connections catch those, and try again."""


class ActionModule(ActionBase):
    """Reads the evidence of use on a host. Documented as the module of the same name."""

    TRANSFERS_FILES = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(
            _ARGUMENT_SPEC,
            required_together=[_KEY],
            required_by={"readings_path": _KEY, "site": "readings_path"},
            mutually_exclusive=[("readings_path", "since")],
        )
        clock, variables = SystemClock(), task_vars or {}
        try:
            return self._reading(arguments, clock)
        except StoreError as error:
            return _failed(error)
        except _NotRead as error:
            self._keep_failed_try(arguments, clock, variables, error.reason, error.stderr)
            return _failed(error)
        except AnsibleConnectionFailure as error:
            self._keep_failed_try(arguments, clock, variables, _why_unreachable(str(error)))
            if not arguments["unreachable_ok"]:
                raise
            return {"changed": False, "failed": False, "msg": _why_unreachable(str(error))}
        except AnsibleError as error:
            self._keep_failed_try(arguments, clock, variables, str(error))
            raise

    def _reading(self, arguments: dict[str, Any], clock: Clock) -> dict[str, Any]:
        store, key = _stored_at(arguments, clock)
        script = probe_script(
            since=arguments["since"] if store is None else _last_clock(store, key), over_ssh=self._is_ssh()
        )
        begun = clock.monotonic()
        with self._in_time(arguments["timeout"]), self._unlogged():
            answer = self._execute(script)
        elapsed = clock.monotonic() - begun
        reading = _parsed(answer, clock)
        kept = store is not None and not self._task.check_mode
        if store is not None and kept:
            store.add(key, reading)
            store.prune_daily()
        return {
            "changed": False,
            "failed": False,
            "elapsed": round(elapsed, 2),
            "kept": kept,
            "root": reading.root,
            # Plain lists: Ansible warns of named tuples.
            "reading": json.loads(json.dumps(to_record(reading))),
        }

    def _keep_failed_try(
        self, arguments: dict[str, Any], clock: Clock, variables: Mapping[str, Any], reason: str, stderr: str = ""
    ) -> None:
        """Keep why no reading was taken, without the passwords of the connection. What cannot be kept is not told."""
        store, key = _stored_at(arguments, clock)
        if store is None or self._task.check_mode:
            return
        given = [variables.get(name) for name in _PASSWORDS]
        given += [getattr(self._play_context, name, None) for name in ("password", "become_pass")]
        secrets = [str(each) for each in given if each]
        with suppress(StoreError):
            failed = FailedTry.of(clock.now().timestamp(), reason, stderr=stderr, secrets=secrets)
            store.add_failed_try(key, failed)

    def _execute(self, script: str) -> dict[str, Any]:
        """Run the script, which the shell reads from its standard input: no process list shows it."""
        if self._connection.has_pipelining:
            answer: dict[str, Any] = self._low_level_execute_command("sh -s", in_data=script.encode())
        else:
            answer = self._low_level_execute_command(script)
        return answer

    def _is_ssh(self) -> bool:
        return str(self._connection.transport).rpartition(".")[2] in _SSH

    @contextmanager
    def _unlogged(self) -> Iterator[None]:
        """Keep the connection from logging the output of the probe, even with -vvv."""
        # The connection reads its own play context, which need not be the same object.
        contexts = [self._play_context, getattr(self._connection, "_play_context", self._play_context)]
        before = [context.no_log for context in contexts]
        for context in contexts:
            context.no_log = True
        try:
            yield
        finally:
            for context, no_log in zip(contexts, before, strict=True):
                context.no_log = no_log

    @contextmanager
    def _in_time(self, seconds: int) -> Iterator[None]:
        """Count a host that takes longer as unreachable, unless the task has a limit of its own."""
        if self._task.timeout or seconds <= 0 or threading.current_thread() is not threading.main_thread():
            yield
            return

        def give_up(_number: int, _frame: FrameType | None) -> None:
            raise _TimeIsUp

        others = set(_children())
        before = signal.signal(signal.SIGALRM, give_up)
        signal.alarm(seconds)
        try:
            yield
        except _TimeIsUp:
            # Otherwise a hanging ssh would stay after every run.
            for process in set(_children()) - others:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGTERM)
            raise AnsibleConnectionFailure(
                f"The host did not respond within {seconds} s (option timeout), so there is no evidence."
            ) from None
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)


def _failed(error: JetstreamError) -> dict[str, Any]:
    return {"changed": False, "failed": True, "msg": one_line(str(error))}


def _stored_at(arguments: dict[str, Any], clock: Clock) -> tuple[Store | None, Key]:
    """Return where readings are kept, and the key of those of this host."""
    path = arguments["readings_path"]
    return Store(Path(path), clock) if path else None, Key(*(str(arguments[name]) for name in _KEY))


def _why_unreachable(text: str) -> str:
    """Return the last line of what ssh said, which has the reason, or else Ansible's own words."""
    said = [line for line in _PREAMBLE.sub("", text).splitlines() if line.strip()]
    return one_line(said[-1]) if said else one_line(text)


def _last_clock(store: Store, key: Key) -> float | None:
    """Return when the last reading was taken, by the clock of the instance."""
    try:
        last = store.load(key).last
    except StoreError:
        # It is replaced when the reading is kept.
        last = History().last
    return None if last is None else last.clock


def _parsed(answer: dict[str, Any], clock: Clock) -> Reading:
    try:
        return parse(answer["stdout"], taken=clock.now().timestamp())
    except NoEvidence as error:
        # The reason is an error of a shell or of sudo, which is no part of the probe's output.
        stderr = str(answer.get("stderr") or "").strip() if answer.get("rc") else ""
        raise _NotRead(str(error), stderr) from None


def _children() -> list[int]:
    """Return the processes that this one has started and that still run."""
    with suppress(OSError):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
        return [int(word) for word in children.split()]
    return []
