# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Atmosphere for one test, with a client of it, and one time for both."""

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
# The parts of a request that are different each time.
_KINDS = (
    ("POST", "/auth", "login"),
    ("GET", "/api/v2/instances", "v2 instances"),
    ("GET", "/api/v2/volumes", "v2 volumes"),
    ("GET", "/api/v2/allocation_sources", "v2 allocation sources"),
    ("GET", "/api/v2/instance_histories", "v2 history"),
)


class Site:
    """A world being served to johndoe. Everything on his side is kept in ``home``."""

    def __init__(self, world: World, server: Server, home: Path) -> None:
        self.world = world
        self.server = server
        self.home = home
        self.hidden: set[str] = set()

    @property
    def clock(self) -> ManualClock:
        """Return the time that the world and its clients go by."""
        clock = self.world.clock
        assert isinstance(clock, ManualClock)
        return clock

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of a module that lead here."""
        # The timeout is of the machine's time, not of the world's: a busy machine must not change what is requested.
        return {"api_url": self.server.url, "username": USER, "password": PASSWORD, "timeout": 600.0}

    @property
    def cache(self) -> TokenCache:
        """Return johndoe's cache of tokens."""
        return TokenCache(cache_folder({}, self.home))

    @property
    def key(self) -> LoginKey:
        """Return the key of johndoe's tokens in the cache."""
        return LoginKey(self.server.url, USER, PASSWORD)

    def connection(self, **changes: Any) -> Connection[Any]:
        """Return johndoe's settings, with changes."""
        return resolve({**self.options, **changes}, {}, self.home)

    @contextmanager
    def cloud(self, **changes: Any) -> Iterator[AtmosphereCloud]:
        """Connect to it, for as long as the with statement lasts."""
        surroundings = Surroundings({}, self.home, self.clock, self.hidden.add)
        with closing(connect(self.connection(**changes), surroundings)) as cloud:
            assert isinstance(cloud, AtmosphereCloud)
            yield cloud

    def warm(self) -> str:
        """Put a token that is good into the cache, as a login yesterday evening would have, and return it."""
        value = self.world.new_token(self.world.users[USER])
        self.keep(value)
        return value

    def keep(self, token: str) -> None:
        """Put any token into the cache."""
        expires = self.clock.now().astimezone(UTC) + timedelta(days=1)
        self.cache.store(self.key, Token(token, expires))

    def kept(self) -> str | None:
        """Return the token in the cache."""
        token = self.cache.load(self.key, datetime(2000, 1, 1, tzinfo=UTC))
        return token.value if token else None

    def requests(self) -> Mapping[str, int]:
        """Count the requests since the last time, by kind: an unexpected kind shows with its own path."""
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
    """Serve a world for as long as the with statement lasts."""
    with Server(world) as server:
        yield Site(world, server, home)
