# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ready by ssh means that the port can be opened from here."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.launching import launch
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.fleet.launching.reach import ssh_answers
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.instance import SPEC, instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LaunchCloud
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner


def test_a_port_answers_as_long_as_something_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ssh_answers("127.0.0.1", port)
    assert not ssh_answers("127.0.0.1", port)
    assert not ssh_answers(None, port)


@pytest.mark.parametrize(("opens_at", "failure"), [(40.0, None), (10_000.0, "is active, but port 22 is not open at")])
def test_an_instance_is_ready_once_its_port_is_open(
    monkeypatch: pytest.MonkeyPatch, opens_at: float, failure: str | None
) -> None:
    clock = FakeClock()
    cloud = LaunchCloud(clock)
    requested: list[str | None] = []

    def answers(address: str | None) -> bool:
        requested.append(address)
        return clock.monotonic() >= opens_at

    monkeypatch.setattr(launch, "ssh_answers", answers)

    def operation(options: object, context: Context) -> object:
        return instance(cloud, options, context)  # type: ignore[arg-type]

    options = {"name": "web", "image": "i", "flavor": "f", "wait_for": "ssh", "wait_timeout": 300}
    done = OperationRunner(None, clock).run(SPEC, operation, **options)  # type: ignore[arg-type]
    assert set(requested) == {"10.3.0.7"}
    assert (done.failure or "None").partition("web: ")[2].startswith(failure or "")
    assert (done.failure is None) == (failure is None)
