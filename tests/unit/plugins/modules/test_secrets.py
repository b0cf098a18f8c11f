# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No output of a module has a password or a token, whatever its verbosity, and however it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible
import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http import transport
from ansible_collections.jetstream.cloud.tests.simulator import Fault, ManualClock, fleet
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site, a_site

INFO, STATE = "jetstream_instance_info", "jetstream_instance_state"
PASSWORD = "correct-horse-battery-staple"
# The folders of the package ansible and of ansible_collections: the code that a module can import when it runs.
IMPORTABLE = (Path(ansible.__path__[0]).parent, Path(transport.__file__).parents[7])
LOUDLY = {
    "_ansible_verbosity": 5,
    "_ansible_debug": True,
    "_ansible_diff": True,
    "_ansible_tracebacks_for": ["error", "warning", "deprecated"],
}
# Seconds. A module that hangs ends the test with a failure.
BOUND = 60


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(fleet(2, password=PASSWORD, clock=ManualClock()), tmp_path) as served:
        yield served


def run(site: Site, module: str, options: dict[str, Any], **environ: str) -> tuple[dict[str, Any], str]:
    """Run a module in a process of its own, with all verbosity. Return its result, and everything that it wrote."""
    arguments = {"ANSIBLE_MODULE_ARGS": {"api_url": site.server.url, **options, **LOUDLY}}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    process = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.jetstream.cloud.plugins.modules.{module}"],
        input=json.dumps(arguments),
        env={
            **inherited,
            "PYTHONPATH": os.pathsep.join(map(str, IMPORTABLE)),
            "HOME": str(site.home),
            "ANSIBLE_DEBUG": "1",
            **environ,
        },
        cwd=site.home,
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )
    line = next((each for each in reversed(process.stdout.splitlines()) if each.startswith("{")), '{"crashed": true}')
    result = json.loads(line)
    # From ansible-core 2.22 on, a module tells the controller the secrets of its options, which it hides everywhere.
    result.pop("_ansible_new_secrets", None)
    return result, process.stdout.replace(line, json.dumps(result)) + process.stderr


def tokens(site: Site) -> list[str]:
    return list(site.world.tokens)


def leaks(site: Site, text: str) -> list[str]:
    """Return the secrets that are in a text: the password, any revealing part of it, and every token there was."""
    return [secret for secret in (PASSWORD, PASSWORD[:13], *tokens(site)) if secret in text]


def from_option(site: Site) -> tuple[dict[str, Any], dict[str, str]]:
    return {"username": "johndoe", "password": PASSWORD}, {}


def from_environment(site: Site) -> tuple[dict[str, Any], dict[str, str]]:
    return {}, {"JETSTREAM_USERNAME": "johndoe", "JETSTREAM_PASSWORD": PASSWORD}


def from_profile(site: Site) -> tuple[dict[str, Any], dict[str, str]]:
    path = site.home / ".config" / "jetstream" / "profiles.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[default]\napi_url = "{site.server.url}"\nusername = "johndoe"\npassword = "{PASSWORD}"\n')
    path.chmod(0o600)
    return {}, {}


def from_jkey(site: Site) -> tuple[dict[str, Any], dict[str, str]]:
    path = site.home / ".config" / "jetstream" / "jkey.csv"
    path.parent.mkdir(parents=True)
    path.write_text(f"{PASSWORD}\n")
    path.chmod(0o644)
    return {"username": "johndoe"}, {}


def token_from_environment(site: Site) -> tuple[dict[str, Any], dict[str, str]]:
    return {}, {"JETSTREAM_TOKEN": site.world.new_token(site.world.users["johndoe"])}


SOURCES = [from_option, from_environment, from_profile, from_jkey, token_from_environment]


@pytest.mark.parametrize("source", [from_jkey, token_from_environment])
def test_not_when_all_is_well(site: Site, source: Any) -> None:
    options, environ = source(site)
    result, said = run(site, INFO, options, **environ)
    assert [each["name"] for each in result["instances"]] == ["node-0001", "node-0002"]
    assert leaks(site, said) == []


