# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook budget_guard, run as cron would: what is new is told once, and told again if it was not delivered."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import a_webhook


class Group:
    """A user whose allocation is used to 91 per cent, and lasts for five days of thirty."""

    def __init__(self, home: Path, server: Server) -> None:
        self.home = home
        self.server = server

    def run(self, *values: str, status: int = 0) -> str:
        """Run the playbook, and return what it prints."""
        given = [word for value in values for word in ("-e", value)]
        words = ("jetstream.cloud.budget_guard", "-i", "localhost,", *given)
        ended = run_playbook(*words, home=self.home, url=self.server.url)
        assert ended.returncode == status, ended.stdout
        assert "WARNING" not in ended.stdout
        return ended.stdout


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    world = fleet(names=("web", "db", "gpu"), compute_allowed=10000, compute_used=9100.0)
    world.allocation_sources[0].end_date = world.now() + timedelta(days=30)
    with Server(world) as server:
        yield Group(tmp_path, server)


def test_what_is_new_is_mailed_once_and_only_if_that_worked(group: Group) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    mail = ("mail_to=pi@example.edu", "smtp_secure=never")
    group.run(*mail, f"smtp_port={nobody}", status=2)
    with a_mail_server() as mails:
        said = group.run(*mail, f"smtp_port={mails.port}")
        assert "NEW: 91." in said
        assert "To shelve: gpu" in said
        assert len(mails.mails) == 1
        assert "NEW:" not in group.run(*mail, f"smtp_port={mails.port}")
        assert len(mails.mails) == 1
    assert set(group.server.world.states().values()) == {"active"}


def test_what_is_new_is_posted_once_and_only_if_that_worked(group: Group) -> None:
    with a_webhook() as hook:
        hook.status = 503
        said = group.run(f"webhook_url={hook.url}", status=2)
        assert "The webhook responded with status 503." in said
        assert hook.url not in said
        hook.status = 200
        group.run(f"webhook_url={hook.url}")
        group.run(f"webhook_url={hook.url}")
    assert ["NEW: 91." in each["text"] for each in hook.posts] == [True, True]


def test_at_a_limit_it_shelves_with_apply_alone(group: Group) -> None:
    assert "To shelve (91." in group.run("limit_percent=90", "never=web")
    assert set(group.server.world.states().values()) == {"active"}
    said = group.run("limit_percent=90", "never=web", "apply=true")
    assert "Shelved (91." in said
    states = group.server.world.states()
    assert (states["web"], states["gpu"]) == ("active", "shelved_offloaded")
