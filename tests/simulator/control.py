# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that control a simulator that runs as a program, below /_simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .clock import ManualClock
from .faults import Fault, Faults
from .odd_values import from_json
from .request_log import RequestLog
from .streams import Stream
from .world.database import v2_status
from .world.state import World
from .world.trouble import Trouble

Act = Callable[[dict[str, Any]], Any]


def control_routes(world: World, faults: Faults, log: RequestLog) -> list[Route]:
    """Return the routes. Bodies and responses are JSON. The response to a malformed request is 400."""
    table = _Control(world, faults, log).table
    return [Route(f"/_simulator/{name}", _endpoint(world, acts), methods=list(acts)) for name, acts in table.items()]


def _endpoint(world: World, acts: dict[str, Act]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            data = json.loads(body) if body else {}
            with world.lock:
                world.settle()
                return JSONResponse(acts[request.method](data))
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            return JSONResponse({"problem": repr(problem)}, status_code=400)

    return endpoint


class _Control:
    """The requests, by name. Each gets the decoded body."""

    def __init__(self, world: World, faults: Faults, log: RequestLog) -> None:
        self._world = world
        self._faults = faults
        self._log = log
        self.table: dict[str, dict[str, Act]] = {
            "world": {"GET": self.show_world, "POST": self.change_instance},
            "clock": {"GET": self.show_clock, "POST": self.advance_clock},
            "settings": {"GET": self.show_settings, "POST": self.change_settings},
            "monitor": {"POST": self.run_monitor},
            "requests": {"GET": self.show_requests, "DELETE": self.reset_requests},
            "faults": {"POST": self.add_fault, "DELETE": self.clear_faults},
            "volumes": {"GET": self.show_volumes, "POST": self.change_volume},
            "nova": {"POST": self.stop_nova, "DELETE": self.end_trouble},
            "hosts": {"POST": self.have_no_host, "DELETE": self.end_trouble},
            "workers": {"POST": self.hold_workers},
            "providers": {"POST": self.end_provider},
            "trouble": {"POST": self.add_trouble, "DELETE": self.end_trouble},
            "maintenance": {"POST": self.begin_maintenance, "DELETE": self.end_maintenance},
            "tokens": {"DELETE": self.expire_tokens},
        }

    def show_world(self, _data: dict[str, Any]) -> Any:
        """Return the state of each instance in the cloud and in the database."""
        rows = []
        for instance in self._world.instances:
            vm = self._world.cloud.vms.get(instance.uuid)
            status, activity = v2_status(instance.latest)
            rows.append(
                {
                    "id": instance.id,
                    "uuid": instance.uuid,
                    "name": instance.name,
                    "cloud": vm.look().words if vm else None,
                    "database": f"{status} - {activity}" if activity else status,
                    "address": vm.address if vm else None,
                }
            )
        return {"instances": rows}

    def change_instance(self, data: dict[str, Any]) -> Any:
        """{"instance": which, "state": ..., "changes": {...}, "misbehave": {...}, "vanish": true}: see World."""
        which = data["instance"]
        if "state" in data or "changes" in data:
            self._world.force(which, data.get("state"), **data.get("changes", {}))
        if "misbehave" in data:
            self._world.misbehave(which, **data["misbehave"])
        if data.get("vanish"):
            self._world.vanish(which)
            return {"cloud": None}
        return {"cloud": self._world.look(which).words}

    def show_volumes(self, _data: dict[str, Any]) -> Any:
        """Return the state of each volume in cinder and in the database."""
        names = ("id", "uuid", "name", "size", "status", "attached_to", "device", "mount_location", "in_cloud")
        return {"volumes": [{name: getattr(each, name) for name in names} for each in self._world.volumes]}

    def change_volume(self, data: dict[str, Any]) -> Any:
        """{"volume": which, "status": ...}: detach a volume, and set its status."""
        self._world.force_volume(data["volume"], data["status"])
        return {}

    def have_no_host(self, data: dict[str, Any]) -> Any:
        """{"name": a regular expression, "times": 1, "skip": 0, "text": ...}: see World.no_host."""
        self._world.no_host(**data)
        return {}

    def show_clock(self, _data: dict[str, Any]) -> Any:
        """Return the time."""
        return {"now": self._world.now().isoformat()}

    def advance_clock(self, data: dict[str, Any]) -> Any:
        """{"advance": seconds}."""
        if not isinstance(self._world.clock, ManualClock):
            raise TypeError("only a manual clock can be advanced")
        self._world.clock.advance(float(data["advance"]))
        return self.show_clock(data)

    def show_settings(self, _data: dict[str, Any]) -> Any:
        """Return the settings."""
        return asdict(self._world.settings)

    def change_settings(self, data: dict[str, Any]) -> Any:
        """Change settings, by name."""
        unknown = set(data) - {field.name for field in fields(self._world.settings)}
        if unknown:
            raise KeyError(*sorted(unknown))
        for name, value in data.items():
            setattr(self._world.settings, name, value)
        return self.show_settings(data)

    def run_monitor(self, _data: dict[str, Any]) -> Any:
        """Run Atmosphere's periodic job."""
        self._world.monitor()
        return {}

    def show_requests(self, _data: dict[str, Any]) -> Any:
        """Return the log."""
        return {"requests": [asdict(entry) for entry in self._log]}

    def reset_requests(self, _data: dict[str, Any]) -> Any:
        """Empty the log."""
        self._log.reset()
        return {}

    def add_fault(self, data: dict[str, Any]) -> Any:
        """Add a fault: the attributes of Fault.

        ``stream`` has those of Stream. ``then`` is a request to /_simulator: ``{"name": ..., "method": ...,
        "data": ...}``.
        """
        edit = {name: from_json(value) for name, value in data.pop("edit", {}).items()}
        stream = Stream(**data.pop("stream")) if "stream" in data else None
        then = self._later(**data.pop("then")) if "then" in data else None
        self._faults.add(Fault(**data, edit=edit, stream=stream, then=then))
        return {}

    def _later(self, name: str, method: str = "POST", data: dict[str, Any] | None = None) -> Callable[[], object]:
        return partial(self.table[name][method], data or {})

    def clear_faults(self, _data: dict[str, Any]) -> Any:
        """Remove all faults."""
        self._faults.clear()
        return {}

    def add_trouble(self, data: dict[str, Any]) -> Any:
        """Add trouble with the cloud: the attributes of Trouble."""
        self._world.trouble(Trouble(**data))
        return {}

    def stop_nova(self, data: dict[str, Any]) -> Any:
        """{"status": 503 or another, 0 to break connections, "provider": its name, or all}: see World.nova_down."""
        self._world.nova_down(**data)
        return {}

    def hold_workers(self, data: dict[str, Any]) -> Any:
        """{"held": true or false}."""
        if data["held"]:
            self._world.hold_workers()
        else:
            self._world.release_workers()
        return {}

    def end_provider(self, data: dict[str, Any]) -> Any:
        """{"name": ...}: set the end date of a provider to now."""
        self._world.end_provider(data["name"])
        return {}

    def end_trouble(self, _data: dict[str, Any]) -> Any:
        """Remove all trouble."""
        self._world.nova_up()
        return {}

    def begin_maintenance(self, data: dict[str, Any]) -> Any:
        """{"title": ..., "message": ...}: close the API."""
        self._world.add_maintenance(data["title"], data["message"])
        return {}

    def end_maintenance(self, _data: dict[str, Any]) -> Any:
        """Open the API again."""
        self._world.maintenance.clear()
        return {}

    def expire_tokens(self, _data: dict[str, Any]) -> Any:
        """Expire all tokens."""
        self._world.expire_tokens()
        return {}
