# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs checks side by side, keeps the output of each in one piece, and reports the result of each."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from devtool import durations
from devtool.environment import CACHE, COLLECTIONS, ROOT, Environment, SetUpFailed, make_home, say
from devtool.lifeline import LONGEST_END
from devtool.prerequisites import Prerequisite

# Seconds after which a program is stopped, so that one that hangs does not stop the whole run. The longest check takes
# half of them, and more on a busy machine.
_TIMEOUT = 75 * 60
_DURATIONS = CACHE / "durations.json"
_LIFELINE = Path(__file__).with_name("lifeline.py")
_CHECKOUT = COLLECTIONS / "ansible_collections" / "jetstream" / "cloud"


class CheckFailed(Exception):
    """A check found a mistake, or could not be carried out."""


class Workplace:
    """The working place of one check: its environment, its home, its copies of the checkout, and its log.

    ``extra``: the user's arguments for the tool behind the check. ``live``: print the output while the check runs.
    """

    def __init__(self, environment: Environment, folder: Path, extra: Sequence[str], *, live: bool) -> None:
        self.environment = environment
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}.log")
        self.extra = tuple(extra)
        self.home = make_home("home")
        self._live = live
        self._process: subprocess.Popen[str] | None = None
        # Once true, no program is started anymore.
        self.stopped = False

    def write(self, text: str) -> None:
        """Add text to the output of the check."""
        with self.log.open("a", encoding="utf-8") as handle:
            handle.write(text)
        if self._live:
            sys.stdout.write(text)
            sys.stdout.flush()

    def call(
        self,
        *command: str | Path,
        cwd: Path = ROOT,
        variables: Mapping[str, str] | None = None,
        environment: Environment | None = None,
    ) -> str:
        """Run a program and return its output. Raises CheckFailed if it fails or takes too long.

        ``environment``: the environment that it runs in, by default that of the check.
        """
        words = [str(word) for word in command]
        self.write(f"$ {self._shorten(shlex.join(words))}\n")
        if self.stopped:
            raise CheckFailed("stopped")
        # lifeline.py ends the program when this process is gone, which closes the pipe.
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _LIFELINE, *words],
            cwd=cwd,
            env=(environment or self.environment).variables(self.home) | dict(variables or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._process = process
        alarm = threading.Timer(_TIMEOUT, self.stop)
        alarm.start()
        lines = []
        try:
            for line in process.stdout or ():
                lines.append(self._shorten(line))
                self.write(lines[-1])
            status = process.wait()
        except BaseException:
            # Ctrl-C and other signals do not reach the program, which has a session of its own.
            self.stop()
            raise
        finally:
            alarm.cancel()
            self._process = None
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if self.stopped:
            raise CheckFailed(f"stopped before it ended: {words[0]}")
        if status != 0:
            raise CheckFailed(f"{Path(words[0]).name} ended with status {status}")
        return "".join(lines)

    def stop(self) -> None:
        """End the running program with its child processes, and start no other."""
        self.stopped = True
        process = self._process
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(LONGEST_END)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        finally:
            # Child processes may have outlived it, and a second Ctrl-C ends the wait.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def copy(self) -> Path:
        """Return a fresh copy of the checkout, a git repository whose path ends as ansible-test demands."""
        target = self.folder / "ansible_collections" / "jetstream" / "cloud"
        copy_checkout(target)
        for arguments in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *arguments], cwd=target, env=self.environment.variables(self.home), check=True)
        return target

    def _shorten(self, line: str) -> str:
        """Return a line with paths relative to the checkout, also those into its copies."""
        copy = self.folder / "ansible_collections" / "jetstream" / "cloud"
        for prefix in (_CHECKOUT, _CHECKOUT.relative_to(ROOT), copy, ROOT):
            line = line.replace(f"{prefix}/", "")
        return line


def copy_checkout(target: Path) -> None:
    """Copy all files of the checkout that git does not ignore, with uncommitted changes."""
    # In a container, another user may own the checkout, which git refuses by default.
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listing.split("\0")):
        # git still lists a file whose deletion is not committed.
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _never() -> None:
    """Return None: the check is never skipped."""


