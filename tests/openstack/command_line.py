# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands up, status, env, down and packages."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.tests.openstack import cloud, keeper, packages
from ansible_collections.jetstream.cloud.tests.openstack.services import PATHS, Layout


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["keep"]:
        return keeper.Keeper(keeper.Options(**json.loads(arguments[1]))).run()
    given = _parser().parse_args(arguments)
    try:
        return int(given.command(given))
    except (keeper.StartFailed, packages.PackagesMissing) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/openstack", description="A real OpenStack on loopback.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = _command(commands, "up", _up, "start it, and return when it is ready")
    up.add_argument("--with-cinder", action="store_true", help="with volumes")
    up.add_argument("--max-seconds", type=float, default=3600, help="it ends by itself after this time (%(default)s)")
    up.add_argument("--fresh", action="store_true", help="make the databases anew instead of starting from the seed")
    up.add_argument(
        "--port", action="append", default=[], type=_port, metavar="SERVICE=PORT", help="a fixed public port"
    )
    _command(commands, "status", _status, "list the services; exit status 0 if the cloud is ready")
    _command(commands, "env", _env, "print the variables to export")
    _command(commands, "down", _down, "end it")
    install = commands.add_parser("packages", help="only make the virtual environment")
    install.set_defaults(command=_packages)
    return parser


def _command(commands: argparse._SubParsersAction, name: str, function: object, text: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("--run-dir", type=Path, default=cloud.default_run_dir(), help="%(default)s")
    parser.set_defaults(command=function)
    return parser


def _port(text: str) -> tuple[str, int]:
    name, _separator, number = text.partition("=")
    if name not in PATHS or not number.isdigit():
        raise argparse.ArgumentTypeError(f"not SERVICE=PORT with one of the services {', '.join(PATHS)}")
    return name, int(number)


def _say(text: str) -> None:
    print(text, flush=True)


def _up(given: argparse.Namespace) -> int:
    run_dir = given.run_dir.resolve()
    layout = Layout(run_dir)
    if keeper.is_kept(layout):
        if given.with_cinder and not keeper.read_state(layout).get("with_cinder", True):
            raise keeper.StartFailed(f"the cloud that is up in {run_dir} is without cinder")
        _say(f"up already in {run_dir}")
        return _status(given)
    options = keeper.Options(
        str(run_dir),
        with_cinder=given.with_cinder,
        max_seconds=given.max_seconds,
        public_ports=dict(given.port),
        fresh=given.fresh,
    )
    cloud.up(options, _say)
    return _env(given)


def _env(given: argparse.Namespace) -> int:
    run_dir = given.run_dir.resolve()
    if not cloud.is_ready(Layout(run_dir)):
        print(f"no cloud is ready in {run_dir}", file=sys.stderr)
        return 1
    for name, value in cloud.Cloud(run_dir).environment.items():
        _say(f"export {name}={shlex.quote(value)}")
    return 0


def _status(given: argparse.Namespace) -> int:
    layout = Layout(given.run_dir.resolve())
    state = keeper.read_state(layout)
    kept = keeper.is_kept(layout)
    if not kept:
        _say(f"not running; {_past(state)}")
        return 1
    if not state:
        _say("starting")
        return 1
    _say(f"{state['phase']}, keeper {state['pid']}, ends by itself in {state['ends'] - time.time():.0f} s")
    total = 0.0
    for name, pid in state["pids"].items():
        megabytes = _proportional_megabytes(pid)
        total += megabytes
        _say(f"{name:14} pid {pid:<7} port {state['ports'][name][0]:<6} {megabytes:4.0f} MB")
    _say(f"{total:.0f} MB in all (PSS)")
    return 0 if state["phase"] == "ready" else 1


def _past(state: dict[str, Any]) -> str:
    if not state:
        return "never started"
    # A keeper that ends without being killed writes the phase ended or failed.
    if state["phase"] in ("starting", "ready"):
        return "its keeper was killed"
    return f"{state['phase']} {state['message']}"


def _proportional_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _down(given: argparse.Namespace) -> int:
    _say("ended" if cloud.down(given.run_dir.resolve()) else "nothing to end")
    return 0


def _packages(given: argparse.Namespace) -> int:
    _say(f"{packages.ensure(_say)}")
    return 0
