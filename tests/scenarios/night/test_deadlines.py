# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last days of a course on both clouds, with killed runs: a mail may be repeated, an action is not."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import Begin, Night, Run
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import ASLEEP, RUNNING

LAB = ("lab-1", "lab-2")
KILLED = -9


def test_runs_that_are_killed_tell_a_deadline_and_shelve_once(night: Night, begin: Begin) -> None:
    site = begin([*LAB, "web"])
    at = night.clock.now().replace(microsecond=0) + timedelta(days=2)
    row = f'{{name: lab-*, shelve_at: "{at:%Y-%m-%dT%H:%M:%SZ}", may_shelve: true}}'
    (night.home / "schedules.yml").write_text(f"deadlines:\n  - {row}\n", encoding="utf-8")

    # A mail that was not recorded is sent once more. The webhook has not been called yet.
    night.mail.up(before_response=night.kill)
    assert _run(night).status == KILLED
    night.mail.down()
    night.mail.up()
    assert _sent(night) == (1, 0)
    # The killed run counts as still sending it.
    assert _run(night).status == 0
    assert _sent(night) == (1, 0)
    night.clock.advance(1800)
    assert _run(night).status == 0
    assert _sent(night) == (2, 1)
    assert _run(night).status == 0
    assert _sent(night) == (2, 1)

    # After an action that was not recorded, the next runs go on.
    night.clock.move_to(at + timedelta(minutes=27))
    with site.after_next_act(night.kill):
        assert _run(night).status == KILLED
    assert 1 <= len(site.requests_to_act()) <= 2
    for _run_of_cron in range(2):
        night.clock.advance(3600)
        last = _run(night)
    assert last.status == 0, last.text
    assert Counter(site.requests_to_act()) == dict.fromkeys(LAB, 1)
    assert {name: site.states()[name] for name in (*LAB, "web")} == {**dict.fromkeys(LAB, ASLEEP), "web": RUNNING}
    told = night.why("lab-1")
    assert "announced by mail, 3 days ahead or later" in told
    assert "about to be shelved" in told

    # The owner fetches results.
    site.wake("lab-1")
    night.clock.advance(3600)
    assert _run(night).status == 0
    assert site.states()["lab-1"] == RUNNING


def _run(night: Night) -> Run:
    mail = ("mail_to=teacher@example.edu", "smtp_secure=never", f"smtp_port={night.mail.port}")
    given = ("schedules=schedules.yml", "apply=true", *mail, f"webhook_url={night.webhook.url}")
    return night.play("deadlines", *given)


def _sent(night: Night) -> tuple[int, int]:
    """Return the number of received mails, and of posts."""
    return len(night.mail.messages), len(night.webhook.posts)
