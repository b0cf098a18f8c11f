# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole Linux systems for tests, in namespaces: systemd, logind, PAM, sshd, cron, and users who log in.

Each system has a network of its own with one other machine in it, "outside", from which users and probes connect. It
has a control group and a disk of its own, so that readings do not see this machine's CPU time and disk. All of its file
systems are layers in memory above this machine's, and end with the process that made them.

It needs root, Debian or Ubuntu, and a mount namespace of its own (``unshare --mount --propagation private``).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.probe import probe_script
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.readings import Reading, parse

ADDRESS = "10.77.0.2"
OUTSIDE = "10.77.0.1"
# The user of the probe, and the user who works.
PROBER = "exouser"
PERSON = "alice"
PACKAGES = (
    *(
        "systemd",
        "systemd-sysv",
        "dbus",
        "dbus-user-session",
        "libpam-systemd",
        "sudo",
        "openssh-server",
        "openssh-client",
    ),
    *(
        "iproute2",
        "procps",
        "curl",
        "cron",
        "at",
        "tmux",
        "screen",
        "mosh",
        "sshfs",
        "rsync",
        "wget",
        "socat",
        "python3",
    ),
    *(
        "busybox-static",
        "gawk",
        "nginx-light",
        "jupyter-server",
        "python3-ipykernel",
        "tigervnc-standalone-server",
        "xterm",
    ),
    *(
        "x11-apps",
        "xtightvncviewer",
        "xdotool",
        "slurm-wlm",
        "e2fsprogs",
        "docker.io",
        "iptables",
        "python3-websocket",
        "xauth",
    ),
)
# The target starts only the services of a lab, and none of those that this machine has enabled.
_TARGET = """\
[Unit]
Requires=basic.target
After=basic.target
Wants=dbus.service ssh.service cron.service atd.service systemd-logind.service systemd-user-sessions.service
"""
_SSHD = "PasswordAuthentication no\nMaxStartups 100:30:200\nUseDNS no\n"
_IMAGE_SIZE = "4G"
_PREFIX = "jetstream-idle-"
_PATIENCE = 60.0
_DEVICES = ("null 1 3", "zero 1 5", "full 1 7", "random 1 8", "urandom 1 9", "tty 5 0", "fuse 10 229")


class Unfit(Exception):
    """Systems cannot be booted in namespaces of this machine. The message has the reason."""


def require_fitness() -> None:
    """Raise Unfit if this machine cannot boot systems in namespaces."""
    if os.geteuid() != 0:
        raise Unfit("it boots systems in namespaces, and has to be root for that")
    missing = [
        name
        for name in ("apt-get", "unshare", "nsenter", "setpriv", "ip", "mkfs.ext4", "losetup")
        if not shutil.which(name)
    ]
    if missing:
        raise Unfit(f"there is no {', '.join(missing)} (it needs Debian or Ubuntu)")
    attempt = _quiet(
        "unshare", "--mount", "--pid", "--net", "--cgroup", "--fork", "mount", "-t", "proc", "proc", "/proc"
    )
    if attempt.returncode:
        raise Unfit(f"this machine does not let it make namespaces: {attempt.stderr.strip()}")
    if _cgroup_root() is None:
        raise Unfit("there are no control groups of version 2")


def _quiet(*command: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload, no-any-return]


def _cgroup_root() -> Path | None:
    for path in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (path / "cgroup.procs").exists():
            return path
    return None


