# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source for ansible-rulebook: what changes in a fleet.

It is thin: which events follow is decided in ``plugins/module_utils/_internal/events``, which knows neither Ansible nor
rulebooks.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from ansible_collections.jetstream.cloud.plugins.module_utils._internal.events.watch import Watch

DOCUMENTATION = r"""
---
module: fleet
short_description: Events of a fleet on Jetstream2 or Atmosphere
version_added: 1.0.0
description:
  - Polls a cloud, and emits events for changes since the last poll, such as a new resting state of an instance,
    idleness, a near deadline, or a crossed threshold of an allocation.
  - docs/events.md describes the events, C(extensions/eda/schemas/fleet_event.json) is their JSON schema.
  - A failing source continues more slowly, and emits an event about it. It only ends for invalid options at its start.
author:
  - jetstream.cloud contributors
requirements:
  - requests
  - openstacksdk, for Jetstream2
options:
  watch:
    description:
      - The types of events. V(state) for instances in a new resting state, new instances and deleted ones; V(idle) for
        instances that became idle, or are due for an action; V(deadline) for deadlines that are near or reached;
        V(budget) for crossed thresholds of allocations.
    type: list
    elements: str
    choices:
      - state
      - idle
      - deadline
      - budget
    default:
      - state
      - idle
      - deadline
      - budget
  interval:
    description:
      - The seconds between two polls, at least 30. The time doubles with each consecutive failure, up to an hour.
    type: float
    default: 300.0
  idle_interval:
    description:
      - The seconds between two checks of idleness, at least 30. A time below the interval of readings has no effect.
    type: float
    default: 900.0
  budget_interval:
    description:
      - The seconds between two reads of the allocations, at least 30. Sites update their figures at most once a day.
    type: float
    default: 3600.0
  announce_first:
    description:
      - Whether the first poll emits events for everything that exists. Without it, the first poll emits no events, and
        everything counts as known.
    type: bool
    default: false
  state_path:
    description:
      - The file in which the source records its events, so that it continues after a restart. Each source needs its own
        file.
      - Without it, C(~/.local/state/jetstream/events.json).
    type: path
  name:
    description:
      - "Names, globs, numbers or UUIDs: only these instances. An empty list selects none."
    type: list
    elements: str
  exclude:
    description:
      - "Names, globs, numbers or UUIDs: all but these instances."
    type: list
    elements: str
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) means all users.
    type: list
    elements: str
    default:
      - any
  project:
    description:
      - Only instances of these projects, by name or UUID.
    type: list
    elements: str
  settings:
    description:
      - Settings of the idle rules. See docs/idle.md.
    type: dict
  profile:
    description:
      - The name of a table in C(~/.config/jetstream/profiles.toml) with settings of the same names as these options.
      - If not set, E(JETSTREAM_PROFILE) is used, else V(default), if there is such a table.
      - The environment takes precedence over the profile, even if this option selects the profile.
    type: str
  backend:
    description:
      - The kind of cloud. V(openstack) for Jetstream2, which is OpenStack; V(atmosphere) for sites with Atmosphere, as
        the first Jetstream was; V(practice) for a practice fleet, which is a file.
      - If not set, E(JETSTREAM_BACKEND) is used, else the profile's.
      - >-
        If it is not set, the other settings decide, options first, in this order: O(cloud),
        O(application_credential_id), O(application_credential_secret), O(auth_url), E(OS_CLOUD) or E(OS_AUTH_URL) for
        V(openstack); O(api_url), O(username), O(password), O(token) or the original tool's
        C(~/.config/jetstream/jkey.csv) for V(atmosphere); O(practice_fleet) for V(practice).
    type: str
    choices:
      - atmosphere
      - openstack
      - practice
  cloud:
    description:
      - The name of a cloud in C(clouds.yaml).
      - If not set, E(JETSTREAM_CLOUD) is used, else the profile's.
      - That file and the variables C(OS_*) are read in the same way as by the OpenStack client.
    type: str
  application_credential_id:
    description:
      - The ID of an application credential, instead of O(cloud).
      - If not set, E(JETSTREAM_APPLICATION_CREDENTIAL_ID) is used, else the profile's.
    type: str
  application_credential_secret:
    description:
      - The secret of O(application_credential_id).
      - If not set, E(JETSTREAM_APPLICATION_CREDENTIAL_SECRET) is used, else the profile's.
      - It is only sent for the ID, and to the server, that are set in the same place, if any.
    type: str
  auth_url:
    description:
      - The URL of the Keystone service for O(application_credential_id).
      - If not set, E(JETSTREAM_AUTH_URL) is used, else the profile's, else C(https://js2.jetstream-cloud.org:5000/v3).
    type: str
  region:
    description:
      - The region to use, if the cloud has several.
      - If not set, E(JETSTREAM_REGION) is used, else the profile's, else that of C(clouds.yaml), or the only one.
    type: str
  api_url:
    description:
      - The address of a site with Atmosphere, such as C(https://use.jetstream-cloud.org).
      - If not set, E(JETSTREAM_API_URL) is used, else the profile's, else C(https://use.jetstream-cloud.org).
      - The address of any page of the site is accepted as well.
    type: str
  username:
    description:
      - The user name.
      - If not set, E(JETSTREAM_USERNAME) is used, else the profile's.
    type: str
  password:
    description:
      - The password of the API, which is not the one of the web page.
      - If not set, E(JETSTREAM_PASSWORD) is used, else the profile's, else the one in C(~/.config/jetstream/jkey.csv).
      - It is only sent for the user, and to the server, that are set in the same place, if any.
    type: str
  token:
    description:
      - A token, instead of O(username) and O(password), until it expires.
      - If not set, E(JETSTREAM_TOKEN) is used, else the profile's.
      - If one place has a token and a password, a refused token leads to a new login.
      - If they are set in different places, only the place with precedence counts.
    type: str
  page_size:
    description:
      - The number of rows per request for lists of Atmosphere, from 1 to 1000.
      - If not set, E(JETSTREAM_PAGE_SIZE) is used, else the profile's, else V(20).
      - Pages are read in parallel. Small pages are faster, and large pages need fewer requests.
    type: int
  practice_fleet:
    description:
      - The file of a practice fleet, which acts as a cloud, for trying playbooks without an account.
      - If not set, E(JETSTREAM_PRACTICE_FLEET) is used, else the profile's.
      - The playbook C(jetstream.cloud.tour) creates one. No requests are sent.
    type: path
  validate_certs:
    description:
      - Whether to require a trusted certificate. Never disable it if a password is sent.
      - If not set, E(JETSTREAM_VALIDATE_CERTS) is used, else the profile's, else V(true).
    type: bool
  ca_path:
    description:
      - A file (PEM), or a folder prepared by C(openssl rehash), with the trusted certificate authorities.
      - If not set, E(JETSTREAM_CA_PATH) is used, else the profile's, else the authorities that C(requests) trusts,
        those of E(REQUESTS_CA_BUNDLE) or its own.
    type: path
  timeout:
    description:
      - The timeout of one request in seconds, for the connection, and then for the whole response.
      - If not set, E(JETSTREAM_TIMEOUT) is used, else the profile's, else V(60).
      - A list of 100 instances takes about 10.
    type: float
  retry_timeout:
    description:
      - The seconds during which a failed request is retried.
      - If not set, E(JETSTREAM_RETRY_TIMEOUT) is used, else the profile's, else V(60).
      - It is retried if the server was busy, did not respond in time, or the connection was lost.
      - V(0) for never.
    type: float
  concurrency:
    description:
      - The maximum number of parallel requests, from 1 to 64.
      - If not set, E(JETSTREAM_CONCURRENCY) is used, else the profile's, else V(16).
      - A lower number reduces the load of a busy server.
    type: int
  allow_http:
    description:
      - Whether to send a login unencrypted to an address with C(http).
      - If not set, E(JETSTREAM_ALLOW_HTTP) is used, else the profile's, else V(false).
      - It is always allowed for this machine itself.
    type: bool
  readings_path:
    description:
      - The folder on the controller in which M(jetstream.cloud.jetstream_activity) stores readings.
      - Without it, C(~/.local/state/jetstream/readings).
    type: path
  settings_path:
    description:
      - A YAML file on the controller, with settings for all instances (C(defaults)), for some by name, owner and
        project (C(instances)), and with C(bounds) for the settings of owners in the metadata of their instances.
        docs/idle.md describes it. O(settings) takes precedence over its defaults.
      - Without it, O(settings) apply to all instances, and owners can set any number within the bounds of the rules.
    type: path
  console:
    description:
      - The running instances whose consoles to read, by one request each, for lines of the setup of Exosphere. These
        lines can prove that an instance is used. V(needed) reads those that readings do not show to be in use, V(all)
        all, and V(never) none. Atmosphere returns no consoles.
    type: str
    choices:
      - needed
      - all
      - never
    default: needed
  console_only:
    description:
      - Whether the console alone is enough evidence of idleness for an instance without readings in the window, with
        the rule C(console_only). It is for users who cannot log in to the instances. The console does not show
        interactive use, transfers and waiting jobs. docs/idle.md has its error rates.
      - It requires a flavor without GPU and with at most 32 vCPUs, and a console without gaps for the whole window.
    type: bool
    default: false
  keep_path:
    description:
      - The file on the controller with the keep marks of M(jetstream.cloud.jetstream_keep).
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  schedules_path:
    description:
      - The file of schedules for M(jetstream.cloud.jetstream_schedule). No action is taken on an idle instance while
        its schedule keeps it running.
    type: path
  rates:
    description:
      - Rates that differ from those of this collection.
      - An instance of a flavor without a rate is not counted, and leads to a warning.
    type: dict
    suboptions:
      families:
        description:
          - Service units (SU) per hour and virtual core of an active instance, by the part of its flavor's name that is
            before the dot.
          - Known are V(m1) 1, V(m3) 1, V(r3) 2, V(g3) 2, V(g4) 7 and V(g5) 6.4.
        type: dict
      flavors:
        description:
          - SU per hour of an active instance, by the name of its flavor. Goes before O(rates.families).
        type: dict
        aliases:
          - sizes
      states:
        description:
          - The share, from 0 to 1, that is charged in a state.
          - Known are V(suspended) and V(paused) 0.75, V(shutoff) 0.5, and V(shelved), V(shelved_offloaded), V(build)
            and V(error) 0. Any other state is charged in full.
        type: dict
notes:
  - The profile, the environment, and the files of readings and keep marks are those of the user who runs
    ansible-rulebook.
  - Events have no secrets. Their texts are one line each, and no templates, whatever users call their instances.
"""

