# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a connection's settings to the cloud they mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..clock import Clock
from ..cloud import Cloud
from ..errors import ConfigurationError
from ..http.session import REQUESTS_IMPORT_ERROR, HttpSettings
from ..http.token_cache import TokenCache, cache_folder
from ..http.transport import Transport
from ..settings.resolve import OPENSTACK, Connection
from .atmosphere.client import AtmosphereCloud
from .atmosphere.login import Login


def connect(
    connection: Connection, environ: Mapping[str, str], home: Path, clock: Clock, *, fresh: bool = False
) -> Cloud:
    """Return the cloud that a connection means. Sends nothing yet. C(fresh): log in, whatever token the cache has.

    Raises ConfigurationError if the Python library it needs is not there.
    """
    cache = TokenCache(cache_folder(environ, home))
    if REQUESTS_IMPORT_ERROR is not None:
        raise ConfigurationError(
            "The Python library requests is not installed for the Python that runs this module.",
            hint="Install it with: python3 -m pip install requests",
        )
    if connection.backend == OPENSTACK:
        return _jetstream2(connection, environ, home, cache, clock, fresh=fresh)
    wire = HttpSettings(
        timeout=connection.timeout,
        retry_timeout=connection.retry_timeout,
        validate_certs=connection.validate_certs,
        ca_path=connection.ca_path,
        connections=connection.concurrency,
    )
    transport = Transport(connection.api_url, wire, clock)
    login = Login(connection, transport, cache, clock, fresh=fresh)
    return AtmosphereCloud(
        login, transport, clock, max_concurrency=connection.concurrency, page_size=connection.page_size
    )


def _jetstream2(
    connection: Connection, environ: Mapping[str, str], home: Path, cache: TokenCache, clock: Clock, *, fresh: bool
) -> Cloud:
    # Here, since openstacksdk takes a second to import, which nobody is to wait for who does not use it.
    from .jetstream2.client import Jetstream2Cloud
    from .jetstream2.locks import LockNotes, notes_folder
    from .jetstream2.login import Session, Wanted

    wanted = Wanted(
        name=connection.cloud,
        timeout=connection.timeout,
        retry_timeout=connection.retry_timeout,
        validate_certs=connection.validate_certs,
        ca_path=connection.ca_path,
        connections=connection.concurrency,
        fresh=fresh,
    )
    session = Session(wanted, environ, cache, clock)
    notes = LockNotes(notes_folder(environ, home), session.key)
    return Jetstream2Cloud(session, notes, clock, max_concurrency=connection.concurrency)
