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
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from devtool.environment import CACHE, COLLECTIONS, ROOT, Environment, make_home, say

# No check takes a tenth of this. One that hangs must not keep the others waiting for ever.
_LONGEST = 20 * 60
_CHECKOUT = COLLECTIONS / "ansible_collections" / "jetstream" / "cloud"


class CheckFailed(Exception):
    """A check found something, or could not be carried out."""


class Workplace:
    """What one check works with: an environment, a home, copies of the checkout, and where its output goes."""

    def __init__(self, environment: Environment, folder: Path, write: Callable[[str], None]) -> None:
        self.environment = environment
        self.folder = folder
        self.write = write
        self.home = make_home("home")
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

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
            for line in cast("TextIO", process.stdout):
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


def run_checks(checks: Sequence[Check], environment: Environment, *, verbose: bool) -> bool:
    """Run all checks, print what they say, and return whether every one passed."""
    logs = CACHE / "logs"
    logs.mkdir(exist_ok=True)
    folder = _new_folder()
    begun = time.monotonic()
    live = len(checks) == 1
    places: list[Workplace] = []
    ended: list[_Ended] = []
    pool = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2))
    try:
        futures: dict[Future[_Ended], Path] = {}
        for check in checks:
            log = logs / f"{check.name}.log"
            futures[pool.submit(_run_one, check, environment, folder / check.name, log, live, places)] = log
        for future in as_completed(futures):
            result = future.result()
            ended.append(result)
            if not live:
                _report(result, futures[future], whole=verbose or result.failure is not None)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for place in tuple(places):
            place.stop()
        pool.shutdown(wait=True)
        shutil.rmtree(folder, ignore_errors=True)
    return _summary(checks, ended, time.monotonic() - begun)


def _run_one(
    check: Check, environment: Environment, folder: Path, log: Path, live: bool, places: list[Workplace]
) -> _Ended:
    begun = time.monotonic()
    failure: str | None = None
    with log.open("w", encoding="utf-8") as handle:
        place = Workplace(environment, folder, _writer(handle, live))
        places.append(place)
        try:
            check.run(place)
        except (CheckFailed, OSError, subprocess.SubprocessError) as error:
            failure = str(error)
            place.write(f"{failure}\n")
        finally:
            places.remove(place)
    return _Ended(check, time.monotonic() - begun, failure)


def _writer(handle: TextIO, live: bool) -> Callable[[str], None]:
    def write(text: str) -> None:
        handle.write(text)
        if live:
            sys.stdout.write(text)
            sys.stdout.flush()

    return write


def _report(result: _Ended, log: Path, *, whole: bool) -> None:
    say(_line(result))
    if whole:
        text = log.read_text(encoding="utf-8").rstrip()
        say("".join(f"    {line}\n" for line in text.splitlines()))


def _line(result: _Ended) -> str:
    verdict = "ok  " if result.failure is None else "FAIL"
    return f"{verdict}  {result.check.name:<13} {result.seconds:6.1f} s  {result.check.about}"


def _summary(checks: Sequence[Check], ended: Sequence[_Ended], seconds: float) -> bool:
    by_name = {result.check.name: result for result in ended}
    failed = [result.check.name for result in ended if result.failure is not None]
    say("")
    for check in checks:
        say(_line(by_name[check.name]))
    verdict = f"{len(failed)} of {len(checks)} FAILED: {', '.join(failed)}" if failed else f"all {len(checks)} passed"
    say(f"\n{verdict}, in {seconds:.0f} s. What each of them wrote is in .cache/logs/.")
    return not failed


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
