# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab course of docs/examples, as a teacher copies and runs it, on every cloud."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import unicodedata
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.jetstream.cloud.tests.scenarios.cloud_init import SchemaMissing, schema
from ansible_collections.jetstream.cloud.tests.scenarios.colleague import colleague_in, log_in_as_colleague
from ansible_collections.jetstream.cloud.tests.scenarios.lab_courses import (
    ANNA,
    BOB,
    EXAMPLE,
    KEY,
    ROOT,
    STUDENTS,
    Course,
    commands,
    secret_commands,
    texts_of_machines,
)
from ansible_collections.jetstream.cloud.tests.scenarios.stages import OpenStack, Simulator, Stage
from jsonschema import Draft4Validator

STRANGERS = ["vm-1", "vm-2"]


@pytest.fixture
def course(stage: Stage, tmp_path: Path) -> Course:
    stage.have({"active": len(STRANGERS)})
    offer = stage.offer
    return Course(
        tmp_path,
        stage.home,
        {
            "course_cloud": offer.cloud,
            "course_image": offer.image,
            "course_flavor": offer.small,
            "course_head_flavor": offer.large,
            "course_students": list(STUDENTS),
            "course_spares": 1,
            "course_volume_size": 10,
            "course_wait_for": "address",
            "course_capacity_retries": 0,
        },
    )


def machines(*names: str) -> list[str]:
    return sorted(STRANGERS + [f"bio101-{name}" for name in names])


class _Cells(HTMLParser):
    """Collects the text of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_a_course_comes_and_goes_and_a_second_run_changes_nothing(course: Course, stage: Stage) -> None:
    everything = machines("head", "anna-mueller", "bob-oneill-b", "carol", "spare-01")
    checked = course.play("site.yml", "--check", "--diff")
    assert (checked.status, sorted(stage.flavors()), stage.things()) == (0, machines(), []), checked.text
    assert "bio101-anna-mueller: absent" in checked.text
    assert "Those that were missing would add 6 SU per hour." in checked.text

    first = course.play("site.yml", "--diff", "-vvv")
    assert first.status == 0, first.text
    assert sorted(stage.flavors()) == everything
    sheets, page = course.sheets(), course.page()
    second = course.play("site.yml", "--diff")
    assert (second.status, second.changed) == (0, 0), second.text
    assert "5 of 5 machines are there" in second.text
    assert "Those that were missing add 6 SU per hour." in first.text
    assert "Those that were missing" not in second.text
    assert (course.sheets(), course.page()) == (sheets, page)
    _require_sheets(sheets, page, with_accounts=stage.offer.cloud == "jetstream2")
    secrets = [each["password"] for each in sheets.values() if each["password"]]
    assert [word for word in (*secrets, "$6$") if word in first.text + second.text] == []
    for name in ("bio101.csv", "bio101.html"):
        assert stat.S_IMODE((course.folder / "handout" / name).stat().st_mode) == 0o600

    if isinstance(stage, OpenStack):
        _require_user_data(stage.user_data(), {name.removeprefix("bio101-") for name in sheets})

    # The office hours and the budget can be read.
    hours, budget = course.play("hours.yml", "--check"), course.play("budget.yml", "--check")
    assert (hours.status, budget.status) == (0, 0), hours.text + budget.text

    checked = course.play("teardown.yml", "--check")
    assert (checked.status, sorted(stage.flavors())) == (0, everything), checked.text
    gone = course.play("teardown.yml")
    assert (gone.status, sorted(stage.flavors()), stage.things()) == (0, machines(), []), gone.text
    assert "Without these machines, the course costs 6 SU per hour less." in gone.text
    assert not (course.folder / "handout").exists()
    again = course.play("site.yml", "-e", "state=absent")
    assert (again.status, again.changed) == (0, 0), again.text


def _require_user_data(texts: Mapping[str, str], users: set[str]) -> None:
    """Fail unless each machine has its own account alone, and reaches the head by its private address."""
    assert texts.keys() == {"bio101-head", *(f"bio101-{user}" for user in users)}
    for user in users:
        config = yaml.safe_load(texts[f"bio101-{user}"])
        assert [each["name"] for each in config["users"][1:]] == [user]
        assert re.fullmatch(r"10\.3\.\d+\.\d+:/srv/course", config["mounts"][0][0])


def _require_sheets(sheets: Mapping[str, Mapping[str, str]], page: str, *, with_accounts: bool) -> None:
    anna, carol = sheets["bio101-anna-mueller"], sheets["bio101-carol"]
    assert all(each["address"] for each in sheets.values())
    assert len({each["address"] for each in sheets.values()}) == 4
    assert anna["name"] == ANNA
    # A spreadsheet would run it.
    assert carol["name"] == """'=HYPERLINK("x")"""
    # Ansible's templates have no autoescape.
    template = (EXAMPLE / "templates" / "handout.html.j2").read_text(encoding="utf-8")
    assert [each for each in re.findall(r"\{\{.*?\}\}", template) if not each.endswith("| e }}")] == []
    read = _Cells(page)
    assert "b" not in read.tags
    assert BOB in read.texts
    assert carol["name"].removeprefix("'") in read.texts
    if with_accounts:
        assert anna["login"] == f"ssh anna-mueller@{anna['address']}"
        # In one piece each: a break behind a hyphen would be read as one of the text.
        assert set(anna["login"].split()) <= set(read.texts)
        assert re.fullmatch("[a-z2-9]{14}", anna["password"])
        assert len({each["password"] for each in sheets.values()}) == 4
        assert anna["password"] in read.texts
    else:
        assert {(each["username"], each["password"], each["login"]) for each in sheets.values()} == {("", "", "")}


