# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that the checks need on the machine. ./dev looks for them before it sets up or runs anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

# Daemons are in folders that are often not on a user's PATH.
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A program, the package of Debian and Ubuntu that has it, and the reason why it is needed.

    ``optional``: without it, something is skipped, except in CI, where everything has to run.
    """

    program: str
    package: str
    needed_for: str
    optional: bool = False

    @property
    def is_there(self) -> bool:
        """Whether the program is on PATH, or in a folder of daemons."""
        folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS])
        return shutil.which(self.program, path=folders) is not None


GIT = Prerequisite("git", "git", "the checks work on copies that git makes")
SSH_KEYGEN = Prerequisite("ssh-keygen", "openssh-client", "ansible-test runs it before integration tests")
CRON = Prerequisite("cron", "cron", "without it, the test of a real cron daemon is skipped", optional=True)
JAVA = Prerequisite("java", "default-jre-headless", "ansible-rulebook evaluates its rules with Java 17 or newer")


def missing(prerequisites: Iterable[Prerequisite]) -> list[Prerequisite]:
    """Return the programs that are not installed, each once, in their order."""
    return [each for each in dict.fromkeys(prerequisites) if not each.is_there]


def install(absent: Iterable[Prerequisite]) -> bool:
    """Install the packages of programs by apt, as root or by sudo. Return whether that succeeded."""
    packages = sorted({each.package for each in absent})
    if not packages:
        return True
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
    for words in (["update"], ["install", "--no-install-recommends", *packages]):
        if subprocess.run([*apt, *words], stdin=subprocess.DEVNULL, check=False).returncode != 0:
            return False
    return True


def report(absent: Iterable[Prerequisite], *, in_ci: bool) -> tuple[str, bool]:
    """Return a message about missing programs, "" for none, and whether the checks can run without them."""
    absent = list(absent)
    fatal = [each for each in absent if in_ci or not each.optional]
    reported = fatal or absent
    if not reported:
        return "", True
    reasons = "\n".join(f"  {each.program}: {each.needed_for}" for each in reported)
    packages = " ".join(each.package for each in reported)
    heading = "Missing programs" if fatal else "Optional programs that are missing"
    return f"{heading}:\n{reasons}\nInstall them (Debian, Ubuntu: apt install {packages}).", not fatal
