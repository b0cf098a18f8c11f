# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of every module and filter, and every task on a page, is run by Ansible unchanged, on both clouds.

Check mode predicts each run, and a second run changes nothing. An example that is not run needs a reason here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from ansible_collections.jetstream.cloud.tests.openstack.cloud import Cloud
from ansible_collections.jetstream.cloud.tests.openstack.seeding import EXTERNAL_NETWORK, IMAGE, PROJECT, Secrets
from ansible_collections.jetstream.cloud.tests.scenarios.module_examples import (
    Example,
    Json,
    Performance,
    all_examples,
    all_inventories,
    perform,
    play_of,
    read_inventory,
)
from ansible_collections.jetstream.cloud.tests.scenarios.stages import OpenStack, play, write_profile
from ansible_collections.jetstream.cloud.tests.simulator import Server, Settings, fleet
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import MODULES, ROOT, code_blocks, spec_of
from ansible_collections.jetstream.cloud.tests.unit.fakes.certificates import server_context
from ansible_collections.jetstream.cloud.tests.unit.fakes.mail_server import LOGIN, a_mail_server
from ansible_collections.jetstream.cloud.tests.unit.fakes.webhook import a_webhook

EXAMPLES = all_examples()
INVENTORIES = all_inventories()
PLUGINS = sorted({each.plugin for each in EXAMPLES})
ATMOSPHERE, JETSTREAM2 = "simulator", "openstack"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBS1OzVdQJHdzFIzkVMbv1m3ZMxWBGZPkG5IuYKVG0x7 me@laptop\n"

# The names of instances in examples.
_ACTIVE = (
    *("web", "blast-server", "bio101-01", "bio101-teacher", "batch-1", "login-1", "gpu-node"),
    *("geo-node-01", "template"),
)
_STOPPED = ("bio101-03",)
# Examples of features that a cloud lacks: by module, or by module and number.
_LEFT_OUT: Mapping[str, Mapping[str | tuple[str, int], str]] = {
    ATMOSPHERE: {
        ("jetstream_console_info", 2): "its consoles have no text",
        ("jetstream_credential", 0): "it has no clouds.yaml",
        ("jetstream_credential", 1): "it has no application credentials",
        "jetstream_floating_ip": "it has no floating IPs",
        "jetstream_floating_ip_info": "it has no floating IPs",
        "jetstream_image": "its users make no images",
        ("jetstream_image_info", 3): "it hides no images",
        ("jetstream_instance", 0): "it has no key pairs",
        ("jetstream_instance", 1): "it has no key pairs",
        ("jetstream_instance", 2): "it has no metadata",
        ("jetstream_instance", 7): "it has no resize",
        ("jetstream_instance", 9): "it has no floating IPs",
        ("jetstream_instance_state", 7): "a hard reboot takes a minute: playbooks/reboot.yml has one",
        "jetstream_keypair": "it has no key pairs",
        "jetstream_keypair_info": "it has no key pairs",
        "jetstream_network_info": "it has no networks",
        "jetstream_security_group": "it has no security groups",
        "jetstream_security_group_info": "it has no security groups",
        ("jetstream_volume", 3): "it has no snapshots of volumes",
        ("jetstream_volume", 4): "it has no snapshots of volumes",
        ("jetstream_volume", 6): "it has no snapshots of volumes",
        ("page catalog", 2): "it has no such flavor",
        "page from_openstack_cloud": "it has no key pairs",
        "page launching": "it has no key pairs",
    },
    JETSTREAM2: {
        ("jetstream_credential", 2): "it has no such login",
        ("jetstream_credential", 3): "it has no such login",
        ("jetstream_instance_info", 2): "its instances have no numbers",
        ("jetstream_instance_state", 3): "its instances have no numbers",
        "jetstream_maintenance_info": "it keeps no records of maintenance",
        "jetstream_project": "its users make no projects",
    },
}
# The modules and pages whose examples are run last, since they change the instances of all others.
_LAST = (
    "jetstream_image",
    "jetstream_volume",
    "jetstream_instance_state",
    "jetstream_instance",
    "jetstream_project",
    *sorted(each for each in PLUGINS if each.startswith("page ")),
)
# Examples that other tests run.
_ELSEWHERE: Mapping[str, str] = {"page tour": "tests/integration/ansible_runs/test_commands.py: after the tour"}
# States of modules without an example that the cloud can run, and the scenario with all three runs of each.
_STATES_ELSEWHERE: Mapping[tuple[str, str, str], str] = {
    (ATMOSPHERE, "jetstream_instance_state", "rebooted"): "playbooks/reboot.yml",
    (ATMOSPHERE, "jetstream_volume", "absent"): "playbooks/volumes.yml",
}
# Examples of idempotent modules that report a change in each run, and the reason.
_CHANGES_AGAIN: Mapping[tuple[str, int], str] = {
    ("jetstream_instance_state", 7): "each run reboots",
    ("jetstream_keep", 0): "the hours begin with the run",
    ("jetstream_keep", 3): "the hours begin with the run",
    ("jetstream_mail", 0): "the page has the time",
    ("jetstream_usage_report", 0): "the page has the time",
    ("jetstream_usage_report", 3): "the page has the time",
    ("jetstream_usage_report", 4): "the page has the time",
}
# Plays with a task that depends on the effect of an earlier one, which check mode does not have.
_NOT_FORESEEN: Mapping[tuple[str, int], str] = {
    ("page from_openstack_cloud", 0): "the key pair of the launch is not there",
    ("page from_openstack_cloud", 1): "the instances are still there, and have the security group",
}
# Examples that could report a change, and do not here, and the reason.
_CHANGES_NOTHING: Mapping[tuple[str, int], str] = {
    ("jetstream_budget_guard", 0): "it is not to apply",
    ("jetstream_budget_guard", 3): "no instance has a GPU",
    ("jetstream_deadline", 0): "it is not to apply",
    ("jetstream_deadline", 2): "no notice is a day old",
    ("jetstream_idle", 0): "it is not to apply",
    ("jetstream_idle", 1): "it is not to act",
    ("jetstream_idle", 2): "no instance has a reading",
    ("jetstream_night_record", 0): "its record does not count as a change",
    ("jetstream_night_record", 1): "its record does not count as a change",
    ("jetstream_notice", 0): "it is not to act",
    ("jetstream_notice", 2): "no instance is idle",
    ("jetstream_schedule", 0): "the first run of a schedule acts on nothing",
    ("jetstream_schedule", 1): "no edge has passed since",
}
_CHANGES_NOTHING_ON: Mapping[str, Mapping[tuple[str, int], str]] = {
    ATMOSPHERE: {},
    JETSTREAM2: {},
}


