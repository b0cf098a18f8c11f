# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ./dev."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from devtool.checks import CHECKS, OPENSTACK
from devtool.docsite import build as build_docsite
from devtool.environment import (
    CACHE,
    DEMO_SEED,
    REQUIREMENTS,
    ROOT,
    WITH_SIMULATOR,
    Environment,
    SetUpFailed,
    make_home,
    say,
)
from devtool.matrix import PARTS, incomplete_pairs, load_results, run_matrix
from devtool.mutants import DEFAULT_FILES, run_mutants
from devtool.other_collections import provide_collection
from devtool.pairs import CORES, as_toml, load_cores, newest_cores, pairs
from devtool.prerequisites import GIT, install, missing, report
from devtool.release import NotReleased, pack_tagged, release, remaining_steps
from devtool.routes import write_runtime
from devtool.running import CheckFailed, Workplace, run_checks, run_folder
from devtool.security import write_sbom


def main() -> int:
    words, extra = _split(sys.argv[1:])
    arguments = _parser().parse_args(words, argparse.Namespace(extra=extra))
    # A kill, or the end of the terminal, cleans up as Ctrl-C does. Under nohup, SIGHUP stays ignored.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        return int(arguments.do(arguments))
    except SetUpFailed as error:
        say(f"dev: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of ./dev, and those for the program that a command runs; for some commands, those after `--`."""
    if words[:1] in (["bench"], ["bench-openstack"], ["bench-launch"], ["reliability"]):
        return words[:1], words[1:]
    if words[:1] not in (["test"], ["test-openstack"], ["mutants"]) or "--" not in words:
        return words, []
    middle = words.index("--")
    return words[:middle], words[middle + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev", description="Runs the demo and the checks of this collection.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="stop a simulated fleet, and show it before and after")
    demo.set_defaults(do=_demo)

    checks = "\n".join(f"  {check.name:<13} {check.about}" for check in CHECKS)
    test = commands.add_parser(
        "test",
        help="run the checks, all or those named",
        usage="dev test [-h] [-v] [CHECK ...] [-- ARGUMENT ...]",
        epilog=f"checks:\n{checks}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.add_argument("checks", nargs="*", metavar="CHECK", type=_check_name)
    test.add_argument("-v", "--verbose", action="store_true", help="show the output of passing checks, too")
    test.set_defaults(do=_test)

    openstack = commands.add_parser(
        "test-openstack", help="run the check named openstack, and first install its packages if they are missing"
    )
    openstack.set_defaults(do=_test, checks=[OPENSTACK], verbose=False)

    prerequisites = commands.add_parser("prerequisites", help="name the programs that the checks need and are missing")
    prerequisites.add_argument("--install", action="store_true", help="install them by apt, as root or by sudo")
    prerequisites.set_defaults(do=_prerequisites)

    run = commands.add_parser("run", help="run a program in the environment of the checks: ./dev run pytest -k name")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="PROGRAM ...")
    run.set_defaults(do=_run)

    bench = commands.add_parser(
        "bench", help="measure how fast fleets are stopped, and write docs/performance.md: half an hour"
    )
    bench.set_defaults(do=_bench)

    bench_openstack = commands.add_parser(
        "bench-openstack",
        help="measure that beside openstack.cloud, on a real OpenStack (0.7 GB of packages): ten minutes",
    )
    bench_openstack.set_defaults(do=_bench_openstack)

    launching = commands.add_parser(
        "bench-launch",
        help="measure launches and deletions beside openstack.cloud, on a real OpenStack: a quarter of an hour",
    )
    launching.set_defaults(do=_bench_launch)

    reliability = commands.add_parser(
        "reliability", help="try random fleets, tasks and faults: --runs 20000, or --seed N for one of them"
    )
    reliability.set_defaults(do=_reliability)

    mutants = commands.add_parser(
        "mutants",
        help="change the code of decisions, one place at a time, and show the changes that no test notices",
        usage="dev mutants [-h] [--minutes N] [--jobs N] [FILE ...] [-- TEST ...]",
        epilog="files, unless some are named:\n  " + "\n  ".join(DEFAULT_FILES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    mutants.add_argument("files", nargs="*", metavar="FILE")
    mutants.add_argument("--minutes", type=float, default=30, metavar="N", help="end after N minutes (30)")
    mutants.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="try N at the same time (as many as there are cores)",
    )
    mutants.set_defaults(do=_mutants)

    matrix = commands.add_parser(
        "matrix",
        help="run the tests with every supported ansible-core and Python, and write the README's table",
    )
    matrix.add_argument("--core", metavar="VERSION", help="this ansible-core alone, as in 2.20")
    matrix.add_argument("--python", metavar="VERSION", help="this Python alone, as in 3.13")
    matrix.add_argument("--part", choices=PARTS, help="this part alone")
    matrix.set_defaults(do=_matrix)

    release = commands.add_parser(
        "release", help="commit, tag, build and try a release, and say what is left for a person: release 1.2.0"
    )
    release.add_argument("version", metavar="VERSION")
    where = release.add_mutually_exclusive_group()
    where.add_argument("--address", metavar="URL", help="the repository's, if galaxy.yml does not have it yet")
    where.add_argument("--without-address", action="store_true", help="commit and tag only: there is no repository yet")
    release.set_defaults(do=_release)

    docsite = commands.add_parser("docsite", help="build the site with the documentation, and print where it is")
    docsite.set_defaults(do=_docsite)

    tarball = commands.add_parser("tarball", help="build and try the tarball of the version whose tag is checked out")
    tarball.set_defaults(do=_tarball)

    parts = commands.add_parser("sbom", help="write the list of all parts (SBOM, CycloneDX) into .cache/sbom.json")
    parts.set_defaults(do=_sbom)

    pictures = commands.add_parser("pictures", help="make the pictures in docs/pictures anew, by runs of the playbooks")
    pictures.set_defaults(do=_pictures)

    routes = commands.add_parser("routes", help="write meta/runtime.yml anew, after a module was added or removed")
    routes.set_defaults(do=_routes)

    lock = commands.add_parser(
        "lock", help="write requirements/constraints.txt and cores.toml anew, after a change of requirements"
    )
    lock.set_defaults(do=_lock)
    return parser


def _demo(_arguments: argparse.Namespace) -> int:
    environment = Environment("demo")
    environment.prepare()
    variables = environment.variables(make_home("home")) | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        variables["ANSIBLE_FORCE_COLOR"] = "true"
    python = str(environment.python)
    command = [python, str(WITH_SIMULATOR), "--seed", str(DEMO_SEED), "--transition", "3", "--max-seconds", "900"]
    # exec: this process becomes with_simulator.py, so that no process in between has to pass on signals.
    os.chdir(ROOT)
    os.execve(python, [*command, "--", python, "-m", "devtool.tour"], variables)


def _check_name(word: str) -> str:
    names = [check.name for check in CHECKS]
    if word not in names:
        raise argparse.ArgumentTypeError(f"no check {word!r}; the checks are {', '.join(names)}")
    return word


def _test(arguments: argparse.Namespace) -> int:
    named = [check for check in CHECKS if check.name in arguments.checks]
    if arguments.extra and len(named) != 1:
        say("dev: name one check for the arguments after --")
        return 2
    in_ci = os.environ.get("CI") == "true"
    skipped = {} if named or in_ci else {check: why for check in CHECKS if (why := check.why_skipped())}
    chosen = named or [check for check in CHECKS if check not in skipped]
    # Missing programs are reported before anything is set up.
    needed = [GIT, *(each for check in chosen for each in check.prerequisites)]
    message, can_run = report(missing(needed), in_ci=in_ci)
    if not can_run:
        raise SetUpFailed(message)
    if not (ROOT / ".git").exists():
        raise SetUpFailed("the checks need a clone made by git, which lists the files of the collection.")
    environment = Environment("test")
    environment.prepare()
    if message:
        say(message)
    for check, why in skipped.items():
        say(f"Not run: {check.name}. {why}")
    return 0 if run_checks(chosen, environment, arguments.extra, verbose=arguments.verbose) else 1


def _prerequisites(arguments: argparse.Namespace) -> int:
    absent = missing([GIT, *(each for check in CHECKS for each in check.prerequisites)])
    message, _can_run = report(absent, in_ci=True)
    say(message or "No program is missing.")
    if not absent:
        return 0
    return 0 if arguments.install and install(absent) else 1


def _run(arguments: argparse.Namespace) -> int:
    environment = Environment("test")
    environment.prepare()
    if not arguments.command:
        say("dev: name a program to run. For example: ./dev run pytest tests/unit -k name")
        return 2
    try:
        return subprocess.run(arguments.command, env=environment.variables(make_home("home")), check=False).returncode
    except FileNotFoundError:
        say(f"dev: no program {arguments.command[0]}")
        return 127


def _bench(arguments: argparse.Namespace) -> int:
    environment, client = Environment("test"), Environment("atmosphere-cli")
    environment.prepare()
    # Another client has an environment of its own: it is measured, and its requirements are not those of the tests.
    client.prepare()
    options = ["--atmosphere-cli", str(client.path / "bin" / "atmo")]
    return _run_package(environment, "tests.benchmarks", *options, *arguments.extra)


def _bench_openstack(arguments: argparse.Namespace) -> int:
    environment, client = Environment("test"), Environment("openstack-client", constrained=False)
    environment.prepare()
    client.prepare()
    collections = provide_collection(environment, "openstack.cloud")
    options = ["--collections", str(collections), "--client", str(client.path / "bin" / "openstack")]
    return _run_package(environment, "tests.benchmarks.side_by_side", *options, *arguments.extra)


def _bench_launch(arguments: argparse.Namespace) -> int:
    environment = Environment("test")
    environment.prepare()
    options = ["--collections", str(provide_collection(environment, "openstack.cloud"))]
    return _run_package(environment, "tests.benchmarks.launching", *options, *arguments.extra)


def _reliability(arguments: argparse.Namespace) -> int:
    environment = Environment("test")
    environment.prepare()
    return _run_package(environment, "tests.reliability", *arguments.extra)


def _run_package(environment: Environment, package: str, *words: str) -> int:
    """Run a package of the collection in an environment, and return its exit status."""
    command = [str(environment.python), "-m", f"ansible_collections.jetstream.cloud.{package}", *words]
    return subprocess.run(command, env=environment.variables(make_home("home")), check=False).returncode


def _mutants(arguments: argparse.Namespace) -> int:
    environment = Environment("mutants")
    environment.prepare()
    return run_mutants(environment, arguments.files, arguments.extra, minutes=arguments.minutes, jobs=arguments.jobs)


def _matrix(arguments: argparse.Namespace) -> int:
    chosen = pairs(load_cores(), arguments.core, arguments.python)
    if not chosen:
        known = ", ".join(f"{each.core} with {each.python}" for each in pairs(load_cores()))
        say(f"dev: no supported pair matches. The supported pairs are {known}.")
        return 2
    CACHE.mkdir(exist_ok=True)
    with run_folder() as folder:
        passed = run_matrix(chosen, [arguments.part] if arguments.part else list(PARTS), folder)
    return 0 if passed else 1


def _release(arguments: argparse.Namespace) -> int:
    environment = Environment("test")
    environment.prepare()
    if left := incomplete_pairs(load_results(), load_cores()):
        say(f"README.md will show {len(left)} pairs without all tests passed (./dev matrix): {'; '.join(left)}")
    with run_folder() as folder:
        place = folder / "release"
        place.mkdir()
        workplace = Workplace(environment, place, (), live=True)
        try:
            public = not arguments.without_address
            tarball = release(workplace, ROOT, arguments.version, arguments.address, public=public)
        except (NotReleased, CheckFailed) as error:
            say(f"dev: {arguments.version} was not released. {error}")
            return 1
        kept = Path(shutil.copy(tarball, CACHE)).relative_to(ROOT) if tarball else None
        try:
            write_sbom(workplace)
        except (CheckFailed, SetUpFailed) as error:
            say(f"dev: The version is released, but has no list of parts yet (./dev sbom). {error}")
    say(f"\n{arguments.version} is committed and tagged. These steps are left for a person:")
    for step in remaining_steps(kept, arguments.version):
        say(f"  {step}")
    return 0


def _docsite(_arguments: argparse.Namespace) -> int:
    return _make("site", Environment("docsite"), lambda place: build_docsite(place) / "index.html")


def _tarball(_arguments: argparse.Namespace) -> int:
    return _make("tarball", Environment("test"), lambda place: Path(shutil.copy(pack_tagged(place, ROOT), CACHE)))


def _sbom(_arguments: argparse.Namespace) -> int:
    return _make("list of parts", Environment("security"), write_sbom)


def _make(thing: str, environment: Environment, make: Callable[[Workplace], Path]) -> int:
    """Make a thing in a temporary folder, print where it is kept, and return an exit status."""
    environment.prepare()
    with run_folder() as folder:
        place = folder / "work"
        place.mkdir()
        try:
            kept = make(Workplace(environment, place, (), live=True))
        except (NotReleased, CheckFailed) as error:
            say(f"dev: There is no {thing}. {error}")
            return 1
    say(f"\nThe {thing} is in {kept.relative_to(ROOT)}.")
    return 0


def _pictures(_arguments: argparse.Namespace) -> int:
    environment = Environment("test")
    environment.prepare()
    return _run_package(environment, "tests.pictures")


def _routes(_arguments: argparse.Namespace) -> int:
    write_runtime(ROOT)
    return 0


def _lock(_arguments: argparse.Namespace) -> int:
    environment = Environment("test")
    environment.prepare()
    header = (REQUIREMENTS / "demo.txt").read_text().split("#\n")[0]
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--upgrade", "--no-header"]
    variables = environment.variables(make_home("home")) | {"UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1")}
    locked = subprocess.run(
        [*command, "--no-annotate", "requirements/test.txt", "requirements/security.txt"],
        cwd=ROOT,
        env=variables,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    note = "#\n# Everything that demo.txt, test.txt and security.txt pull in. Written by `./dev lock`.\n"
    (REQUIREMENTS / "constraints.txt").write_text(header + note + locked.stdout)
    _lock_cores(environment)
    return 0


def _lock_cores(environment: Environment) -> None:
    """Write the newest release of each supported ansible-core below the heading of cores.toml."""
    with tempfile.TemporaryDirectory() as folder:
        cores = newest_cores([environment.python, "-m", "pip"], Path(folder))
    heading = CORES.read_text(encoding="utf-8").partition("[[core]]")[0]
    CORES.write_text(heading + as_toml(cores), encoding="utf-8")
    if not any(core.is_candidate for core in cores):
        say("The index has no release candidate of ansible-core that is newer than the last release.")


if __name__ == "__main__":
    sys.exit(main())
