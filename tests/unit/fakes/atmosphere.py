# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Atmosphere for a test, with a client that has the same clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.client import AtmosphereCloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import Surroundings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.connect import (
    Connection,
    connect,
    resolve,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.http.token_cache import (
    LoginKey,
    Token,
    TokenCache,
    cache_folder,
)
from ansible_collections.jetstream.cloud.tests.simulator import ManualClock, Server, World

USER, PASSWORD = "johndoe", "pass"
# The parts of a path that differ between requests of a kind, and the name of the kind.
_KINDS = (
    ("POST", "/auth", "login"),
    ("GET", "/api/v2/instances", "v2 instances"),
    ("GET", "/api/v2/volumes", "v2 volumes"),
    ("GET", "/api/v2/allocation_sources", "v2 allocation sources"),
    ("GET", "/api/v2/instance_histories", "v2 history"),
)


class Site:
    """A simulated Atmosphere with the user johndoe, whose files are in ``home``."""

    def __init__(self, world: World, server: Server, home: Path) -> None:
        self.world = world
        self.server = server
        self.home = home
        self.hidden: set[str] = set()

    @property
    def clock(self) -> ManualClock:
        """Return the clock of the world and of its clients."""
        clock = self.world.clock
        assert isinstance(clock, ManualClock)
        return clock

    @property
    def options(self) -> dict[str, Any]:
        """Return a module's options for the connection to this site."""
        # The timeout counts the machine's time, not the world's: a slow machine must not change the requests.
        return {"api_url": self.server.url, "username": USER, "password": PASSWORD, "timeout": 600.0}

    @property
    def cache(self) -> TokenCache:
        """Return johndoe's cache of tokens."""
        return TokenCache(cache_folder({}, self.home))

    @property
    def key(self) -> LoginKey:
        """Return the key of johndoe's token in the cache."""
        return LoginKey(self.server.url, USER, PASSWORD)

    def connection(self, **changes: Any) -> Connection[Any]:
        """Return johndoe's settings of the connection, with changes."""
        return resolve({**self.options, **changes}, {}, self.home)

    @contextmanager
    def cloud(self, **changes: Any) -> Iterator[AtmosphereCloud]:
        """Yield a connected client, and close it afterwards."""
        surroundings = Surroundings({}, self.home, self.clock, self.hidden.add)
        with closing(connect(self.connection(**changes), surroundings)) as cloud:
            assert isinstance(cloud, AtmosphereCloud)
            yield cloud

    def warm(self) -> str:
        """Put a valid token into the cache, as an earlier login would have, and return it."""
        value = self.world.new_token(self.world.users[USER])
        self.cache_token(value)
        return value

    def cache_token(self, token: str) -> None:
        """Put a token into the cache, valid or not."""
        expires = self.clock.now().astimezone(UTC) + timedelta(days=1)
        self.cache.store(self.key, Token(token, expires))

    def cached_token(self) -> str | None:
        """Return the token in the cache."""
        token = self.cache.load(self.key, datetime(2000, 1, 1, tzinfo=UTC))
        return token.value if token else None

    def requests(self) -> Mapping[str, int]:
        """Return the number of requests since the last call, by kind. An unexpected request has its path as kind."""
        counts = Counter(_kind(each.method, each.path) for each in self.server.requests)
        self.server.requests.reset()
        return dict(counts)

    def page_size(self) -> int:
        """Return the page size of the client's requests."""
        sizes = {
            each.path.partition("page_size=")[2].partition("&")[0]
            for each in self.server.requests.matching("GET", "/api/v2/instances")
        }
        [size] = sizes
        return int(size)


def _kind(method: str, path: str) -> str:
    bare, _separator, query = path.partition("?")
    for known_method, known_path, kind in _KINDS:
        if (method, bare) == (known_method, known_path):
            return kind
    last = bare.rpartition("/")[2]
    if bare.startswith("/api/v1/") and (method, last) == ("POST", "action"):
        return "action"
    if bare.startswith("/api/v1/") and method == "GET":
        if last in ("instance", "volume"):
            return f"v1 {last}s"
        if "/instance/" in bare and query.startswith("_="):
            return "v1 instance"
    return f"{method} {path}"


@contextmanager
def a_site(world: World, home: Path) -> Iterator[Site]:
    """Serve a world, and yield its site."""
    with Server(world) as server:
        yield Site(world, server, home)
