# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as an inventory: of several accounts, by filters, from a cache; and why a file was not used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site

COLLECTION = "jetstream.cloud.jetstream"
_UNSAFE = "__ansible_unsafe"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("HOME", str(tmp_path))
    world = fleet(names=("web", "db", "batch", "{{ 1 + 1 }}"), states={"active": 3, "shutoff": 1}, clock=ManualClock())
    with a_site(world, tmp_path) as served:
        yield served


@dataclass(frozen=True)
class Inventory:
    """What ansible-inventory makes of a file: its JSON, and what it warns of."""

    content: dict[str, Any]
    told: str

    def hosts(self, group: str = "jetstream") -> list[str]:
        return sorted(self.content.get(group, {}).get("hosts", []))

    def of(self, name: str) -> dict[str, Any]:
        """Return a host's variables. ansible-inventory marks each text that is not to be templated."""
        found = self.content["_meta"]["hostvars"][name]
        return {key: value.get(_UNSAFE, value) if isinstance(value, dict) else value for key, value in found.items()}


def run(program: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, Path(sys.executable).with_name(program), *arguments]
    variables = {**os.environ, "HOME": str(folder), "COLUMNS": "400", "ANSIBLE_NOCOLOR": "1"}
    ended = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def read(site: Site, folder: Path, *, file: str = "jetstream.yml", **options: Any) -> Inventory:
    path = folder / file
    path.write_text(yaml.safe_dump({"plugin": COLLECTION, **site.options, **options}))
    ended = run("ansible-inventory", folder, "-i", file, "--list")
    return Inventory(json.loads(ended.stdout), " ".join(ended.stderr.split()))


def test_every_instance_is_a_host_in_groups_that_say_how_it_stands(site: Site, tmp_path: Path) -> None:
    inventory = read(site, tmp_path)
    assert len(inventory.hosts()) == 4
    assert len(inventory.hosts("status_shutoff")) == len(inventory.hosts("without_address")) == 1
    web = inventory.of("web")
    assert inventory.content["_meta"]["hostvars"]["web"]["jetstream_status"] == {_UNSAFE: "active"}
    assert web["ansible_host"] == web["jetstream_address"]


def test_filters_are_those_of_the_modules(site: Site, tmp_path: Path) -> None:
    assert read(site, tmp_path, status=["active"], exclude=["db"], name=["web", "db"]).hosts() == ["web"]
    assert read(site, tmp_path, name=[]).hosts() == []


def test_a_filter_that_names_nothing_fails_with_the_reason(site: Site, tmp_path: Path) -> None:
    inventory = read(site, tmp_path, name=["wep"])
    assert inventory.hosts() == []
    assert "wep does not exist" in inventory.told
    assert "Did you mean web?" in inventory.told


def test_composed_groups_and_variables(site: Site, tmp_path: Path) -> None:
    inventory = read(
        site,
        tmp_path,
        strict=True,
        compose={"double": "jetstream_vcpus * 2"},
        groups={"small": "jetstream_vcpus < 3"},
        keyed_groups=[{"key": "jetstream_status", "prefix": "is"}],
    )
    web = inventory.of("web")
    assert web["double"] == 2 * web["jetstream_vcpus"]
    assert "web" in inventory.hosts("is_active")


def test_names_by_a_template(site: Site, tmp_path: Path) -> None:
    inventory = read(site, tmp_path, hostnames=["vm-{{ jetstream_name }}"], name=["web"])
    assert inventory.hosts() == ["vm-web"]


def test_what_users_wrote_is_no_template(site: Site, tmp_path: Path) -> None:
    inventory = read(site, tmp_path)
    assert [inventory.of(each)["jetstream_name"] for each in inventory.hosts()].count("{{ 1 + 1 }}") == 1
    play = [
        {
            "hosts": "jetstream",
            "gather_facts": False,
            "connection": "local",
            "tasks": [{"ansible.builtin.debug": {"msg": "is {{ jetstream_name }}."}}],
        }
    ]
    (tmp_path / "show.yml").write_text(yaml.safe_dump(play))
    shown = run("ansible-playbook", tmp_path, "-i", "jetstream.yml", "show.yml").stdout
    assert "is {{ 1 + 1 }}." in shown


def test_several_accounts_are_one_inventory_and_one_instance_is_one_host(site: Site, tmp_path: Path) -> None:
    accounts = [{"concurrency": 2}, {"concurrency": 3}]
    assert len(read(site, tmp_path, accounts=accounts).hosts()) == 4


def test_an_account_that_cannot_be_read_fails_the_whole(site: Site, tmp_path: Path) -> None:
    inventory = read(site, tmp_path, accounts=[{}, {"password": "wrong", "username": "nobody"}])
    assert inventory.hosts() == []
    assert "refused the login of nobody" in inventory.told


def test_a_mistyped_option_of_an_account_is_named(site: Site, tmp_path: Path) -> None:
    inventory = read(site, tmp_path, accounts=[{"proflie": "x"}])
    assert inventory.hosts() == []
    assert "proflie is not an option of the connection. Did you mean profile?" in inventory.told


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"exlude": ["web"]}, "exlude is not an option of jetstream.cloud.jetstream. Did you mean exclude?"),
        ({"Exclude": ["web"]}, "Exclude is not an option of jetstream.cloud.jetstream. Did you mean exclude?"),
        ({"group_bys": []}, "group_bys is not an option of jetstream.cloud.jetstream. Did you mean group_by?"),
        ({"exclude": None}, "exclude is given, but empty."),
        ({"owner": None}, "owner is given, but empty."),
    ],
)
def test_a_mistake_in_the_file_does_not_select_more(
    site: Site, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    inventory = read(site, tmp_path, **options)
    assert inventory.hosts() == []
    assert sentence in inventory.told
    assert site.requests() == {}


def test_options_have_other_names(site: Site, tmp_path: Path) -> None:
    assert len(read(site, tmp_path, size=["m1.*"], compose={"a": "1"}, keyed_groups=None).hosts()) == 4


def test_a_warm_cache_makes_no_request_and_works_offline(site: Site, tmp_path: Path) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "kept")}
    first = read(site, tmp_path, **cache).hosts()
    site.requests()
    again = read(site, tmp_path, **cache).hosts()
    assert (first, site.requests()) == (again, {})
    kept = "".join(path.read_text() for path in (tmp_path / "kept").iterdir())
    assert site.options["password"] not in kept
    assert json.loads(kept)
    # Other options are another inventory.
    assert read(site, tmp_path, name=["web"], **cache).hosts() == ["web"]


def test_a_file_of_another_name_is_not_used_with_the_reason(site: Site, tmp_path: Path) -> None:
    inventory = read(site, tmp_path, file="fleet.yml")
    assert inventory.hosts() == []
    assert "its name must end in jetstream.yml" in inventory.told


def test_a_thousand_instances_take_the_lists_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with a_site(fleet(1000, clock=ManualClock()), tmp_path) as site:
        assert len(read(site, tmp_path).hosts()) == 1000
        assert site.requests() == {"login": 1, "v2 instances": 50, "v1 instances": 1}


def test_a_password_that_the_server_says_back_is_not_shown(site: Site, tmp_path: Path) -> None:
    detail = {"detail": "You sent me correct-horse-battery, which I do not like."}
    site.server.faults.add(Fault(path="", status=400, body=detail, times=None))
    inventory = read(site, tmp_path, password="correct-horse-battery")
    assert "You sent me ********, which I do not like." in inventory.told
    assert "correct-horse" not in inventory.told
