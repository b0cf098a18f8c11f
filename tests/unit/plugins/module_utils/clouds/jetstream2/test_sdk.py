# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""openstacksdk is imported in parts, without any visible effect. Each import is tested in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

_SDK = "ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2"
_HEAD = f"import sys\nfrom {_SDK} import sdk\n"
_CLIENTS = "openstack.connection"


def printed(code: str, *first: Path) -> str:
    """Return the output of a program, which finds modules in some folders before all others."""
    variables = {"PYTHONPATH": ":".join([*map(str, first), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


def a_version(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a fake openstacksdk with some files."""
    package = folder / "openstack"
    package.mkdir()
    for name, code in files.items():
        (package / name).write_text(code, encoding="utf-8")
    return folder


def test_the_clients_of_the_services_are_not_imported() -> None:
    code = (
        f"{_HEAD}print(sdk.OPENSTACKSDK_IMPORT_ERROR, [each for each in sys.modules if each.startswith('openstack')])"
    )
    assert printed(code) == "None []"
    # What takes longest may be elsewhere in another version.
    ours = f"{_HEAD}print(len(sys.modules))"
    whole = f"{_HEAD}import openstack\nprint(len(sys.modules))"
    assert int(printed(whole)) - int(printed(ours)) > 400


@pytest.mark.parametrize("line", ["import openstack", "import openstack.config", "from openstack import connection"])
def test_another_plugin_of_the_process_can_import_the_whole(line: str) -> None:
    code = f"{_HEAD}{line}\nimport openstack\nprint(openstack.connect, openstack.config.OpenStackConfig())"
    assert "function connect" in printed(code)


def test_an_openstacksdk_that_is_there_as_a_whole_is_used() -> None:
    code = f"import openstack\n{_HEAD}print(sdk.config is openstack.config, '{_CLIENTS}' in sys.modules)"
    assert printed(code) == "True True"


def test_a_version_whose_parts_need_the_whole_is_imported_as_a_whole(tmp_path: Path) -> None:
    files = {
        "__init__.py": "import openstack.connection\nVERSION = 99\nimport openstack.config\n",
        "connection.py": "",
        "config.py": "import openstack\nOpenStackConfig = openstack.VERSION\n",
        "exceptions.py": "",
    }
    code = f"{_HEAD}print(sdk.config.OpenStackConfig, '{_CLIENTS}' in sys.modules)"
    assert printed(code, a_version(tmp_path, files)) == "99 True"


def test_a_version_without_a_configuration_is_reported_as_missing(tmp_path: Path) -> None:
    code = f"{_HEAD}print(sdk.OPENSTACKSDK_IMPORT_ERROR.splitlines()[-1])"
    said = printed(code, a_version(tmp_path, {"__init__.py": ""}))
    assert said.startswith("ImportError: cannot import name 'config' from 'openstack'")
