# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every shipped playbook checks its variables first, takes them from nowhere else, and documents them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.plugins.plugin_utils._internal.playbook_variables import (
    ALLOWED,
    PLAYBOOKS,
    Kind,
    unknown,
)
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import PAGES, ROOT
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import PLAYBOOKS as FILES
from jinja2 import Environment
from jinja2.nodes import Name

# The variables of Ansible, of Jinja, and of the collection's own tasks.
_INNER = re.compile(r"(ansible|jetstream)_\w+|omit|item|lookup|hostvars|groups|inventory_hostname|now|range|dict")
# The hosts that playbooks add themselves, and connect to.
_INSTANCES = ("jetstream_to_read:!localhost", "jetstream_to_read_again:!localhost")
_PINNED = {
    "ansible_become": False,
    "ansible_connection": "local",
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}
# A variable in a command: -e name=value.
_GIVEN = re.compile(r"-e ['\"]?(\w+)=")
_CHECK = "jetstream.cloud.jetstream_variables"
_INCLUDE = "ansible.builtin.include_tasks"
each_playbook = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def plays(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_every_playbook_has_a_row_in_the_table_of_variables() -> None:
    assert sorted(PLAYBOOKS) == [path.stem for path in FILES]


@each_playbook
def test_the_check_comes_first(path: Path) -> None:
    first, *_others = plays(path)

    assert first["tasks"][0] == {
        "name": "Check the variables",
        _CHECK: {"playbook": path.stem},
        "register": "jetstream_given",
        # Where tags leave out all others, it says so.
        "tags": "always",
    }
    # Ansible prompts before the first task of a play.
    assert "vars_prompt" not in first
    assert not {"pre_tasks", "roles", "handlers", "vars_files"} & first.keys()


@each_playbook
def test_no_inventory_changes_where_and_as_whom_a_playbook_runs(path: Path) -> None:
    for play in plays(path):
        if play["hosts"] in _INSTANCES:
            assert (play["gather_facts"], play.get("connection"), "vars" in play) == (False, None, False)
            continue
        pinned = {name: play.get(name) for name in ("hosts", "connection", "become", "gather_facts")}
        assert pinned == {"hosts": "localhost", "connection": "local", "become": False, "gather_facts": False}
        assert play["vars"] == _PINNED


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").rglob("*.yml")), ids=lambda path: path.stem)
def test_variables_are_read_after_their_check(path: Path) -> None:
    secrets = {each.name for variables in PLAYBOOKS.values() for each in variables if each.kind is Kind.SECRET}
    parsed = [Environment(autoescape=True).parse(text) for text in texts(plays(path))]
    read = {found.name for tree in parsed for found in tree.find_all(Name) if found.ctx == "load"}

    assert {name for name in read - secrets if not _INNER.fullmatch(name)} == set()


@pytest.mark.parametrize(
    "path", [path for path in sorted((ROOT / "playbooks").rglob("*")) if path.is_file()], ids=lambda path: path.name
)
def test_times_come_from_the_data_and_not_from_the_clock_of_the_templates(path: Path) -> None:
    assert not re.search(r"\bnow\(|ansible_date_time|\| *strftime\b(?!\()", path.read_text(encoding="utf-8"))


def test_no_fact_of_a_part_hides_a_variable_of_another() -> None:
    """Parts of one run share their facts, which come before the variables of tasks."""
    tasks = [task for path in sorted((ROOT / "playbooks" / "tasks").glob("*.yml")) for task in all_tasks(plays(path))]
    facts = {name for task in tasks for name in task.get("ansible.builtin.set_fact", ())}
    facts |= {task["register"] for task in tasks if "register" in task}
    variables = {name for task in tasks if "ansible.builtin.include_tasks" not in task for name in task.get("vars", ())}

    assert facts & variables == set()


@pytest.mark.parametrize("path", sorted(ROOT.glob("playbooks/tasks/*.yml")), ids=lambda path: path.stem)
def test_no_file_where_a_command_is_typed_takes_the_place_of_a_task_file(path: Path) -> None:
    # Of a name alone, Ansible takes the file in the working directory before the one in the folder of tasks.
    included = [each[_INCLUDE] for each in all_tasks(plays(path)) if _INCLUDE in each]
    assert [each for each in included if not each.startswith("{{ jetstream_given.tasks_path }}/")] == []


@each_playbook
def test_the_head_of_a_playbook_lists_its_variables(path: Path) -> None:
    head, _separator, _plays = path.read_text(encoding="utf-8").partition("\n- name: ")
    listed = re.findall(r"^#   (\w+)  +\S", head, re.MULTILINE)

    assert sorted(listed) == sorted(each.name for each in PLAYBOOKS[path.stem])


@each_playbook
def test_the_head_of_a_playbook_lists_its_columns(path: Path) -> None:
    columns = [each.everything for each in PLAYBOOKS[path.stem] if each.everything]
    head, _separator, _plays = path.read_text(encoding="utf-8").partition("\n- name: ")

    for names in columns:
        assert " ".join(names) in " ".join(re.sub(r"^#", "", head, flags=re.MULTILINE).split())


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").rglob("*.yml")), ids=lambda path: path.stem)
def test_the_end_of_a_line_is_in_quotes(path: Path) -> None:
    """Outside of quotes, Ansible reads it as a backslash and a letter."""
    assert [each for each in texts(plays(path)) if "\\n" in each] == []


@each_playbook
def test_a_playbook_that_mails_also_posts_by_the_same_variables(path: Path) -> None:
    taken = [each.name for each in PLAYBOOKS[path.stem]]
    senders = ("mail_to", "mailer", "webhook_url", "webhook_format", "webhook_template")
    tasks = path.read_text(encoding="utf-8")

    assert len({name in taken for name in senders}) == 1
    by = ("tasks/send.yml", "tasks/decide_and_notify.yml", "tasks/send_deadlines.yml")
    assert any(each in tasks for each in by) == ("webhook_url" in taken)
    assert not re.search(r"jetstream_mail:|builtin\.uri:", tasks)


def test_the_page_has_the_variables_of_every_playbook() -> None:
    documented = dict(variables_on_the_page())
    taken = {name: sorted(each.name for each in variables) for name, variables in PLAYBOOKS.items()}

    assert {name: sorted(variables) for name, variables in documented.items()} == taken
    assert f"`{ALLOWED.name}`" in (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")


def test_the_page_lists_older_names() -> None:
    page = (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")
    aliases = [alias for variables in PLAYBOOKS.values() for each in variables for alias in each.aliases]

    assert [alias for alias in aliases if f"`{alias}`" not in page] == []


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=lambda path: path.name)
def test_a_documented_command_gives_no_warning_of_an_inventory(path: Path) -> None:
    commands = re.findall(r"ansible-playbook\b[^`\n]* jetstream\.cloud\.\w+", path.read_text(encoding="utf-8"))

    assert [command for command in commands if " -i localhost, " not in command] == []


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=lambda path: path.name)
def test_a_documented_command_names_a_playbook_and_variables_that_it_takes(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"ansible-playbook\b[^`\n]* jetstream\.cloud\.([a-z_]+)([^`\n]*)", text)

    assert [name for name, _rest in commands if name not in PLAYBOOKS] == []
    assert [each for name, rest in commands for each in unknown(name, _GIVEN.findall(rest), ())] == []


def all_tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield tasks and blocks, and the tasks in blocks."""
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from all_tasks(task.get(part, []))


def texts(node: object) -> Iterator[str]:
    """Yield every text in YAML that Ansible would template: values, and expressions without braces."""
    match node:
        case str():
            yield node
        case list():
            for each in node:
                yield from texts(each)
        case dict():
            for name, value in node.items():
                expressions = [value] if isinstance(value, str) else value
                if name in ("when", "that", "failed_when", "changed_when", "until") and isinstance(expressions, list):
                    # A module may have an option of that name, which is a template.
                    yield from (each if "{{" in str(each) else f"{{{{ {each} }}}}" for each in expressions)
                else:
                    yield from texts(value)


def variables_on_the_page() -> Iterator[tuple[str, list[str]]]:
    """Yield each playbook with its variables in docs/playbooks.md.

    A row of a table belongs to the playbooks that it names, or else to those in the heading above it.
    """
    found: dict[str, list[str]] = {}
    for section in re.split(r"^## ", (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8"), flags=re.MULTILINE):
        heading, _separator, body = section.partition("\n")
        for header, rows in re.findall(r"^(\| Variable .*\n)\|[-|]+\n((?:\|.*\n)+)", body, re.MULTILINE):
            for row in rows.splitlines():
                cells = _cells(header, row)
                takers = re.findall(r"`(\w+)`", cells.get("Taken by", "")) or re.findall(r"`(\w+)`", heading)
                names = re.findall(r"`(\w+)`", cells["Variable"])
                for taker in takers:
                    found.setdefault(taker, []).extend(names)
    yield from found.items()


def _cells(header: str, row: str) -> Mapping[str, str]:
    titles, values = ([cell.strip() for cell in line.strip().strip("|").split("|")] for line in (header, row))
    return dict(zip(titles, values, strict=True))


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").rglob("*.yml")), ids=lambda path: path.stem)
def test_a_failure_is_reported_in_the_words_of_its_module(path: Path) -> None:
    # For a task that fails by a condition, Ansible prints that the condition was true, before it prints the reason.
    conditions = re.findall(r"^ +failed_when: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)

    assert set(conditions) <= {"false"}