def test_a_machine_in_use_is_left_as_it_is_while_students_come_and_go(course: Course, stage: Stage) -> None:
    course.set(course_spares=0, course_students=[ANNA, BOB])
    assert course.play("site.yml").status == 0
    before, anna = stage.flavors(), course.sheets()["bio101-anna-mueller"]

    # A new student comes, another flavor is for new machines alone, and Bob is taken out of the list.
    course.set(course_students=["Zoë", ANNA], course_flavor=stage.offer.large)
    played = course.play("site.yml")
    assert played.status == 0, played.text
    assert "In no list, and left as they are: bio101-bob-oneill-b." in played.text
    assert stage.flavors() == before | {"bio101-zoe": stage.offer.large}
    assert course.sheets()["bio101-anna-mueller"] == anna
    assert "bio101-bob-oneill-b" not in course.sheets()

    # A list that was emptied by mistake deletes nothing.
    there = stage.flavors()
    course.set(course_students=None)
    played = course.play("site.yml")
    assert (played.status, stage.flavors()) == (0, there), played.text
    course.set(course_students=["Zoë", ANNA])

    course.set(course_former_students=[BOB])
    played = course.play("site.yml")
    assert played.status == 0, played.text
    assert sorted(stage.flavors()) == machines("head", "anna-mueller", "zoe")
    again = course.play("site.yml")
    assert (again.status, again.changed) == (0, 0), again.text


def test_a_machine_that_finds_no_host_is_launched_by_the_next_run(course: Course, stage: Stage) -> None:
    # There are not enough floating IPs, either: on Jetstream2, students log in by way of the head.
    course.set(course_spares=0, course_floating_ips=False)
    stage.no_host("bio101-carol")
    played = course.play("site.yml")
    assert played.status == 2, played.text
    assert "2 of 3 instances exist" in played.text
    assert "3 of 4 machines are there" in played.text, played.text
    sheets = course.sheets()
    assert [each["address"] == "" for each in sheets.values()] == [False, False, True]
    stage.hosts_again()
    played = course.play("site.yml")
    assert played.status == 0, played.text
    assert sorted(stage.flavors()) == machines("head", "anna-mueller", "bob-oneill-b", "carol")
    filled = course.sheets()
    assert filled["bio101-carol"]["address"]
    assert filled["bio101-anna-mueller"] == sheets["bio101-anna-mueller"]
    if stage.offer.cloud == "jetstream2":
        assert re.fullmatch(r"ssh -J jump@149\.[\d.]+ carol@10\.3\.[\d.]+", filled["bio101-carol"]["login"])
        # A mail merge has to tell both passwords.
        [jump] = {each["jump_password"] for each in filled.values()}
        assert re.fullmatch("[a-z2-9]{14}", jump)
        assert len([each for each in stage.things() if each.startswith("address")]) == 1


