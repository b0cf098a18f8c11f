# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry of practice fleets among the kinds of cloud. A file acts as the cloud (docs/tour.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...cloud import Cloud
from ...errors import ConfigurationError
from ...http.session import HttpSettings
from ...settings.connection import read_http_settings
from ...settings.reader import Reader
from ...settings.setting import Setting
from ..cloud_type import CloudType, Surroundings

_FLEET = "practice_fleet"
_SETTINGS = (
    Setting(
        name=_FLEET,
        type="path",
        description=(
            "The file of a practice fleet, which acts as a cloud, for trying playbooks without an account.",
            "The playbook C(jetstream.cloud.tour) creates one. No requests are sent.",
        ),
        names_cloud=True,
    ),
)


@dataclass(frozen=True, slots=True)
class PracticeSettings:
    """The file that acts as the cloud. Without a login, there are no secrets."""

    fleet: Path
    http: HttpSettings
    secrets: tuple[str, ...] = ()


def _read_settings(reader: Reader) -> PracticeSettings:
    fleet = reader.path(_FLEET)
    if fleet is None:
        raise ConfigurationError(
            "The backend practice requires practice_fleet, the file of a practice fleet.",
            hint="Create one with the playbook jetstream.cloud.tour.",
        )
    # The setting is accepted, without an effect: nothing is sent.
    reader.flag("allow_http", default=False)
    return PracticeSettings(Path(fleet), read_http_settings(reader))


def _connect(settings: PracticeSettings, surroundings: Surroundings) -> Cloud:
    # Imported here, since Ansible compiles imported files in each run, and other clouds do not need these.
    from .client import PracticeCloud
    from .fleet_file import FleetFile

    return PracticeCloud(FleetFile(settings.fleet, surroundings.clock), surroundings.clock)


def _how_to_log_in(_environ: Mapping[str, str], _home: Path | None) -> str:
    return "To try things out without an account, run the playbook jetstream.cloud.tour."


PRACTICE = CloudType(
    backend="practice",
    title="a practice fleet, which is a file",
    settings=_SETTINGS,
    read_settings=_read_settings,
    connect=_connect,
    how_to_log_in=_how_to_log_in,
)
