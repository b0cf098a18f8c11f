# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a simulated Atmosphere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Seconds in the first recorded cloud. 3.1 to 3.4 s, and 10 to 13.5 s, agree with all recorded timelines.
RECORDED_TRANSITION = 3.2
RECORDED_DEPLOY = 12.0


@dataclass(frozen=True)
class Phases:
    """The times of the phases of a deployment, as parts of the time from active until ready.

    Until ``begin``, it waits for Atmosphere's workers. Then the instance is "initializing". It gets its address in the
    middle of "networking". An instance with an address is "deploying" instead.
    """

    begin: float = 0.5
    networking: float = 0.6
    address: float = 0.65
    deploying: float = 0.7


@dataclass
class Settings:
    """The settings, which may be changed while the simulator runs. All times are seconds.

    The first group counts the world's time, the second the machine's, which is the real duration of a request.
    """

    # From one state to the next, such as active to shutoff. With 0, the state is reached at the next request.
    transition: float = 0.0
    # From active until the end of the deployment. With 0, both come at once.
    deploy: float = 0.0
    deploy_phases: Phases = field(default_factory=Phases)
    # Seconds from an action, by its name, until its deployment begins. Without an entry, the phases decide.
    deploy_after: Mapping[str, float] = field(default_factory=dict)
    # Until a volume is created, attached, detached or deleted; and from attached until mounted.
    volume_change: float = 0.0
    mounting: float = 0.0
    token_lifetime: float = 86400.0
    # The interval of Atmosphere's periodic job, which updates the states of v2.
    monitor_interval: float = 900.0
    detail_cache: float = 60.0
    list_cache: float = 30.0

    # Whether the server's process has loaded the sizes. Without them, each instance counts as one core and one GB.
    sizes_loaded: bool = True

    # Seconds between Atmosphere's reading of a state, and its request to nova for an action.
    reads_before: float = 0.0

    # Every request takes ``latency``, and each instance in a response adds its cost.
    latency: float = 0.0
    v2_list_cost: float = 0.0
    v1_list_cost: float = 0.0
    detail_cost: float = 0.0
    # The number of requests that are handled at the same time, while others wait. None: all of them.
    workers: int | None = None

    # Atmosphere's ENABLE_PROJECT_SHARING: changes the refusal of an action on another user's instance.
    project_sharing: bool = True
    # v2's list of instances has no order of its own. With True, its order changes each time.
    shuffle_lists: bool = False
    # Users to whom maintenance does not apply.
    maintenance_exempt: tuple[str, ...] = ()
