# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks: what `./dev test` and with it CI runs, in the order in which they are begun (the longest first)."""

from __future__ import annotations

import os
import re
import tarfile
from pathlib import Path

from devtool.docsite import build as build_docsite
from devtool.docsite import look
from devtool.environment import CACHE, PYTHON_VERSION, ROOT, Environment
from devtool.matrix import try_pairs
from devtool.other_collections import provide_collection
from devtool.prerequisites import CRON, JAVA, SSH_KEYGEN
from devtool.release import rehearse
from devtool.running import Check, CheckFailed, Workplace
from devtool.sanity import ansible_test_options, require_tested, run_sanity
from devtool.security import check_security
from devtool.tarball import build, import_as_galaxy_does, run_installed, run_tour
from devtool.workflows import check_workflows

# The files that the tarball may contain. All others are for developers, or private.
_SHIPPED = re.compile(
    r"(MANIFEST|FILES)\.json|(README|CHANGELOG|CODE_OF_CONDUCT|CONTRIBUTING|MAINTAINERS|SECURITY)\.md|CITATION\.cff"
    r"|REUSE\.toml|LICENSES/.*\.txt|(changelogs|docs|meta|playbooks|plugins)/.*\.(md|py|ya?ml)|docs/.*\.(svg|png)"
    r"|extensions/.*\.(json|py|ya?ml)"
    r"|docs/docsite/rst/.*\.rst|playbooks/templates/.*\.j2|docs/examples/.*\.(cfg|j2)|meta/ee-.*\.txt"
)
# Bytes. Galaxy takes 20 MB.
_LARGEST = 5_000_000
OPENSTACK = "openstack"
# The check named units runs all unit tests of plugins. These show that ansible-test, which runs those of modules, of
# module_utils and of the controller's plugins each in a way of its own, can run them, too.
_BY_ANSIBLE_TEST = (
    "tests/unit/plugins/modules/",
    "tests/unit/plugins/module_utils/test_states.py",
    "tests/unit/plugins/action/",
    "tests/unit/plugins/filter/",
)
_OF_SIMULATOR = "tests/unit/simulator"
# They compare pages, examples, layers and the lists of CI with the code, and test ./dev.
_OF_REPOSITORY = ("tests/unit/benchmarks", "tests/unit/collection", "tests/unit/devtool")


def _sanity(workplace: Workplace) -> None:
    output = run_sanity(workplace, workplace.copy(), "--skip-test", "pylint")
    if not workplace.extra:
        require_tested(output, 'Running sanity test "validate-modules"')


def _pylint(workplace: Workplace) -> None:
    output = run_sanity(workplace, workplace.copy(), "--test", "pylint")
    require_tested(output, 'Running sanity test "pylint"')


def _ansible_units(workplace: Workplace) -> None:
    output = workplace.call(
        "ansible-test",
        "units",
        *ansible_test_options(workplace.environment),
        *(workplace.extra or _BY_ANSIBLE_TEST),
        cwd=workplace.copy(),
    )
    require_tested(output, " passed in ")


def _integration(workplace: Workplace) -> None:
    output = workplace.call(
        "ansible-test",
        "integration",
        *ansible_test_options(workplace.environment),
        *workplace.extra,
        cwd=workplace.copy(),
    )
    require_tested(output, "integration test script")


def _units(workplace: Workplace) -> None:
    # A run of named tests may be of any of them.
    left_out = () if workplace.extra else (_OF_SIMULATOR, *_OF_REPOSITORY)
    ignored = [f"--ignore={folder}" for folder in left_out]
    workplace.call("pytest", "--numprocesses", "auto", *ignored, "tests/unit", *workplace.extra)


def _repository(workplace: Workplace) -> None:
    # In one process: the documentation of all modules is read once.
    workplace.call("pytest", *_OF_REPOSITORY, *workplace.extra)


def _simulator(workplace: Workplace) -> None:
    workplace.call("pytest", _OF_SIMULATOR, *workplace.extra)


def _reliability(workplace: Workplace) -> None:
    workplace.call("pytest", "tests/reliability", *workplace.extra)


def _ansible_runs(workplace: Workplace) -> None:
    old_core = Environment("old-core", constrained=False)
    old_core.prepare()
    variables = {"OLD_ANSIBLE_CORE": str(old_core.path / "bin")}
    workplace.call(
        "pytest", "-rs", "--numprocesses", "2", "tests/integration/ansible_runs", *workplace.extra, variables=variables
    )


def _scenarios(workplace: Workplace) -> None:
    workplace.call("pytest", "tests/scenarios", "--cloud", "simulator", *workplace.extra)


def _why_no_openstack() -> str | None:
    if any((CACHE / "openstack").glob(f"packages-{PYTHON_VERSION}-*/stamp")):
        return None
    return "Its packages (0.7 GB) are not there; ./dev test-openstack installs them and runs it."


