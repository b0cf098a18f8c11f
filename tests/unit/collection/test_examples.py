# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example can be run unchanged."""

from __future__ import annotations

import pytest
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import (
    COLLECTION,
    MODULES,
    PLAYBOOKS,
    Task,
    problems,
    run_ansible,
    tasks,
    tasks_in,
)


def test_every_task_in_an_example_is_accepted_by_its_module() -> None:
    found = tasks()
    refused = [f"{task.where}: {problem}" for task in found for problem in problems(task)]

    assert refused == []
    assert {task.module for task in found} >= set(MODULES), "a module without an example"


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        pytest.param("jetstream.cloud.jetstream_instance_info: {nmae: x}", "nmae", id="unknown option"),
        pytest.param("jetstream.cloud.jetstream_instance_info: {live: perhaps}", "live", id="wrong type"),
        pytest.param("jetstream.cloud.jetstream_instance_info: {status: [dreaming]}", "dreaming", id="not a choice"),
        pytest.param("jetstream.cloud.jetstream_instance_state: {name: x}", "state", id="required option missing"),
        pytest.param("jetstream_instance_info:", "write jetstream.cloud.", id="short name"),
        pytest.param("jetstream.cloud.jetstream_nothing:", "no module", id="unknown module"),
        pytest.param("module_defaults: {group/jetstream.cloud.all: {user: x}}", "user", id="unknown default"),
    ],
)
def test_a_mistake_in_an_example_is_found(task: str, complaint: str) -> None:
    [found] = tasks_in("README.md", f"- block:\n    - {task}\n")

    assert complaint in " ".join(problems(found))


def test_a_template_stands_for_any_value() -> None:
    [found] = tasks_in(
        "README.md",
        """
        - hosts: localhost
          tasks:
            - jetstream.cloud.jetstream_instance_info:
                live: "{{ live }}"
                status: ["{{ status }}"]
        """,
    )

    assert found == Task("README.md", "jetstream_instance_info", {"live": "{{ live }}", "status": ["{{ status }}"]})
    assert problems(found) == []


def test_every_playbook_is_understood_by_ansible() -> None:
    assert PLAYBOOKS
    run_ansible("ansible-playbook", "--syntax-check", *(f"{COLLECTION}.{path.stem}" for path in PLAYBOOKS))
