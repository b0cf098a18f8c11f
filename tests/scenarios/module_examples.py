# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of modules, filters and pages: finds them, runs them in one playbook, and returns the result of each.

A task of this collection is run three times: in check mode, for real, and again. Other tasks are run once.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.jetstream.cloud.tests.scenarios.stages import play
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import (
    PAGES,
    ROOT,
    code_blocks,
    examples_of_plugins,
    spec_of,
    tasks_in,
)

Json = dict[str, Any]

CHECK, RUN, AGAIN = "check", "run", "again"
_CALLBACKS = ROOT / "tests" / "integration" / "ansible_runs" / "callbacks"
_COLLECTION = "jetstream.cloud."
# Seconds. All examples are in one playbook, which takes minutes on a real nova.
_LONGEST = 1800.0
_MODULES = ROOT / "plugins" / "modules"
_NOT_IDEMPOTENT = re.compile(r"^  idempotent:\n    support: none$", re.MULTILINE)
# Modules that show, check or read, and never report a change.
_PASSIVE = frozenset({"jetstream_activity", "jetstream_print", "jetstream_variables"})


@dataclass(frozen=True, order=True, slots=True)
class Example:
    """An item of EXAMPLES: a module or filter, its number from 0, and its text as YAML."""

    plugin: str
    number: int
    text: str

    @property
    def title(self) -> str:
        return f"{self.plugin} {self.number}"

    @property
    def is_play(self) -> bool:
        return "hosts" in self.content({})

    @property
    def modules(self) -> set[str]:
        """The modules of the collection in the example."""
        keys = _keys(self.content({}))
        return {each.removeprefix(_COLLECTION) for each in keys if each.startswith(_COLLECTION)}

    @property
    def may_change(self) -> bool:
        """Whether the example has a module that can report a change, and is not in check mode itself."""
        acting = [each for each in self.modules if not each.endswith("_info") and each not in _PASSIVE]
        return bool(acting) and CHECK in _steps_of(self.content({}))

    @property
    def may_change_again(self) -> bool:
        """Whether the example has a module that is not idempotent by its documentation, such as jetstream_mail."""
        return any(_NOT_IDEMPOTENT.search((_MODULES / f"{each}.py").read_text()) for each in self.modules)

    def states(self, module: str) -> list[str]:
        """Return the values of ``state`` for a module in the example, or its default."""
        uses = [each for each in tasks_in(self.title, self.text) if each.module == module]
        default = spec_of(module).argument_spec["state"].get("default")
        return [each.options.get("state", default) for each in uses]

    def content(self, instead: Mapping[str, str]) -> Json:
        """Return the task or play, with some texts replaced."""
        text = self.text
        for written, used in instead.items():
            text = text.replace(written, used)
        loaded: Json = yaml.safe_load(text)
        return loaded


def all_examples() -> list[Example]:
    """Return the examples of all modules and filters, and the tasks and plays of all pages but guides, in this order.

    tests/integration/ansible_runs/test_guides.py runs all commands of the guides.
    """
    plugins = [
        (path.stem, yaml.safe_load(text))
        for path, text in examples_of_plugins()
        if path.parent.name in {"modules", "filter"}
    ]
    pages = [(f"page {path.stem}", list(_items_of(path))) for path in PAGES if path.parent in {ROOT, ROOT / "docs"}]
    found: list[Example] = []
    for name, items in plugins + pages:
        for number, item in enumerate(items):
            text = yaml.safe_dump(item, sort_keys=False, width=1000)
            # Some pages repeat examples of others.
            if not name.startswith("page ") or all(each.text != text for each in found):
                found.append(Example(name, number, text))
    return found


def all_inventories() -> dict[str, str]:
    """Return the inventory sources in the plugin's examples and on pages, by their place and the name of their file.

    The first line of each has the name of the file.
    """
    [plugin] = (text for path, text in examples_of_plugins() if path.parent.name == "inventory")
    documents = [("EXAMPLES", each.strip()) for each in plugin.split("---\n")]
    documents += [
        (page.stem, block) for page in PAGES if page.parent == ROOT / "docs" for block in code_blocks(page, "yaml")
    ]
    return {
        f"{where} {text.split(maxsplit=2)[1].rstrip(':')}": text
        for where, text in documents
        if "\nplugin: jetstream.cloud.jetstream\n" in f"{text}\n"
    }


