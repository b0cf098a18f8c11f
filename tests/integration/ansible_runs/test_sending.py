# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks that all playbooks send their readouts by, here by the one that needs the least: hygiene."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.tests.integration.ansible_runs.playbooks import run_playbook
from ansible_collections.jetstream.cloud.tests.simulator import Server, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import Webhook, a_webhook

# Calls everybody, is a link, and ends a block of code, where it is not sent as plain text.
CALLING = "<!channel>_[x](https://evil.example)_```"


class HygieneUser:
    """A user with an instance that is shut off for long, and a webhook."""

    def __init__(self, home: Path, server: Server, hook: Webhook) -> None:
        self.home = home
        self.hook = hook
        self._server = server
        (home / "hook.yml").write_text(f"webhook_url: {hook.url}")

    def run(self, *values: str, status: int = 0) -> str:
        """Let ``hygiene`` send what it found, and return what it prints."""
        given = [word for value in (f"@{self.home}/hook.yml", *values) for word in ("-e", value)]
        words = ("jetstream.cloud.hygiene", "-i", "localhost,", *given)
        ended = run_playbook(*words, home=self.home, url=self._server.url)
        assert ended.returncode == status, ended.stdout
        assert self.hook.url not in ended.stdout
        return ended.stdout


@pytest.fixture
def user(tmp_path: Path) -> Iterator[HygieneUser]:
    world = fleet(names=("off",), states={"shutoff": 1})
    for each in world.instances:
        each.name = CALLING
    with Server(world) as server, a_webhook() as hook:
        yield HygieneUser(tmp_path, server, hook)


def test_slack_is_sent_the_table_in_a_block_that_no_name_ends(user: HygieneUser) -> None:
    user.run("width=0")
    [post] = user.hook.posts
    subject, table = post["text"].split("\n```\n", 1)
    assert list(post) == ["text"]
    assert subject.startswith("Jetstream: 1 found, which cost ")
    assert table.startswith("NAME")
    assert "&lt;!channel&gt;_[x](https://evil.example)_'''" in table
    assert "<" not in post["text"]
    assert table.count("```") == 1
    assert table.endswith("\n```")


def test_teams_is_sent_a_card_of_the_same_without_markdown(user: HygieneUser) -> None:
    user.run("width=0", "webhook_format=teams")
    [post] = user.hook.posts
    [attached] = post["attachments"]
    assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    body = attached["content"]["body"]
    assert {each["type"] for each in body} == {"RichTextBlock"}
    lines = [each["inlines"][0] for each in body]
    assert lines[0]["text"].startswith("Jetstream: 1 found, which cost ")
    assert lines[1]["text"].startswith("NAME")
    assert {each["fontType"] for each in lines[1:]} == {"Monospace"}
    assert any(CALLING in each["text"] for each in lines)
    # Two blanks would be shown as one, and the columns would not stand below each other.
    assert not any("  " in each["text"] for each in lines)


def test_a_template_of_ones_own_shapes_what_is_posted(user: HygieneUser) -> None:
    template = user.home / "own.json.j2"
    template.write_text('{{ {"title": jetstream_report.subject, "lines": jetstream_lines | length} | to_json }}')
    user.run("webhook_template=own.json.j2")
    [post] = user.hook.posts
    assert post["title"].startswith("Jetstream: 1 found")
    assert post["lines"] == 7


def test_a_template_that_is_no_json_fails_without_the_address(user: HygieneUser) -> None:
    (user.home / "own.json.j2").write_text("no JSON")
    said = user.run("webhook_template=own.json.j2", status=2)
    assert (
        "The webhook could not be reached, or its template failed. Check webhook_url and webhook_template."
        in " ".join(said.split())
    )
    assert user.hook.posts == []


def test_what_cannot_be_mailed_is_posted_all_the_same_and_the_playbook_fails(user: HygieneUser) -> None:
    said = user.run("mail_to=pi@example.edu", "smtp_port=1", "smtp_secure=never", status=2)
    assert "Connection refused" in said
    assert len(user.hook.posts) == 1


def test_what_cannot_be_posted_is_mailed_all_the_same_and_the_playbook_fails(user: HygieneUser) -> None:
    user.hook.status = 410
    with a_mail_server() as mails:
        said = user.run("mail_to=pi@example.edu", f"smtp_port={mails.port}", "smtp_secure=never", status=2)
    assert "The webhook responded with status 410." in said
    assert len(mails.mails) == 1


@pytest.mark.parametrize(("format_", "size"), [("slack", 3_000), ("teams", 14_000)])
def test_a_long_readout_is_sent_whole_in_several_messages(
    user: HygieneUser, tmp_path: Path, format_: str, size: int
) -> None:
    names = [f"off-{number}" for number in range(50)]
    with Server(fleet(names=tuple(names), states={"shutoff": 50})) as server:
        large = HygieneUser(tmp_path, server, user.hook)
        large.run("width=0", f"webhook_format={format_}")
        posts = list(user.hook.posts)
        assert len(posts) > 1
        texts = [each["text"] if format_ == "slack" else "\n".join(_lines_of_card(each)) for each in posts]
        for number, (post, text) in enumerate(zip(posts, texts, strict=True), 1):
            assert len(post["text"] if format_ == "slack" else json.dumps(post)) <= size
            assert text.startswith("Jetstream: 50 found, which cost ")
            assert f"({number} of {len(posts)})" in text
        for name in names:
            assert sum(f"{name} " in text.replace("\u00a0", " ") for text in texts) == 1
        # What is left after one that is refused is sent with it the next time.
        user.hook.status = 413
        assert "The webhook responded with status 413." in large.run(f"webhook_format={format_}", status=2)
        assert len(user.hook.posts) == len(posts) + 1


def _lines_of_card(post: dict[str, Any]) -> list[str]:
    return [each["inlines"][0]["text"] for each in post["attachments"][0]["content"]["body"]]
