# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""If a run is killed between an act and its message, the next one reports the act, for each policy, and once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import (
    acts,
    budget_guard,
    deadline,
    decision_info,
    delivery,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.act_store import ActStore, ActStoreError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import Action
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.times import iso
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.killed import Killed
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.scheduled_fleet import ScheduledFleet
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.operations.test_schedule import LAB, a_lab

DEADLINES = """
deadlines:
  - {name: lab-teacher, shelve_at: none}
  - {name: lab-*, shelve_at: "2026-11-20", may_shelve: true}
"""


@dataclass
class Runs:
    """Runs of a policy, each in a process of its own, of which the last one is alive."""

    site: Site
    policy: str
    number: int = 0
    reported: list[str] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.site.home / "acts.json"

    def process(self) -> str:
        return f"run {self.number}"

    def is_alive(self, process: str) -> bool:
        return process == self.process()

    def run(self, **more: Any) -> Any:
        """Run the policy in a new process."""
        self.number += 1
        options = {"acts_path": str(self.path), **more}
        if self.policy == "schedule":
            outcome = ScheduledFleet(self.site, LAB).run(**options)
        else:
            module = {"deadline": deadline, "budget": budget_guard}[self.policy]
            outcome = module.OPERATION(  # type: ignore[attr-defined]
                given(module.SPEC, **self.site.options, **self._given(), **options),  # type: ignore[attr-defined]
                in_context(self.site),
            )
        return outcome

    def _given(self) -> dict[str, Any]:
        if self.policy == "deadline":
            return {"path": str(self.site.home / "deadlines.yml"), "apply": True, "channels": ["mail"]}
        return {"limit_percent": 50, "shelve": "all", "apply": True, "never": ["lab-teacher", "web"]}

    def prepare(self) -> None:
        """Let lab-1 and lab-2 be due for the act of the policy."""
        if self.policy == "schedule":
            self.run()
            ScheduledFleet(self.site, LAB).at(18)
        if self.policy == "deadline":
            (self.site.home / "deadlines.yml").write_text(DEADLINES)
            news = self.run().result["news"]
            deadline.OPERATION(
                given(deadline.SPEC, **self.site.options, told=news, channel="mail"), in_context(self.site)
            )
            self.site.clock.sleep(25 * 3600)

    def send(self, reported: Sequence[str] = (), channels: Sequence[str] = ("mail",)) -> dict[str, Any]:
        """Return the message of the last run."""
        options = given(
            delivery.SPEC,
            playbook="nightly",
            messages={each: {} for each in channels},
            acts_path=str(self.path),
            reported=list(reported),
        )
        found: dict[str, Any] = delivery.delivery(options, self.context()).result
        return found

    def context(self) -> Context:
        return in_context(self.site)


@pytest.fixture(params=["schedule", "deadline", "budget"])
def runs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    with a_site(a_lab(compute_allowed=1000, compute_used=900.0), tmp_path) as site:
        site.warm()
        found = Runs(site, request.param)
        for module in (acts, delivery):
            monkeypatch.setattr(module, "parent_process", found.process)
            monkeypatch.setattr(module, "is_alive", found.is_alive)
        found.prepare()
        yield found


def asleep(site: Site) -> list[str]:
    return [name for name in ("lab-1", "lab-2") if site.world.states()[name].startswith("shelved")]


def reported_by(outcome: Any) -> list[str]:
    """Return the UUIDs of the instances that the report of a run names."""
    result = outcome.result
    rows = result["instances"] if "instances" in result else result["allocations"][0]["plan"]["shelve"]
    return [each["uuid"] for each in rows]


def names_in(messages: dict[str, Any], channel: str = "mail") -> list[str]:
    text = messages["messages"].get(channel, {}).get("text", "")
    return [name for name in ("lab-1", "lab-2") if f"{name} was to be shelved" in text]


def began(runs: Runs) -> str:
    """Return the times at which the open acts were begun."""
    [moment] = {iso(each.began) for each in ActStore(runs.path, runs.site.clock).load().values()}
    return moment


def told_by_why(site: Site, name: str) -> list[str]:
    """Return the outcomes of an act on an instance in the log."""
    options = given(decision_info.SPEC, name=[name])
    rows = decision_info.OPERATION(options, in_context(site)).result["decisions"]
    return [each["sentence"] for each in rows if "did not end" in each["sentence"]]


def test_a_run_that_is_killed_after_its_acts_is_reported_by_the_next(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, lock, sent = AtmosphereCloud.act, Lock(), []

    def killed(cloud: AtmosphereCloud, instance: Any, action: Action) -> None:
        # Of acts side by side, the first one is sent, and nothing goes on after it.
        with lock:
            if not sent:
                act(cloud, instance, action)
                sent.append(instance)
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(AtmosphereCloud, "act", killed)
        with pytest.raises(Killed):
            runs.run()
    moment = began(runs)
    runs.site.clock.sleep(600)
    done = asleep(runs.site)
    assert len(done) == 1
    outcome = runs.run()
    assert outcome.failure is None
    assert asleep(runs.site) == ["lab-1", "lab-2"]
    message = runs.send(reported_by(outcome), ["mail", "webhook"])
    for channel in ("mail", "webhook"):
        # What the second run did itself is in its own report.
        assert names_in(message, channel) == done
    assert "a later run found it shelved_offloaded" in message["messages"]["mail"]["text"]
    began_it = f"a run of the policy {runs.policy} began that at {moment}, and did not end"
    expected = f"{done[0]} was shelved: {began_it}; a later run found it shelved_offloaded."
    assert told_by_why(runs.site, done[0]) == [expected]
    # It is in the outbox now, until each channel took it, and no later run reports it anew.
    runs.run()
    assert runs.send()["messages"] == {}
    assert ActStore(runs.path, runs.site.clock).load() == {}


def test_a_run_that_reports_its_acts_leaves_nothing(runs: Runs) -> None:
    outcome = runs.run()
    assert asleep(runs.site) == ["lab-1", "lab-2"]
    assert len(ActStore(runs.path, runs.site.clock).load()) == 2
    assert runs.send(reported_by(outcome))["messages"] == {}
    assert ActStore(runs.path, runs.site.clock).load() == {}


def test_a_run_whose_part_failed_after_its_acts_reports_them_itself(runs: Runs) -> None:
    runs.run()
    assert names_in(runs.send()) == ["lab-1", "lab-2"]


def test_another_run_leaves_the_acts_to_the_one_that_is_in_progress(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.run()
    for module in (acts, delivery):
        monkeypatch.setattr(module, "is_alive", lambda _process: True)
    runs.number += 1
    assert runs.send()["messages"] == {}
    assert len(ActStore(runs.path, runs.site.clock).load()) == 2


def test_without_a_channel_nothing_is_left_and_check_mode_records_nothing(runs: Runs) -> None:
    runs.run()
    assert runs.send(channels=())["messages"] == {}
    assert ActStore(runs.path, runs.site.clock).load() == {}


def test_an_act_that_cannot_be_recorded_is_not_done(runs: Runs) -> None:
    # A folder in the place of the file.
    (runs.path / "sub").mkdir(parents=True)
    if runs.policy == "deadline":
        with pytest.raises(ActStoreError, match="The record of acts"):
            runs.run()
    else:
        # The rest of the results stays.
        assert "The record of acts" in str(runs.run().failure)
    assert asleep(runs.site) == []


def test_without_a_file_for_them_no_acts_are_recorded(runs: Runs) -> None:
    runs.run(acts_path=None)
    assert asleep(runs.site) == ["lab-1", "lab-2"]
    assert not runs.path.exists()
