# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message that a channel did not accept waits for it alone, is sent once, by one run, and expires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.claims import CLAIM
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.instance_store import seen_on
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.outbox import (
    KEPT,
    LONGEST_TEXT,
    MOST_WAITING,
    Consignment,
    Draft,
    Message,
    Outbox,
    after_delivery,
    consign,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.outbox_store import (
    OutboxError,
    OutboxStore,
)
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import START, FakeClock

NOW = datetime(2026, 11, 26, 7, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUEUE = "nightly of default"
REPORT, LATER = Draft("2 shelved", "web, db", ("page.html",)), Draft("1 started", "lab-1")


def send(
    outbox: Outbox,
    draft: Draft | None = None,
    *channels: str,
    key: str = "b",
    now: datetime = NOW,
    kept: Draft | None = None,
    queue: str = QUEUE,
) -> tuple[dict[str, Consignment], Outbox]:
    drafts = dict.fromkeys(channels or ("mail",), draft)
    return consign(outbox, queue, drafts, dict.fromkeys(drafts, kept or draft), key, now)


def failed(draft: Draft = REPORT, *channels: str, now: datetime = NOW, key: str = "a") -> Outbox:
    """Return the outbox after channels did not accept a message."""
    found, outbox = send({}, draft, *channels, key=key, now=now)
    for channel, each in found.items():
        outbox = after_delivery(outbox, channel, each.sent, delivered=False)
    return outbox


def test_a_new_message_is_sent_unchanged_and_kept_until_it_is_delivered() -> None:
    found, outbox = send({}, REPORT, "mail", "webhook")
    assert {name: each.draft for name, each in found.items()} == {"mail": REPORT, "webhook": REPORT}
    for channel, each in found.items():
        outbox = after_delivery(outbox, channel, each.sent, delivered=True)
    assert outbox == {}


def test_a_message_that_one_channel_did_not_accept_waits_for_that_alone() -> None:
    found, outbox = send({}, REPORT, "mail", "webhook")
    outbox = after_delivery(outbox, "webhook", found["webhook"].sent, delivered=True)
    outbox = after_delivery(outbox, "mail", found["mail"].sent, delivered=False)
    again, outbox = send(outbox, None, "mail", "webhook")
    assert again["webhook"] == Consignment(None, ())
    sent = again["mail"].draft
    assert sent is not None
    assert (sent.subject, sent.attached) == ("2 shelved", ("page.html",))
    assert sent.text == "This is of 2026-11-26T07:15:00Z, and could not be delivered before.\n\nweb, db"
    assert after_delivery(outbox, "mail", again["mail"].sent, delivered=True) == {}


def test_waiting_messages_come_after_new_ones() -> None:
    outbox = {**failed(key="a"), **failed(Draft("3 stopped", "x"), now=NOW - MINUTE, key="0")}
    sent = send(outbox, LATER)[0]["mail"].draft
    assert sent is not None
    assert (sent.subject, sent.attached) == ("1 started (and 2 earlier messages)", ("page.html",))
    assert sent.text.splitlines()[::2] == [
        "lab-1",
        "== 3 stopped ==",
        "This is of 2026-11-26T07:14:00Z, and could not be delivered before.",
        "x",
        "== 2 shelved ==",
        "This is of 2026-11-26T07:15:00Z, and could not be delivered before.",
        "web, db",
    ]
    both = send(outbox)[0]["mail"].draft
    assert both is not None
    assert both.subject == "3 stopped (and 1 earlier message)"
    assert both.text.startswith("== 3 stopped ==")


def test_a_message_that_the_next_run_makes_again_is_not_kept() -> None:
    nothing, part = consign({}, QUEUE, {"mail": REPORT}, {"mail": None}, "a", NOW)
    assert (nothing["mail"], part) == (Consignment(REPORT, ()), {})
    _found, outbox = send({}, REPORT, kept=LATER)
    [kept] = outbox.values()
    assert kept.draft == LATER


@pytest.mark.parametrize(
    ("later", "is_sent"), [(0 * MINUTE, False), (CLAIM - MINUTE, False), (CLAIM, True), (-CLAIM, True)]
)
def test_a_message_that_another_run_is_sending_is_left_to_it_until_it_may_have_been_killed(
    later: timedelta, is_sent: bool
) -> None:
    _found, outbox = send({}, REPORT)
    assert (send(outbox, now=NOW + later)[0]["mail"].draft is not None) == is_sent


def test_other_playbooks_and_channels_have_their_own() -> None:
    outbox = failed()
    assert send(outbox, None, "webhook")[0]["webhook"].draft is None
    assert send(outbox, queue="hygiene of default")[0]["mail"].draft is None


def test_the_same_words_are_sent_once_to_each_channel() -> None:
    """A report that is made again because a channel failed is for that channel."""
    found, outbox = send({}, REPORT, "mail", "webhook")
    outbox = after_delivery(outbox, "mail", found["mail"].sent, delivered=False)
    outbox = after_delivery(outbox, "webhook", found["webhook"].sent, delivered=True)
    again, outbox = send(outbox, REPORT, "mail", "webhook", key="c")
    assert (again["mail"].draft, again["webhook"].draft) == (REPORT, None)
    outbox = after_delivery(outbox, "mail", again["mail"].sent, delivered=True)
    assert outbox == {}
    # After that, a run sends what it is told to.
    assert send(outbox, REPORT, "mail", "webhook")[0]["webhook"].draft == REPORT
    # Other words are another message.
    assert send(failed(), LATER, "webhook")[0]["webhook"].draft == LATER


def test_no_more_than_a_few_wait_and_none_for_long() -> None:
    outbox: Outbox = {}
    for number in range(MOST_WAITING + 2):
        outbox = {**outbox, **failed(Draft(str(number), "x"), key=f"{number:02}", now=NOW + number * MINUTE)}
    found, after = send(outbox, LATER, now=NOW + 20 * MINUTE)
    assert (found["mail"].dropped, len(found["mail"].sent)) == (3, MOST_WAITING)
    assert "03.mail" in after
    assert "02.mail" not in after
    # The recipient learns how many there were, also if that mail is not delivered either.
    again = after_delivery(after, "mail", found["mail"].sent, delivered=False)
    for sent in (found["mail"].draft, send(again, now=NOW + 30 * MINUTE)[0]["mail"].draft):
        assert sent is not None
        assert sent.text.endswith("3 earlier messages are lost: no more than 10 wait, and none for longer than 7 days.")
    late, none = send(outbox, now=NOW + KEPT + 60 * MINUTE)
    assert (late["mail"].dropped, none) == (MOST_WAITING + 2, {})
    assert late["mail"].draft is not None
    assert late["mail"].draft.text.startswith("12 earlier messages are lost")
    [long] = failed(Draft("x", "y" * LONGEST_TEXT * 2)).values()
    assert len(long.draft.text) == LONGEST_TEXT


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = OutboxStore(tmp_path / "state" / "outbox.json", FakeClock())
    _found, outbox = consign({}, QUEUE, {"mail": REPORT}, {"mail": REPORT}, "a", START)
    outbox = {**outbox, "b": Message(QUEUE, "mail", LATER, START, taken=frozenset({"webhook"}))}
    outbox = {name: seen_on(each, START) for name, each in outbox.items()}
    with store.held():
        store.save(outbox)
    assert store.load() == outbox
    assert store.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"format": 2, "messages": {}}', '{"format": 1, "messages": {"a": {}}}'),
        '{"format": 1, "messages": {"a": {"queue": "q", "channel": "c", "made": "soon", "seen": "2026-11-23"}}}',
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "outbox.json").write_text(text)
    with pytest.raises(OutboxError, match="is corrupt"):
        OutboxStore(tmp_path / "outbox.json", FakeClock()).load()
