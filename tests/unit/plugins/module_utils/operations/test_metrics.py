# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures for Prometheus on a simulated cloud, also if some of them cannot be read."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError, JetstreamError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import metrics
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.run_store import RunStore
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, add_colleague, fleet
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.operations.test_idle_info import keep_readings
from prometheus_client.parser import text_string_to_metric_families

_PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    _PROMTOOL is None, reason="promtool is not installed (Debian, Ubuntu: the package prometheus)"
)
LAST_RUN = ["jetstream_metrics_last_run_timestamp_seconds", "jetstream_metrics_last_run_success"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    states = {"active": 2, "shutoff": 1, "error": 1}
    world = fleet(names=("web", "busy", "off", "bad"), states=states, clock=ManualClock(), compute_used=9100.0)
    world.allocation_sources[0].compute_allowed = 10000
    world.allocation_sources[0].end_date = world.now() + timedelta(days=30)
    world.allocation_sources[0].name = 'TG "GEO"\\\n1'
    add_colleague(world)
    with a_site(world, tmp_path) as served:
        served.warm()
        yield served


def run(site: Site, *, check_mode: bool = False, **options: Any) -> Outcome:
    chosen = {**site.options, "dest": str(site.home / "jetstream.prom"), **options}
    return metrics.metrics(given(metrics.SPEC, **chosen), in_context(site, check_mode=check_mode))


def written(site: Site) -> dict[str, dict[str, float]]:
    """Return the value of each metric in the file, by its labels but the profile and the allocation."""
    text = (site.home / "jetstream.prom").read_text()
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            words = [value for name, value in each.labels.items() if name in ("status", "verdict", "playbook")]
            found.setdefault(each.name, {})[" ".join(words)] = each.value
    return found


def check(site: Site) -> str:
    """Return the complaints of promtool about the file."""
    content = (site.home / "jetstream.prom").read_bytes()
    done = subprocess.run([str(_PROMTOOL), "check", "metrics"], input=content, capture_output=True, check=False)
    return f"{done.stdout.decode()}{done.stderr.decode()}"


def test_all_figures_are_written(site: Site) -> None:
    keep_readings(site, "web")
    keep_readings(site, "busy", slurm=["jobs 1"])
    outcome = run(site)
    found = written(site)
    assert found["jetstream_metrics_last_run_success"] == {"": 1}
    assert found["jetstream_metrics_last_run_timestamp_seconds"] == {"": round(site.clock.now().timestamp())}
    assert found["jetstream_allocation_allowed_su"] == {"": 10000}
    assert found["jetstream_allocation_used_su"] == {"": 9100}
    assert found["jetstream_allocation_remaining_su"] == {"": 900}
    days = 900 / found["jetstream_allocation_pace_su_per_day"][""]
    assert found["jetstream_allocation_lasts_seconds"][""] == pytest.approx(days * 86400, abs=1)
    end = site.clock.now() + timedelta(days=30)
    assert found["jetstream_allocation_end_timestamp_seconds"][""] == pytest.approx(end.timestamp(), abs=1)
    assert found["jetstream_instances"] == {
        "active": 2,
        "error": 1,
        "paused": 0,
        "shelved": 0,
        "shelved_offloaded": 0,
        "shutoff": 1,
        "suspended": 0,
    }
    assert found["jetstream_running_instances"] == {"active": 1, "idle": 1, "unknown": 0}
    assert found["jetstream_idle_su_per_hour"][""] == 1
    assert found["jetstream_account_info"] == {"": 1}
    assert outcome.changed
    assert len(outcome.result["metrics"]) == sum(len(values) for values in found.values())


def test_the_last_success_of_each_playbook_is_a_figure_also_when_nothing_can_be_read(site: Site) -> None:
    store = RunStore(site.home / ".local/state/jetstream/runs.json", site.clock)
    store.record(("default", "shelve_idle"))
    store.record(("course", "hygiene"))
    then = round(site.clock.now().timestamp())
    site.clock.sleep(3 * 86_400)
    run(site)
    assert written(site)["jetstream_last_success_timestamp_seconds"] == {"shelve_idle": then}
    with pytest.raises(JetstreamError):
        run(site, password="wrong")
    assert sorted(written(site)) == sorted([*LAST_RUN, "jetstream_last_success_timestamp_seconds"])
    store.path.write_text("x")
    assert "is corrupt" in run(site).warnings[0]


def test_labels_tell_whose_figures_they_are(site: Site) -> None:
    run(site)
    families = {
        each.name: each.samples[0].labels
        for each in text_string_to_metric_families((site.home / "jetstream.prom").read_text())
    }
    assert {labels["profile"] for labels in families.values()} == {"default"}
    allocation = site.world.allocation_sources[0]
    assert families["jetstream_allocation_used_su"] == {
        "profile": "default",
        "allocation": 'TG "GEO"\\ 1',
        "allocation_id": allocation.uuid,
    }
    assert families["jetstream_account_info"]["user"] == "johndoe"


@needs_promtool
def test_promtool_has_nothing_against_it(site: Site) -> None:
    run(site)
    assert check(site) == ""
    with pytest.raises(JetstreamError):
        run(site, password="wrong")
    assert check(site) == ""


@needs_promtool
def test_promtool_takes_the_alerts_of_the_page(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    [rules] = re.findall(r"```yaml\n(groups:.*?)```", page, re.DOTALL)
    (tmp_path / "rules.yml").write_text(rules)
    done = subprocess.run(
        [str(_PROMTOOL), "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "6 rules found" in done.stdout


def test_others_may_read_it_and_it_is_replaced_whole(site: Site) -> None:
    path = site.home / "jetstream.prom"
    path.write_text("something else\n" * 1000)
    path.chmod(0o600)
    run(site)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert "something else" not in path.read_text()
    assert [each.name for each in site.home.iterdir() if each.name.endswith(".new")] == []


@pytest.mark.parametrize("path", ["/allocation_sources", "/instance_histories"])
def test_after_a_failure_only_that_is_written_and_the_task_fails(site: Site, path: str) -> None:
    run(site)
    site.server.faults.broken(times=None, path=path)
    with pytest.raises(JetstreamError):
        run(site)
    found = written(site)
    assert sorted(found) == sorted(LAST_RUN)
    assert found["jetstream_metrics_last_run_success"] == {"": 0}


def test_a_login_that_is_refused_is_a_failure_of_the_same_profile(site: Site) -> None:
    with pytest.raises(JetstreamError):
        run(site, password="wrong")
    assert written(site)["jetstream_metrics_last_run_success"] == {"": 0}
    assert 'profile="default"' in (site.home / "jetstream.prom").read_text()


def test_check_mode_writes_nothing(site: Site) -> None:
    assert run(site, check_mode=True).result["metrics"]
    with pytest.raises(JetstreamError):
        run(site, check_mode=True, password="wrong")
    assert not (site.home / "jetstream.prom").exists()


@pytest.mark.parametrize(
    ("dest", "words"),
    [
        ("jetstream.txt", "but must end in .prom"),
        ("nowhere/jetstream.prom", "nowhere does not exist"),
        ("folder.prom", "it is a folder"),
    ],
)
def test_a_file_that_no_collector_would_read_is_refused_before_a_request(site: Site, dest: str, words: str) -> None:
    (site.home / "folder.prom").mkdir()
    site.requests()
    with pytest.raises(ConfigurationError, match=words):
        run(site, dest=str(site.home / dest))
    assert site.requests() == {}


def test_each_list_is_read_once(site: Site) -> None:
    site.requests()
    run(site)
    requested = dict(site.requests())
    assert requested.pop("v2 history") >= 1
    assert requested == {"v2 instances": 1, "v1 instances": 1, "v2 allocation sources": 1}