def _openstack(workplace: Workplace) -> None:
    if not workplace.extra:
        # First the tests of the services that the others need.
        workplace.call("pytest", "tests/openstack")
    # Each worker has a cloud of its own.
    options = ("--cloud", "openstack", "--numprocesses", "2", "--dist", "loadfile", "--durations", "10")
    workplace.call("pytest", "tests/scenarios", *options, *workplace.extra)


def _why_no_idle() -> str | None:
    if os.geteuid() != 0:
        return "It boots systems in namespaces, and has to be root for that; sudo ./dev test idle runs it."
    if any((CACHE / "idle").glob("packages-*.img")):
        return None
    return "Its packages (0.6 GB) are not there; ./dev test idle installs them, away from this system, and runs it."


def _idle(workplace: Workplace) -> None:
    # What it mounts is seen by it alone, and is gone when it ends, however it ends.
    command = ["unshare", "--mount", "--propagation", "private", "pytest", "-rs", "--numprocesses", "6", "tests/idle"]
    if os.geteuid() != 0:
        variables = workplace.environment.variables(workplace.home)
        kept = [f"{name}={variables[name]}" for name in ("PATH", "HOME", "LC_ALL", "CI") if name in variables]
        command = ["sudo", "-n", "env", *kept, *command]
    workplace.call(*command, *workplace.extra)


def _runner(workplace: Workplace) -> None:
    runner, worker = Environment("runner"), Environment("worker")
    for each in (runner, worker):
        each.prepare()
    found = {
        "COLLECTION_TARBALL": build(workplace, workplace.copy()),
        "WORKER_PROGRAMS": worker.path / "bin",
        "AWX_COLLECTIONS": provide_collection(workplace.environment, "awx.awx"),
    }
    variables = runner.variables(workplace.home) | {name: str(path) for name, path in found.items()}
    workplace.call(runner.path / "bin" / "pytest", "-rs", "tests/runner", *workplace.extra, variables=variables)


def _cron(workplace: Workplace) -> None:
    # -rs: why a test was skipped, such as for want of a cron daemon.
    workplace.call("pytest", "-rs", "tests/cron", *workplace.extra)


def _why_no_eda() -> str | None:
    return None if JAVA.is_there else f"It needs Java ({JAVA.package}), by which ansible-rulebook evaluates its rules."


def _eda(workplace: Workplace) -> None:
    # In an environment of its own, for ansible-rulebook wants other versions than the tools do.
    environment = Environment("eda", constrained=False)
    environment.prepare()
    variables = {"PATH": environment.variables(workplace.home)["PATH"]}
    # They wait for polls most of the time.
    workplace.call("pytest", "--numprocesses", "4", "tests/eda", *workplace.extra, variables=variables)


def _format(workplace: Workplace) -> None:
    workplace.call("ruff", "format", "--check", ".", *workplace.extra)


def _ruff(workplace: Workplace) -> None:
    workplace.call("ruff", "check", ".", *workplace.extra)


def _mypy(workplace: Workplace) -> None:
    workplace.call("mypy", *workplace.extra)


def _reuse(workplace: Workplace) -> None:
    workplace.call("reuse", "lint", "--lines", *workplace.extra, cwd=workplace.copy())


def _yamllint(workplace: Workplace) -> None:
    workplace.call("yamllint", "--strict", ".", *workplace.extra)


