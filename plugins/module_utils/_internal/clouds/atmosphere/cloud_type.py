# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Atmosphere as a kind of cloud."""

from __future__ import annotations

from ...cloud import Cloud
from ..cloud_type import CloudType, Surroundings
from .settings import LOGINS, SETTINGS, AtmosphereSettings, how_to_log_in, is_pointed_to, read_settings


def _connect(settings: AtmosphereSettings, surroundings: Surroundings) -> Cloud:
    # Here, since Ansible compiles the files of a collection in each run, and users of other clouds need none of these.
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
    is_pointed_to=is_pointed_to,
    pointers=("the original tool's C(~/.config/jetstream/jkey.csv)",),
    logins=LOGINS,
)
