# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A third kind of cloud, as a developer would add one: a client, settings, and a CloudType. It has one instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.cloud import Cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import CloudType, Surroundings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.session import HttpSettings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import CloudAccount
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.connection import read_http_settings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.reader import Owner, Reader
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.setting import Setting
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import ScriptedCloud

TOYS = (
    Setting(name="toy_box", description=("The box that the toys are in.",), names_cloud=True),
    Setting(name="toy_key", description=("The key of O(toy_box).",), secret=True, names_cloud=True),
)


@dataclass(frozen=True)
class ToySettings:
    """A box and its key."""

    box: str
    key: str = field(repr=False)
    http: HttpSettings = field(default_factory=lambda: HttpSettings(timeout=1, retry_timeout=1))

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.key,)


class ToyCloud(ScriptedCloud):
    """One instance, called after the box."""

    def account(self) -> CloudAccount:
        return CloudAccount(site="toys.example", cloud="toys", user="johndoe")


def _read(reader: Reader) -> ToySettings:
    box = reader.text("toy_box")
    secrets, _strangers = reader.secrets(["toy_key"], {"toy_box": Owner(box)})
    if box is None or not secrets:
        raise ConfigurationError("A box needs its key.")
    return ToySettings(box, str(secrets["toy_key"].value), read_http_settings(reader))


def _connect(settings: ToySettings, _surroundings: Surroundings) -> Cloud:
    return ToyCloud(FakeClock(), [an_instance(settings.box)])


def _how_to_log_in(_environ: Mapping[str, str], _home: Path | None) -> str:
    return "For toys, set JETSTREAM_TOY_BOX."


TOY = CloudType(
    backend="toys",
    title="toys",
    settings=TOYS,
    read_settings=_read,
    connect=_connect,
    how_to_log_in=_how_to_log_in,
    requirements=("For toys a child",),
)
