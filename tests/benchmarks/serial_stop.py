# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping a fleet with one request after the other, as a program: serial_stop.py WAY URL."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import requests
from ansible_collections.jetstream.cloud.tests.benchmarks.stage import PASSWORD, USER

_POLL_SECONDS = 2.0
_PAGE = 1000


class Api:
    """A session that is logged in."""

    def __init__(self, url: str) -> None:
        """Log in."""
        self._url = url
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        answer = self._session.post(f"{url}/auth", json={"username": USER, "password": PASSWORD}, timeout=60)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Token {answer.json()['token']}"

    def get(self, path: str, **query: Any) -> Any:
        """Return what there is."""
        answer = self._session.get(self._url + path, params=query, timeout=3600)
        answer.raise_for_status()
        return answer.json()

    def instances(self) -> Iterator[dict[str, Any]]:
        """List instances, page by page."""
        for number in count(1):
            page = self.get("/api/v2/instances", page=number, page_size=_PAGE, ordering="id")
            yield from page["results"]
            if not page["next"]:
                return

    def stop(self, instance: dict[str, Any]) -> None:
        """Ask for a stop."""
        answer = self._session.post(f"{self._url}{self._path(instance)}/action", json={"action": "stop"}, timeout=60)
        answer.raise_for_status()

    def status(self, instance: dict[str, Any], look: int) -> str:
        """Look at an instance, past the cache."""
        return str(self.get(self._path(instance), _=look)["status"])

    def _path(self, instance: dict[str, Any]) -> str:
        provider, identity = instance["provider"]["uuid"], instance["identity"]["uuid"]
        return f"/api/v1/provider/{provider}/identity/{identity}/instance/{instance['uuid']}"


def one_by_one(url: str) -> None:
    """Log in, list, read each instance; then ask for one action after the other. Does not wait."""
    api = Api(url)
    fleet = [api.get(f"/api/v2/instances/{instance['id']}") for instance in list(api.instances())]
    for instance in fleet:
        api.stop(instance)


def each_waited_for(url: str) -> None:
    """For one instance after the other: look, ask, and look every two seconds until it has stopped."""
    api = Api(url)
    looks = count()
    for instance in list(api.instances()):
        if api.status(instance, next(looks)) != "shutoff":
            api.stop(instance)
        while api.status(instance, next(looks)) != "shutoff":
            time.sleep(_POLL_SECONDS)


WAYS: dict[str, Callable[[str], None]] = {way.__name__: way for way in (one_by_one, each_waited_for)}

if __name__ == "__main__":
    WAYS[sys.argv[1]](sys.argv[2])
