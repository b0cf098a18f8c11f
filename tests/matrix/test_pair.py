# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The differences between versions of ansible-core and Python: imports, documentation, and one small fleet.

`./dev test matrix` runs this in an environment of every supported pair that the machine has a Python for.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import subprocess
from pathlib import Path

import pytest
from ansible.release import __version__
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import (
    PLUGINS,
    environment,
    program,
    run_playbook,
)
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet

PACKAGE = "ansible_collections.jetstream.cloud.plugins"
# Folders of plugins by the name that ansible-doc has for their kind.
DOCUMENTED = {"modules": "module", "filter": "filter", "inventory": "inventory"}


@pytest.fixture(autouse=True)
def _without_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OS_", "JETSTREAM_", "XDG_", "ANSIBLE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def test_this_is_the_pair_that_was_asked_for() -> None:
    asked_for = os.environ.get("MATRIX_PAIR", f"{__version__} {platform.python_version()}")
    assert f"{__version__} {platform.python_version()}" == asked_for


def test_every_plugin_is_imported_without_a_warning() -> None:
    paths = [path.relative_to(PLUGINS).with_suffix("") for path in sorted(PLUGINS.rglob("*.py"))]
    assert len(paths) > 100
    for path in paths:
        importlib.import_module(".".join([PACKAGE, *path.parts]))


def test_every_plugin_is_documented_without_a_warning(tmp_path: Path) -> None:
    ended = subprocess.run(
        [program("ansible-doc"), "--metadata-dump", "jetstream.cloud"],
        env=environment(tmp_path, "http://127.0.0.1:9"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, _told(ended.stderr)) == (0, ""), ended.stderr
    documented = json.loads(ended.stdout)["all"]
    for folder, kind in DOCUMENTED.items():
        names = {f"jetstream.cloud.{path.stem}" for path in (PLUGINS / folder).glob("*.py")}
        assert names <= documented[kind].keys()
        assert [name for name in names if not documented[kind][name]["doc"]["short_description"]] == []


def test_a_fleet_is_shown_stopped_once_and_read_as_an_inventory(tmp_path: Path) -> None:
    world = fleet(names=("web", "db", "batch"), settings=Settings(transition=0.0, deploy=0.0))
    with Server(world) as server:

        def run(playbook: str, *arguments: str) -> str:
            ended = run_playbook(
                f"jetstream.cloud.{playbook}", "-i", "localhost,", *arguments, home=tmp_path, url=server.url
            )
            assert (ended.returncode, _told(ended.stdout)) == (0, ""), ended.stdout
            return ended.stdout

        def actions() -> int:
            sent = len(server.requests.matching("POST", "/action"))
            server.requests.reset()
            return sent

        assert all(name in run("instances") for name in ("web", "db", "batch"))
        assert "3 running" in run("idle")
        preview = run("stop_all", "--check", "--diff")
        assert ("3 selected: 3 would be changed" in preview, actions()) == (True, 0), preview
        first = run("stop_all")
        assert ("3 selected: 3 changed" in first, actions()) == (True, 3), first
        second = run("stop_all")
        assert ("3 selected: 0 changed, 3 unchanged" in second, actions()) == (True, 0), second
        (tmp_path / "jetstream.yml").write_text("plugin: jetstream.cloud.jetstream\n")
        assert _hosts("status_shutoff", tmp_path, server.url) == ["batch", "db", "web"]


def _hosts(group: str, folder: Path, url: str) -> list[str]:
    """Return the hosts of a group of the inventory whose file is in a folder."""
    ended = subprocess.run(
        [program("ansible-inventory"), "-i", "jetstream.yml", "--list"],
        env=environment(folder, url),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, _told(ended.stderr)) == (0, ""), ended.stderr
    return sorted(json.loads(ended.stdout)[group]["hosts"])


def _told(text: str) -> str:
    """Return the warnings in an output, but for those that ansible-core has about itself."""
    paragraphs = re.findall(r"\[(?:WARNING|DEPRECATION WARNING|ERROR)\]:.*?(?=\n\S|\n\n|\Z)", text, re.DOTALL)
    return "\n".join(each for each in paragraphs if not re.search("development version|_protomatter", each))