def test_a_machine_is_made_anew_with_its_password_until_that_is_changed(course: Course, stage: Stage) -> None:
    course.set(course_spares=0, course_students=[ANNA, BOB], course_former_students=[])
    assert course.play("site.yml").status == 0
    before = course.sheets()
    stage.delete("bio101-anna-mueller")
    played = course.play("site.yml")
    assert played.status == 0, played.text
    anew = course.sheets()
    assert anew["bio101-anna-mueller"]["password"] == before["bio101-anna-mueller"]["password"]
    assert anew["bio101-bob-oneill-b"] == before["bio101-bob-oneill-b"]

    course.set(course_students=[{"name": ANNA, "password_number": 2}, BOB])
    played = course.play("site.yml")
    assert played.status == 0, played.text
    changed = course.sheets()
    assert changed["bio101-bob-oneill-b"] == before["bio101-bob-oneill-b"]
    if stage.offer.cloud == "jetstream2":
        assert changed["bio101-anna-mueller"]["password"] != before["bio101-anna-mueller"]["password"]
    # Only the hand-out has changed. Atmosphere's has no passwords.
    assert played.changed == (1 if stage.offer.cloud == "jetstream2" else 0), played.text


def test_a_new_secret_is_refused_until_it_is_meant_and_prints_no_wrong_password(course: Course, stage: Stage) -> None:
    if not isinstance(stage, OpenStack):
        pytest.skip("Atmosphere takes no user data, so its machines have no passwords of the course")
    course.set(course_spares=0, course_students=[ANNA])
    assert course.play("site.yml").status == 0
    there, before = stage.flavors(), course.sheets()
    (course.folder / "group_vars" / "all" / "vault.yml").unlink()
    assert course.shell(secret_commands()[1]).status == 0
    course.set(course_students=[ANNA, BOB])
    refused = course.play("site.yml")
    assert (refused.status, stage.flavors(), course.sheets()) == (2, there, before), refused.text
    assert "another course_secret: bio101-anna-mueller, bio101-head. Put" in refused.text

    meant = course.play("site.yml", "-e", "new_secret=true")
    assert meant.status == 0, meant.text
    after = course.sheets()
    assert after["bio101-anna-mueller"] == {**before["bio101-anna-mueller"], "password": ""}
    assert re.fullmatch("[a-z2-9]{14}", after["bio101-bob-oneill-b"]["password"])
    assert "as on your last card" in course.page()


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_run_that_is_killed_is_ended_by_the_next_one(course: Course, stage: Stage, after: int) -> None:
    """``after``: the number of machines: the head, one of the students as well, or all of them half built."""
    course.interrupt("site.yml", lambda: len(stage.flavors()) >= len(STRANGERS) + after)
    played = course.play("site.yml")
    assert played.status == 0, played.text
    assert "5 of 5 machines are there" in played.text
    assert "Without an address" not in played.text
    assert sorted(stage.flavors()) == machines("head", "anna-mueller", "bob-oneill-b", "carol", "spare-01")
    assert all(each["address"] for each in course.sheets().values())
    again = course.play("site.yml")
    assert (again.status, again.changed) == (0, 0), again.text
    course.interrupt("teardown.yml", lambda: len(stage.flavors()) < len(STRANGERS) + 5)
    gone = course.play("teardown.yml")
    assert (gone.status, sorted(stage.flavors()), stage.things()) == (0, machines(), []), gone.text


def test_a_machine_that_is_active_and_still_deployed_is_waited_for(course: Course, stage: Stage) -> None:
    """So a killed run leaves it on Atmosphere, which gives it an address late."""
    if not isinstance(stage, Simulator):
        pytest.skip("Jetstream2 deploys nothing")
    course.set(course_spares=0, course_students=[])
    assert course.play("site.yml").status == 0
    course.set(course_students=[ANNA])
    stage.deploys_for(15.0)
    words = f'name=bio101-anna-mueller image="{stage.offer.image}" flavor={stage.offer.small} wait=false'
    launched = course.shell(f"ansible localhost -m jetstream.cloud.jetstream_instance -a '{words}'")
    assert launched.status == 0, launched.text
    played = course.play("site.yml")
    assert (played.status, "Without an address" in played.text) == (0, False), played.text
    assert course.sheets()["bio101-anna-mueller"]["address"]