@pytest.mark.parametrize("source", SOURCES)
def test_not_when_the_server_says_it_back(site: Site, source: Any) -> None:
    """Neither in the sentence nor in the traceback behind it."""
    options, environ = source(site)
    secret = environ.get("JETSTREAM_TOKEN", PASSWORD)
    echo = {"detail": f"You sent me {secret}, which I do not like."}
    site.server.faults.add(Fault(path="", status=400, body=echo, times=None))
    result, said = run(site, INFO, options, **environ)
    assert result["failed"] is True
    assert "You sent me ********, which I do not like" in result["msg"]
    assert leaks(site, said) == []


def test_not_when_the_server_says_back_the_token_of_a_login(site: Site) -> None:
    token = site.world.new_token(site.world.users["johndoe"])
    body = {"token": token, "expires": "Nov 24, 2099 18:57:00"}
    site.server.faults.add(Fault(path="/auth", status=201, body=body))
    site.server.faults.add(Fault(path="/api/", status=400, body={"detail": f"No {token} please."}, times=None))
    result, said = run(site, INFO, {"username": "johndoe", "password": PASSWORD})
    assert "No ******** please." in result["msg"]
    assert leaks(site, said) == []


@pytest.mark.parametrize("source", [from_environment, from_profile])
def test_not_when_no_server_answers(site: Site, source: Any) -> None:
    options, environ = source(site)
    site.server.stop()
    result, said = run(site, STATE, {**options, "state": "stopped", "all": True, "retry_timeout": 0}, **environ)
    assert "could not be connected to" in result["msg"] or "was lost" in result["msg"]
    assert "Traceback" in said, "it was asked for"
    assert leaks(site, said) == []


def test_not_when_the_module_itself_breaks(site: Site) -> None:
    """An unforeseen error ends in a traceback. So that there is one, reading the answer to the login breaks."""
    (site.home / "sitecustomize.py").write_text(
        "import json\n"
        "real = json.loads\n"
        "def loads(text, *args, **more):\n"
        "    if b'expires' in (text if isinstance(text, bytes) else text.encode()):\n"
        "        raise RuntimeError('nobody foresaw this')\n"
        "    return real(text, *args, **more)\n"
        "json.loads = loads\n"
    )
    options, environ = from_profile(site)
    path = os.pathsep.join(map(str, (site.home, *IMPORTABLE)))
    _unused, said = run(site, INFO, options, **environ, PYTHONPATH=path)
    assert "nobody foresaw this" in said
    assert leaks(site, said) == []


def test_not_when_an_option_is_wrong(site: Site) -> None:
    result, said = run(site, INFO, {"username": "johndoe", "password": PASSWORD, "color": "red", "timeout": "soon"})
    assert result["failed"] is True
    assert leaks(site, said) == []


def test_not_in_an_impossible_token(site: Site) -> None:
    result, said = run(site, INFO, {"token": f"Token {PASSWORD}"})
    assert result["msg"] == (
        "The option token is not a token: it contains spaces or invalid characters. "
        "Set only the token, without the word Token before it."
    )
    assert leaks(site, said) == []


def test_not_when_a_login_is_saved(site: Site) -> None:
    result, said = run(site, "jetstream_credential", {"username": "johndoe", "password": PASSWORD})
    assert result["changed"] is True
    assert result["diff"]["after"].endswith("password = (hidden)\n")
    assert PASSWORD in (site.home / ".config/jetstream/profiles.toml").read_text()
    assert leaks(site, said) == []


def test_not_on_the_disk_but_where_only_the_user_reads(site: Site) -> None:
    run(site, INFO, {"username": "johndoe", "password": PASSWORD})
    holders = [
        path
        for path in site.home.rglob("*")
        if path.is_file() and leaks(site, path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert holders
    assert all(path.parent == site.home / ".cache" / "jetstream" / "tokens" for path in holders)
    assert {path.stat().st_mode & 0o077 for path in (*holders, holders[0].parent)} == {0}
    assert not any(PASSWORD in path.read_text(errors="replace") for path in holders)