def _task(module: str, **options: Any) -> Json:
    return {"name": f"Prepare by {module}", f"jetstream.cloud.jetstream_{module}": options}


# The examples of these pages begin with running instances.
_PAGES: Mapping[tuple[str, int], Sequence[Json]] = {
    (page, 0): [_task("instance_state", name=["web", "bio101-*"], state="started")]
    for page in ("page README", "page architecture", "page performance", "page playbooks", "page states")
}
_HEAD = {"name": "head", "image": IMAGE, "flavor": "m3.tiny"}
# Preparations of examples.
_BEFORE: Mapping[str, Mapping[tuple[str, int], Sequence[Json]]] = {
    ATMOSPHERE: {
        ("jetstream_instance_state", 3): [_task("instance_state", name="template", state="started")],
        ("jetstream_project", 2): [_task("project", name="geo-100")],
        **_PAGES,
    },
    JETSTREAM2: {
        ("jetstream_credential", 4): [_task("credential", profile="cyverse", cloud="js2")],
        ("jetstream_floating_ip", 2): [
            _task("floating_ip", instance="web", state="absent", address="{{ web.address }}")
        ],
        ("jetstream_image", 3): [_task("image", name="geo-100", instance="template")],
        ("jetstream_instance", 0): [
            _task("keypair", name="laptop", public_key=_KEY),
            _task("security_group", name="ssh", rules=[{"ports": "22", "cidr": "0.0.0.0/0"}]),
        ],
        ("jetstream_instance", 1): [
            _task("instance", name="head", state="absent", release_floating_ip=True),
            _task("keypair", name="laptop", state="absent"),
        ],
        ("jetstream_instance", 9): [_task("instance", **_HEAD)],
        ("jetstream_instance_state", 7): [_task("instance_state", name="gpu-node", state="started")],
        ("page launching", 0): [
            _task("instance", names=["alice", "bob"], state="absent"),
            _task("keypair", name="course", public_key=_KEY),
            _task("instance_state", name="template", state="started"),
            _task("image", name="geo-101", protected=False),
            _task("image", name="geo-101", state="absent", delete_snapshots=True),
        ],
        **_PAGES,
    },
}
_ALL_DAY = {
    "days: mon-fri": "days: daily",
    'start: "08:45"': 'start: "00:00"',
    'stop: "18:00"': 'stop: "23:59"',
    r"(first_day: )\S+": r"\g<1>2020-01-01",
    r"(last_day: )\S+": r"\g<1>2099-01-01",
    r"    holidays: .*\n": "",
    r"    exceptions:\n(      .*\n)*": "",
}
# A program that shows the disk of the volume as the instance does.
_SERIAL = {
    "name": "Prepare the disk",
    "ansible.builtin.copy": {"content": "{{ data.volume.serial }}", "dest": "{{ playbook_dir }}/serial"},
}


