# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs checks side by side, keeps the output of each together, and says at the end how each of them went."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from devtool.environment import CACHE, COLLECTIONS, ROOT, Environment, SetUpFailed, make_home, say

# No check takes a tenth of this. One that hangs must not keep the others waiting for ever.
_LONGEST = 20 * 60
_CHECKOUT = COLLECTIONS / "ansible_collections" / "jetstream" / "cloud"


class CheckFailed(Exception):
    """A check found something, or could not be carried out."""


class CheckSkipped(Exception):
    """A check was not carried out. The message says why, and how to have it carried out."""


class Workplace:
    """What one check works with: an environment, a home, copies of the checkout, and where its output goes."""

    def __init__(
        self, environment: Environment, folder: Path, extra: Sequence[str], *, live: bool, asked_for: bool
    ) -> None:
        self.environment = environment
        self.folder = folder
        self.log = folder.with_suffix(".log")
        # What the user wants the tool behind the check to be given.
        self.extra = tuple(extra)
        # Whether the user named the check. If not, all are run.
        self.asked_for = asked_for
        self.home = make_home("home")
        self._live = live
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def write(self, text: str) -> None:
        """Add text to the output of the check."""
        with self.log.open("a", encoding="utf-8") as handle:
            handle.write(text)
        if self._live:
            sys.stdout.write(text)
            sys.stdout.flush()

    def call(self, *command: str | Path, cwd: Path = ROOT, variables: Mapping[str, str] | None = None) -> str:
        """Run a program and return what it wrote. Raises CheckFailed if it fails or takes too long."""
        words = [str(word) for word in command]
        self.write(f"$ {self._shorten(shlex.join(words))}\n")
        if self._stopped:
            raise CheckFailed("stopped")
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=self.environment.variables(self.home) | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._process = process
        alarm = threading.Timer(_LONGEST, self.stop)
        alarm.start()
        lines = []
        try:
            for line in process.stdout or ():
                lines.append(self._shorten(line))
                self.write(lines[-1])
            status = process.wait()
        finally:
            alarm.cancel()
            self._process = None
        if self._stopped:
            raise CheckFailed(f"stopped before it ended: {words[0]}")
        if status != 0:
            raise CheckFailed(f"{Path(words[0]).name} ended with status {status}")
        return "".join(lines)

    def stop(self) -> None:
        """End what runs now, with all that it started, and let nothing more be started."""
        self._stopped = True
        process = self._process
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(10)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue

    def copy(self) -> Path:
        """Return a fresh copy of the checkout, a git repository whose path ends as ansible-test demands."""
        target = self.folder / "ansible_collections" / "jetstream" / "cloud"
        # The owner of a checkout may be somebody else, in a container. git -c says that this is all right.
        listing = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, listing.split("\0")):
            # What is deleted, but not yet committed, is still listed.
            if (ROOT / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target / name)
        for arguments in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *arguments], cwd=target, env=self.environment.variables(self.home), check=True)
        return target

    def _shorten(self, line: str) -> str:
        """Take out where this checkout and its copies are, so that paths in messages are the ones people know."""
        copy = self.folder / "ansible_collections" / "jetstream" / "cloud"
        for prefix in (_CHECKOUT, _CHECKOUT.relative_to(ROOT), copy, ROOT):
            line = line.replace(f"{prefix}/", "")
        return line


@dataclass(frozen=True, slots=True)
class Check:
    """One step of `./dev test`."""

    name: str
    about: str
    run: Callable[[Workplace], None]


@dataclass(frozen=True, slots=True)
class _Ended:
    check: Check
    seconds: float
    failure: str | None
    skipped: str | None
    log: Path


def run_checks(
    checks: Sequence[Check], environment: Environment, extra: Sequence[str], *, verbose: bool, asked_for: bool
) -> bool:
    """Run checks, print what those that fail have to say, and return whether none of them failed.

    extra is handed to the tool behind the check. A check that runs alone is shown as it goes, and so is verbose.
    asked_for: whether these very checks were named.
    """
    folder = _new_folder()
    begun = time.monotonic()
    alone = len(checks) == 1
    places = {
        check: Workplace(environment, folder / check.name, extra, live=alone, asked_for=asked_for) for check in checks
    }
    ended: dict[Check, _Ended] = {}
    pool = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2))
    try:
        for future in as_completed([pool.submit(_run_one, check, place) for check, place in places.items()]):
            result = future.result()
            ended[result.check] = result
            if not alone:
                _report(result, whole=verbose or result.failure is not None)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for place in places.values():
            place.stop()
        pool.shutdown(wait=True)
        shutil.rmtree(folder, ignore_errors=True)
    return _summary([ended[check] for check in checks], time.monotonic() - begun)


def _run_one(check: Check, place: Workplace) -> _Ended:
    begun = time.monotonic()
    failure: str | None = None
    skipped: str | None = None
    try:
        check.run(place)
    except CheckSkipped as reason:
        skipped = str(reason)
        place.write(f"Skipped: {skipped}\n")
    except (CheckFailed, SetUpFailed, OSError, subprocess.SubprocessError) as error:
        failure = str(error)
        place.write(f"{failure}\n")
    logs = CACHE / "logs"
    logs.mkdir(exist_ok=True)
    # Moved in one step: another run's log of the same name is replaced, not mixed in.
    log = place.log.replace(logs / f"{check.name}.log")
    return _Ended(check, time.monotonic() - begun, failure, skipped, log)


def _report(result: _Ended, *, whole: bool) -> None:
    say(_line(result))
    if whole:
        text = result.log.read_text(encoding="utf-8").rstrip()
        say("".join(f"    {line}\n" for line in text.splitlines()))


def _line(result: _Ended) -> str:
    verdict = "FAIL" if result.failure is not None else "ok  " if result.skipped is None else "skip"
    about = result.check.about if result.skipped is None else f"{result.check.about}: {result.skipped}"
    return f"{verdict}  {result.check.name:<13} {result.seconds:6.1f} s  {about}"


def _summary(ended: Sequence[_Ended], seconds: float) -> bool:
    failed = [result.check.name for result in ended if result.failure is not None]
    say("")
    for result in ended:
        say(_line(result))
    skipped = [result.check.name for result in ended if result.skipped is not None]
    verdict = f"{len(failed)} of {len(ended)} FAILED: {', '.join(failed)}" if failed else f"{_passed(ended)} passed"
    if skipped:
        verdict = f"{verdict}; not run: {', '.join(skipped)}"
    say(f"\n{verdict}, in {seconds:.0f} s. What each of them wrote is in .cache/logs/.")
    return not failed


def _passed(ended: Sequence[_Ended]) -> str:
    passed = [result for result in ended if result.skipped is None]
    return f"all {len(ended)}" if len(passed) == len(ended) else f"{len(passed)} of {len(ended)}"


def _new_folder() -> Path:
    """Return a folder for this run's copies, and remove those of runs that were killed."""
    runs = CACHE / "runs"
    runs.mkdir(exist_ok=True)
    for old in runs.iterdir():
        if old.name.isdigit() and not _alive(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    folder = runs / str(os.getpid())
    folder.mkdir()
    return folder


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
