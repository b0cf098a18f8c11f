# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of cloud is added by its own files and one entry in the registry: options, documentation, profiles follow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# In a process of its own: argument specs and documentation are made once, where they are imported.
_PROGRAM = """
import json, sys
from pathlib import Path
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds import registry
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.clouds.toy_cloud import TOY

registry.CLOUD_TYPES = (*registry.CLOUD_TYPES, TOY)

from ansible_collections.jetstream.cloud.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clock import SystemClock
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, result_of
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.instance_info import OPERATION, SPEC

home, options = Path(sys.argv[1]), json.loads(sys.argv[2])
hidden, warned = [], []
context = Context(
    check_mode=False, clock=SystemClock(), environ={}, home=home, warn=warned.append, hide=hidden.append
)
arguments = {**dict.fromkeys(SPEC.argument_spec), **options}
result = result_of(OPERATION, {**arguments, "live": True}, context)
json.dump(
    {
        "options": {name: dict(SPEC.argument_spec[name]) for name in ("toy_box", "toy_key", "backend")},
        "documented": json.loads(ModuleDocFragment.DOCUMENTATION),
        "result": result,
        "hidden": hidden,
    },
    sys.stdout,
    default=str,
)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    profiles = tmp_path / ".config" / "jetstream" / "profiles.toml"
    profiles.parent.mkdir(parents=True)
    profiles.write_text('[default]\ntoy_box = "bricks"\ntoy_key = "s3cret"\n', encoding="utf-8")
    profiles.chmod(0o600)
    return tmp_path


def run(home: Path, **options: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(home), json.dumps(options)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_its_settings_are_options_documented_and_keys_of_a_profile(home: Path) -> None:
    found = run(home)
    assert found["options"] == {
        "toy_box": {"type": "str"},
        "toy_key": {"type": "str", "no_log": True},
        "backend": {"type": "str", "choices": ["atmosphere", "openstack", "practice", "toys"]},
    }
    assert found["documented"]["options"]["toy_key"]["description"] == [
        "The key of O(toy_box).",
        "If not set, E(JETSTREAM_TOY_KEY) is used, else the profile's.",
    ]
    assert found["documented"]["options"]["backend"]["choices"] == ["atmosphere", "openstack", "practice", "toys"]
    assert "For toys a child" in found["documented"]["requirements"]


def test_a_module_reads_its_instances(home: Path) -> None:
    found = run(home)
    assert [each["name"] for each in found["result"]["instances"]] == ["bricks"]
    assert found["hidden"] == ["s3cret"]
    assert [each["name"] for each in run(home, toy_box="dolls", toy_key="k")["result"]["instances"]] == ["dolls"]


def test_a_key_is_not_used_for_another_box(home: Path) -> None:
    assert run(home, toy_box="dolls")["result"]["msg"] == "A box needs its key."


def test_a_missing_login_is_reported(tmp_path: Path) -> None:
    assert "For toys, set JETSTREAM_TOY_BOX." in run(tmp_path)["result"]["msg"]
    assert run(tmp_path, backend="toy")["result"]["msg"] == (
        "There is no backend toy (option backend), only atmosphere and openstack and practice and toys."
    )