@contextmanager
def _lab_of_atmosphere(home: Path) -> Iterator[tuple[Mapping[str, str], Json]]:
    """Run an Atmosphere, and yield the replacements of some texts, and the variables of credentials."""
    world = fleet(
        states={"active": len(_ACTIVE), "shutoff": len(_STOPPED)},
        names=[*_ACTIVE, *_STOPPED],
        projects=("Geo Project",),
        compute_allowed=500000,
        compute_used=460000.0,
        settings=Settings(transition=0.2, deploy=0.2, volume_change=0.2),
    )
    world.instance("template").id = 21752
    first = world.instance("web")
    world.attach(world.add_volume("genomes", 10, first.identity), first)
    with Server(world) as server:
        login = f'api_url = "{server.url}"\nusername = "johndoe"\npassword = "pass"\n'
        _write_profiles(home, login)
        texts = {
            "Featured-Ubuntu24": "Ubuntu 18.04 Devel and Docker",
            "flavor: m3.small": "flavor: m1.tiny",
            "flavor: m3.medium": "flavor: m1.tiny",
            "\n  visibility: public": "",
            "https://atmo.cyverse.org": server.url,
        }
        token = world.new_token(world.users["johndoe"])
        yield texts, {"vault_jetstream_password": "pass", "vault_cyverse_token": token}


@contextmanager
def _lab_of_jetstream2(home: Path, cloud: Cloud) -> Iterator[tuple[Mapping[str, str], Json]]:
    """Run an OpenStack, and yield the same."""
    stage = OpenStack(home, cloud)
    _write_profiles(home, 'cloud = "js2"\n')
    secrets = Secrets.load(cloud.run_dir / "secrets.json")
    clouds = yaml.safe_load(cloud.clouds_yaml.read_text(encoding="utf-8"))["clouds"]
    text = yaml.safe_dump({"clouds": dict.fromkeys(("js2", "TG_GEO160014_IU", "lab-cpu", "lab-gpu"), clouds["js2"])})
    (home / ".config" / "openstack" / "clouds.yaml").write_text(text, encoding="utf-8")
    owner = cloud.owner
    names = [*_ACTIVE, *_STOPPED]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda name: cloud.servers(1, "m3.tiny", name=name, network=name == "web")[0], names))
    for each in made[len(_ACTIVE) :]:
        cloud.act(each, {"os-stop": None})
    cloud.wait(made[len(_ACTIVE) :], "SHUTOFF")
    cloud.volume("genomes", attached_to=made[0])
    cloud.hypervisor.console("head", '{"status":"complete", "epoch": 1700000300000}\n')
    [external] = owner.get("network", f"/v2.0/networks?name={EXTERNAL_NETWORK}")["networks"]
    body = {"floatingip": {"floating_network_id": external["id"]}}
    spare = owner.post("network", "/v2.0/floatingips", body)["floatingip"]["floating_ip_address"]
    rows = cloud.allocations
    cloud.allocations = [
        each | {"service_units_used": each["service_units_allocated"] * 0.92} if each["active"] else each
        for each in rows
    ]
    texts = {
        "TG-GEO160014": PROJECT,
        "Geo Project": PROJECT,
        "149.165.170.1": str(spare),
        # No ssh server is at the addresses.
        "wait_for: ssh": "wait_for: address",
        "0123456789abcdef0123456789abcdef": f"{secrets.credential_id}\n  auth_url: {cloud.urls['identity']}",
    }
    try:
        yield texts, {"vault_jetstream2_secret": secrets.credential_secret}
    finally:
        cloud.allocations = rows
        _unprotect(home)
        stage.clear()


