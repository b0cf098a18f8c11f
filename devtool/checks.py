# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks: what `./dev test` and with it CI runs, in the order in which they are begun (the longest first)."""

from __future__ import annotations

import re
import shlex
import tarfile
from pathlib import Path

from devtool.environment import BESIDE, CACHE, DEMO_SEED, PYTHON_VERSION, ROOT, Environment, lock
from devtool.pip_bootstrap import provide_pip_bootstrap
from devtool.prerequisites import CRON, SSH_KEYGEN
from devtool.running import Check, CheckFailed, Workplace

# What the tarball may have in it. All else is for those who change the collection, or private.
_SHIPPED = re.compile(
    r"(MANIFEST|FILES)\.json|(README|CHANGELOG|CONTRIBUTING)\.md|CITATION\.cff|REUSE\.toml|LICENSES/.*\.txt"
    r"|(changelogs|docs|meta|playbooks|plugins)/.*\.(md|py|ya?ml)|docs/.*\.svg|playbooks/templates/.*\.j2"
)
OPENSTACK = "openstack"
# The check named units runs all unit tests. These show that ansible-test, which runs those of modules, of module_utils
# and of the controller's plugins each in a way of its own, can run them, too.
_BY_ANSIBLE_TEST = (
    "tests/unit/plugins/modules/",
    "tests/unit/plugins/module_utils/test_states.py",
    "tests/unit/plugins/action/",
    "tests/unit/plugins/filter/",
)
_ANSIBLE_TEST = ("--local", "--python", PYTHON_VERSION, "--color", "no")


def _sanity(place: Workplace) -> None:
    said = _run_sanity(place, "--skip-test", "pylint")
    _insist(said, "Running sanity test" if place.extra else 'Running sanity test "validate-modules"')


def _pylint(place: Workplace) -> None:
    said = _run_sanity(place, "--test", "pylint")
    _insist(said, 'Running sanity test "pylint"')


def _run_sanity(place: Workplace, *which: str) -> str:
    with lock("pip-bootstrap"):
        provide_pip_bootstrap(place.environment, place.home)
    # ansible-test makes a virtual environment for every test, in a place that all runs share.
    with lock(f"sanity{''.join(which)}"):
        return place.call("ansible-test", "sanity", *which, *_ANSIBLE_TEST, *place.extra, cwd=place.copy())


def _ansible_units(place: Workplace) -> None:
    said = place.call("ansible-test", "units", *_ANSIBLE_TEST, *(place.extra or _BY_ANSIBLE_TEST), cwd=place.copy())
    _insist(said, " passed in ")


def _integration(place: Workplace) -> None:
    said = place.call("ansible-test", "integration", *_ANSIBLE_TEST, *place.extra, cwd=place.copy())
    _insist(said, "integration test script")


def _insist(said: str, expected: str) -> None:
    """Raise CheckFailed if ansible-test ended well without having tested anything."""
    if "All targets skipped" in said or expected not in said:
        raise CheckFailed(f"nothing was tested: either all targets were skipped, or {expected!r} is missing above")


def _units(place: Workplace) -> None:
    place.call("pytest", "--numprocesses", "auto", "tests/unit", *place.extra)


def _ansible_runs(place: Workplace) -> None:
    old_core = Environment("old-core", constrained=False)
    old_core.prepare()
    variables = {"OLD_ANSIBLE_CORE": str(old_core.path / "bin")}
    place.call(
        "pytest", "-rs", "--numprocesses", "2", "tests/integration/ansible_runs", *place.extra, variables=variables
    )


def _scenarios(place: Workplace) -> None:
    place.call("pytest", "tests/scenarios", "--cloud", "simulator", *place.extra)


def _why_no_openstack() -> str | None:
    if any((CACHE / "openstack").glob(f"packages-{PYTHON_VERSION}-*/stamp")):
        return None
    return "Its packages (0.7 GB) are not there; ./dev test-openstack installs them and runs it."


def _openstack(place: Workplace) -> None:
    if not place.extra:
        # First what the others stand on.
        place.call("pytest", "tests/openstack")
    place.call("pytest", "tests/scenarios", "--cloud", "openstack", "--durations", "10", *place.extra)


def _cron(place: Workplace) -> None:
    # -rs: why a test was skipped, such as for want of a cron daemon.
    place.call("pytest", "-rs", "tests/cron", *place.extra)


def _format(place: Workplace) -> None:
    place.call("ruff", "format", "--check", ".", *place.extra)


def _ruff(place: Workplace) -> None:
    place.call("ruff", "check", ".", *place.extra)


def _mypy(place: Workplace) -> None:
    place.call("mypy", *place.extra)


def _reuse(place: Workplace) -> None:
    place.call("reuse", "lint", "--lines", *place.extra, cwd=place.copy())


def _yamllint(place: Workplace) -> None:
    place.call("yamllint", "--strict", ".", *place.extra)


