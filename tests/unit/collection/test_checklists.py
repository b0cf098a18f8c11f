# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checklists for collections hold: those of the Ansible package and of Automation Hub (docs/checklists.md)."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.supported_core import OLDEST
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import COLLECTION, MODULES, OPERATIONS, ROOT

from devtool.checks import CHECKS
from devtool.pairs import supported_pythons
from devtool.versions import next_version, released

_ROW = re.compile(r"^\| (?P<requirement>[^|]+) \| (?P<state>[^|]+) \| (?P<shown>[^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)")
_FILE = re.compile(r"\]\((\.\./[^)#]+|[\w.]+\.md)(?:#[\w-]+)?\)")
_CHECK = re.compile(r"check `([\w-]+)`")
HOLDS, NO_ADDRESS, DOES_NOT_HOLD = "holds", "cannot hold without a public address", "does not hold"
# The sanity tests that the certification does not allow to be skipped.
_NEVER_SKIPPED = {
    "risky-shell-pipe",
    "command-instead-of-shell",
    "meta-no-info",
    "package-latest",
    "no-handler",
    "no-log-password",
    "meta-runtime",
    "no-changed-when",
    "risky-file-permissions",
    "command-instead-of-module",
    "unnamed-task",
}
_ALLOWED_FOLDERS = {"action", "doc_fragments", "filter", "inventory", "module_utils", "modules", "plugin_utils"}
_SHARED_FOLDERS = ("module_utils", "plugin_utils")


def rows() -> list[tuple[str, str, str]]:
    """Return the rows of both tables: the requirement, its state, and where that is shown."""
    page = (ROOT / "docs" / "checklists.md").read_text(encoding="utf-8")
    found = [(row["requirement"], row["state"], row["shown"]) for row in _ROW.finditer(page)]
    return [row for row in found if row[0] not in ("Requirement", "---")]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_says_its_state_and_names_what_shows_it(row: tuple[str, str, str]) -> None:
    _requirement, state, shown = row
    checks = _CHECK.findall(shown)

    assert state in (HOLDS, NO_ADDRESS, DOES_NOT_HOLD)
    assert [name for name, path in _TEST.findall(shown) if f"def {name}(" not in (ROOT / path).read_text()] == []
    assert set(checks) <= {each.name for each in CHECKS}
    assert checks or _FILE.search(shown) or state != HOLDS, "the row names no test, check or file"


def test_the_readme_has_the_sections_of_the_template_in_its_order() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == [
        "Description",
        "Requirements",
        "Installation",
        "Use Cases",
        "Testing",
        "Contributing",
        "Support",
        "Release Notes and Roadmap",
        "Related Information",
        "License Information",
    ]
    assert "pip install ansible" not in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = set(re.findall(r"\]\((\w+\.md)\)", (ROOT / "docs" / "README.md").read_text(encoding="utf-8")))

    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} == listed


def test_the_oldest_ansible_core_is_the_same_everywhere() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    controller = (ROOT / "requirements" / "controller.txt").read_text(encoding="utf-8").splitlines()
    oldest = f"{OLDEST[0]}.{OLDEST[1]}"

    assert runtime["requires_ansible"] == f">={oldest}.0"
    assert f"ansible-core>={oldest}.0" in controller
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Requirements")[2].partition("## ")[0]
    python = f"Python {supported_pythons()[0]} to"
    for each in (f"ansible-core {oldest} or newer", python, "`requests`", "`openstacksdk`"):
        assert each in section


def test_modules_that_only_read_are_called_info_and_are_the_same_in_check_mode() -> None:
    only_read = {name for name, doc in documented() if "jetstream.cloud.attributes.info" in fragments(doc)}
    # These read nothing but their options.
    others = {"jetstream_print", "jetstream_variables"}

    assert only_read - others == {name for name in MODULES if name.endswith("_info")}


def test_no_module_reads_by_a_state() -> None:
    states = {name: doc.get("options", {}).get("state", {}).get("choices", []) for name, doc in documented()}

    assert [name for name, choices in states.items() if {"get", "list", "query", "info"} & set(choices)] == []


def test_fragments_and_modules_have_their_full_names() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "plugins").rglob("*.py"))]
    named = {name for text in texts for name in re.findall(r"\bM\(([^)]+)\)", text)}
    used = {name for _module, doc in documented() for name in fragments(doc)}

    assert named
    assert [name for name in sorted(named | used) if name.count(".") < 2] == []