def test_a_locked_machine_ends_the_teardown_before_anything_else_goes(course: Course, stage: Stage) -> None:
    if not isinstance(stage, OpenStack):
        pytest.skip("Atmosphere has no locks")
    course.set(course_spares=0, course_students=[ANNA])
    assert course.play("site.yml").status == 0
    things, anna = stage.things(), stage.named("bio101-anna-mueller")
    stage.cloud.act(stage.named("bio101-head"), {"lock": None})
    played = course.play("teardown.yml")
    assert (played.status, sorted(stage.flavors())) == (2, machines("head")), played.text
    assert "These machines are locked, so they and all that is below are left: bio101-head." in played.text
    left = stage.things()
    assert [each for each in things if each not in left] == [f"address jetstream.cloud: made for {anna}"]
    stage.cloud.act(stage.named("bio101-head"), {"unlock": None})
    gone = course.play("teardown.yml")
    assert (gone.status, sorted(stage.flavors()), stage.things()) == (0, machines(), []), gone.text


def test_a_machine_of_somebody_else_outlives_the_teardown_and_holds_nothing_else(course: Course, stage: Stage) -> None:
    course.set(course_spares=0, course_students=[ANNA])
    assert course.play("site.yml").status == 0
    on_jetstream2 = isinstance(stage, OpenStack)
    words = f'name=bio101-extra image="{stage.offer.image}" flavor={stage.offer.small} '
    words += "security_groups=bio101" if on_jetstream2 else ""
    launched = course.shell(f"ansible localhost -m jetstream.cloud.jetstream_instance -a '{words}'")
    assert launched.status == 0, launched.text
    for _twice in range(2):
        played = course.play("teardown.yml")
        assert (played.status, sorted(stage.flavors())) == (2, machines("extra")), played.text
        assert "These machines are left, and this course did not launch them: bio101-extra." in played.text
        assert ("The security group is left: " in played.text) == on_jetstream2
        assert stage.things() == (["group bio101"] if on_jetstream2 else [])
        assert not (course.folder / "handout").exists()
    stage.delete("bio101-extra")
    gone = course.play("teardown.yml")
    assert (gone.status, stage.things()) == (0, []), gone.text


def test_a_colleague_of_the_project_runs_the_same_course(course: Course, stage: Stage) -> None:
    if not isinstance(stage, OpenStack):
        pytest.skip("at Atmosphere, each user has instances of their own")
    course.set(course_spares=0, course_students=[ANNA], course_volume_owner="any")
    assert course.play("site.yml").status == 0
    sheets, things = course.sheets(), stage.things()
    with colleague_in(stage.cloud):
        log_in_as_colleague(stage.cloud, stage.home / ".config" / "openstack" / "clouds.yaml")
        played = course.play("site.yml")
        # The key alone: key pairs belong to users.
        assert (played.status, played.changed) == (0, 1), played.text
        assert (course.sheets(), stage.things()) == (sheets, things)
        again = course.play("site.yml")
        assert (again.status, again.changed) == (0, 0), again.text
        gone = course.play("teardown.yml")
    assert (gone.status, sorted(stage.flavors()), stage.things()) == (0, machines(), ["key bio101"]), gone.text


# These are for a real machine, or are run by other tests: test_readme.py, test_login.py.
_NOT_HERE = (
    ". ~/jetstream/bin/activate",
    "pip install passlib",
    "mkdir -p ~/.config/openstack",
    "mv -i ~/Downloads/clouds.yaml ~/.config/openstack/",
    "chmod 600 ~/.config/openstack/clouds.yaml",
    "ansible-playbook -i localhost, jetstream.cloud.save_credential",
)


