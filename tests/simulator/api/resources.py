# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of the API, with their views, methods and access."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from . import auth, changes, histories, launching, views_v1, views_v2, volumes
from .exchange import Request, Response

View = Callable[[Request], Response]

_LIST = "GET, POST, HEAD, OPTIONS"
_READ_ONLY = "GET, HEAD, OPTIONS"
_DETAIL = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"
_SOURCES = "OPTIONS, HEAD, GET, POST"


class Access(Enum):
    """The users who have access to a resource."""

    LOGIN = "users"
    ANYONE = "everybody"
    STAFF = "staff"
    # Not even maintenance closes it.
    ALWAYS = "always"


@dataclass(frozen=True)
class Resource:
    """A path, with its views by method. ``allow`` is the header, word for word."""

    path: str
    allow: str
    views: dict[str, View]
    access: Access = Access.LOGIN
    # v1's detail of an instance is cached for a minute, for all requests to the same URL.
    cached: bool = False
    # The title of the HTML page.
    title: str = field(default="")

    @property
    def is_v1(self) -> bool:
        """Return whether it belongs to v1."""
        return self.path.startswith("/api/v1")

    @property
    def is_v2(self) -> bool:
        """Return whether it belongs to v2."""
        return self.path.startswith("/api/v2")


def _v2(name: str, view: View, allow: str = _LIST, access: Access = Access.LOGIN, **views: View) -> Resource:
    title = name.replace("_", " ").title().removesuffix("s") + " List"
    return Resource(f"/api/v2/{name}", allow, {"GET": view, **views}, access, title=title)


def _v2_one(name: str, view: View, allow: str = _DETAIL, access: Access = Access.LOGIN, **views: View) -> Resource:
    title = name.replace("_", " ").title().removesuffix("s") + " Instance"
    return Resource(f"/api/v2/{name}/{{key}}", allow, {"GET": view, **views}, access, title=title)


_IDENTITY = "/api/v1/provider/{provider}/identity/{identity}"


def _v1(path: str, allow: str = _READ_ONLY, *, cached: bool = False, **views: View) -> Resource:
    return Resource(f"{_IDENTITY}{path}", allow, views, cached=cached)


