# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source for ansible-rulebook: what changes in a fleet.

It is thin: which events follow is decided in ``plugins/module_utils/events``, which knows neither Ansible nor
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
    from ansible_collections.jetstream.cloud.plugins.module_utils.events.watch import Watch

DOCUMENTATION = r"""
---
module: fleet
short_description: Events of a fleet on Jetstream2 or Atmosphere
version_added: 0.1.0
description:
  - Polls a cloud, and tells what changed since the last poll. An instance rests in another state, went idle, or is near
    a deadline; an allocation has crossed a threshold.
  - docs/events.md describes the events, C(extensions/eda/schemas/fleet_event.json) is their JSON schema.
  - A source that fails goes on, more slowly, and tells that by an event. It ends only where its options are wrong when
    it starts.
author:
  - jetstream.cloud contributors
requirements:
  - requests
  - openstacksdk, for Jetstream2
options:
  watch:
    description:
      - The events to look for. V(state) is of instances that rest in another state than before, that are new, or gone;
        V(idle) of those that went idle, or that nothing keeps from being put away any more; V(deadline) of
        deadlines that are near or reached; V(budget) of thresholds that an allocation has crossed.
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
      - Seconds from one poll to the next, at least 30. After a failure, the time doubles with each further one, up to
        an hour.
    type: float
    default: 300.0
  idle_interval:
    description:
      - Seconds until idleness is judged again, at least 30. More often than readings are taken gains nothing.
    type: float
    default: 900.0
  budget_interval:
    description:
      - Seconds until allocations are read again, at least 30. Sites bring their figures up to date once a day or less.
    type: float
    default: 3600.0
  announce_first:
    description:
      - Whether the first poll tells all that is there as if it were new. Without it, the first poll tells nothing, and
        what it sees counts as told.
    type: bool
    default: false
  state_path:
    description:
      - The file in which the source keeps what it has told, so that it goes on where it ended. Each source needs one
        of its own.
      - Without it, C(~/.local/state/jetstream/events.json).
    type: path
  name:
    description:
      - "Names, globs, numbers or UUIDs: these instances alone. An empty list selects none."
    type: list
    elements: str
  exclude:
    description:
      - "Names, globs, numbers or UUIDs: not these instances."
    type: list
    elements: str
  owner:
    description:
      - Only instances of these owners. V(me) is the account itself, V(any) is everyone.
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
      - Settings of the rules of idleness, as docs/idle.md describes them.
    type: dict
  profile:
    description:
      - The name of a table in C(~/.config/jetstream/profiles.toml) with settings of the same names as these options.
      - If not set, E(JETSTREAM_PROFILE) is used, else V(default), if there is such a table.
      - The environment comes before the profile, also if the profile is named by this option.
    type: str
  backend:
    description:
      - The kind of cloud. V(openstack) for Jetstream2, which is OpenStack; V(atmosphere) for sites with Atmosphere, as
        the first Jetstream was; V(practice) for a practice fleet, which is a file.
      - If not set, E(JETSTREAM_BACKEND) is used, else the profile's.
      - >-
        If nothing says it, the settings that are given do, options first, and in this order: O(cloud),
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
      - That file, and the variables C(OS_*), are read as the OpenStack client reads them.
    type: str
  application_credential_id:
    description:
      - The id of an application credential, which serves instead of O(cloud).
      - If not set, E(JETSTREAM_APPLICATION_CREDENTIAL_ID) is used, else the profile's.
    type: str
  application_credential_secret:
    description:
      - The secret of O(application_credential_id).
      - If not set, E(JETSTREAM_APPLICATION_CREDENTIAL_SECRET) is used, else the profile's.
      - It is only sent for the id and to the server that are named where it was found, if any are.
    type: str
  auth_url:
    description:
      - The address of the keystone that knows O(application_credential_id).
      - If not set, E(JETSTREAM_AUTH_URL) is used, else the profile's, else C(https://js2.jetstream-cloud.org:5000/v3).
    type: str
  region:
    description:
      - The region to use, where the cloud has several.
      - If not set, E(JETSTREAM_REGION) is used, else the profile's, else that of C(clouds.yaml), or the only one.
    type: str
  api_url:
    description:
      - The address of a site with Atmosphere, such as C(https://use.jetstream-cloud.org).
      - If not set, E(JETSTREAM_API_URL) is used, else the profile's, else C(https://use.jetstream-cloud.org).
      - A page's address of that site does, too.
    type: str
  username:
    description:
      - The name of the account.
      - If not set, E(JETSTREAM_USERNAME) is used, else the profile's.
    type: str
  password:
    description:
      - The password for the API, which is not the one of the web page.
      - If not set, E(JETSTREAM_PASSWORD) is used, else the profile's, else the one in C(~/.config/jetstream/jkey.csv).
      - A password is only sent for the user and to the server that are named where it was found, if any are.
    type: str
  token:
    description:
      - A token that serves instead of O(username) and O(password) until it expires.
      - If not set, E(JETSTREAM_TOKEN) is used, else the profile's.
      - With both a token and a password in one place, a login follows once the token is refused.
      - With one of them in one place and one in another, only the one that comes first counts.
    type: str
  page_size:
    description:
      - The number of rows of one request to Atmosphere's lists, from 1 to 1000.
      - If not set, E(JETSTREAM_PAGE_SIZE) is used, else the profile's, else V(20).
      - Pages are read side by side, so that small ones come sooner, and large ones are fewer requests.
    type: int
  practice_fleet:
    description:
      - The file of a practice fleet, which acts as a cloud. For trying playbooks out where there is no account.
      - If not set, E(JETSTREAM_PRACTICE_FLEET) is used, else the profile's.
      - The playbook C(jetstream.cloud.tour) writes one. Nothing is sent anywhere.
    type: path
  validate_certs:
    description:
      - Whether to insist on a certificate that can be trusted. Never switch it off where a password is sent.
      - If not set, E(JETSTREAM_VALIDATE_CERTS) is used, else the profile's, else V(true).
    type: bool
  ca_path:
    description:
      - A file (PEM), or a folder made by C(openssl rehash), with the certificate authorities to trust.
      - If not set, E(JETSTREAM_CA_PATH) is used, else the profile's, else the authorities that C(requests) trusts,
        which are E(REQUESTS_CA_BUNDLE) or its own.
    type: path
  timeout:
    description:
      - Seconds that one request may take to connect, and then until its whole answer is there.
      - If not set, E(JETSTREAM_TIMEOUT) is used, else the profile's, else V(60).
      - A list of 100 instances takes about 10.
    type: float
  retry_timeout:
    description:
      - For how many seconds a request is sent again after it failed for the first time.
      - If not set, E(JETSTREAM_RETRY_TIMEOUT) is used, else the profile's, else V(60).
      - It is sent again if the server was busy, did not answer in time, or the connection was lost.
      - V(0) for never.
    type: float
  concurrency:
    description:
      - How many requests may be under way at the same time, from 1 to 64.
      - If not set, E(JETSTREAM_CONCURRENCY) is used, else the profile's, else V(16).
      - Fewer are kinder to a busy server.
    type: int
  allow_http:
    description:
      - Whether to send a login in clear text to an address with C(http).
      - If not set, E(JETSTREAM_ALLOW_HTTP) is used, else the profile's, else V(false).
      - To the machine itself that is always allowed.
    type: bool
  readings_path:
    description:
      - The folder on the controller in which M(jetstream.cloud.jetstream_activity) keeps readings.
      - Without it, C(~/.local/state/jetstream/readings).
    type: path
  settings_path:
    description:
      - A file of YAML on the controller, with settings of all instances (C(defaults)), of some of them by name, owner
        and project (C(instances)), and with the C(bounds) of what owners may set in the metadata of their instances.
        docs/idle.md describes it. O(settings) takes precedence over its defaults.
      - Without it, all instances have the settings of O(settings), and owners may set any number within the bounds of
        the rules.
    type: path
  console:
    description:
      - Of which running instances to read the lines that Exosphere's set-up prints on their console, by one request
        each. They can prove that an instance is used. V(needed) is of those that the readings do not show to be in use,
        V(all) of all, and V(never) of none. Atmosphere returns no consoles.
    type: str
    choices:
      - needed
      - all
      - never
    default: needed
  console_only:
    description:
      - Whether the console alone is enough to call an instance idle of which there are no readings in the window, with
        the rule C(console_only). That is for people who cannot log in to the instances; it sees neither people at work,
        nor transfers, nor jobs that wait. docs/idle.md has its error rates.
      - It needs a flavor without GPU and with at most 32 vCPUs, and a console without gaps for the whole window.
    type: bool
    default: false
  keep_path:
    description:
      - The file on the controller with the keep marks that M(jetstream.cloud.jetstream_keep) writes.
      - Without it, C(~/.local/share/jetstream/keep.json).
    type: path
  schedules_path:
    description:
      - The file of schedules that M(jetstream.cloud.jetstream_schedule) carries out. An instance is not put away while
        its schedule wants it to run, however idle it is.
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
    return importlib.import_module(f"{_PACKAGE}.module_utils.{name}")


if __name__ == "__main__":

    class _Printed:
        async def put(self, item: Mapping[str, Any]) -> None:
            """Print an event."""
            sys.stdout.write(f"{item}\n")

    asyncio.run(main(_Printed(), {}))