class Layer:
    """The packages of the systems besides those of this machine, in a disk image.

    ``below``: the folder of another layer, whose packages are not installed again.
    """

    def __init__(self, cache: Path, packages: Sequence[str] = PACKAGES, below: Path | None = None) -> None:
        self._packages, self._below = packages, below
        state = "\n".join([*packages, Path("/var/lib/dpkg/status").read_text(errors="replace")])
        self._image = cache / f"packages-{hashlib.sha256(state.encode()).hexdigest()[:16]}.img"
        self.folder = Path(tempfile.mkdtemp(prefix="jetstream-idle-layer-"))

    def __enter__(self) -> Path:
        """Mount the image, and return its folder. The packages are installed once."""
        return self._mount()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        _quiet("umount", self.folder)
        self.folder.rmdir()

    @property
    def is_there(self) -> bool:
        """Return whether the image exists."""
        return self._image.exists()

    def _mount(self) -> Path:
        self._image.parent.mkdir(parents=True, exist_ok=True)
        with (self._image.parent / "packages.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.is_there:
                for old in self._image.parent.glob("packages-*"):
                    old.unlink(missing_ok=True)
                self._make_apart()
        _run("mount", "-o", "loop,ro", self._image, self.folder)
        return self.folder / "up"

    def _make_apart(self) -> None:
        """Make the image in a mount namespace of its own.

        Otherwise, a system that another worker boots at the same time would inherit the mounts, and the device of the
        image would be busy as long as that system runs.
        """
        arguments = (self._image.parent, self._below or "", *self._packages)
        # PYTHONPATH would change the Python of the packages as well.
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import make_layer; make_layer(*sys.argv[1:])"
        made = _quiet("unshare", "--mount", sys.executable, "-c", code, *arguments)
        if made.returncode:
            raise RuntimeError(f"{self._image} was not made: {made.stderr[-2000:]}")

    def make(self) -> None:
        """Install the packages, and write the image."""
        new = self._image.with_suffix(".new")
        _run("truncate", "-s", _IMAGE_SIZE, new)
        _run("mkfs.ext4", "-q", "-F", new)
        _run("mount", "-o", "loop", new, self.folder)
        try:
            for name in ("up", "work", "root"):
                (self.folder / name).mkdir()
            self._install(self.folder / "root")
            if self._below is None:
                self._prepare(self.folder / "root")
        finally:
            _quiet("umount", "-R", self.folder / "root")
            _run("umount", "-R", self.folder)
        new.rename(self._image)

    def _install(self, root: Path) -> None:
        lower = "/" if self._below is None else f"{self._below}:/"
        folders = f"lowerdir={lower},upperdir={self.folder / 'up'},workdir={self.folder / 'work'}"
        _run("mount", "-t", "overlay", "overlay", "-o", folders, root)
        for name in ("proc", "dev", "sys"):
            _run("mount", "--rbind", f"/{name}", root / name)
        _run("mount", "-t", "tmpfs", "tmpfs", root / "run")
        # The policy starts no service during the installation.
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q")
        _run("chroot", root, *apt, "update")
        _run("chroot", root, *apt, "install", "--no-install-recommends", *self._packages)
        _run("chroot", root, "apt-get", "clean")
        policy.unlink()

    def _prepare(self, root: Path) -> None:
        _write(root / "etc/systemd/system/lab.target", _TARGET)
        _write(root / "etc/ssh/sshd_config.d/lab.conf", _SSHD)
        _run("chroot", root, "ssh-keygen", "-A")
        for number, name in enumerate((PROBER, PERSON), start=2001):
            _run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "--uid", str(number), name)
        _write(
            root / "etc/sudoers.d/lab", f"{PROBER} ALL=(ALL) NOPASSWD: ALL\n{PERSON} ALL=(ALL) NOPASSWD: ALL\n", 0o440
        )
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", root / "lab-key")
        for home in ("root", f"home/{PROBER}", f"home/{PERSON}"):
            folder = root / home / ".ssh"
            folder.mkdir(mode=0o700, exist_ok=True)
            shutil.copy(root / "lab-key.pub", folder / "authorized_keys")
            owner = home.rpartition("/")[2]
            _run("chroot", root, "chown", "-R", f"{owner}:", f"/{home}/.ssh")


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _run(*command: str | Path) -> str:
    ended = _quiet(*command)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return str(ended.stdout)