RESOURCES: tuple[Resource, ...] = (
    Resource("/auth", _LIST, {"GET": auth.who_am_i, "POST": auth.log_in}, Access.ALWAYS, title="Authentication"),
    # v1, by identity
    _v1("", GET=views_v1.show_identity),
    _v1("/instance", _LIST, GET=views_v1.list_instances, POST=launching.launch_v1),
    _v1(
        "/instance/{instance}",
        _DETAIL,
        cached=True,
        GET=views_v1.show_instance,
        PATCH=changes.change_instance_v1,
        PUT=changes.change_instance_v1,
        DELETE=changes.delete_instance_v1,
    ),
    _v1("/instance/{instance}/action", _LIST, GET=views_v1.known_actions, POST=views_v1.act),
    _v1("/volume", _LIST, GET=views_v1.list_volumes, POST=volumes.create_volume_v1),
    _v1("/volume/{volume}", _DETAIL, GET=views_v1.show_volume, DELETE=volumes.delete_volume_v1),
    _v1("/volume_snapshot", _LIST, GET=volumes.list_snapshots, POST=volumes.create_snapshot),
    _v1("/size", GET=views_v1.list_sizes),
    _v1("/machine", GET=views_v1.broken),
    # v1, the rest
    Resource("/api/v1/provider", _READ_ONLY, {"GET": views_v1.list_providers}),
    Resource("/api/v1/instance_history", _READ_ONLY, {"GET": histories.list_instance_history}),
    Resource("/api/v1/instance_history/{instance}/status_history", _READ_ONLY, {"GET": views_v1.show_status_history}),
    Resource("/api/v1/profile", "GET, PUT, PATCH, HEAD, OPTIONS", {"GET": views_v1.show_profile}),
    Resource("/api/v1/version", _READ_ONLY, {"GET": views_v2.show_server_version}, Access.ANYONE),
    Resource("/api/v1/maintenance", _READ_ONLY, {"GET": views_v1.list_maintenance}),
    Resource("/api/v1/instance_action/", _READ_ONLY, {"GET": views_v2.empty}, Access.STAFF),
    # v2, of the user
    _v2("instances", views_v2.list_instances, POST=launching.launch),
    _v2_one(
        "instances",
        views_v2.show_instance,
        PUT=changes.replace_instance,
        PATCH=changes.change_instance,
        DELETE=changes.delete_instance,
    ),
    Resource("/api/v2/instances/{key}/actions", _LIST, {"GET": views_v2.list_offered_actions, "POST": views_v2.act}),
    Resource("/api/v2/instances/{key}/update_metadata", "POST, OPTIONS", {"POST": changes.change_metadata}),
    _v2("instance_actions", views_v2.list_actions, _READ_ONLY),
    _v2("instance_histories", histories.list_histories, _READ_ONLY, Access.ANYONE),
    _v2_one("instance_histories", histories.show_history, _READ_ONLY, Access.ANYONE),
    _v2("instance_allocation_source", views_v2.list_instance_allocation_sources, _SOURCES),
    _v2("volumes", views_v2.list_volumes, POST=volumes.create_volume),
    _v2_one("volumes", views_v2.show_volume, PATCH=volumes.change_volume, DELETE=volumes.delete_volume),
    _v2("projects", views_v2.list_projects, POST=changes.create_project),
    _v2_one("projects", views_v2.show_project, PATCH=changes.change_project, DELETE=changes.delete_project),
    Resource("/api/v2/projects/{key}/instances", _LIST, {"GET": views_v2.broken}),
    Resource("/api/v2/projects/{key}/volumes", _LIST, {"GET": views_v2.broken}),
    _v2("project_instances", views_v2.list_project_instances),
    _v2("project_volumes", views_v2.list_project_volumes),
    _v2("identities", views_v2.list_identities, _READ_ONLY),
    _v2_one("identities", views_v2.show_identity, "GET, HEAD, OPTIONS, PATCH"),
    Resource("/api/v2/identities/{key}/export", _READ_ONLY, {"GET": views_v2.export_identity}),
    _v2("credentials", views_v2.list_credentials, _READ_ONLY),
    _v2("allocation_sources", views_v2.list_allocation_sources, _SOURCES),
    _v2_one("allocation_sources", views_v2.show_allocation_source, "OPTIONS, HEAD, GET, PUT, PATCH, DELETE"),
    _v2("user_allocation_sources", views_v2.list_user_allocation_sources, f"{_SOURCES}, DELETE"),
    _v2("tokens", views_v2.list_tokens),
    _v2("users", views_v2.list_users, _READ_ONLY),
    _v2_one("users", views_v2.show_user, "GET, PUT, PATCH, HEAD, OPTIONS"),
    _v2("groups", views_v2.list_groups, POST=changes.create_group),
    # v2, of all users
    _v2("providers", views_v2.list_providers, _LIST, Access.ANYONE),
    _v2_one("providers", views_v2.show_provider, _READ_ONLY, Access.ANYONE),
    _v2("provider_types", views_v2.list_provider_types, _READ_ONLY),
    _v2("platform_types", views_v2.list_platform_types, _READ_ONLY),
    _v2("sizes", views_v2.list_sizes, _READ_ONLY, Access.ANYONE),
    _v2_one("sizes", views_v2.show_size, _READ_ONLY, Access.ANYONE),
    _v2("images", views_v2.list_images, _READ_ONLY, Access.ANYONE),
    _v2_one("images", views_v2.show_image, "GET, PUT, PATCH, HEAD, OPTIONS", Access.ANYONE),
    _v2("image_versions", views_v2.list_versions, _LIST, Access.ANYONE),
    _v2_one("image_versions", views_v2.show_version, _DETAIL, Access.ANYONE),
    _v2("provider_machines", views_v2.list_machines, "get"),
    _v2("version", views_v2.show_server_version, _READ_ONLY, Access.ANYONE),
    _v2("deploy_version", views_v2.show_server_version, _READ_ONLY, Access.ANYONE),
    _v2("maintenance_records", views_v2.list_maintenance, _LIST, Access.ALWAYS),
    # v2, of staff
    _v2("quotas", views_v2.empty, _LIST, Access.STAFF),
    _v2("identity_memberships", views_v2.empty, "GET, OPTIONS", Access.STAFF),
    _v2("accounts", views_v2.empty, "POST, HEAD, OPTIONS", Access.STAFF),
    # v2, empty on the recorded server, or broken
    _v2("status_types", views_v2.empty, _READ_ONLY),
    _v2("help_links", views_v2.empty, _READ_ONLY),
    *(
        _v2(name, views_v2.empty)
        for name in (
            "image_tags",
            "ssh_keys",
            "boot_scripts",
            "resource_requests",
            "machine_requests",
            "tags",
            "licenses",
            "links",
            "access_tokens",
        )
    ),
    _v2("renewal_strategy", views_v2.broken),
)