def _shellcheck(place: Workplace) -> None:
    scripts = [Path("dev"), Path(".ci/run"), *(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.sh"))]
    place.call("shellcheck", *scripts, *place.extra)


def _lint(place: Workplace) -> None:
    place.call("ansible-lint", "--nocolor", *place.extra, cwd=place.copy())


def _docs(place: Workplace) -> None:
    rules = ("--plugin-docs", "--validate-collection-refs", "self")
    place.call("antsibull-docs", "lint-collection-docs", *rules, ".", *place.extra, cwd=place.copy())


def _changelog(place: Workplace) -> None:
    place.call("antsibull-changelog", "lint", *place.extra, cwd=place.copy())


def _importer(place: Workplace) -> None:
    copy = place.copy()
    galaxy = copy / "galaxy.yml"
    if "\nrepository:" not in galaxy.read_text():
        place.write(
            "The importer wants a repository, and there is no public one yet: checked with a made-up address.\n"
        )
        galaxy.write_text(f"{galaxy.read_text()}repository: https://example.org/not-published-yet\n")
    tarball = _build(place, copy)
    # The check named lint does what is left out here.
    settings = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false", "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true"}
    said = place.call("python", "-m", "galaxy_importer.main", tarball, cwd=place.folder, variables=settings)
    if "Importer processing completed successfully" not in said or re.search("^(WARNING|ERROR)", said, re.MULTILINE):
        raise CheckFailed("Galaxy would refuse the collection, or warn of it")


def _package(place: Workplace) -> None:
    copy = place.copy()
    wanted = {str(path.relative_to(copy)) for name in ("plugins", "playbooks", "meta") for path in _files(copy / name)}
    for litter in (".cache/x.yml", "tests/output/x.json", ".ansible/x.yml", "plugins/modules/__pycache__/x.pyc"):
        (copy / litter).parent.mkdir(parents=True, exist_ok=True)
        (copy / litter).write_text("This must not get into the tarball.")
    tarball = _build(place, copy)
    with tarfile.open(tarball) as archive:
        packed = {member.name for member in archive.getmembers() if member.isfile()}
    if strange := sorted(name for name in packed if not _SHIPPED.fullmatch(name)):
        raise CheckFailed(f"in the tarball, and should not be (build_ignore of galaxy.yml): {', '.join(strange)}")
    if missing := sorted(wanted - packed):
        raise CheckFailed(f"not in the tarball: {', '.join(missing)}")
    _run_installed(place, tarball)


def _run_installed(place: Workplace, tarball: Path) -> None:
    """Install the tarball where there is nothing else, and stop a fleet twice with what is there."""
    path = place.folder / "installed"
    alone = {"ANSIBLE_COLLECTIONS_PATH": str(path), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
    galaxy = ("ansible-galaxy", "collection")
    place.call(*galaxy, "install", "--offline", "--collections-path", path, tarball, variables=alone)
    place.call(*galaxy, "verify", "--offline", "jetstream.cloud", variables=alone)
    stop_all = ("ansible-playbook", "jetstream.cloud.stop_all")
    both = f"{shlex.join(stop_all)} && {shlex.join(stop_all)}"
    said = place.call("python", BESIDE, "--seed", DEMO_SEED, "--", "sh", "-c", both, cwd=path, variables=alone)
    if (changes := re.findall(r"changed=(\d+)", said)) != ["1", "0"]:
        raise CheckFailed(f"the first run should change something and the second nothing; they changed {changes}")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _build(place: Workplace, copy: Path) -> Path:
    place.call("ansible-galaxy", "collection", "build", "--output-path", place.folder, cwd=copy)
    [tarball] = place.folder.glob("*.tar.gz")
    return tarball


# The longest first. The seconds are of a run of all checks on two cores, two checks side by side.
CHECKS = (
    Check(
        OPENSTACK,
        "a real OpenStack, the scenarios on it, and what is Jetstream2's alone",
        _openstack,
        seconds=240,
        why_skipped=_why_no_openstack,
    ),
    Check("ansible-runs", "Ansible while it works, how it ends, and modules beside actions", _ansible_runs, 90),
    Check(
        "integration",
        "tasks and playbooks against the simulator",
        _integration,
        seconds=57,
        prerequisites=(SSH_KEYGEN,),
    ),
    Check("pylint", "ansible-test's pylint, with nothing ignored", _pylint, 51),
    Check("scenarios", "playbooks that must come to the same on every cloud, on the simulator", _scenarios, 48),
    Check("units", "all unit tests", _units, 40),
    Check("package", "the tarball: what is in it, and that it works where nothing else is installed", _package, 29),
    Check("sanity", "the rest of ansible-test sanity, with nothing ignored", _sanity, 27),
    Check("lint", "ansible-lint, profile production", _lint, 15),
    Check("ansible-units", "some unit tests, as ansible-test runs them", _ansible_units, 15),
    Check("docs", "documentation of modules and plugins", _docs, 10),
    Check("mypy", "types, strictly", _mypy, 8),
    Check("importer", "what Ansible Galaxy would say of the tarball", _importer, 6),
    Check(
        "cron",
        "the crontab of docs/cron.md, by a real cron daemon where there is one",
        _cron,
        seconds=5,
        prerequisites=(CRON,),
    ),
    Check("changelog", "the fragments of the next changelog", _changelog, 1),
    Check("reuse", "a licence and a copyright for every file", _reuse, 1),
    Check("yamllint", "YAML", _yamllint, 1),
    Check("shellcheck", "shell scripts", _shellcheck, 1),
    Check("format", "the form of Python code", _format, 1),
    Check("ruff", "habits of Python code", _ruff, 1),
)
