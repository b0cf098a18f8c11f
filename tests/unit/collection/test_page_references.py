# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code and pages refer to existing sections, recordings, messages and states, and name all modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.states import (
    Action,
    Goal,
    Plan,
    Verdict,
    classify,
    plan,
)
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import COLLECTION, MODULES, PLAYBOOKS, ROOT
from ansible_collections.jetstream.cloud.tests.unit.simulator.recorded import SECTIONS, Exchange, section

_SECTION = re.compile(r"(docs/\w+\.md), ([A-Z][\w ]*\w)")
_TEST = re.compile(r"\[`(test_\w+)`\]\((tests/[\w/]+\.py)\)")
_MESSAGE = re.compile(r"`([^`]+)`")


def test_every_section_that_code_refers_to_exists() -> None:
    # A page that does not exist yet cannot be checked.
    references = sorted({match.groups() for text in _code() for match in _SECTION.finditer(text)})
    pages = {page: (ROOT / page).read_text(encoding="utf-8") for page, _unused in references if (ROOT / page).is_file()}

    assert "docs/atmosphere.md" in pages
    missing = [(page, title) for page, title in references if page in pages and f"\n## {title}\n" not in pages[page]]
    assert missing == []


def test_every_recording_that_a_page_names_exists() -> None:
    named = set(re.findall(r"`(\d{3}-[\w-]+)`", (ROOT / "docs" / "atmosphere.md").read_text(encoding="utf-8")))

    assert named
    assert sorted(named - {str(exchange) for exchange in _recorded()}) == []


def test_every_promise_of_security_names_an_existing_test() -> None:
    rows = re.findall(r"^\| [a-z].*\|$", (ROOT / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = [_TEST.findall(row) for row in rows]

    assert all(named)
    missing = [(name, path) for tests in named for name, path in tests if f"def {name}(" not in _text_of(path)]
    assert missing == []


def _text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else ""


def test_every_message_in_troubleshooting_is_in_the_code() -> None:
    rows = re.findall(
        r"^\| (`.*?`) \| ", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    fragments = [part.strip() for row in rows for said in _MESSAGE.findall(row) for part in re.split(r'\.{3}|"', said)]
    spoken = "\n".join([*_spoken(), *(str(exchange.answer.body) for exchange in _recorded())])

    assert rows
    # Fragments such as a full stop between two gaps are in any text.
    assert [part for part in fragments if len(part) > 3 and part not in spoken] == []


def test_the_table_of_paths_has_the_results_of_plan() -> None:
    said = {(status, goal): cell for status, cells in _ways() for goal, cell in zip(Goal, cells, strict=True)}
    done = {(status, goal): _cell(status, goal) for status, goal in said}

    assert len(said) == 6 * len(Goal)
    assert said == done


def test_every_module_and_playbook_is_introduced() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")
    playbooks = [path.stem for path in PLAYBOOKS]

    assert [name for name in [*MODULES, *playbooks] if f"`{name}`" not in readme] == []
    assert [name for name in playbooks if f"| `{COLLECTION}.{name}` |" not in page] == []


def test_every_file_that_plugins_share_is_explained() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folder = ROOT / "plugins" / "module_utils" / "_internal"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if path.stem != "__init__"}
    names |= {
        path.name for path in (ROOT / "plugins" / "plugin_utils" / "_internal").glob("*.py") if path.stem != "__init__"
    }
    explained = {name for name in names if f"`{name}`" in page or f"`{name.partition('/')[0]}/*.py`" in page}

    assert sorted(names - explained) == []


def _code() -> Iterator[str]:
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        yield path.read_text(encoding="utf-8")


def _recorded() -> Iterator[Exchange]:
    for name in SECTIONS:
        yield from section(name)


def _spoken() -> Iterator[str]:
    """Return the literal text of the code, with three dots for each inserted value."""
    for text in _code():
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.JoinedStr(values=parts):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in parts)
                case ast.Constant(value=str() as said):
                    yield said


def _ways() -> Iterator[tuple[str, list[str]]]:
    """Yield the rows of the table, by state."""
    _separator, _separator, section = (ROOT / "docs" / "states.md").read_text(encoding="utf-8").partition("## Paths")
    header, _separator, *rows = re.findall(r"^\|.*\|$", section.partition("\n- ")[0], re.MULTILINE)
    assert re.findall(r"`(\w+)`", header) == [goal.value for goal in Goal]
    for row in rows:
        states, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        for state in states.split(", "):
            yield state, cells


def _cell(status: str, goal: Goal) -> str:
    """Return a plan in the form of the table."""

    def step(*, allow_wake: bool) -> Plan:
        return plan(classify(status, ""), goal, supported=tuple(Action), allow_wake=allow_wake, reboot=Action.REBOOT)

    if step(allow_wake=False).verdict is Verdict.REACHED:
        return "-"
    way = ", ".join(step(allow_wake=True).actions)
    return f"*{way}*" if step(allow_wake=False).verdict is Verdict.SKIP else way