def _unprotect(home: Path) -> None:
    """Remove the protection of an example's image, also if the examples after it were not run."""
    path = home / "unprotect.yml"
    tasks = [_task("image", name="geo-101", protected=False)]
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    play(path, home)


def _write_profiles(home: Path, login: str) -> None:
    write_profile(home, login + "".join(f"[{name}]\n{login}" for name in ("default", "course", "atmosphere")))


def _write_files(home: Path) -> None:
    """Write the files that examples name, with the content that the pages show."""
    docs = ROOT / "docs"
    timetable, *_others = (each for each in code_blocks(docs / "schedules.md", "yaml") if "schedules:" in each)
    # A day without an edge, whenever the test is run.
    for written, used in _ALL_DAY.items():
        timetable = re.sub(written, used, timetable)
    due = f"shelve_at: {datetime.now(UTC) + timedelta(days=2):%F}"
    deadlines, *_others = (each for each in code_blocks(docs / "deadlines.md", "yaml") if "deadlines:" in each)
    settings, *_others = (each for each in code_blocks(docs / "idle.md", "yaml") if "defaults:" in each)
    [template] = code_blocks(docs / "usage_report.md", "jinja")
    files = {
        "schedules.yml": timetable + deadlines.replace("shelve_at: 2026-12-18", due),
        "idle_settings.yml": settings,
        "lab.html.j2": template,
        "cloud-init.yml": "#cloud-config\n",
        "report.txt": "web is idle\n" * 500,
        ".ssh/id_ed25519.pub": _KEY,
        "bin/lsblk": "#!/bin/sh\nprintf '/dev/vda\\n/dev/vdb %s\\n' \"$(cut -c -20 serial)\"\n",
        "hosts.ini": "localhost\nblast-server\n[jetstream]\nreader\n[all:vars]\nansible_connection=local\n"
        f"ansible_become=false\nansible_python_interpreter={sys.executable}\n",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    (home / "bin" / "lsblk").chmod(0o755)
    for name in ("public_html", "www", "metrics"):
        (home / name).mkdir()


@pytest.fixture(scope="module")
def performance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Performance]:
    """Run all examples that the cloud can run, in one playbook."""
    cloud = request.config.getoption("--cloud")
    home = tmp_path_factory.mktemp("examples")
    _write_files(home)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(home / "authority.pem")
    with ExitStack() as stack:
        if cloud == JETSTREAM2:
            lab = stack.enter_context(_lab_of_jetstream2(home, request.getfixturevalue("js2")))
        else:
            lab = stack.enter_context(_lab_of_atmosphere(home))
        yield _perform(stack, home, cloud, authority, *lab)


def _perform(
    stack: ExitStack,
    home: Path,
    cloud: str,
    authority: trustme.CA,
    instead: Mapping[str, str],
    credentials: Json,
) -> Performance:
    hook = stack.enter_context(a_webhook())
    plain = stack.enter_context(a_mail_server())
    secured = stack.enter_context(a_mail_server(starttls=server_context(authority)))
    now = datetime.now(UTC)
    texts = {
        "https://chat.example.edu/hooks/idle": hook.url,
        "https://chat.example.edu/hooks/lab": hook.url,
        "host: smtp.example.edu\n": "host: localhost\n",
        "port: 587\n": f"port: {secured.port}\n",
        "2026-12-14T08:00-05:00": f"{now + timedelta(days=3):%FT%H:%M}-05:00",
        "2026-12-18T18:00-05:00": f"{now + timedelta(days=7):%FT%H:%M}-05:00",
        "/var/lib/prometheus/node-exporter/": f"{home}/metrics/",
        "/var/www/html/": f"{home}/www/",
        # Ansible reads the home from the system's user database, and ignores HOME.
        "dest: ~/": f"dest: {home}/",
        # Ten would take a minute on a busy machine.
        "count: 10\n": "count: 5\n",
        # The fleet has no instance called gateway.
        "- gateway": "- web",
        **instead,
    }
    keywords: Json = {
        "gather_facts": False,
        "ignore_errors": True,
        "module_defaults": {"jetstream.cloud.jetstream_mail": {"host": "localhost", "port": plain.port}},
        "environment": {"PATH": f"{home}/bin:{os.environ['PATH']}"},
    }
    variables = {"jetstream_credential": credentials, "jetstream_mail": {"vault_mail_password": LOGIN[1]}}
    variables["page launching"] = {"students": ["alice", "bob"]}
    before = {("jetstream_volume", 2): [_SERIAL], **_BEFORE[cloud]}
    plays = [
        each
        for plugin in sorted(PLUGINS, key=lambda name: _LAST.index(name) if name in _LAST else -1)
        for each in play_of(_chosen(plugin, cloud), texts, before, vars=variables.get(plugin, {}), **keywords)
    ]
    more = {"SSL_CERT_FILE": str(home / "authority.pem")}
    return perform(home / "examples.yml", plays, home, home / "hosts.ini", more)


