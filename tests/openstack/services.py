# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the cloud: their files, their configuration, and how they are started."""

from __future__ import annotations

import base64
import configparser
import json
import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

INSIDE = Path(__file__).resolve().parent / "inside"
REGION = "IU"
HOST = "loopback-host"
# the path of the endpoint by service type, in the order in which the services are started
PATHS = {
    "identity": "/v3",
    "placement": "",
    "image": "",
    "network": "",
    "block-storage": "/v3",
    "compute": "/v2.1",
    "accounting": "",
}
INTERFACES = ("public", "internal", "admin")


@dataclass(frozen=True)
class Layout:
    """The files and folders of a run, all of them below `root`."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        return self.root / "keeper.lock"

    @property
    def clouds_yaml(self) -> Path:
        return self.root / "clouds.yaml"

    @property
    def accounting(self) -> Path:
        return self.root / "accounting.json"

    @property
    def scripts(self) -> Path:
        return self.root / "hypervisor"

    @property
    def requests(self) -> Path:
        return self.root / "requests"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def data(self) -> Path:
        """The data of the services: databases, keys, the image's bytes. The seed is a copy of this folder."""
        return self.root / "data"

    def database(self, name: str) -> str:
        return f"sqlite:///{self.data}/db/{name}.db?timeout=60"

    def make(self) -> None:
        folders = (self.scripts, self.requests, self.logs, self.etc, self.root / "home", self.root / "lock")
        below_data = ("db", "keys", "credential-keys", "glance", "nova", "neutron", "cinder")
        for folder in (*folders, *(self.data / name for name in below_data)):
            folder.mkdir(parents=True, exist_ok=True)
        # the entry point by which neutron finds its mechanism driver
        plugin = self.root / "plugins" / "loopback-1.dist-info"
        plugin.mkdir(parents=True, exist_ok=True)
        (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: loopback\nVersion: 1\n", encoding="utf-8")
        entry = "[neutron.ml2.mechanism_drivers]\nloopback = port_binding:Driver\n"
        (plugin / "entry_points.txt").write_text(entry, encoding="utf-8")


@dataclass
class Sockets:
    """Two listening sockets on loopback for each service: a public one for clients, an internal one for the services.

    They are opened before any service starts, and the services inherit them. So no other program can take a port in
    between, and an early client waits instead of being refused.
    """

    listening: dict[str, tuple[socket.socket, socket.socket]] = field(default_factory=dict)

    @classmethod
    def open(cls, services: Iterable[str], public_ports: Mapping[str, int]) -> Sockets:
        return cls({name: (_listen(public_ports.get(name, 0)), _listen(0)) for name in services})

    def ports(self) -> dict[str, tuple[int, int]]:
        return {name: (public.getsockname()[1], own.getsockname()[1]) for name, (public, own) in self.listening.items()}

    def close(self, name: str) -> None:
        for one in self.listening[name]:
            one.close()


def _listen(port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("127.0.0.1", port))
    opened.listen(1024)
    return opened


def services(*, with_cinder: bool) -> tuple[str, ...]:
    return tuple(name for name in PATHS if with_cinder or name != "block-storage")


def url(ports: Mapping[str, tuple[int, int]], name: str, interface: str = "public") -> str:
    public, own = ports[name]
    return f"http://127.0.0.1:{public if interface == 'public' else own}{PATHS[name]}"


Sections = dict[str, dict[str, str | int | bool]]


class Configuration:
    """Writes the configuration files of all services."""

    def __init__(self, layout: Layout, ports: Mapping[str, tuple[int, int]], service_password: str, venv: Path) -> None:
        self._layout = layout
        self._ports = ports
        self._password = service_password
        self._etc = venv / "etc"

    def write(self) -> None:
        files = {"keystone": self._keystone(), "placement": self._placement(), "glance-api": self._glance()}
        files |= {"neutron": self._neutron(), "nova": self._nova()}
        if "block-storage" in self._ports:
            files["cinder"] = self._cinder()
        for name, sections in files.items():
            _write_ini(self._layout.etc / f"{name}.conf", sections)

    def _login(self) -> dict[str, str | int | bool]:
        return {
            "auth_type": "password",
            "auth_url": url(self._ports, "identity", "internal"),
            "username": "service",
            "password": self._password,
            "project_name": "service",
            "user_domain_id": "default",
            "project_domain_id": "default",
        }

    def _shared(self) -> Sections:
        """Return the sections that several services have: authentication, and locks."""
        tokens: dict[str, str | int | bool] = {
            "www_authenticate_uri": url(self._ports, "identity"),
            "interface": "internal",
            "service_token_roles_required": True,
            "service_token_roles": "service",
        }
        return {
            "keystone_authtoken": tokens | self._login(),
            "oslo_concurrency": {"lock_path": str(self._layout.root / "lock")},
            "oslo_messaging_notifications": {"driver": "noop"},
        }

    def _database(self, name: str) -> dict[str, str | int | bool]:
        # a power failure may corrupt these databases
        return {"connection": self._layout.database(name), "sqlite_synchronous": False}

    def _keystone(self) -> Sections:
        data = self._layout.data
        return {
            "database": self._database("keystone"),
            "token": {"provider": "fernet", "expiration": 86400},
            "fernet_tokens": {"key_repository": f"{data}/keys"},
            "fernet_receipts": {"key_repository": f"{data}/keys"},
            "credential": {"key_repository": f"{data}/credential-keys"},
            # the least that bcrypt allows, since each login computes a hash
            "identity": {"password_hash_rounds": 4},
            "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
        }

    def _placement(self) -> Sections:
        return {"placement_database": self._database("placement"), **self._shared()}

    def _glance(self) -> Sections:
        glance = self._layout.data / "glance"
        return {
            "DEFAULT": {
                "enabled_backends": "local:file",
                # the default needs a task engine, and an empty value is not an empty list
                "enabled_import_methods": "[]",
                "worker_self_reference_url": url(self._ports, "image", "internal"),
            },
            "database": self._database("glance"),
            "glance_store": {"default_backend": "local"},
            "local": {"filesystem_store_datadir": f"{glance}/images"},
            "os_glance_staging_store": {"filesystem_store_datadir": f"{glance}/staging"},
            "os_glance_tasks_store": {"filesystem_store_datadir": f"{glance}/tasks"},
            "paste_deploy": {"flavor": "keystone", "config_file": f"{self._etc}/glance/glance-api-paste.ini"},
            **self._shared(),
        }

    def _neutron(self) -> Sections:
        return {
            "DEFAULT": {
                "core_plugin": "ml2",
                "service_plugins": "router",
                "transport_url": "fake:/",
                "state_path": f"{self._layout.data}/neutron",
                "api_paste_config": f"{self._etc}/neutron/api-paste.ini",
                # ports are bound at once, so nova does not wait for them
                "notify_nova_on_port_status_changes": False,
                # without this, a server never shows its floating IP
                "notify_nova_on_port_data_changes": True,
                "send_events_interval": 1,
            },
            "nova": {**self._login(), "region_name": REGION, "endpoint_type": "internal"},
            "quotas": {f"quota_{name}": -1 for name in ("port", "floatingip", "network", "security_group_rule")},
            "database": self._database("neutron"),
            "ml2": {
                "type_drivers": "local",
                "tenant_network_types": "local",
                "mechanism_drivers": "loopback",
                "extension_drivers": "",
            },
            **self._shared(),
        }

    def _nova(self) -> Sections:
        nova = self._layout.data / "nova"
        peer = {**self._login(), "region_name": REGION, "valid_interfaces": "internal"}
        return {
            "DEFAULT": {
                "host": HOST,
                "my_ip": "127.0.0.1",
                "compute_driver": "scripted.Driver",
                "transport_url": "fake:/",
                "state_path": str(nova),
                "instances_path": f"{nova}/instances",
                # otherwise the periodic tasks begin after a random time of up to a minute
                "periodic_fuzzy_delay": 0,
                # a port is ready when it is bound
                "vif_plugging_timeout": 0,
                "vif_plugging_is_fatal": False,
                # SHELVED_OFFLOADED at once, as on Jetstream2
                "shelved_offload_time": 0,
                # nothing changes a power state behind nova's back
                "sync_power_state_interval": -1,
                "heal_instance_info_cache_interval": -1,
                # there is one host
                "allow_resize_to_same_host": True,
                # enough for operations that scripts hold
                "max_concurrent_builds": 200,
                "max_concurrent_snapshots": 200,
            },
            "database": self._database("nova_cell1"),
            "api_database": self._database("nova_api"),
            "conductor": {"workers": 1},
            "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": -1},
            "filter_scheduler": {
                "available_filters": "scripted.CapacityFilter",
                "enabled_filters": "CapacityFilter",
            },
            # the kind of console that Jetstream2's documentation names
            "vnc": {"enabled": False},
            "spice": {"enabled": True},
            "quota": {"instances": 1000, "cores": 20_000, "ram": 100_000_000, "key_pairs": 100},
            "placement": peer,
            "glance": peer,
            "neutron": peer,
            "cinder": {**self._login(), "os_region_name": REGION, "catalog_info": "block-storage::internalURL"},
            "service_user": {"send_service_user_token": True, **self._login()},
            **self._shared(),
        }

    def _cinder(self) -> Sections:
        cinder = self._layout.data / "cinder"
        return {
            "DEFAULT": {
                "host": HOST,
                "my_ip": "127.0.0.1",
                "auth_strategy": "keystone",
                "transport_url": "fake:/",
                "state_path": str(cinder),
                "api_paste_config": f"{self._etc}/cinder/api-paste.ini",
                "resource_query_filters_file": f"{self._etc}/cinder/resource_filters.json",
                "rootwrap_config": f"{self._etc}/cinder/rootwrap.conf",
                "enabled_backends": "store",
                "glance_api_servers": url(self._ports, "image", "internal"),
                "periodic_fuzzy_delay": 0,
                # in one process, only the service that was started last reports that it is alive
                "service_down_time": 1_000_000_000,
                "quota_volumes": 1000,
                "quota_gigabytes": 1_000_000,
            },
            "store": {"volume_driver": "volume_store.Driver", "volume_backend_name": "store"},
            "coordination": {"backend_url": f"file://{cinder}/coordination"},
            "database": self._database("cinder"),
            "service_user": {"send_service_user_token": True, **self._login()},
            **self._shared(),
        }


