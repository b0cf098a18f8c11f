# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the collection: its modules with their documentation and specs, and the tasks of examples."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import ModuleSpec

COLLECTION = "jetstream.cloud"
ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
# The modules with an operation in module_utils.
OPERATIONS = [
    name
    for name in MODULES
    if (
        ROOT / "plugins" / "module_utils" / "_internal" / "operations" / f"{name.removeprefix('jetstream_')}.py"
    ).exists()
]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")])

_FENCE = re.compile(r"^(?P<indent> *)```ya?ml\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
_DEFAULTS_OF_GROUP = f"group/{COLLECTION}.all"


def run_ansible(program: str, *arguments: str) -> str:
    """Run one of Ansible's programs and return its output. Raises AssertionError with its output if it fails."""
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    assert found, f"{program} is not installed"
    variables = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    ended = subprocess.run([found, *arguments], env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@functools.cache
def documentation() -> dict[str, dict[str, Any]]:
    """Return the output of ansible-doc by module: `doc` with its fragments resolved, `examples`, `return`."""
    names = [f"{COLLECTION}.{name}" for name in MODULES]
    pages = json.loads(run_ansible("ansible-doc", "--json", "--type", "module", *names))
    return {name.rpartition(".")[2]: page for name, page in pages.items()}


@functools.cache
def spec_of(name: str) -> ModuleSpec:
    """Return the spec of a module, or of the action plugin that replaces it."""
    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")
    if hasattr(module, "SPEC"):
        spec: ModuleSpec = module.SPEC
        return spec
    action = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.action.{name}")
    return ModuleSpec(argument_spec=action._ARGUMENT_SPEC)


def action_group() -> list[str]:
    """Return the members of the action group for the options of the connection."""
    members: list[str] = _runtime()["action_groups"]["all"]
    return members


def action_plugins() -> dict[str, str]:
    """Return the action plugin of each module in meta/runtime.yml."""
    return {name: route["action_plugin"] for name, route in _runtime()["plugin_routing"]["modules"].items()}


def _runtime() -> dict[str, Any]:
    runtime: dict[str, Any] = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    return runtime


@dataclass(frozen=True, slots=True)
class Task:
    """A use of a module in an example: its place, the module, and the options."""

    where: str
    module: str
    options: Mapping[str, Any]


def tasks() -> list[Task]:
    """Return every use of a module of this collection in EXAMPLES, pages, playbooks and docs/examples."""
    return [task for where, text in _texts() for task in tasks_in(where, text)]


def tasks_in(where: str, text: str) -> Iterator[Task]:
    """Return every use of a module of this collection in YAML: in plays, blocks, handlers and module defaults."""
    for document in yaml.load_all(text, _Loader):
        yield from _walk(where, document)


def problems(task: Task) -> list[str]:
    """Return the errors of Ansible about a task. A template counts as a value of any type."""
    if task.module == _DEFAULTS_OF_GROUP:
        return [problem for name in action_group() for problem in _refused(name, task.options, _lenient(spec_of(name)))]
    if task.module not in MODULES:
        return [f"there is no module {task.module}"]
    spec = spec_of(task.module)
    if any("omit" in str(value) for value in task.options.values()):
        # The options are known at run time only.
        spec = _lenient(spec)
    return _refused(task.module, task.options, spec)


def examples_of_plugins() -> Iterator[tuple[Path, str]]:
    """Yield the EXAMPLES of every plugin of the collection, with its file."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id="EXAMPLES")], value=ast.Constant(value=str() as text)):
                    yield path, text


def code_blocks(page: Path, language: str) -> list[str]:
    """Return the blocks of code in a language on a page, without their indentation."""
    text = page.read_text(encoding="utf-8")
    return [textwrap.dedent(each["text"]) for each in _BLOCK.finditer(text) if each["language"] == language]


def _texts() -> Iterator[tuple[str, str]]:
    for path, text in examples_of_plugins():
        yield str(path.relative_to(ROOT)), text
    for path in PAGES:
        for block in _FENCE.finditer(path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), block["text"]
    for path in sorted([*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "docs" / "examples").rglob("*.yml")]):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def _walk(where: str, node: object) -> Iterator[Task]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(where, item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        name = str(key)
        if name == _DEFAULTS_OF_GROUP:
            yield Task(where, name, value)
        elif name.startswith(f"{COLLECTION}.jetstream_"):
            yield Task(where, name.removeprefix(f"{COLLECTION}."), value or {})
        elif name in MODULES and (value is None or isinstance(value, dict)):
            # A variable of a host may have the name of a module, such as jetstream_project, and a plain value.
            yield Task(where, f"{name} (write {COLLECTION}.{name})", value or {})
        else:
            yield from _walk(where, value)


def _refused(name: str, options: Mapping[str, Any], spec: ModuleSpec) -> list[str]:
    arguments = spec.arguments()
    validator = ArgumentSpecValidator(arguments.pop("argument_spec"), **arguments)
    filled = {key: _filled(spec.argument_spec.get(key, {}), value) for key, value in options.items()}
    return [f"{name}: {message}" for message in validator.validate(filled).error_messages]


def _lenient(spec: ModuleSpec) -> ModuleSpec:
    """Return a spec that checks names, types and choices, but not combinations of options."""
    options = {name: {**option, "required": False} for name, option in spec.argument_spec.items()}
    return ModuleSpec(argument_spec=options)


def _filled(option: Mapping[str, Any], value: Any) -> Any:
    """Return the value with every template replaced by a valid value of the option."""
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return _sample(option)
    if isinstance(value, list):
        return [_filled({**option, "type": option.get("elements", "raw")}, item) for item in value]
    if isinstance(value, dict):
        inner = option.get("options") or {}
        return {key: _filled(inner.get(key, {"type": "raw"}), item) for key, item in value.items()}
    return value


def _sample(option: Mapping[str, Any]) -> Any:
    kind = option.get("type", "str")
    if kind == "list" and option.get("elements") == "dict":
        return []
    if kind == "list":
        return [_sample({**option, "type": option.get("elements", "raw")})]
    if option.get("choices"):
        return next(iter(option["choices"]))
    return {"bool": True, "int": 1, "float": 1.0, "dict": {}}.get(kind, "text")


class _Loader(yaml.SafeLoader):
    """Reads Ansible's own tags, such as !vault and !unsafe, as text."""


_Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))
