# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user data of the lab course, carried out by a real cloud-init on whole systems: logins, the volume, its share.

The kernel of a test machine may have no NFS. So a server in user space serves the exports, and systemd mounts them by a
client of FUSE: nfs_server.py and nfs_client.py.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ansible_collections.jetstream.cloud.tests.idle.conftest import CACHE
from ansible_collections.jetstream.cloud.tests.idle.machine import ADDRESS, Layer, Machine
from ansible_collections.jetstream.cloud.tests.scenarios.lab_courses import texts_of_machines

# The images of Jetstream2 have the first, and the course installs the next two. The others replace the kernel's NFS.
PACKAGES = (
    *("cloud-init", "nfs-kernel-server", "nfs-common"),
    *("nfs-ganesha", "nfs-ganesha-vfs", "libnfs13", "python3-fusepy"),
)
FOLDER = Path(__file__).resolve().parent
VOLUME = "c2378e55-c5ac-588c-9702-9aa3b979044f"
BY_WAY_OF_HEAD = " by way of the head"
SEED = "/var/lib/cloud/seed/nocloud"
# cloud-init installs nothing: the packages of the course are there, and no mirror can be reached.
CONFIG = """\
datasource_list: [NoCloud]
network: {config: disabled}
apt: {preserve_sources_list: true}
locale: C.UTF-8
"""
STAGES = ("init --local", "init", "modules --mode=config", "modules --mode=final")
# A disk of OpenStack has a serial number, and a loop device has none.
LSBLK = f'#!/bin/sh\n[ ! -e /run/volume ] || echo "$(cat /run/volume) {VOLUME[:20]}"\n'
# These replace the unit of the kernel's server, and the program that mounts by the kernel.
SERVER = f"""\
[Service]
ExecStart=/usr/bin/python3 {FOLDER}/nfs_server.py
[Install]
WantedBy=multi-user.target
"""
CLIENT = f'#!/bin/sh\nexec /usr/bin/python3 {FOLDER}/nfs_client.py "$@"\n'
ASKPASS = "#!/bin/sh\necho {password}\n"


@pytest.fixture(scope="module")
def packages(layer: Path) -> Iterator[Path]:
    """Yield the layer with the packages of Jetstream2's images and of the course."""
    with Layer(CACHE / "lab-course", PACKAGES, below=layer) as folder:
        yield folder


@pytest.fixture
def computer(packages: Path, layer: Path) -> Iterator[Machine]:
    with Machine(packages, layer) as booted:
        yield booted


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return texts_of_machines(tmp_path_factory.mktemp("texts"))


def write(computer: Machine, path: str, text: str, mode: str = "644") -> None:
    encoded = base64.b64encode(text.encode()).decode()
    computer.run(f"mkdir -p $(dirname {path}); echo {encoded} | base64 -d >{path}; chmod {mode} {path}")


def boot_with(computer: Machine, user_data: str) -> None:
    """Run cloud-init as at a first boot. Fail if it reports an error or a warning."""
    write(computer, "/etc/cloud/cloud.cfg.d/99-lab.cfg", CONFIG)
    write(computer, "/etc/systemd/system/nfs-server.service", SERVER)
    write(computer, "/usr/sbin/mount.nfs4", CLIENT, "755")
    write(computer, "/usr/local/bin/lsblk", LSBLK, "755")
    write(computer, f"{SEED}/meta-data", "instance-id: lab\n")
    write(computer, f"{SEED}/user-data", user_data)
    computer.run("rm -rf /etc/apt/sources.list /etc/apt/sources.list.d; mknod /dev/autofs c 10 235")
    # systemd looks for automount support only once.
    computer.run("systemctl daemon-reexec")
    # On a booted machine, systemd has reached this target before.
    computer.run("systemctl start remote-fs.target")
    for stage in STAGES:
        computer.run(f"cloud-init {stage} >>/run/cloud-init.out 2>&1", check=False)
    result = json.loads(computer.run("cat /run/cloud-init/result.json"))
    assert result["v1"]["errors"] == [], computer.run("cat /run/cloud-init.out")
    log = computer.run("grep -E 'WARNING|ERROR' /var/log/cloud-init.log", check=False).splitlines()
    # cloud-init prints a banner on a machine without a cloud.
    trouble = [line for line in log if "warnings.py" not in line]
    assert trouble == [], computer.run("cat /run/cloud-init.out")