@dataclass(frozen=True, slots=True)
class Check:
    """One step of `./dev test`.

    ``seconds``: its duration on two cores, among the others. ``prerequisites``: the programs that it needs.
    ``why_skipped``: returns why a run of all checks leaves this one out, with the remedy, or None.
    """

    name: str
    about: str
    run: Callable[[Workplace], None]
    seconds: float
    prerequisites: tuple[Prerequisite, ...] = ()
    why_skipped: Callable[[], str | None] = _never


@dataclass(frozen=True, slots=True)
class _Result:
    check: Check
    seconds: float
    failure: str | None
    log: Path


def run_checks(checks: Sequence[Check], environment: Environment, extra: Sequence[str], *, verbose: bool) -> bool:
    """Run checks, print the output of those that fail, and return whether none of them failed.

    ``extra``: arguments for the tool behind the check. The output of a single check is shown while it runs.
    """
    with run_folder() as folder:
        return _run_in(folder, checks, environment, extra, verbose=verbose)


def _run_in(
    folder: Path, checks: Sequence[Check], environment: Environment, extra: Sequence[str], *, verbose: bool
) -> bool:
    begun = time.monotonic()
    alone = len(checks) == 1
    at_once = max(2, os.cpu_count() or 2)
    workplaces = {check: Workplace(environment, folder / check.name, extra, live=alone) for check in checks}
    results: list[_Result] = []
    pool = ThreadPoolExecutor(max_workers=at_once)
    try:
        if not alone:
            say(announcement(checks, at_once, durations.load(_DURATIONS)))
        for future in as_completed([pool.submit(_run_one, check, place) for check, place in workplaces.items()]):
            result = future.result()
            results.append(result)
            if not alone:
                _report(result, f"{len(results)} of {len(checks)}", whole=verbose or result.failure is not None)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for workplace in workplaces.values():
            workplace.stop()
        pool.shutdown(wait=True)
    if not extra:
        durations.save(_DURATIONS, {each.check.name: each.seconds for each in results if each.failure is None})
    say(f"\n{summary([(each.check.name, each.failure) for each in results], time.monotonic() - begun)}")
    return all(each.failure is None for each in results)


def announcement(checks: Sequence[Check], at_once: int, known: Mapping[str, float]) -> str:
    """Return a sentence with the number of the checks, and how long they take by the durations of earlier runs."""
    guesses = [known.get(check.name, check.seconds) for check in checks]
    source = "the last time here" if all(check.name in known for check in checks) else "on two cores"
    took = durations.as_text(durations.expected(guesses, at_once))
    return f"{len(checks)} checks, {at_once} side by side. They took about {took} {source}. Each is shown when it ends."


def summary(results: Sequence[tuple[str, str | None]], seconds: float) -> str:
    """Return a sentence with the failed checks. ``results``: the name and the failure of each check."""
    failed = [name for name, failure in results if failure is not None]
    result = f"{len(failed)} of {len(results)} FAILED: {', '.join(failed)}" if failed else f"All {len(results)} passed"
    return f"{result}, in {seconds:.0f} s. The output of each is in .cache/logs/."


def _run_one(check: Check, workplace: Workplace) -> _Result:
    begun = time.monotonic()
    failure: str | None = None
    try:
        check.run(workplace)
    except (CheckFailed, SetUpFailed, OSError, subprocess.SubprocessError) as error:
        failure = str(error)
        workplace.write(f"{failure}\n")
    logs = CACHE / "logs"
    logs.mkdir(exist_ok=True)
    # A move replaces the log of another run; a copy could mix the two.
    log = workplace.log.replace(logs / f"{check.name}.log")
    return _Result(check, time.monotonic() - begun, failure, log)


def _report(result: _Result, position: str, *, whole: bool) -> None:
    word = "ok" if result.failure is None else "FAIL"
    say(f"{position:>8}  {word:<4}  {result.check.name:<13} {result.seconds:6.1f} s  {result.check.about}")
    if whole:
        text = result.log.read_text(encoding="utf-8").rstrip()
        say("".join(f"    {line}\n" for line in text.splitlines()))


@contextmanager
def run_folder() -> Iterator[Path]:
    """Yield a folder for the copies of this run, and remove it afterwards. Remove the folders of killed runs first."""
    runs = CACHE / "runs"
    runs.mkdir(exist_ok=True)
    for old in runs.iterdir():
        if old.name.isdigit() and not _alive(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    folder = runs / str(os.getpid())
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
