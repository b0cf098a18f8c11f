# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source as ansible-rulebook runs it, and its documentation."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.plugins.doc_fragments import connection, idle_files, rates
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.arguments import checked
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.watch import SPEC
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import ROOT
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site

SOURCE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "fleet.py"
LONGEST = 30.0


@pytest.fixture
def source() -> Iterator[Mapping[str, Any]]:
    """Yield the source as ansible-rulebook loads it, and remove its imports afterwards."""
    before = set(sys.modules)
    yield runpy.run_path(str(SOURCE))
    for name in set(sys.modules) - before:
        if name.startswith("jetstream_cloud_beside_fleet"):
            del sys.modules[name]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with a_site(fleet(names=("web", "db"), states={"active": 2}, clock=ManualClock()), tmp_path) as served:
        yield served


async def first_events(
    source: Mapping[str, Any], count: int, arguments: Mapping[str, Any], home: Path
) -> list[dict[str, Any]]:
    """Run the source until it has told so many events in all, and cancel it, as ansible-rulebook does."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    task = asyncio.create_task(source["main"](queue, {**arguments, "eda_feedback_queue": None}))
    async with asyncio.timeout(LONGEST):
        while stored_events(home) < count and not task.done():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return [queue.get_nowait() for _number in range(queue.qsize())]


def stored_events(home: Path) -> int:
    """Return the number of events that are stored as reported."""
    path = home / ".local/state/jetstream/events.json"
    rows = json.loads(path.read_text())["instances"].values() if path.exists() else ()
    return sum(each.get("told", 0) for each in rows)


def test_the_source_yields_events_and_resumes_after_a_cancellation(source: Mapping[str, Any], site: Site) -> None:
    arguments = {**site.options, "watch": ["state"], "announce_first": True}
    events = asyncio.run(first_events(source, 2, arguments, site.home))
    assert [(each["instance"]["name"], each["after"]["state"]) for each in events] == [
        ("db", "active"),
        ("web", "active"),
    ]
    site.world.force("db", "shutoff")
    site.clock.sleep(300)
    # Its memory was let go, and only what has changed is told.
    [event] = asyncio.run(first_events(source, 3, arguments, site.home))
    assert (event["before"], event["after"]) == ({"state": "active"}, {"state": "shutoff"})


def test_wrong_options_end_it_with_a_sentence(source: Mapping[str, Any], site: Site) -> None:
    with pytest.raises(Exception, match=r"There is no option inteval\. Did you mean interval"):
        asyncio.run(source["main"](asyncio.Queue(), {**site.options, "inteval": 60}))


def test_the_documented_options_are_those_that_it_takes(source: Mapping[str, Any]) -> None:
    documented = {name: comparable(option, "suboptions") for name, option in options(source["DOCUMENTATION"]).items()}

    assert documented == {name: comparable(option, "options") for name, option in SPEC.argument_spec.items()}


def test_shared_options_are_documented_as_in_modules(source: Mapping[str, Any]) -> None:
    documented = options(source["DOCUMENTATION"])
    for fragment in (connection, idle_files, rates):
        shared = options(fragment.ModuleDocFragment.DOCUMENTATION)
        assert {name: documented[name]["description"] for name in shared} == {
            name: option["description"] for name, option in shared.items()
        }


def test_the_examples_are_taken(source: Mapping[str, Any]) -> None:
    for example in yaml.safe_load(source["EXAMPLES"]):
        [(name, arguments)] = example.items()
        assert name == "jetstream.cloud.fleet"
        assert set(arguments) <= set(SPEC.argument_spec)


def rulebooks() -> Iterator[tuple[str, str]]:
    """Yield every rulebook of the collection and of its pages, with the name of its file."""
    for path in sorted((ROOT / "extensions" / "eda" / "rulebooks").glob("*.yml")):
        yield path.name, path.read_text()
    for path in sorted((ROOT / "docs").rglob("*.md")):
        blocks = re.findall(r"^ *```yaml\n(.*?)^ *```", path.read_text(), re.MULTILINE | re.DOTALL)
        yield from ((path.name, textwrap.dedent(block)) for block in blocks if "jetstream.cloud.fleet:" in block)


def test_the_options_in_rulebooks_and_in_those_of_pages_are_taken() -> None:
    taken = [
        (name, checked(source["jetstream.cloud.fleet"], SPEC))
        for name, text in rulebooks()
        for rules in yaml.safe_load(text)
        for source in rules["sources"]
    ]
    assert {name for name, _options in taken} >= {"announce.yml", "events.md"}


def options(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["options"]
    return found


def comparable(option: Mapping[str, Any], inner: str) -> dict[str, Any]:
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "default": option.get("default"),
        "choices": list(option.get("choices") or ()),
        "aliases": list(option.get("aliases") or ()),
        "options": {name: comparable(each, inner) for name, each in (option.get(inner) or {}).items()},
    }