def ssh(computer: Machine, password: str, words: str) -> str:
    """Return the output of ssh for a user who types a password, and has no key."""
    script = ASKPASS.format(password=shlex.quote(password))
    encoded = base64.b64encode(script.encode()).decode()
    computer.from_outside(f"echo {encoded} | base64 -d >/run/askpass; chmod 700 /run/askpass")
    options = "-o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1"
    return computer.from_outside(
        f"SSH_ASKPASS=/run/askpass SSH_ASKPASS_REQUIRE=force ssh {options} {words} 2>&1 </dev/null", check=False
    )


def test_a_student_logs_in_and_finds_the_mount_of_the_volume(computer: Machine, texts: Mapping[str, str]) -> None:
    boot_with(computer, texts["bio101-anna-mueller"])
    assert ssh(computer, texts["password"], f"anna-mueller@{ADDRESS} sudo -n id -un").strip() == "root"
    assert "Permission denied" in ssh(computer, "another", f"anna-mueller@{ADDRESS} id -un")
    assert computer.run("getent passwd anna-mueller").split(":")[4] == "Anna Müller"
    # The folder is mounted at the first access, from the first boot on.
    assert computer.run("systemctl is-active srv-course.automount").strip() == "active"
    assert computer.run("systemctl show -p What,Type srv-course.mount").splitlines() == [
        "What=10.3.0.7:/srv/course",
        "Type=nfs4",
    ]
    units = "/run/systemd/generator/srv-course.automount /run/systemd/generator/srv-course.mount"
    assert computer.run(f"systemd-analyze verify {units} 2>&1", check=False) == ""
    assert computer.run("findmnt --verify 2>&1", check=False).startswith("Success, no errors")
    assert computer.run("command -v mount.nfs4").strip()


def test_a_student_with_a_key_has_no_password(computer: Machine, texts: Mapping[str, str]) -> None:
    boot_with(computer, texts["bio101-dora"])
    assert "Permission denied" in ssh(computer, texts["password"], f"dora@{ADDRESS} id -un")
    assert computer.run("passwd --status dora").split()[1] == "L"
    assert "ssh-ed25519 " in computer.run("cat /home/dora/.ssh/authorized_keys")


def test_the_head_mounts_the_volume_and_shares_it(computer: Machine, texts: Mapping[str, str]) -> None:
    boot_with(computer, texts["bio101-head"])
    # The volume is attached after the boot, as site.yml does it.
    assert computer.run("systemctl is-active share-course.service", check=False).strip() == "activating"
    device = attach(computer)
    computer.wait_for("systemctl is-active --quiet share-course.service && echo active")
    assert computer.run("findmnt --noheadings --output SOURCE,FSTYPE /srv/course").split() == [device, "ext4"]
    assert {"mountpoint", "no_subtree_check", "ro", "root_squash"} <= exports(computer)
    assert computer.run("systemctl is-enabled nfs-server.service share-course.service").split() == ["enabled"] * 2
    computer.run("echo ACGT >/srv/course/data.fa")
    # The next morning: the head is started again.
    computer.run("systemctl stop share-course.service; umount /srv/course; systemctl start share-course.service")
    assert computer.run("cat /srv/course/data.fa").strip() == "ACGT"
    assert computer.run("systemd-analyze verify share-course.service 2>&1", check=False) == ""


