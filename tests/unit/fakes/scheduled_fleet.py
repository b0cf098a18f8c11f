# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet with a file of schedules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Outcome
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import on_cloud
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations import schedule
from ansible_collections.jetstream.cloud.tests.unit.fakes.atmosphere import Site
from ansible_collections.jetstream.cloud.tests.unit.fakes.running import given, in_context


class ScheduledFleet:
    """Runs the operation ``schedule`` on the fleet of a site, with a file of schedules in the user's home."""

    def __init__(self, site: Site, text: str) -> None:
        self.site = site
        self._first = site.clock.now()
        self.path = site.home / "schedules.yml"
        self.path.write_text(dedent(text))

    def run(self, *, check_mode: bool = False, **options: Any) -> Outcome:
        context = in_context(self.site, check_mode=check_mode)
        whole = {**self.site.options, "path": str(self.path), **options}
        return on_cloud(schedule.schedule)(given(schedule.SPEC, **whole), context)

    def steps(self, **options: Any) -> dict[str, str]:
        return {each["name"]: each["step"] for each in self.run(**options).result["instances"]}

    def row(self, name: str, **options: Any) -> Mapping[str, Any]:
        rows = {each["name"]: each for each in self.run(**options).result["instances"]}
        row: Mapping[str, Any] = rows[name]
        return row

    def at(self, hour: float, *, days: int = 0) -> None:
        """Move the clock to an hour of the day in Indiana, some days after the day on which it started."""
        zone = ZoneInfo("America/Indiana/Indianapolis")
        day = self._first.astimezone(zone).date() + timedelta(days=days)
        moment = datetime.combine(day, datetime.min.time(), zone) + timedelta(hours=hour)
        assert moment >= self.site.clock.now()
        self.site.clock.move_to(moment.astimezone(UTC))

    def states(self) -> dict[str, str]:
        return {name: words.partition(" ")[0] for name, words in self.site.world.states().items()}
