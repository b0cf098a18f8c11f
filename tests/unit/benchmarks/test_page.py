# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks write into one page, and each changes only its own part."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.benchmarks.page import rewrite
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT

COMMANDS = ("./dev bench", "./dev bench-openstack", "./dev bench-launch", "./dev bench-launch --beside")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_benchmark_replaces_its_own_figures_and_nothing_else(command: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    shutil.copy(ROOT / "docs" / "performance.md", page)
    for other in COMMANDS:
        rewrite(page, other, f"figures of {other}")
    before = page.read_text(encoding="utf-8")
    rewrite(page, command, "newer figures")
    after = page.read_text(encoding="utf-8")
    assert f"\nfigures of {command}\n" in before
    assert after == before.replace(f"figures of {command}\n", "newer figures\n")


def test_figures_are_not_written_where_they_have_no_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("All about speed.\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no place"):
        rewrite(page, "./dev bench", "figures")
    assert page.read_text(encoding="utf-8") == "All about speed.\n"