EXAMPLES = r"""
- jetstream.cloud.fleet:
    profile: lab

- jetstream.cloud.fleet:
    cloud: lab
    watch: [state, deadline]
    interval: 60
    owner: [me]
    schedules_path: ~/jetstream/schedules.yml
    state_path: ~/.local/state/jetstream/events-of-lab.json
"""

# Under this name, the collection's own code is imported from beside this file. ansible-rulebook has no loader for
# collections, and a package ansible_collections of Python may hide the folder in which this one is.
_PACKAGE = "jetstream_cloud_beside_fleet"
# ansible-rulebook adds it, for sources that want to know when an event was taken.
_NO_OPTION = "eda_feedback_queue"
_LOG = logging.getLogger("jetstream.cloud.fleet")
Result = TypeVar("Result")


class Events(Protocol):
    """The queue of ansible-rulebook."""

    async def put(self, item: Mapping[str, Any]) -> None:
        """Hand over an event. Waits while the rulebook is busy."""


async def main(queue: Events, args: Mapping[str, Any]) -> None:
    """Hand over events until the task is cancelled.

    Everything that blocks runs in one thread, one call after the other. Raises the errors of wrong options.
    """
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="jetstream.cloud.fleet")

    async def run(function: Callable[..., Result], *arguments: Any) -> Result:
        return await loop.run_in_executor(thread, function, *arguments)

    try:
        watch = await run(_open, {name: value for name, value in args.items() if name != _NO_OPTION})
        try:
            while True:
                for each in await run(watch.poll):
                    if each.event is not None:
                        await queue.put(dict(each.event))
                    await run(watch.remember, each.memory)
                await asyncio.sleep(watch.pause())
        finally:
            # After the poll that may still be under way.
            thread.submit(watch.close)
    finally:
        thread.shutdown(wait=False)


def _open(args: Mapping[str, Any]) -> Watch:
    watch, operation, clock = (_import(name) for name in ("events.watch", "operation", "clock"))
    context = operation.Context(
        check_mode=True,
        clock=clock.SystemClock(),
        environ=os.environ,
        home=operation.user_home(),
        warn=_LOG.warning,
        hide=lambda _secret: None,
    )
    opened: Watch = watch.open_watch(args, context)
    return opened


def _import(name: str) -> ModuleType:
    """Import a part of this collection's module_utils, from the folder that this file is in."""
    if _PACKAGE not in sys.modules:
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(Path(__file__).absolute().parents[4] / "plugins")]
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.module_utils._internal.{name}")


if __name__ == "__main__":

    class _Printed:
        async def put(self, item: Mapping[str, Any]) -> None:
            """Print an event."""
            sys.stdout.write(f"{item}\n")

    asyncio.run(main(_Printed(), {}))
