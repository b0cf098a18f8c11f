# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: jetstream
short_description: The instances of Jetstream accounts as an inventory
version_added: 1.0.0
author:
  - jetstream.cloud contributors (@jetstream-cloud)
description:
  - Every instance is a host, on Jetstream2 and on Atmosphere, even if it is shelved, stopped or in error.
  - The name of the file must end in C(jetstream.yml) or C(jetstream.yaml).
  - "Strings from the cloud are never evaluated as templates. Passphrases of Exosphere are not read."
  - The host variable RV(ignore:ansible_host) of an instance without an address is C(no-address.invalid), so a
    connection to it fails immediately, and never reaches another machine of the same name.
extends_documentation_fragment:
  - jetstream.cloud.connection
  - jetstream.cloud.identifiers
  - jetstream.cloud.instance_filters
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks a file for this plugin.
    type: str
    required: true
    choices:
      - jetstream.cloud.jetstream
  accounts:
    description:
      - Several accounts in one inventory. Each is a dictionary of options of the connection, such as O(profile) or
        O(cloud), which take precedence over those of the file.
      - If an account cannot be read, the inventory fails, since a part of a fleet must not count as all of it.
    type: list
    elements: dict
  owner:
    description:
      - Only instances of these owners. Names or globs, V(me) for the account's own, V(any) for all.
    type: list
    elements: str
    default:
      - any
  live:
    description: Whether to read states from the cloud itself. See M(jetstream.cloud.jetstream_instance_info).
    type: bool
    default: true
  hostnames:
    description:
      - The names of hosts, by preference. Each is C(name), C(id), C(uuid), C(ip_address) or another variable without
        its prefix, or a template over the host's variables.
      - If several instances have the same name, the oldest keeps it, and the ID is appended to the others.
    type: list
    elements: str
    default:
      - name
  addresses:
    description: The kinds of addresses for C(ansible_host), by preference.
    type: list
    elements: str
    choices:
      - floating
      - fixed
      - ipv6
    default:
      - floating
      - fixed
      - ipv6
  hostvars_prefix:
    description: The prefix of every variable except C(ansible_host) and C(ansible_user).
    type: str
    default: jetstream_
  group_by:
    description:
      - The predefined groups, such as C(status_active), C(flavor_m3_small), C(project_geo) or C(owner_ada).
      - All hosts are in the group C(jetstream). Hosts without an address are also in C(without_address).
    type: list
    elements: str
    choices:
      - status
      - flavor
      - project
      - image
      - owner
      - allocation
    default:
      - status
      - flavor
      - project
      - image
      - owner
      - allocation
  ssh_user:
    description:
      - The login name of all hosts. By default, the metadata C(ssh_user) of an instance, or the entry of O(ssh_users)
        for its image; on Atmosphere, the name of its user.
    type: str
  ssh_users:
    description:
      - Login names by globs of image names. The first match counts. Case is ignored.
      - The default covers the images of Jetstream2. Exosphere creates a second user on all of them, C(exouser).
    type: dict
seealso:
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
# jetstream.yml: all instances of the cloud js2 in clouds.yaml
plugin: jetstream.cloud.jetstream
cloud: js2
---
# course.jetstream.yml: running students' machines, by floating IP, grouped by the number in their names
plugin: jetstream.cloud.jetstream
profile: course
name: [bio101-*]
status: [active]
addresses: [floating]
ssh_user: exouser
keyed_groups:
  - key: jetstream_name.split('-')[1]
    prefix: seat
groups:
  big: jetstream_vcpus >= 16
compose:
  idle_after_hours: jetstream_metadata.idle_after | default(6) | int
---
# lab.jetstream.yml: two projects at once, kept for ten minutes
plugin: jetstream.cloud.jetstream
accounts:
  - cloud: lab-cpu
  - cloud: lab-gpu
hostnames:
  - "{{ jetstream_project }}-{{ jetstream_name }}"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/jetstream-inventory