def _shellcheck(workplace: Workplace) -> None:
    scripts = [Path("dev"), Path(".ci/run"), *(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.sh"))]
    workplace.call("shellcheck", *scripts, *workplace.extra)


def _lint(workplace: Workplace) -> None:
    workplace.call("ansible-lint", "--nocolor", *workplace.extra, cwd=workplace.copy())


def _docs(workplace: Workplace) -> None:
    rules = ("--plugin-docs", "--validate-collection-refs", "self")
    workplace.call("antsibull-docs", "lint-collection-docs", *rules, ".", *workplace.extra, cwd=workplace.copy())


def _docsite(workplace: Workplace) -> None:
    look(workplace, build_docsite(workplace))
    workplace.call("pytest", "-rs", "tests/docsite", *workplace.extra)


def _changelog(workplace: Workplace) -> None:
    workplace.call("antsibull-changelog", "lint", *workplace.extra, cwd=workplace.copy())


def _importer(workplace: Workplace) -> None:
    copy = workplace.copy()
    galaxy = copy / "galaxy.yml"
    if "\nrepository:" not in galaxy.read_text():
        workplace.write(
            "The importer wants a repository, and there is no public one yet: checked with a made-up address.\n"
        )
        galaxy.write_text(f"{galaxy.read_text()}repository: https://example.org/not-published-yet\n")
    import_as_galaxy_does(workplace, build(workplace, copy))


def _package(workplace: Workplace) -> None:
    copy = workplace.copy()
    wanted = {
        str(path.relative_to(copy))
        for name in ("extensions", "plugins", "playbooks", "meta")
        for path in _files(copy / name)
    }
    for litter in (".cache/x.yml", "tests/output/x.json", ".ansible/x.yml", "plugins/modules/__pycache__/x.pyc"):
        (copy / litter).parent.mkdir(parents=True, exist_ok=True)
        (copy / litter).write_text("This must not get into the tarball.")
    tarball = build(workplace, copy)
    if tarball.stat().st_size > _LARGEST:
        raise CheckFailed(f"the tarball has {tarball.stat().st_size} bytes, and should have {_LARGEST} at most")
    with tarfile.open(tarball) as archive:
        packed = {member.name for member in archive.getmembers() if member.isfile()}
    if strange := sorted(name for name in packed if not _SHIPPED.fullmatch(name)):
        raise CheckFailed(f"in the tarball, and should not be (build_ignore of galaxy.yml): {', '.join(strange)}")
    if missing := sorted(wanted - packed):
        raise CheckFailed(f"not in the tarball: {', '.join(missing)}")
    run_installed(workplace, tarball)
    run_tour(workplace)


def _matrix(workplace: Workplace) -> None:
    try_pairs(workplace)


def _security(workplace: Workplace) -> None:
    check_security(workplace)


def _workflows(workplace: Workplace) -> None:
    check_workflows(workplace)


def _release(workplace: Workplace) -> None:
    rehearse(workplace)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# The longest first. The seconds were measured on two cores, two checks side by side, beside some other work.
CHECKS = (
    Check(
        OPENSTACK,
        "a real OpenStack, the scenarios on it, and what is Jetstream2's alone",
        _openstack,
        seconds=2350,
        why_skipped=_why_no_openstack,
    ),
    Check("ansible-runs", "Ansible while it works, how it ends, and modules as well as actions", _ansible_runs, 1383),
    Check("scenarios", "playbooks that must come to the same on every cloud, on the simulator", _scenarios, 1241),
    Check(
        "idle",
        "real workloads on whole systems, and whether they are called idle or active; a timer; the lab course",
        _idle,
        seconds=670,
        why_skipped=_why_no_idle,
    ),
    Check("pylint", "ansible-test's pylint, with nothing ignored", _pylint, 373),
    Check("matrix", "plugins and a small fleet on every supported ansible-core and Python", _matrix, 300),
    Check("integration", "tasks and playbooks against the simulator", _integration, 290, (SSH_KEYGEN,)),
    Check("reliability", "random tasks with faults, and a term hour by hour, in simulated time", _reliability, 155),
    Check("runner", "execution environments, navigator, runner, nodes with one state, AWX", _runner, 150),
    Check("sanity", "the rest of ansible-test sanity, with nothing ignored", _sanity, 127),
    Check("eda", "rulebooks by a real ansible-rulebook", _eda, 120, (JAVA,), _why_no_eda),
    Check("cron", "the lines of docs/cron.md and install_schedule, by a real cron daemon", _cron, 116, (CRON,)),
    Check("lint", "ansible-lint, profile production", _lint, 113),
    Check("docsite", "the site with the documentation: warnings, links, and each page in a browser", _docsite, 85),
    Check("package", "the tarball: what is in it, and that it works where nothing else is installed", _package, 80),
    Check("release", "a release in a copy: its changelog, its links, its tarball", _release, 67),
    Check("units", "the unit tests of plugins and extensions", _units, 60),
    Check("ansible-units", "some unit tests, as ansible-test runs them", _ansible_units, 39),
    Check("security", "bandit, secrets in files, known vulnerabilities, a list of all parts (SBOM)", _security, 30),
    Check("docs", "documentation of modules and plugins", _docs, 26),
    Check("importer", "the checks of Ansible Galaxy on the tarball", _importer, 24),
    Check("repository", "pages, examples, layers and lists that agree with the code; ./dev itself", _repository, 17),
    Check("workflows", "files for GitHub and GitLab: their form, and what makes workflows unsafe", _workflows, 10),
    Check("simulator", "the simulated Atmosphere, against recordings of a real one", _simulator, 8),
    Check("mypy", "types, strictly", _mypy, 8),
    Check("changelog", "the fragments of the next changelog", _changelog, 3),
    Check("reuse", "a license and a copyright for every file", _reuse, 3),
    Check("yamllint", "YAML", _yamllint, 2),
    Check("shellcheck", "shell scripts", _shellcheck, 1),
    Check("format", "the form of Python code", _format, 1),
    Check("ruff", "habits of Python code", _ruff, 1),
)