def test_the_commands_of_the_readme_run_in_their_order(course: Course, stage: Stage) -> None:
    """With the students of the example: they copy the folder, and nothing is changed in it but the cloud."""
    copied = course.folder.parent / "bio101"
    folders = {"~/bio101": str(copied), "~/.ansible/collections/ansible_collections/jetstream/cloud": str(ROOT)}
    for written in [each for each in commands() if each not in _NOT_HERE]:
        command = re.sub("|".join(folders), lambda found: folders[found[0]], written)
        played = course.shell(command)
        assert played.status == 0, f"{command}\n{played.text}"
        if command == f"cd {copied}":
            course.folder = copied
            course.forget("course_students", "course_spares")
        if command == "ansible-playbook site.yml":
            people = ("head", "anna-mueller", "bob-oneill", "jose", "carol-jones", "spare-01", "spare-02")
            assert sorted(stage.flavors()) == machines(*people)
    assert (sorted(stage.flavors()), stage.things()) == (machines(), [])


# --- without a cloud

WORDS: dict[str, Any] = {"course_cloud": "jetstream2", "course_students": list(STUDENTS)}
# The keys of cloud-init that the example uses, as its documentation has them.
CLOUD_CONFIG = {"users", "ssh_pwauth", "package_update", "packages", "mounts", "write_files", "runcmd"}
USER_KEYS = {"name", "gecos", "shell", "sudo", "lock_passwd", "hashed_passwd", "ssh_authorized_keys"}


