# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as v2 shows them. Most are nested into others in a shorter form, ``..._brief``."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ..world.database import v2_address, v2_status
from ..world.records import (
    AllocationSource,
    Group,
    Identity,
    Image,
    Instance,
    Maintenance,
    Period,
    Project,
    Provider,
    Row,
    Size,
    Token,
    User,
    Version,
    Volume,
)
from .dates import iso
from .exchange import Request


class Shapes:
    """Shapes for the answer to one request: parts that many rows share are made once."""

    def __init__(self, request: Request) -> None:
        """Make links, and figures of allocation sources, as for the user of the request."""
        self._ask = request
        self._made: dict[Hashable, Any] = {}

    def _once(self, make: Callable[[Any], Row], thing: Any) -> Row:
        key = (make, id(thing))
        if key not in self._made:
            self._made[key] = make(thing)
        made: Row = self._made[key]
        return made

    # Users and their accounts.

    def user_brief(self, user: User) -> Row:
        """Return a user inside of something else."""
        return {
            "id": user.id,
            "uuid": user.uuid,
            "url": self._ask.url("users", user.uuid),
            "username": user.username,
        }

    def user(self, user: User) -> Row:
        """Return a row of /users."""
        return {**self.user_brief(user), "end_date": iso(user.end_date)}

    def group_brief(self, group: Group) -> Row:
        """Return a group inside of something else."""
        return {
            "id": group.id,
            "uuid": group.uuid,
            "url": self._ask.url("groups", group.uuid),
            "name": group.name,
        }

    def group(self, group: Group) -> Row:
        """Return a row of /groups."""
        return {**self.group_brief(group), **self._people(group)}

    def _people(self, group: Group) -> Row:
        return {
            "users": [self.user_brief(user) for user in group.users],
            "leaders": [self.user_brief(user) for user in group.leaders],
        }

    def token(self, token: Token) -> Row:
        """Return a row of /tokens."""
        return {
            "key": token.key,
            "url": self._ask.url("tokens", token.key),
            "user": self.user_brief(token.user),
            "api_server_url": None,
            "remote_ip": None,
            "issuer": token.issuer,
            "issuedTime": iso(token.issued),
            "expireTime": iso(token.expires),
        }

    def provider_brief(self, provider: Provider) -> Row:
        """Return a provider inside of something else."""
        return {
            "id": provider.id,
            "uuid": provider.uuid,
            "url": self._ask.url("providers", provider.uuid),
            "name": provider.name,
            "description": provider.description,
            "public": provider.public,
            "active": provider.active,
            "start_date": iso(provider.start_date),
            "end_date": iso(provider.end_date),
        }

    def kind(self, resource: str, name: str, start_date: str | None) -> Row:
        """Return the type of a provider, or of its virtualization."""
        return {
            "id": 1,
            "url": self._ask.url(resource, 1),
            "name": name,
            "start_date": start_date,
            "end_date": None,
        }

    def provider(self, provider: Provider) -> Row:
        """Return a row of /providers."""
        started = provider.kinds_start_date or (provider.start_date, provider.start_date)
        return {
            "id": provider.id,
            "url": self._ask.url("providers", provider.uuid),
            "uuid": provider.uuid,
            "name": provider.name,
            "description": provider.description,
            "type": self.kind("provider_types", "OpenStack", iso(started[0])),
            "virtualization": self.kind("platform_types", "KVM", iso(started[1])),
            "active": provider.active,
            "public": provider.public,
            "auto_imaging": False,
            "sizes": [self.size_brief(size) for size in self._ask.world.sizes if size.provider is provider],
            "start_date": iso(provider.start_date),
            "end_date": iso(provider.end_date),
            "is_admin": False,
            "auth_url": provider.auth_url,
        }

    def identity_brief(self, identity: Identity) -> Row:
        """Return an identity inside of something else, where its number is text."""
        return {
            "id": str(identity.id),
            "uuid": identity.uuid,
            "url": self._ask.url("identities", identity.uuid),
            "key": identity.key,
            "provider": identity.provider.id,
        }

    def identity(self, identity: Identity) -> Row:
        """Return a row of /identities."""
        quota = identity.quota
        return {
            "id": identity.id,
            "uuid": identity.uuid,
            "url": self._ask.url("identities", identity.uuid),
            "key": identity.key,
            "quota": {
                "id": quota.id,
                "uuid": quota.uuid,
                "url": self._ask.url("quotas", quota.uuid),
                **quota.limits(),
            },
            "credentials": [
                {"id": number, "key": key, "clean_value": "********" if key == "secret" else value}
                for number, _uuid, key, value in identity.credentials()
            ],
            "usage": -1,
            "is_leader": identity.is_led_by(self._ask.user),
            "provider": self.provider_brief(identity.provider),
            "members": [self.group_brief(group) for group in identity.groups],
            "user": self.user_brief(identity.user),
        }

    # Images and sizes.

    def size_brief(self, size: Size) -> Row:
        """Return a size inside of something else."""
        return {
            "id": size.id,
            "uuid": size.uuid,
            "url": self._ask.url("sizes", size.uuid),
            "alias": size.alias,
            "name": size.name,
            "cpu": size.cpu,
            "disk": size.disk,
            "root": size.root,
            "mem": size.mem,
            "active": size.active,
            "start_date": iso(size.start_date),
            "end_date": iso(size.end_date),
        }

    def size(self, size: Size) -> Row:
        """Return a row of /sizes."""
        brief = self.size_brief(size)
        dates = {key: brief.pop(key) for key in ("start_date", "end_date")}
        ids = {key: brief.pop(key) for key in ("id", "url", "uuid")}
        return {**ids, **brief, "provider": self.provider_brief(size.provider), **dates}

    def image_brief(self, image: Image) -> Row:
        """Return an image inside of an instance."""
        return {
            "id": image.id,
            "url": self._ask.url("images", image.uuid),
            "uuid": image.uuid,
            "name": image.name,
            "description": image.description,
            "icon": None,
            "start_date": iso(image.start_date),
            "end_date": iso(image.end_date),
            "user": image.created_by.id,
        }

    def image_with_tags(self, image: Image) -> Row:
        """Return an image inside of anything else."""
        return {**self.image_brief(image), "tags": list(image.tags)}

    def image(self, image: Image) -> Row:
        """Return a row of /images."""
        versions = [version for version in self._ask.world.versions if version.image is image]
        return {
            "id": image.id,
            "url": self._ask.url("images", image.uuid),
            "uuid": image.uuid,
            "name": image.name,
            "metrics_url": self._ask.url("image_metrics", image.uuid),
            "created_by": self.user_brief(image.created_by),
            "description": image.description,
            "end_date": iso(image.end_date),
            "is_public": True,
            "icon": None,
            "start_date": iso(image.start_date),
            "access_list": [],
            "tags": list(image.tags),
            "versions": [self.version_brief(version) for version in versions],
        }

    def version_brief(self, version: Version) -> Row:
        """Return a version inside of something else."""
        return {
            "id": version.uuid,
            "url": self._ask.url("image_versions", version.uuid),
            "name": version.name,
        }

    def version(self, version: Version) -> Row:
        """Return a row of /image_versions."""
        machine = {
            "id": version.machine_id,
            "uuid": version.machine_uuid,
            "url": self._ask.url("provider_machines", version.machine_uuid),
            "provider": self.provider_brief(version.provider),
            "version": version.name,
            "owner": version.identity.user.username,
            "size_gb": version.size_gb,
            "start_date": iso(version.machine_start_date),
            "end_date": None,
        }
        return {
            "id": version.uuid,
            "url": self._ask.url("image_versions", version.uuid),
            "parent": None,
            "name": version.name,
            "change_log": "New version",
            "image": self.image_with_tags(version.image),
            "machines": [machine],
            "allow_imaging": True,
            "doc_object_id": "",
            "licenses": [],
            "membership": [],
            "min_mem": None,
            "min_cpu": None,
            "scripts": [],
            "user": self.user_brief(version.identity.user),
            "identity": self.identity_brief(version.identity),
            "start_date": iso(version.start_date),
            "end_date": None,
        }

    def machine(self, version: Version) -> Row:
        """Return a row of /provider_machines."""
        return {
            "id": version.machine_id,
            "uuid": version.machine_uuid,
            "url": self._ask.url("provider_machines", version.machine_uuid),
            "provider": self.provider_brief(version.provider),
            "image": self.image_with_tags(version.image),
            "members": [],
            "version": self.version_brief(version),
            "size_gb": version.size_gb,
            "created_by": self.user_brief(version.identity.user),
            "start_date": iso(version.machine_start_date),
            "end_date": None,
        }

    def allocation_source(self, source: AllocationSource) -> Row:
        """Return a row of /allocation_sources: the figures are those of the user of the request."""
        mine = source.snapshots.get(self._ask.user.username) if self._ask.user else None
        return {
            "id": source.id,
            "url": self._ask.url("allocation_sources", source.uuid),
            "name": source.name,
            "uuid": source.uuid,
            "compute_allowed": source.compute_allowed,
            "start_date": iso(source.start_date),
            "end_date": iso(source.end_date),
            "compute_used": source.compute_used,
            "global_burn_rate": source.global_burn_rate,
            "updated": iso(source.updated),
            "renewal_strategy": source.renewal_strategy,
            "user_compute_used": mine.compute_used if mine else 0.0,
            "user_burn_rate": mine.burn_rate if mine else None,
            "user_snapshot_updated": iso(mine.updated) if mine else None,
        }

    # Instances, volumes, and the projects that they are in.

    def project_brief(self, project: Project) -> Row:
        """Return a project inside of something else."""
        return {
            "id": project.id,
            "url": self._ask.url("projects", project.uuid),
            "uuid": project.uuid,
            "name": project.name,
            "description": project.description,
            "owner": project.owner.name,
            "created_by": project.created_by.username,
            "start_date": iso(project.start_date),
            "end_date": iso(project.end_date),
        }

    def project(self, project: Project) -> Row:
        """Return a row of /projects, which has everything in it."""
        world = self._ask.world
        instances = [each for each in world.instances if each.project is project and each.end_date is None]
        volumes = [each for each in world.volumes if each.project is project and each.end_date is None]
        return {
            "id": project.id,
            "uuid": project.uuid,
            "url": self._ask.url("projects", project.uuid),
            "name": project.name,
            "description": project.description,
            "created_by": self.user_brief(project.created_by),
            "owner": self.group_brief(project.owner),
            **self._people(project.owner),
            "instances": [self._instance_in_project(instance) for instance in instances],
            "images": [],
            "links": [],
            "volumes": [self._volume_in_project(volume) for volume in volumes],
            "start_date": iso(project.start_date),
            "end_date": iso(project.end_date),
        }

    def instance(self, instance: Instance) -> Row:
        """Return a row of /instances: the state in the database, not the one in the cloud."""
        status, activity = v2_status(instance.latest)
        source = instance.allocation_source
        return {
            "id": instance.id,
            "uuid": instance.uuid,
            "url": self._ask.url("instances", instance.uuid),
            "name": instance.name,
            "status": status,
            "activity": activity,
            "size": self._once(self.size_brief, instance.size),
            "ip_address": v2_address(instance),
            "shell": instance.shell,
            "vnc": instance.vnc,
            "web_desktop": instance.web_desktop,
            "identity": self._once(self.identity_brief, instance.identity),
            "user": self._once(self.user_brief, instance.user),
            "provider": self._once(self.provider_brief, instance.provider),
            "image": self._once(self.image_brief, instance.version.image),
            "version": self._once(self.version_brief, instance.version),
            # That of all who use the source, not the instance's own.
            "usage": source.compute_used if source else -1,
            "scripts": [],
            "project": self._once(self.project_brief, instance.project) if instance.project else None,
            "start_date": iso(instance.start_date),
            "end_date": iso(instance.end_date),
            "allocation_source": self._once(self.allocation_source, source) if source else None,
        }

    def instance_with_source(self, instance: Instance) -> Row:
        """Return a row of /instance_allocation_source."""
        source = instance.allocation_source
        return {
            "id": instance.id,
            "url": self._ask.url("instance_allocation_source", instance.id),
            "instance": self.instance(instance),
            "allocation_source": self._once(self.allocation_source, source) if source else None,
        }

    def instance_with_project(self, instance: Instance) -> Row:
        """Return a row of /project_instances."""
        project = self._once(self.project_brief, instance.project) if instance.project else None
        return {"id": instance.id, "project": project, "instance": self.instance(instance)}

    def _instance_in_project(self, instance: Instance) -> Row:
        return {
            "id": instance.id,
            "uuid": instance.uuid,
            "url": self._ask.url("instances", instance.uuid),
            "name": instance.name,
            "status": instance.latest.status,
            "size": self._once(self.size_brief, instance.size),
            "ip_address": v2_address(instance),
            "shell": instance.shell,
            "vnc": instance.vnc,
            "web_desktop": instance.web_desktop,
            "identity": self._once(self.identity_brief, instance.identity),
            "user": instance.user.username,
            "provider": instance.provider.id,
            "image": self._once(self.image_brief, instance.version.image),
            "start_date": iso(instance.start_date),
            "end_date": iso(instance.end_date),
        }

    def volume(self, volume: Volume) -> Row:
        """Return a row of /volumes: without a status and without its attachment."""
        return {
            "id": volume.id,
            "uuid": volume.uuid,
            "name": volume.name,
            "description": volume.description,
            "identity": self._once(self.identity_brief, volume.identity),
            "user": self._once(self.user_brief, volume.user),
            "provider": self._once(self.provider_brief, volume.provider),
            "project": self._once(self.project_brief, volume.project) if volume.project else None,
            "size": volume.size,
            "url": self._ask.url("volumes", volume.uuid),
            "start_date": iso(volume.start_date),
            "end_date": iso(volume.end_date),
        }

    def volume_with_project(self, volume: Volume) -> Row:
        """Return a row of /project_volumes."""
        project = self._once(self.project_brief, volume.project) if volume.project else None
        return {"id": volume.id, "project": project, "volume": self.volume(volume)}

    def _volume_in_project(self, volume: Volume) -> Row:
        return {
            "id": volume.id,
            "uuid": volume.uuid,
            "url": self._ask.url("volumes", volume.uuid),
            "name": volume.name,
            "size": volume.size,
            "user": volume.user.username,
            "identity": self._once(self.identity_brief, volume.identity),
            "provider": volume.provider.id,
            "start_date": iso(volume.start_date),
            "end_date": iso(volume.end_date),
        }

    def period(self, instance: Instance, period: Period) -> Row:
        """Return a row of /instance_histories."""
        return {
            "id": period.id,
            "uuid": period.uuid,
            "url": self._ask.url("instance_histories", period.uuid),
            "instance": {
                "id": instance.id,
                "uuid": instance.uuid,
                "url": self._ask.url("instances", instance.uuid),
                "name": instance.name,
                "status": instance.latest.status,
                "ip_address": v2_address(instance),
                "shell": instance.shell,
                "vnc": instance.vnc,
                "user": instance.user.id,
                "provider": instance.provider.id,
                "start_date": iso(instance.start_date),
                "end_date": iso(instance.end_date),
            },
            "status": period.status,
            "activity": period.activity,
            "size": self._once(self.size_brief, period.size),
            "provider": self._once(self.provider_brief, instance.provider),
            "image": self._once(self.image_with_tags, instance.version.image),
            "extra": period.extra,
            "start_date": iso(period.start),
            "end_date": iso(period.end),
        }

    def maintenance(self, record: Maintenance) -> Row:
        """Return a row of /maintenance_records."""
        return {
            "id": record.id,
            "url": self._ask.url("maintenance_records", record.id),
            "start_date": iso(record.start_date),
            "end_date": iso(record.end_date),
            "title": record.title,
            "message": record.message,
            "provider": self.provider_brief(record.provider) if record.provider else None,
            "disable_login": True,
        }
