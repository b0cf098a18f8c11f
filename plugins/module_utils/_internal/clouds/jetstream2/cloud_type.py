# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry of Jetstream2 among the kinds of cloud."""

from __future__ import annotations

from ...cloud import Cloud
from ..cloud_type import CloudType, Surroundings
from .clouds_file import hint_of_cloud, known_clouds
from .settings import LOGINS, SETTINGS, Jetstream2Settings, how_to_log_in, is_detected, read_settings


def _connect(settings: Jetstream2Settings, surroundings: Surroundings) -> Cloud:
    # Imported here, since the import of openstacksdk takes long, and Ansible compiles imported files in each run. Other
    # clouds need neither.
    from .client import Jetstream2Cloud
    from .locks import LockNotes, notes_folder
    from .login import Session

    session = Session(settings, surroundings)
    notes = LockNotes(notes_folder(surroundings.environ, surroundings.home), session.key)
    return Jetstream2Cloud(session, notes, surroundings.clock, max_concurrency=settings.http.connections)


JETSTREAM2 = CloudType(
    backend="openstack",
    title="Jetstream2, which is OpenStack",
    settings=SETTINGS,
    read_settings=read_settings,
    connect=_connect,
    how_to_log_in=how_to_log_in,
    is_detected=is_detected,
    known_clouds=known_clouds,
    hint_of_name=hint_of_cloud,
    detected_by=("E(OS_CLOUD)", "E(OS_AUTH_URL)"),
    logins=LOGINS,
    requirements=("For Jetstream2 also the library C(openstacksdk)",),
)