class Machine:
    """A booted system, and the machine outside, from which users and probes connect to it."""

    def __init__(self, *layers: Path) -> None:
        """Boot from layers. Each layer is above the next."""
        self._layer = ":".join(map(str, layers))
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._name = self._folder.name
        self._groups: list[Path] = []
        self._programs: list[subprocess.Popen[bytes]] = []
        self.last: Reading | None = None

    def __enter__(self) -> Self:
        try:
            self._boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for program in self._programs:
            with suppress(ProcessLookupError):
                program.kill()
            program.wait()
            if program.stdin:
                with suppress(BrokenPipeError):
                    program.stdin.close()
        _wait_for(self._remove_groups, 10, "its control groups to be empty", fail=False)
        _quiet("umount", "-R", "-l", self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, command: str, *, user: str = "root", check: bool = True) -> str:
        """Run a command in a shell of the system, and return its output. It is no login, so it has no session."""
        words = command if user == "root" else f"runuser -u {user} -- sh -c {shlex.quote(command)}"
        return self._in(self._inside, "sh", "-c", words, check=check)

    def ssh(self, command: str, *, user: str = PERSON, options: Sequence[str] = ()) -> str:
        """Run a command over ssh as a user, and return its output."""
        return self._in(self._outside, *self._ssh(user, *options), command)

    def from_outside(self, command: str, *, check: bool = True) -> str:
        """Run a command on the machine outside, and return its output. ``ssh`` in it needs no options."""
        return self._in(self._outside, "sh", "-c", command, check=check)

    def start_outside(self, command: str, *, keys: bool = False) -> subprocess.Popen[bytes]:
        """Start a program on the machine outside. ``keys``: leave its standard input open for typed text."""
        program = subprocess.Popen(
            self._entering(self._outside, "sh", "-c", f"exec {command}"),
            stdin=subprocess.PIPE if keys else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._programs.append(program)
        return program

    def login(self, *, user: str = PERSON, options: str = "") -> subprocess.Popen[bytes]:
        """Log in a user with a terminal, in which nothing is typed yet."""
        return self.start_outside(f"ssh -tt {options} {user}@{ADDRESS}", keys=True)

    def read(
        self, *, user: str = PROBER, become: bool = True, shell: str = "sh", path: str = "", terminal: bool = False
    ) -> Reading:
        """Take a reading, as ``jetstream_activity`` does.

        ``path``: a folder with programs that replace the system's. ``terminal``: as over a connection that cannot pass
        the script to the shell's standard input.
        """
        self.tell_counters()
        script = probe_script(since=self.last.clock if self.last else None, over_ssh=True)
        if path:
            script = script.replace("PATH=", f"PATH={path}:", 1)
        sudo = "sudo -n " if become else ""
        if terminal:
            command = f"{sudo}/bin/sh -c {shlex.quote(script)}"
            text = self._in(self._outside, *self._ssh(user, "-tt"), command)
        else:
            text = self._in(self._outside, *self._ssh(user), f"{sudo}/bin/sh -c '{shell} -s'", text=script)
        self.last = parse(text, taken=time.time())
        return self.last

    def enter_outside(self, *command: str) -> list[str]:
        """Return the words with which a command of this machine runs in the network of the machine outside."""
        return ["nsenter", "-t", str(self._outside), "-n", *command]

    def connect(self, address: str, other: Machine, other_address: str) -> None:
        """Connect two systems by a network of their own."""
        enter, enter_other = (("nsenter", "-t", str(each._inside), "-n", "ip") for each in (self, other))
        _run(*enter, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", str(other._inside))
        for ip, own in ((enter, address), (enter_other, other_address)):
            _run(*ip, "addr", "add", f"{own}/24", "dev", "lan0")
            _run(*ip, "link", "set", "lan0", "up")

    def wait_for(self, command: str, *, user: str = "root", patience: float = _PATIENCE) -> str:
        """Wait until a shell command succeeds and prints something, and return its output."""
        found = ""

        def succeeds() -> bool:
            nonlocal found
            found = self.run(command, user=user, check=False).strip()
            return bool(found)

        _wait_for(succeeds, patience, command)
        return found

    def tell_counters(self) -> None:
        """Write /proc/stat and /proc/diskstats for the system, with its own CPU time and disk."""
        folder = self._folder / "counters"
        rest = Path("/proc/stat").read_text().splitlines()
        ticks = int(self.cpu_time() * 100)
        cpu = [f"cpu  {ticks} 0 0 0 0 0 0 0 0 0", *(line for line in rest if not line.startswith("cpu "))]
        _write(folder / "stat", "\n".join(cpu) + "\n")
        name = (self._folder / "inside/loop").read_text().strip()
        [disk] = [line for line in Path("/proc/diskstats").read_text().splitlines() if f" {name} " in line]
        _write(folder / "diskstats", disk.replace(f" {name} ", " vda ") + "\n")

    def cpu_time(self) -> float:
        """Return the CPU time that the system has used, in seconds."""
        for group in reversed(self._groups):
            if (usage := group / "cpuacct.usage").exists():
                return int(usage.read_text()) / 1e9
            with suppress(FileNotFoundError):
                told = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
                return int(told["usage_usec"]) / 1e6
        return 0.0

    def _boot(self) -> None:
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self._folder)
        self._outside = self._start("outside", _OUTSIDE_SCRIPT)
        _wait_for((self._folder / "outside/ready").exists, _PATIENCE, "the machine outside")
        self._make_disk()
        self._inside = self._start("inside", _INSIDE_SCRIPT, groups=True)
        _wait_for((self._folder / "inside/ready").exists, _PATIENCE, "the system's file systems")
        out = ("nsenter", "-t", str(self._outside), "-n", "ip")
        _run(*out, "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", str(self._inside))
        for enter, address, name in (
            (out, OUTSIDE, "out0"),
            (("nsenter", "-t", str(self._inside), "-n", "ip"), ADDRESS, "eth0"),
        ):
            _run(*enter, "addr", "add", f"{address}/24", "dev", name)
            _run(*enter, "link", "set", name, "up")
            _run(*enter, "link", "set", "lo", "up")
        (self._folder / "inside/go").touch()
        self.tell_counters()
        _wait_for(self._answers, _PATIENCE, "its ssh server")

    def _answers(self) -> bool:
        return self._in(self._outside, *self._ssh(PROBER), "echo there", check=False) == "there\n"

    def _start(self, name: str, script: str, *, groups: bool = False) -> int:
        """Start a system in namespaces of its own, which end with this process. Return the ID of its first process."""
        folder = self._folder / name
        for part in ("up", "work", "root"):
            (folder / part).mkdir(parents=True)
        _write(folder / "script", script)
        if groups:
            self._make_groups()
        joins = "".join(f"echo $$ >{shlex.quote(str(group / 'cgroup.procs'))}; " for group in self._groups if groups)
        unshare = "unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child=SIGKILL"
        command = f"{joins}exec {unshare} sh {folder / 'script'} {folder} {self._layer}"
        with (folder / "log").open("w") as log:
            program = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._programs.append(program)
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
        _wait_for(lambda: bool(children.read_text().split()), _PATIENCE, "its first process")
        return int(children.read_text().split()[0])

    def _make_groups(self) -> None:
        root = _cgroup_root()
        assert root is not None
        self._groups = [root / self._name]
        # If control groups of version 1 have the CPUs, they count their time.
        if (accounting := Path("/sys/fs/cgroup/cpuacct")).is_dir():
            self._groups.append(accounting / self._name)
        for group in self._groups:
            _remove_left_over(group.parent)
            group.mkdir()

    def _remove_groups(self) -> bool:
        for group in self._groups:
            _remove_group(group)
        return not any(group.exists() for group in self._groups)

    def _make_disk(self) -> None:
        image = self._folder / "disk"
        _run("truncate", "-s", "64M", image)
        _run("mkfs.ext4", "-q", "-F", image)
        # These files are mounted over the kernel's own, and written before each reading.
        for name in ("stat", "diskstats"):
            _write(self._folder / "counters" / name, "")

    def _ssh(self, user: str, *options: str) -> list[str]:
        return ["ssh", *options, f"{user}@{ADDRESS}"]

    def _entering(self, process: int, *command: str) -> list[str]:
        """Return the words with which a command runs in a system, and in its control group."""
        enter = ["nsenter", "-t", str(process), "--all", "--root", "env", "-i", "--chdir=/", *_ENVIRONMENT, *command]
        if process == self._outside:
            return enter
        # The group of systemd itself, since a group with groups below it may not have processes.
        groups = [group / "init.scope" if (group / "init.scope").exists() else group for group in self._groups]
        joins = "".join(f"echo $$ >{shlex.quote(str(group / 'cgroup.procs'))}; " for group in groups)
        return ["sh", "-c", f'{joins}exec "$@"', "sh", *enter]

    def _in(self, process: int, *command: str, text: str | None = None, check: bool = True) -> str:
        ended = subprocess.run(
            self._entering(process, *command),
            input=text or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if check and ended.returncode:
            raise RuntimeError(f"{' '.join(command)}: status {ended.returncode}: {ended.stderr[-2000:]}")
        return str(ended.stdout)


_ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=xterm", "SHELL=/bin/bash")
# The arguments are the folder of the system and the folder of the packages.
_MOUNTS = r"""
set -e
folder=$1 layer=$2 root=$1/root
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$layer:/,upperdir=$folder/up,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
# As little of the kernel as a container may change: it is this machine's, too.
mount -t sysfs -o ro sysfs "$root/sys"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,ro,bind "$root/proc/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
while read -r name major minor; do mknod -m 666 "$root/dev/$name" c "$major" "$minor"; done <<END
DEVICES
END
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "$root/dev/${number#*:}"; done
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
# The programs of the checkout, which may be below /tmp, or on a file system of its own.
mkdir -p "$root/CHECKOUT"
mount --bind "/CHECKOUT" "$root/CHECKOUT"
mount -o remount,ro,bind "$root/CHECKOUT"
""".replace("DEVICES", "\n".join(_DEVICES)).replace("/CHECKOUT", str(Path(__file__).resolve().parents[2]))
_ENTER = r"""
cd "$root"
mkdir -p .before
pivot_root . .before
umount -l /.before
"""
_OUTSIDE_SCRIPT = (
    _MOUNTS
    + r"""
hostname outside
mkdir -p "$root/root/.ssh"
cp "$root/lab-key" "$root/root/.ssh/id_ed25519"
chmod 600 "$root/root/.ssh/id_ed25519"
printf '%s\n' 'Host *' 'StrictHostKeyChecking no' 'UserKnownHostsFile /dev/null' 'LogLevel ERROR' \
    'ConnectTimeout 60' >"$root/root/.ssh/config"
touch "$folder/ready"
"""
    + _ENTER
    + "exec sleep infinity\n"
)
_INSIDE_SCRIPT = (
    _MOUNTS
    + r"""
hostname vm
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --bind "$folder/../counters/stat" "$root/proc/stat"
mount --bind "$folder/../counters/diskstats" "$root/proc/diskstats"
mkdir -p "$root/data"
mount -o loop "$folder/../disk" "$root/data"
basename "$(losetup -n -O NAME -j "$(readlink -f "$folder/../disk")")" >"$folder/loop"
touch "$folder/ready"
until [ -e "$folder/go" ]; do sleep 0.1; done
"""
    + _ENTER
    + "exec env -i container=lab /lib/systemd/systemd --unit=lab.target\n"
)


def _remove_group(group: Path) -> None:
    """Remove a control group and those below it, if they are empty."""
    for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            folder.rmdir()
    with suppress(OSError):
        group.rmdir()


def _remove_left_over(folder: Path) -> None:
    """Remove the control groups of earlier runs that were killed."""
    for group in folder.glob(f"{_PREFIX}*"):
        owner = group.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _remove_group(group)


def _wait_for(done: Callable[[], bool], patience: float, what: str, *, fail: bool = True) -> None:
    give_up = time.monotonic() + patience
    while not done():
        if time.monotonic() > give_up:
            if fail:
                raise TimeoutError(f"waited {patience:g} s for {what}")
            return
        time.sleep(0.1)


def make_layer(cache: str, below: str, *packages: str) -> None:
    """Make the image of a layer in this process."""
    layer = Layer(Path(cache), packages, Path(below) if below else None)
    try:
        layer.make()
    finally:
        layer.folder.rmdir()
