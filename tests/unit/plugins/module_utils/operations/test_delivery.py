# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_delivery: waiting messages, also if they cannot be stored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.delivery import SPEC, delivery
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given

OUTBOX = Path(".local/state/jetstream/outbox.json")
REPORT = {"subject": "2 shelved", "text": "web, db"}
HALF_AN_HOUR = 1800.0
# Takes what waits for mail, and says how many messages that were.
TAKE = """
import sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.delivery import SPEC, delivery
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given
context = Context(False, SystemClock(), {}, Path(sys.argv[1]), print, print)
sys.stdin.readline()
print(len(delivery(given(SPEC, playbook="nightly", messages={"mail": {}}), context).result["sent"]["mail"]))
"""


class Sender:
    """A user whose playbook sends messages."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock: Any = FakeClock()

    def run(self, *, check_mode: bool = False, home: Path | None = None, **options: Any) -> Outcome:
        warnings: list[str] = []
        where = self.home if home is None else home
        context = Context(check_mode, self.clock, {}, where, warnings.append, lambda _secret: None)
        return delivery(given(SPEC, **{"playbook": "nightly", **options}), context)

    def send(self, messages: Mapping[str, Any], **options: Any) -> Mapping[str, Any]:
        return self.run(messages=dict(messages), **options).result

    def note(self, sent: Mapping[str, Any], channel: str, *, delivered: bool, **options: Any) -> Outcome:
        return self.run(channel=channel, sent=sent["sent"][channel], delivered=delivered, **options)


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path)


def test_a_message_that_failed_on_one_channel_is_sent_again_on_that_alone(sender: Sender) -> None:
    first = sender.send({"mail": REPORT, "webhook": REPORT})
    assert {name: each["subject"] for name, each in first["messages"].items()} == dict.fromkeys(
        ("mail", "webhook"), "2 shelved"
    )
    assert sender.note(first, "webhook", delivered=True).changed
    assert sender.note(first, "mail", delivered=False).changed
    second = sender.send({"mail": {}, "webhook": {}})
    assert list(second["messages"]) == ["mail"]
    # The mail of a run that was killed is the same mail.
    assert second["messages"]["mail"]["id"] == first["messages"]["mail"]["id"]
    assert sender.note(second, "mail", delivered=True).changed
    assert not sender.note(second, "mail", delivered=True).changed
    assert sender.send({"mail": {}, "webhook": {}})["messages"] == {}


def test_a_run_that_is_killed_is_made_up_for_half_an_hour_later(sender: Sender) -> None:
    sender.send({"mail": REPORT})
    assert sender.send({"mail": {}})["messages"] == {}
    sender.clock.advance(HALF_AN_HOUR)
    assert list(sender.send({"mail": {}})["messages"]) == ["mail"]


def test_profiles_and_playbooks_have_their_own(sender: Sender) -> None:
    sender.note(sender.send({"mail": REPORT}), "mail", delivered=False)
    assert sender.send({"mail": {}}, profile="course")["messages"] == {}
    assert sender.send({"mail": {}}, playbook="hygiene")["messages"] == {}
    assert list(sender.send({"mail": {}})["messages"]) == ["mail"]


def test_check_mode_stores_nothing(sender: Sender) -> None:
    assert list(sender.send({"mail": REPORT}, check_mode=True)["messages"]) == ["mail"]
    assert not (sender.home / OUTBOX).exists()
    sent = sender.send({"mail": REPORT})
    assert sender.note(sent, "mail", delivered=True, check_mode=True).changed
    assert sender.note(sent, "mail", delivered=True).changed


@pytest.mark.parametrize("text", ["", "It failed."])
def test_check_mode_foresees_whether_the_outbox_changes(sender: Sender, text: str) -> None:
    kept = {"mail": {"subject": "Report", "text": text}}
    foreseen, done = (sender.run(messages=kept, check_mode=check) for check in (True, False))
    assert (foreseen.changed, done.changed) == (bool(text), bool(text))


def test_no_file_is_written_if_no_message_waits(sender: Sender) -> None:
    assert sender.send({"mail": {}})["messages"] == {}
    found = sender.send({"mail": REPORT}, kept={"mail": {}})
    assert (list(found["messages"]), found["sent"]) == (["mail"], {"mail": []})
    assert not sender.note(found, "mail", delivered=False).changed
    assert not (sender.home / OUTBOX).exists()


def test_a_page_that_is_gone_is_not_attached(sender: Sender) -> None:
    page = sender.home / "page.html"
    page.write_text("")
    first = sender.send({"mail": {**REPORT, "attached": [str(page)]}})
    assert first["messages"]["mail"]["attached"] == [str(page)]
    sender.note(first, "mail", delivered=False)
    page.unlink()
    assert sender.send({"mail": {}})["messages"]["mail"]["attached"] == []


@pytest.mark.parametrize("content", [None, "no JSON"])
def test_a_message_that_cannot_be_stored_is_sent_all_the_same(sender: Sender, content: str | None) -> None:
    path = sender.home / "outbox.json"
    path.mkdir() if content is None else path.write_text(content)
    outcome = sender.run(messages={"mail": REPORT}, outbox_path=str(path))
    assert (list(outcome.result["messages"]), outcome.result["sent"]) == (["mail"], {"mail": []})
    assert outcome.warnings[0].startswith(f"The record of undelivered messages in {path} ")


def test_a_message_that_expires_undelivered_is_reported(sender: Sender) -> None:
    sender.note(sender.send({"mail": REPORT}), "mail", delivered=False)
    sender.clock.advance(8 * 86_400.0)
    outcome = sender.run(messages={"mail": {}})
    [warning] = outcome.warnings
    assert warning.startswith("1 earlier message that could not be delivered will not be sent again: no more than 10")


def test_of_two_processes_at_once_one_sends_the_waiting_messages(sender: Sender) -> None:
    sender.note(sender.send({"mail": REPORT}, outbox_path=str(sender.home / OUTBOX)), "mail", delivered=False)
    _made_now(sender.home / OUTBOX)
    running = [
        subprocess.Popen([sys.executable, "-c", TAKE, str(sender.home)], stdin=-1, stdout=-1, text=True)
        for _run in "ab"
    ]
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    counts = [int(each.communicate(timeout=30)[0]) for each in running]
    assert sorted(counts) == [0, 1]


def _made_now(path: Path) -> None:
    """Set the time of the waiting messages to now, by the clock of the machine."""
    record = json.loads(path.read_text())
    for row in record["messages"].values():
        row["made"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"playbook": " "}, "playbook must have from 1 to 300 characters"),
        ({"messages": {"mail": "text"}}, "messages: mail has to be a dictionary"),
        ({"messages": {"mail": {"body": "x"}}}, "messages has body"),
        ({"kept": {"mail": {"text": "x", "attached": "page"}}}, "kept: attached has to be a list"),
    ],
)
def test_invalid_options_are_refused(sender: Sender, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        sender.run(**options)


def test_a_user_without_a_home_keeps_nothing(sender: Sender) -> None:
    context = Context(False, sender.clock, {}, None, lambda _text: None, lambda _text: None)
    options = given(SPEC, playbook="nightly", messages={"mail": REPORT})
    result = delivery(options, context).result
    assert (list(result["messages"]), result["sent"]) == (["mail"], {"mail": []})
    assert not delivery(given(SPEC, playbook="nightly", channel="mail", sent=["a"]), context).changed