def _chosen(plugin: str, cloud: str) -> list[Example]:
    """Return the examples of a module or filter that a cloud can run."""
    left_out = {*_LEFT_OUT[cloud], *_ELSEWHERE}
    return [
        each
        for each in EXAMPLES
        if each.plugin == plugin and plugin not in left_out and (plugin, each.number) not in left_out
    ]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_examples_run_as_foreseen_and_change_nothing_again(
    performance: Performance, request: pytest.FixtureRequest, plugin: str
) -> None:
    problems = {
        each.number: found
        for each in _chosen(plugin, request.config.getoption("--cloud"))
        if (
            found := performance.problems(
                each,
                changes_again=(plugin, each.number) in _CHANGES_AGAIN,
                is_foreseen=(plugin, each.number) not in _NOT_FORESEEN,
            )
        )
    }
    assert problems == {}


@pytest.mark.parametrize("name", [*INVENTORIES])
def test_each_inventory_has_the_instances(performance: Performance, request: pytest.FixtureRequest, name: str) -> None:
    cloud = request.config.getoption("--cloud")
    if cloud == ATMOSPHERE and "cloud:" in INVENTORIES[name]:
        pytest.skip("it has no clouds.yaml")
    # The name of the file, after that of the page or plugin.
    file = performance.home / name.rpartition(" ")[2]
    file.write_text(INVENTORIES[name], encoding="utf-8")
    hosts, text = read_inventory(file, performance.home)
    assert "[WARNING]" not in text
    # The course is shelved after the last example.
    assert "bio101" in INVENTORIES[name] or len(hosts) > 8, text


def test_each_example_is_run_on_a_cloud_at_least() -> None:
    run = {each for cloud in _LEFT_OUT for plugin in PLUGINS for each in _chosen(plugin, cloud)}
    assert [each.title for each in EXAMPLES if each not in run and each.plugin not in _ELSEWHERE] == []


def test_each_state_of_a_module_has_an_example_on_each_cloud() -> None:
    """So that each state is predicted, reached and kept, on each cloud with the module's feature."""
    missing = [
        (cloud, module, state)
        for cloud, left_out in _LEFT_OUT.items()
        for module in MODULES
        for state in spec_of(module).argument_spec.get("state", {}).get("choices", ())
        if module not in left_out
        and state not in {each for one in _chosen(module, cloud) for each in one.states(module)}
    ]
    assert missing == sorted(_STATES_ELSEWHERE)


def test_what_is_prepared_for_examples_is_there(performance: Performance) -> None:
    assert [name for name, each in performance.ended.items() if name.startswith("Prepare") and each.failed] == []
    [device] = [each for name, each in performance.ended.items() if name.startswith("jetstream_volume 2 run")]
    assert device.result["stdout"] == "/dev/vdb"


def test_which_examples_change_nothing(performance: Performance, request: pytest.FixtureRequest) -> None:
    """All other examples of modules that report changes report one in their first run."""
    cloud = request.config.getoption("--cloud")
    unchanged = {
        (each.plugin, each.number)
        for plugin in PLUGINS
        for each in _chosen(plugin, cloud)
        if each.may_change and not performance.changed(each)
    }
    assert unchanged == set(_CHANGES_NOTHING) | set(_CHANGES_NOTHING_ON[cloud])