@pytest.fixture
def alone(tmp_path: Path) -> Course:
    """Have the course of a teacher who has no login."""
    home = tmp_path / "home"
    home.mkdir()
    return Course(tmp_path, home, WORDS)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the user data of each machine by its name, with and without floating IPs for all."""
    return texts_of_machines(tmp_path_factory.mktemp("texts"))


@pytest.mark.parametrize("by_way_of_head", [False, True])
def test_user_data_is_cloud_config_for_one_machine(
    texts: Mapping[str, str], tmp_path: Path, *, by_way_of_head: bool
) -> None:
    way = " by way of the head" if by_way_of_head else ""
    names = ["bio101-head", *(f"bio101-{each}" for each in ("anna-mueller", "bob-oneill-b", "carol", "dora"))]
    data = {name: texts[name + way] for name in [*names, "bio101-spare-01", "bio101-spare-02"]}
    for name, text in data.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        _require_cloud_config(path)
    hashes = [word for text in data.values() for word in re.findall(r"\$6\$\S+", text)]
    # One of each machine with a password, and of the user through whom all log in.
    assert len(hashes) == len(set(hashes)) == len(STUDENTS) + 2 + by_way_of_head
    anna, dora = yaml.safe_load(data["bio101-anna-mueller"]), yaml.safe_load(data["bio101-dora"])
    assert (anna["users"][1]["gecos"], dora["users"][1]["gecos"]) == (ANNA, "Dora  Jones")
    assert dora["users"][1]["ssh_authorized_keys"] == [KEY]
    assert ("ssh_pwauth" in anna, "ssh_pwauth" in dora) == (True, False)
    assert _crypted(texts["password"], anna["users"][1]["hashed_passwd"]) == anna["users"][1]["hashed_passwd"]


def _crypted(password: str, as_before: str) -> str:
    """Return the hash of a password by openssl, with the salt of another hash."""
    salt = as_before.rsplit("$", 1)[0].rsplit("$", 1)[1]
    command = ["openssl", "passwd", "-6", "-salt", salt, password]
    hashed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    return hashed.replace("$6$", as_before[: as_before.index(salt)], 1)


def _require_cloud_config(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert set(config) <= CLOUD_CONFIG
    for user in config.get("users", ["default"])[1:]:
        assert set(user) <= USER_KEYS
    assert all(isinstance(word, str) for mount in config.get("mounts", ()) for word in mount)


@pytest.fixture(scope="module")
def validator() -> Draft4Validator:
    """Have the schema by which cloud-init itself checks a configuration."""
    try:
        return Draft4Validator(schema())
    except SchemaMissing as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


def test_user_data_is_valid_by_the_schema_of_cloud_init(texts: Mapping[str, str], validator: Draft4Validator) -> None:
    configs = {name: yaml.safe_load(text) for name, text in texts.items() if text.startswith("#cloud-config\n")}
    assert len(configs) == 2 * (1 + len(STUDENTS) + 1 + 2)
    for name, config in configs.items():
        assert [f"{list(each.path)}: {each.message}" for each in validator.iter_errors(config)] == [], name
    # What cloud-init does not know, it would not notice.
    [first, *_others] = configs.values()
    for mistake in ({"runcmd": "reboot"}, {"packages": {"nfs": True}}, {"write_files": [{"content": "x"}]}):
        assert list(validator.iter_errors({**first, **mistake})), mistake


@pytest.mark.parametrize(
    ("blkid", "formatted", "status"),
    [
        pytest.param(0, False, 0, id="a volume with data on it"),
        pytest.param(2, True, 0, id="a new volume"),
        pytest.param(4, False, 1, id="a volume that cannot be read"),
    ],
)
def test_only_an_empty_volume_is_formatted(
    texts: Mapping[str, str], tmp_path: Path, blkid: int, *, formatted: bool, status: int
) -> None:
    tools, log = tmp_path / "tools", tmp_path / "log"
    tools.mkdir()
    outputs = {"lsblk": "echo /dev/sda; echo /dev/sdb c2378e55-c5ac-588c-9", "blkid": f"exit {blkid}"}
    for name in ("lsblk", "blkid", "mkfs.ext4", "mount", "mountpoint", "exportfs", "mkdir", "sleep", "systemctl"):
        do = outputs.get(name, "exit 1" if name == "mountpoint" else ":")
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{log}\n{do}\n', encoding="utf-8")
        (tools / name).chmod(0o700)
    text = texts["script"].replace("/etc/exports.d", str(tmp_path))
    done = subprocess.run(
        ["sh", "-c", text], env={"PATH": f"{tools}:{os.environ['PATH']}"}, check=False, timeout=60, capture_output=True
    )
    called = log.read_text(encoding="utf-8").splitlines()
    assert (done.returncode != 0) == bool(status), done.stderr
    assert ("mkfs.ext4 -q -L course /dev/sdb" in called) == formatted
    assert ("mount /dev/sdb /srv/course" in called) == (status == 0)


def test_names_that_cannot_be_told_apart_or_used_are_refused(alone: Course) -> None:
    alone.set(
        course_students=[
            *(ANNA, "anna  mueller", {"name": "Spare", "username": "spare-01"}),
            *("李雷", "x" * 40, {"name": "Root", "username": "root"}, {"name": "Head", "username": "head"}),
            {"name": "Dash", "username": "-x"},
        ]
    )
    done = alone.play("site.yml", "-i", "localhost,")
    assert done.status == 2
    refused = (
        f"students.yml: Give a username of small letters, digits and hyphens to 李雷, {'x' * 40}, Dash, Root, Head. "
    )
    assert f"{refused}Several have the user name anna-mueller, spare-01: give all but one a username." in done.text


# As rosters and editors have them: with marks that nobody sees, and the quotes, hyphens and spaces of word processors.
_ROSTER = {
    "CAROL JONES": ("CAROL JONES", "carol-jones"),
    "Mary  Ann\tSmith ": ("Mary Ann Smith", "mary-ann-smith"),
    "Anna\u00a0Müller": ("Anna Müller", "anna-mueller"),
    "Jo\u200bhn\u00ad Smith\u202c": ("John Smith", "john-smith"),
    "Anne\u2013Lena D\u2018Arcy": ("Anne\u2013Lena D\u2018Arcy", "anne-lena-darcy"),
    "Nguyễn Thị Ánh": ("Nguyễn Thị Ánh", "nguyen-thi-anh"),
    "İpek Iğd\u0131r": ("İpek Iğd\u0131r", "ipek-igdir"),
    "Zoe\u0308 A\u030astro\u0308m": ("Zoe\u0308 A\u030astro\u0308m", "zoe-astroem"),
    "Braun, Jürgen (Jr.)": ("Braun, Jürgen (Jr.)", "braun-juergen-jr"),
    "=HYPERLINK(1)": ("=HYPERLINK(1)", "hyperlink-1"),
}


@pytest.mark.parametrize(("mark", "end"), [("", "\n"), ("\ufeff", "\r\n")], ids=["Linux", "Windows"])
def test_names_are_taken_from_any_roster_and_editor(alone: Course, mark: str, end: str) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in _ROSTER]
    lines = ["course_students:", *(f"  - {name} " for name in names), "", "course_former_students: []", ""]
    alone.write_students((mark + end.join(lines)).encode())
    people = alone.people()
    assert {name: people.get(name) for name, _username in _ROSTER.values()} == dict(_ROSTER.values())


def test_an_accent_that_is_a_mark_of_its_own_makes_no_other_machine(alone: Course) -> None:
    text = (alone.folder / "group_vars" / "all" / "letters.yml").read_text(encoding="utf-8")
    letters = [letter for letters in yaml.safe_load(text)["course_letters"].values() for letter in letters]
    assert len(letters) == len(set(letters)) > 200
    apart = {letter: unicodedata.normalize("NFD", letter) for letter in letters}
    names = {each: f"x{number}{each}z" for number, each in enumerate(letters) if apart[each] != each}
    alone.set(course_spares=0, course_students=list(names.values()))
    together = alone.people()
    alone.set(course_students=[f"{name[:-2]}{apart[each]}z" for each, name in names.items()])
    assert list(alone.people().values()) == list(together.values())


def test_a_file_of_students_that_lost_its_list_is_refused(alone: Course) -> None:
    alone.write_students(b"")
    done = alone.play("site.yml", "-i", "localhost,")
    assert (done.status, "students.yml: course_students has to be a list" in done.text) == (2, True), done.text


def test_nothing_is_launched_without_a_secret(alone: Course) -> None:
    (alone.folder / "group_vars" / "all" / "vault.yml").unlink()
    done = alone.play("site.yml", "-i", "localhost,")
    assert (done.status, "There is no course_secret yet" in done.text) == (2, True)


def test_the_secrets_of_a_course_are_not_replaced_by_those_of_a_second_one(alone: Course, tmp_path: Path) -> None:
    files = [tmp_path / "home" / ".lab-course-vault", alone.folder / "group_vars" / "all" / "vault.yml"]
    before = [path.read_bytes() for path in files]
    assert all(before)
    assert [alone.shell(command).status for command in secret_commands()] == [0, 0]
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"course": "BIO 101"}, "use small letters, digits and hyphens"),
        ({"course": "bio*"}, "use small letters, digits and hyphens"),
        ({"course_students": [{"username": "anna"}]}, "each entry is a name, or has one"),
        ({"course_students": [12]}, "each entry is a name, or has one"),
        ({"course_students": [ANNA, None, {BOB: 1}]}, f'These have none: null, {{"{BOB}": 1}}.'),
        ({"course_students": ANNA}, "course_students has to be a list: write each student into a line"),
        ({"course_former_students": {"name": ANNA}}, "course_former_students has to be a list"),
        ({"course_former_students": [ANNA]}, "A student and a former student have the user name anna-mueller"),
        # Without a login: cloud-init leaves a user alone that the system has already, and its group as well.
        (
            {"course_students": ["Games", "Staff"]},
            "Give a username of small letters, digits and hyphens to Games, Staff.",
        ),
        ({"course_students": [{"name": "Anna", "user_name": "a"}]}, "nobody knows what user_name means"),
        ({"course_former_students": [{"name": "Anna", "pasword": "a"}]}, "nobody knows what pasword means"),
        ({"course_students": [{"name": "Anna", "key": "~/.ssh/id_ed25519.pub"}]}, "the key of Anna is no public key"),
        ({"course_students": [{"name": "Anna", "password_number": "xyz"}]}, "give Anna a password_number from 1 to 99"),
    ],
)
def test_an_entry_with_a_mistake_is_refused_before_anything_is_launched(
    alone: Course, settings: dict[str, Any], said: str
) -> None:
    alone.set(**settings)
    done = alone.play("site.yml", "-i", "localhost,")
    assert (done.status, said in done.text) == (2, True), done.text


def test_a_course_may_have_no_students_yet(alone: Course) -> None:
    (alone.folder / "group_vars" / "all" / "vault.yml").unlink()
    alone.set(course_students=None, course_former_students=None)
    assert "There is no course_secret yet" in alone.play("site.yml", "-i", "localhost,").text
