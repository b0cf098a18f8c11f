# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry of Atmosphere among the kinds of cloud."""

from __future__ import annotations

from ...cloud import Cloud
from ..cloud_type import CloudType, Surroundings
from .settings import LOGINS, SETTINGS, AtmosphereSettings, how_to_log_in, is_detected, read_settings


def _connect(settings: AtmosphereSettings, surroundings: Surroundings) -> Cloud:
    # Imported here, since Ansible compiles imported files in each run, and other clouds do not need these.
    from ...http.deadline import Deadline
    from ...http.transport import Transport
    from .client import AtmosphereCloud
    from .launch_records import LaunchRecords, records_folder
    from .login import Login

    clock, deadline = surroundings.clock, Deadline(surroundings.clock)
    transport = Transport(settings.api_url, settings.http, clock, deadline=deadline)
    login = Login(settings, transport, surroundings, deadline)
    folder = records_folder(surroundings.environ, surroundings.home)
    return AtmosphereCloud(
        login,
        transport,
        clock,
        LaunchRecords(folder, login.site, clock),
        max_concurrency=settings.http.connections,
        page_size=settings.page_size,
    )


ATMOSPHERE = CloudType(
    backend="atmosphere",
    title="sites with Atmosphere, as the first Jetstream was",
    settings=SETTINGS,
    read_settings=read_settings,
    connect=_connect,
    how_to_log_in=how_to_log_in,
    is_detected=is_detected,
    detected_by=("the original tool's C(~/.config/jetstream/jkey.csv)",),
    logins=LOGINS,
)
