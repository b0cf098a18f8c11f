# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notice to the owner of idle instances, as Ansible renders its template."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT

ROW: dict[str, Any] = {
    "at": "2026-11-23T18:57:00Z",
    "label": "web",
    "uuid": "1f2e",
    "flavor": "m3.small",
    "since": "2026-11-23T12:57:00Z",
    "reason": "nothing happened for 360 min",
    "su_per_hour": 2,
    "su_since_idle": 12,
    "evidence": {"numbers": {"cores": 0.0021, "net": 300}, "losses": ["2 Jupyter kernels"]},
    "action": "shelve",
    "takes_metadata": True,
}


@contextmanager
def a_zone(name: str) -> Iterator[None]:
    """Set the machine's time zone for a with statement."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", name)
            time.tzset()
            yield
    finally:
        time.tzset()


def test_a_zone_is_reset_afterwards() -> None:
    before = time.tzname
    with a_zone("Asia/Kolkata"):
        assert time.tzname == ("IST", "IST")
    assert time.tzname == before


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Asia/Kolkata"])
def test_the_end_of_the_keep_mark_is_counted_from_the_decision(zone: str) -> None:
    with a_zone(zone):
        template = (ROOT / "playbooks" / "templates" / "idle_notice.txt.j2").read_text(encoding="utf-8")
        templar = Templar(loader=DataLoader(), variables={"jetstream_told": [ROW], "jetstream_grace": 60})
        notice = templar.template(trust_as_template(template))
        assert "openstack server set --property jetstream_keep_until=2026-11-24T02:57Z 1f2e" in notice
        assert "web (m3.small) has been idle since 2026-11-23T12:57:00Z: nothing happened for 360 min." in notice


@pytest.mark.parametrize(
    ("notice", "told"),
    [({"id": "x", "repeated": True}, True), ({"id": "x", "repeated": False}, False), (None, False)],
)
def test_a_notice_that_is_sent_again_says_so_in_its_first_line(notice: object, told: bool) -> None:
    template = (ROOT / "playbooks" / "templates" / "idle_notice.txt.j2").read_text(encoding="utf-8")
    rows = [{**ROW, "notice": None}, {**ROW, "notice": notice}]
    templar = Templar(loader=DataLoader(), variables={"jetstream_told": rows, "jetstream_grace": 60})
    first = templar.template(trust_as_template(template)).splitlines()[0]
    assert first.startswith("You may have received this notice before: " if told else "web (m3.small) has been idle")