def test_students_read_the_volume_of_the_head_and_nobody_else_does(
    computer: Machine, packages: Path, layer: Path, texts: Mapping[str, str]
) -> None:
    with Machine(packages, layer) as head:
        head.connect("10.3.0.7", computer, "10.3.0.8")
        boot_with(head, texts["bio101-head"])
        attach(head)
        head.wait_for("systemctl is-active --quiet share-course.service && echo active")
        head.run("cd /srv/course; echo ACGT >data.fa; echo key >hidden; chmod 600 hidden; mkdir -m 777 open")
        boot_with(computer, texts["bio101-anna-mueller"])
        head.wait_for("ss -Hltn sport = 2049")
        # The access mounts it.
        assert computer.run("cat /srv/course/data.fa", user="anna-mueller") == "ACGT\n"
        assert computer.run("findmnt --noheadings --output SOURCE,FSTYPE /srv/course").split() == [
            *("systemd-1", "autofs"),
            *("10.3.0.7:/srv/course", "fuse"),
        ]
        read_only = "Read-only file system"
        for user in ("anna-mueller", "root"):
            assert read_only in computer.run("touch /srv/course/open/new 2>&1", user=user, check=False)
            # A student may be root on the own machine, and is nobody on the head.
            assert "Permission denied" in computer.run("cat /srv/course/hidden 2>&1", user=user, check=False)
        # The head also refuses writes of a root that has mounted it for writing.
        computer.run("mkdir /mnt/own; mount -t nfs4 -o rw 10.3.0.7:/srv/course /mnt/own")
        assert computer.run("cat /mnt/own/data.fa") == "ACGT\n"
        assert read_only in computer.run("touch /mnt/own/open/new 2>&1", check=False)
        assert read_only in computer.run("rm /mnt/own/data.fa 2>&1", check=False)
        # While the head is down, a program gets an error. Afterwards, it finds the files again.
        head.run("systemctl stop nfs-server.service")
        computer.run("umount --lazy /mnt/own; umount --lazy /srv/course")
        assert computer.run("cat /srv/course/data.fa 2>/dev/null || echo $?", user="anna-mueller") == "1\n"
        head.run("systemctl start nfs-server.service")
        head.wait_for("ss -Hltn sport = 2049")
        assert computer.run("cat /srv/course/data.fa", user="anna-mueller") == "ACGT\n"
        # An address outside of the course's network is refused.
        head.run("ip addr add 192.168.77.2/24 dev lan0")
        computer.run("ip addr add 192.168.77.1/24 dev lan0; mkdir /mnt/stranger")
        refused = computer.run("mount -t nfs4 -o ro 192.168.77.2:/srv/course /mnt/stranger 2>&1; echo $?", check=False)
        assert (refused.splitlines()[-1], "No such file or directory" in refused) == ("1", True), refused
        assert head.run("ls /srv/course/open; cat /srv/course/data.fa") == "ACGT\n"
        # The export alone refuses all of this: with other options, it works.
        head.run("sed -i 's/(ro,root_squash,/(rw,no_root_squash,/' /etc/exports.d/course.exports; exportfs -ra")
        head.run("systemctl restart nfs-server.service")
        head.wait_for("ss -Hltn sport = 2049")
        assert computer.run("mount -t nfs4 -o rw 10.3.0.7:/srv/course /mnt/own; cat /mnt/own/hidden") == "key\n"
        computer.run("echo more >/mnt/own/open/new", user="anna-mueller")
        assert head.run("cat /srv/course/open/new") == "more\n"


def attach(computer: Machine) -> str:
    """Attach an empty volume, and return its device, which ends with the last program that has it open."""
    computer.run("truncate -s 64M /tmp/volume; mknod /dev/loop-control c 10 237")
    computer.run("for number in $(seq 0 63); do mknod /dev/loop$number b 7 $number; done")
    device = computer.run("losetup --find --show /tmp/volume").strip()
    computer.run(f"setsid sleep infinity <{device} >/dev/null 2>&1 & sleep 0.3; losetup --detach {device}")
    computer.run(f"echo {device} >/run/volume")
    return device


def exports(computer: Machine) -> set[str]:
    """Return the options of the share from exportfs."""
    [line] = computer.run("exportfs -s").splitlines()
    path, _blank, rest = line.partition(" ")
    client, _bracket, options = rest.strip().partition("(")
    assert (path, client) == ("/srv/course", "10.0.0.0/8")
    return set(options.rstrip(")").split(","))


def test_students_pass_through_the_head_and_can_do_nothing_else(computer: Machine, texts: Mapping[str, str]) -> None:
    boot_with(computer, texts[f"bio101-head{BY_WAY_OF_HEAD}"])
    jump = texts["jump"]
    assert ssh(computer, jump, f"-W 127.0.0.1:22 jump@{ADDRESS}").startswith("SSH-2.0-")
    assert "uid=" not in ssh(computer, jump, f"jump@{ADDRESS} id")
    assert "SSH-2.0" not in ssh(computer, jump, f"-W 127.0.0.1:25 jump@{ADDRESS}")
    assert "PTY allocation request failed" in ssh(computer, jump, f"-tt jump@{ADDRESS}")
    settings = {
        user: set(computer.run(f"sshd -T -C user={user},host=x,addr=10.77.0.1").splitlines())
        for user in ("jump", "debian")
    }
    wanted = {"permittty no", "x11forwarding no", "allowagentforwarding no", "permitopen *:22"}
    assert wanted <= settings["jump"]
    assert "forcecommand /usr/sbin/nologin" in settings["jump"]
    # The settings are those of one user, not of all.
    assert wanted & settings["debian"] <= {"x11forwarding no"}
    assert "passwordauthentication yes" in settings["debian"]