def test_all_that_is_new_has_the_version_that_it_came_with() -> None:
    versions = {".".join(map(str, each)) for each in released(ROOT)} | {next_version(ROOT)}
    found = {name: doc.get("version_added") for name, doc in [*documented(), *documented("filter", "inventory")]}

    assert {name: version for name, version in found.items() if version not in versions} == {}


def test_options_and_event_sources_are_of_a_version_that_there_is_or_will_be() -> None:
    versions = {".".join(map(str, each)) for each in released(ROOT)} | {next_version(ROOT)}
    sources = [path for folder in ("plugins", "extensions") for path in sorted((ROOT / folder).rglob("*.py"))]
    found = {
        (path.name, version)
        for path in sources
        for version in re.findall(r"\bversion_added: (\S+)", path.read_text(encoding="utf-8"))
    }

    assert ("fleet.py", "1.0.0") in found
    assert {each for each in found if each[1].strip("'\"") not in versions} == set()


def test_modules_say_which_python_they_need_elsewhere_than_on_the_controller() -> None:
    docs = dict(documented())
    silent = [
        name
        for name in OPERATIONS
        if f"{COLLECTION}.connection" not in fragments(docs[name])
        and not any("Python 3.11" in each for each in docs[name].get("requirements", []))
    ]

    assert silent == []


def test_only_plugins_that_ansible_knows_are_in_plugins() -> None:
    folders = {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()} - {"__pycache__"}

    assert folders <= _ALLOWED_FOLDERS


@pytest.mark.parametrize("kind", _SHARED_FOLDERS)
def test_every_file_that_plugins_share_is_in_a_folder_with_a_leading_underscore(kind: str) -> None:
    folder = ROOT / "plugins" / kind
    entries = {path.relative_to(folder).parts[0] for path in folder.rglob("*.py")}

    assert entries
    assert [name for name in sorted(entries) if not name.startswith("_")] == []


def test_galaxy_yml_has_tags_and_no_dependency() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))

    assert "cloud" in galaxy["tags"]
    assert [tag for tag in galaxy["tags"] if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", tag)] == []
    assert len(galaxy["tags"]) <= 20
    assert galaxy["dependencies"] == {}
    assert galaxy["license"] == ["GPL-3.0-or-later"]


def test_nothing_is_ignored_by_a_linter_or_by_sanity() -> None:
    settings = yaml.safe_load((ROOT / ".ansible-lint").read_text(encoding="utf-8"))
    skipped = {rule.partition("[")[0] for rule in settings.get("skip_list", [])}

    assert settings["profile"] == "production"
    assert settings["exclude_paths"] == [".cache/", ".git/"]
    assert skipped & _NEVER_SKIPPED == set()
    assert not (ROOT / ".ansible-lint-ignore").exists()
    assert list((ROOT / "tests").rglob("ignore*.txt")) == []


def test_the_version_is_a_final_one() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))

    assert re.fullmatch(r"[1-9]\d*\.\d+\.\d+", galaxy["version"])


def test_git_ignores_the_files_that_tools_leave_behind() -> None:
    left = [
        ".cache/x",
        ".ansible/x",
        "tests/output/x",
        "plugins/modules/__pycache__/x.pyc",
        "changelogs/.plugin-cache.yaml",
        "jetstream-cloud-1.0.0.tar.gz",
    ]
    # In a container, another user may own the checkout.
    command = ["git", "-c", f"safe.directory={ROOT}", "check-ignore", "--no-index", *left]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == left


def test_every_playbook_is_in_a_changelog() -> None:
    told: set[str] = set()
    for path in [ROOT / "changelogs" / "changelog.yaml", *(ROOT / "changelogs" / "fragments").glob("*.yml")]:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        releases = [each.get("objects", {}).get("playbook", []) for each in content.get("releases", {}).values()]
        for entries in [*releases, content.get("add object.playbook", [])]:
            told |= {entry["name"] for entry in entries}

    assert {path.stem for path in (ROOT / "playbooks").glob("*.yml")} == told


def documented(*kinds: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the documentation of every plugin of some kinds, by default of modules."""
    for path in sorted(path for kind in kinds or ("modules",) for path in (ROOT / "plugins" / kind).glob("*.py")):
        yield from _documentation_in(path)


def _documentation_in(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="DOCUMENTATION")], value=ast.Constant(value=str() as text)):
                yield path.stem, yaml.safe_load(text)


def fragments(doc: Mapping[str, Any]) -> list[str]:
    """Return the fragments that a documentation extends."""
    found = doc.get("extends_documentation_fragment", [])
    return [found] if isinstance(found, str) else list(found)