def _write_ini(path: Path, sections: Sections) -> None:
    # oslo.config expands $names by itself; configparser must not expand anything
    ini = configparser.RawConfigParser(default_section="no defaults")
    for section, values in sections.items():
        ini[section] = {name: str(value) for name, value in values.items()}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        ini.write(file)


def write_keys(layout: Layout) -> None:
    """Make the keys with which keystone encrypts tokens and credentials."""
    for folder in ("keys", "credential-keys"):
        for number in ("0", "1"):
            path = layout.data / folder / number
            path.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
            path.chmod(0o600)
        (layout.data / folder).chmod(0o700)


def environment(layout: Layout, venv: Path, ports: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Return all variables of a service. It inherits none from the caller: no proxy, no OS_ variable."""
    etc, paste = str(layout.etc), venv / "etc"
    return {
        "PATH": f"{venv}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(layout.root / "home"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{INSIDE}:{layout.root}/plugins",
        "PYTHONWARNINGS": "ignore",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OS_KEYSTONE_CONFIG_DIR": etc,
        "OS_PLACEMENT_CONFIG_DIR": etc,
        "OS_GLANCE_CONFIG_DIR": etc,
        "OS_NEUTRON_CONFIG_DIR": etc,
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
        "OS_NOVA_CONFIG_DIR": etc,
        "OS_NOVA_CONFIG_FILES": f"{paste}/nova/api-paste.ini;{etc}/nova.conf",
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
        "OS_CINDER_DISABLE_EVENTLET_PATCHING": "1",
        "CINDER_CONFIG": f"{etc}/cinder.conf",
        "JETSTREAM_SCRIPTS": str(layout.scripts),
        "JETSTREAM_ACCOUNTING": str(layout.accounting),
        "JETSTREAM_IDENTITY": url(ports, "identity", "internal"),
    }


def write_json(path: Path, content: object) -> None:
    """Write a file at once, so that no reader sees a part of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    draft.replace(path)
