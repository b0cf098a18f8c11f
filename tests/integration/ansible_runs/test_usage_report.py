# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage report in a playbook of a user's own: templates of the controller, and files where the task runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import Playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet

LAB = '{% extends "jetstream.cloud/usage_report.html.j2" %}{% block header %}<h1>The lab</h1>{% endblock %}'


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(fleet(3)) as served:
        yield served


def report(folder: Path, server: Server, *, keywords: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Run the module, and return its result."""
    task = {"jetstream.cloud.jetstream_usage_report": options, "ignore_errors": True, **(keywords or {})}
    ended = Playbook(folder, [task], url=server.url).run({"ANSIBLE_STDOUT_CALLBACK": "each_result"})
    [line] = [each for each in ended.stdout.splitlines() if each.startswith("{")]
    result: dict[str, Any] = json.loads(line)["result"]
    return result


def test_text_and_page_are_made_without_the_playbooks_of_the_collection(server: Server, tmp_path: Path) -> None:
    result = report(tmp_path, server, dest="new/page.html")
    assert (result["changed"], result["dest"]) == (True, str(tmp_path / "new" / "page.html"))
    assert result["text"].startswith("Jetstream usage, ")
    page = (tmp_path / "new" / "page.html").read_text()
    assert "johndoe at 127.0.0.1 (Atmosphere)" in page
    assert "<svg" in page


def test_check_mode_renders_and_writes_nothing(server: Server, tmp_path: Path) -> None:
    result = report(tmp_path, server, dest="page.html", keywords={"check_mode": True})
    assert result["changed"]
    assert result["text"].startswith("Jetstream usage, ")
    assert [each.name for each in tmp_path.iterdir() if not each.name.startswith(".")] == ["playbook.json"]
    (tmp_path / "bad.j2").write_text("{{ nonsense }}")
    result = report(tmp_path, server, dest="page.html", html_template="bad.j2", keywords={"check_mode": True})
    assert f"The template {tmp_path}/bad.j2, line 1, cannot be rendered: 'nonsense' is undefined." in result["msg"]
    assert result["allocations"]


def test_a_link_stays_and_a_mode_is_kept(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "public" / "page.html"
    target.parent.mkdir()
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "page.html").symlink_to(target)
    report(tmp_path, server, dest="page.html", charts=False)
    assert (tmp_path / "page.html").is_symlink()
    assert target.read_text().startswith("<!doctype html>")
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_template_is_found_beside_the_playbook(server: Server, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "lab.html.j2").write_text(LAB)
    (tmp_path / "lab.txt.j2").write_text("{{ allocations | length }} of {{ account.user }}")
    result = report(tmp_path, server, dest="page.html", html_template="lab.html.j2", text_template="lab.txt.j2")
    assert "<h1>The lab</h1>" in (tmp_path / "page.html").read_text()
    assert result["text"] == "1 of johndoe"
    result = report(tmp_path, server, html_template="nowhere.j2")
    assert result["msg"] == "html_template nowhere.j2 does not exist."


def test_another_interpreter_gives_the_same_page(server: Server, tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    target = tmp_path / "target.html"
    target.write_text("old")
    (tmp_path / "page.html").symlink_to(target)
    result = report(
        tmp_path, server, dest="page.html", keywords={"vars": {"ansible_python_interpreter": str(interpreter)}}
    )
    assert result["text"].startswith("Jetstream usage, ")
    assert (tmp_path / "page.html").is_symlink()
    assert target.read_text().startswith("<!doctype html>")


def test_what_cannot_be_done_is_reported(server: Server, tmp_path: Path) -> None:
    assert "it is a device" in report(tmp_path, server, dest="/dev/stdout")["msg"]
    assert "async" in report(tmp_path, server, keywords={"async": 10, "poll": 1})["msg"]