cache_timeout: 600
"""

from ..plugin_utils._internal.supported_core import require_supported_core

require_supported_core()

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ..module_utils._internal.clock import SystemClock
from ..module_utils._internal.errors import JetstreamError
from ..module_utils._internal.hosts import Host, HostSettings, hosts_of
from ..module_utils._internal.operation import Context, user_home
from ..module_utils._internal.operations.instance_info import OPERATION, SPEC
from ..module_utils._internal.options import CONNECTION, IDENTIFIERS, INSTANCE_FILTERS
from ..module_utils._internal.text.secrets import without_secrets
from ..module_utils._internal.text.suggestions import did_you_mean
from ..module_utils._internal.text.terminal import one_line

_ENDINGS = ("jetstream.yml", "jetstream.yaml")
_ALL = "jetstream"
_SELECTION = frozenset({"owner", "size", *IDENTIFIERS.argument_spec, *INSTANCE_FILTERS.argument_spec})


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "jetstream.cloud.jetstream"

    def verify_file(self, path: str) -> bool:
        if not super().verify_file(path):
            return False
        if path.endswith(_ENDINGS):
            return True
        if path.endswith((".yml", ".yaml")) and self.NAME in _beginning(path):
            self.display.warning(
                f"{path} names the plugin {self.NAME}, but was not used: its name must end in jetstream.yml."
            )
        return False

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._refuse_mistakes(self._read_config_data(path))
        self._secrets: set[str] = set()
        try:
            instances = self._instances(path, use_cache=cache)
            hosts, warnings = hosts_of(instances, self._settings(), self._rendered)
        except JetstreamError as error:
            sentence = self._shown(str(error))
        else:
            sentence = ""
        if sentence:
            # Outside of the handler: Ansible shows what led to an error as well, and that may quote a secret.
            raise AnsibleParserError(sentence)
        for warning in warnings:
            self._warn(warning)
        self.inventory.add_group(_ALL)
        for host in hosts:
            self._add(host)

    def _refuse_mistakes(self, config: Mapping[str, Any]) -> None:
        """Refuse what Ansible ignores: an option that does not exist, and one of the selection without a value.

        A mistyped ``exclude`` would leave every instance in the inventory.
        """
        definitions = self.option_definitions
        known = {*definitions, *(alias for each in definitions.values() for alias in each.get("aliases") or ())}
        for name, value in config.items():
            if name not in known:
                guess = did_you_mean(str(name), known)
                raise AnsibleParserError(f"{one_line(str(name))} is not an option of {self.NAME}. {guess}".rstrip())
            if value is None and name in _SELECTION:
                raise AnsibleParserError(f"{name} is given, but empty. Remove it, or give it a value.")

    def _instances(self, path: str, *, use_cache: bool) -> list[Mapping[str, Any]]:
        """Return the instances of all accounts, from the cache where it is warm: then no request is made."""
        tasks = [self._task(account) for account in self.get_option("accounts") or [{}]]
        if not self.get_option("cache"):
            return self._read(tasks)
        self.load_cache_plugin()
        key = f"{self.get_cache_key(path)}_{_digest(tasks)}"
        if use_cache and key in self._cache:
            return list(self._cache[key])
        instances = self._read(tasks)
        self._cache[key] = instances
        self.update_cache_if_changed()
        return instances

    def _read(self, tasks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for task in tasks:
            checked = ArgumentSpecValidator(**SPEC.arguments()).validate(dict(task))
            if checked.error_messages:
                raise AnsibleParserError(str(checked.errors.msg))
            context = Context(
                check_mode=False,
                clock=SystemClock(),
                environ=os.environ,
                home=user_home(),
                warn=self._warn,
                hide=self._secrets.add,
            )
            outcome = OPERATION(checked.validated_parameters, context)
            for warning in outcome.warnings:
                self._warn(warning)
            found += outcome.result["instances"]
        return found

    def _warn(self, sentence: str) -> None:
        self.display.warning(self._shown(sentence))

    def _shown(self, sentence: str) -> str:
        """Return a sentence as it may be shown: a cloud may have quoted a secret, or what steers a terminal."""
        return str(without_secrets(one_line(sentence), self._secrets))

    def _task(self, account: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of jetstream_instance_info for one account."""
        for name in account:
            if name not in CONNECTION.argument_spec:
                guess = did_you_mean(str(name), CONNECTION.argument_spec)
                raise AnsibleParserError(f"accounts: {name} is not an option of the connection. {guess or ''}".strip())
        own = {name: self.get_option(name) for name in SPEC.argument_spec if self.has_option(name)}
        return {name: value for name, value in (own | dict(account)).items() if value is not None}

    def _settings(self) -> HostSettings:
        users = self.get_option("ssh_users")
        return HostSettings(
            hostnames=self.get_option("hostnames"),
            addresses=self.get_option("addresses"),
            groups=self.get_option("group_by"),
            prefix=self.get_option("hostvars_prefix"),
            user=self.get_option("ssh_user"),
            **({} if users is None else {"users": users}),
        )

    def _rendered(self, template: str, variables: Mapping[str, Any]) -> str:
        self.templar.available_variables = variables
        try:
            return str(self.templar.template(template))
        except AnsibleError as error:
            if self.get_option("strict"):
                raise AnsibleParserError(f"hostnames: {template} cannot be made: {error}") from error
            return ""

    def _add(self, host: Host) -> None:
        strict = self.get_option("strict")
        self.inventory.add_host(host.name, group=_ALL)
        for name, value in host.variables.items():
            self.inventory.set_variable(host.name, name, value)
        for group in host.groups:
            self.inventory.add_host(host.name, group=self.inventory.add_group(self._sanitize_group_name(group)))
        self._set_composite_vars(self.get_option("compose"), host.variables, host.name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), host.variables, host.name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), host.variables, host.name, strict=strict)


def _digest(tasks: Iterable[Mapping[str, Any]]) -> str:
    """Return what changes with the options, so that an old cache does not serve other options."""
    return hashlib.sha256(json.dumps(list(tasks), sort_keys=True, default=str).encode()).hexdigest()[:16]


def _beginning(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")[:4096]
    except OSError:
        return ""