def read_inventory(file: Path, home: Path) -> tuple[set[str], str]:
    """Return the hosts of an inventory, as ansible-inventory reads it, and the output of ansible-inventory."""
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "inventory", "-i", str(file), "--list"],
        env={**os.environ, "HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout)["_meta"]["hostvars"]), done.stdout + done.stderr


def _items_of(page: Path) -> Iterator[Json]:
    """Yield the tasks and plays of a page that use a module of the collection."""
    for block in code_blocks(page, "yaml"):
        loaded = yaml.safe_load(block)
        for item in loaded if isinstance(loaded, list) else ():
            # Rulebooks and imported playbooks are left out.
            if any(each.startswith((_COLLECTION, "ansible.builtin.debug")) for each in _keys(item)):
                yield item


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a task: Ansible's result, and whether it failed."""

    result: Mapping[str, Any]
    failed: bool

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def skipped(self) -> bool:
        return bool(self.result.get("skipped"))


@dataclass(frozen=True, slots=True)
class Performance:
    """The results of a playbook: the last one of each run of each task, by its name, and the output."""

    ended: Mapping[str, Ended]
    text: str
    home: Path

    def of(self, example: Example, step: str) -> list[Ended]:
        """Return the results of a run of an example, or of its tasks if it is a block or a play."""
        name = f"{example.title} {step}"
        return [each for title, each in self.ended.items() if title == name or title.startswith(f"{name}: ")]

    def changed(self, example: Example) -> bool:
        return any(each.changed for each in self.of(example, RUN))

    def problems(self, example: Example, *, changes_again: bool, is_foreseen: bool) -> list[str]:
        """Return the broken promises of an example: it succeeds, check mode predicts it, and it is idempotent."""
        steps = [step for step in _steps_of(example.content({})) if is_foreseen or step != CHECK]
        found = {step: self.of(example, step) for step in steps}
        failed = [f"{step}: {each.result.get('msg')}" for step in steps for each in found[step] if each.failed]
        missing = [f"{step}: was not run" for step in steps if not any(not each.skipped for each in found[step])]
        if failed or missing or steps == [RUN]:
            return failed + missing
        foreseen = zip(found[CHECK], found[RUN], strict=True) if CHECK in steps else ()
        return [
            *(
                f"{AGAIN}: changes something: {json.dumps(each.result.get('diff'))}"
                for each in found[AGAIN]
                if each.changed and not (changes_again or example.may_change_again)
            ),
            *(
                f"{CHECK}: {_known(before)} is foreseen, {_known(done)} is done"
                for before, done in foreseen
                if not before.skipped and _known(before) != _known(done)
            ),
        ]


def _known(ended: Ended) -> Json:
    """Return the part of a result that check mode can predict."""
    rows = ended.result.get("instances")
    known: Json = {"changed": ended.changed}
    if isinstance(rows, list) and rows and all(isinstance(each, dict) and "actions" in each for each in rows):
        known["actions"] = {each["name"]: each["actions"] for each in rows}
    elif isinstance(ended.result.get("actions"), list):
        known["actions"] = ended.result["actions"]
    return known


def perform(path: Path, plays: Sequence[Json], home: Path, inventory: Path, more: Mapping[str, str]) -> Performance:
    """Write a playbook, run it, and return its results. The other tasks run even if one fails."""
    path.write_text(yaml.safe_dump(list(plays), sort_keys=False, width=1000), encoding="utf-8")
    variables = {"ANSIBLE_CALLBACK_PLUGINS": str(_CALLBACKS), "ANSIBLE_STDOUT_CALLBACK": "each_result", **more}
    played = play(path, home, "-i", str(inventory), "--diff", more=variables, longest=_LONGEST)
    ended = {}
    for line in played.text.splitlines():
        if line.startswith('{"task": '):
            read = json.loads(line)
            ended[read["task"]] = Ended(read["result"], read["failed"])
    assert ended, played.text
    return Performance(ended, played.text, home)


def play_of(
    examples: Sequence[Example],
    instead: Mapping[str, str],
    before: Mapping[tuple[str, int], Sequence[Json]],
    **keywords: Any,
) -> Iterator[Json]:
    """Yield a play with the examples of one module or filter, and with the preparations of some."""
    tasks: list[Json] = []
    for each in examples:
        tasks += before.get((each.plugin, each.number), ())
        content = each.content(instead)
        if each.is_play:
            inner = [
                task
                for step in (CHECK, RUN, AGAIN)
                for task in _at_step(content["tasks"], each.title, step, alone=False)
            ]
            if tasks:
                yield {"hosts": "localhost", **keywords, "tasks": tasks}
            yield {**keywords, **content, "tasks": inner}
            tasks = []
            continue
        tasks += [task for step in _steps_of(content) for task in _at_step([content], each.title, step)]
    if tasks:
        yield {"hosts": "localhost", **keywords, "tasks": tasks}


def _steps_of(content: Json) -> tuple[str, ...]:
    if not any(each.startswith(_COLLECTION) for each in _keys(content)):
        return (RUN,)
    return (RUN, AGAIN) if content.get("check_mode") else (CHECK, RUN, AGAIN)


def _keys(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _keys(each)
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            if key in {"block", "rescue", "always", "tasks"}:
                yield from _keys(value)


def _at_step(tasks: Sequence[Json], title: str, step: str, *, alone: bool = True) -> Iterator[Json]:
    """Yield the tasks of a step, under the name of the example.

    ``alone``: whether each task is an example by itself. Later tasks then get the variable that the real run set.
    """
    for task in tasks:
        named = {**task, "name": f"{title} {step}: {task['name']}"}
        if step == CHECK:
            named["check_mode"] = True
        if step != RUN and alone:
            named.pop("register", None)
        for part in {"block", "rescue", "always"} & set(task):
            named[part] = list(_at_step(task[part], title, step, alone=False))
        yield named
