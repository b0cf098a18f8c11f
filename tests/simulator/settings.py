# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a simulated Atmosphere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# The first recorded cloud: 3.1 to 3.4 s, and 10 to 13.5 s, agree with all recorded timelines.
RECORDED_TRANSITION = 3.2
RECORDED_DEPLOY = 12.0


@dataclass(frozen=True)
class Phases:
    """When a deployment comes to its phases, in parts of the time from active until ready.

    Until ``begin`` it waits for Atmosphere's workers; then the instance is "initializing". The address comes in the
    middle of "networking". Where there is one already, "deploying" takes the place of "networking".
    """

    begin: float = 0.5
    networking: float = 0.6
    address: float = 0.65
    deploying: float = 0.7


@dataclass
class Settings:
    """May be changed while the simulator runs. All times are seconds.

    The first group passes on the world's clock, the second on the machine's: that is how long a request really takes.
    """

    # From one state to the next, as in stop: active to shutoff. With 0 the state is reached at the next request.
    transition: float = 0.0
    # From active until it has an address and nothing is being deployed any more. With 0 both come at once.
    deploy: float = 0.0
    deploy_phases: Phases = field(default_factory=Phases)
    # Seconds from an action, by its name, until its deployment begins. Where there are none: as the phases say.
    deploy_after: Mapping[str, float] = field(default_factory=dict)
    # Until a volume is created, attached, detached or deleted; and, once attached, until it is mounted.
    volume_change: float = 0.0
    mounting: float = 0.0
    token_lifetime: float = 86400.0
    # The interval of Atmosphere's periodic job; until then v2 has the states of the database.
    monitor_interval: float = 900.0
    detail_cache: float = 60.0
    list_cache: float = 30.0

    # Whether the server's process has loaded the sizes. One that has not counts one core and one GB for each instance.
    sizes_loaded: bool = True

    # Seconds between reading the state that Atmosphere decides by, and asking nova for an action.
    reads_before: float = 0.0

    # Every request takes ``latency``; each instance in a response adds its cost.
    latency: float = 0.0
    v2_list_cost: float = 0.0
    v1_list_cost: float = 0.0
    detail_cost: float = 0.0
    # How many requests are worked on at once; the others wait. None: all of them.
    workers: int | None = None

    # Atmosphere's ENABLE_PROJECT_SHARING: changes the refusal of an action on another user's instance.
    project_sharing: bool = True
    # v2's list of instances has no order of its own. With True it comes in another one each time.
    shuffle_lists: bool = False
    # Users to whom maintenance does not apply.
    maintenance_exempt: tuple[str, ...] = ()
