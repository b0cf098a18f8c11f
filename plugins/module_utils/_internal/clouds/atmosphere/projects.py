# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the projects of Atmosphere. Pure functions over rows."""

from __future__ import annotations

from ...catalog import ProjectDetails
from ..json_values import Json, mapping, number_of, text, uuid_of

# The path of v2's list of projects, those of all groups of the user.
PROJECTS = "/api/v2/projects"
_NAMELESS = "without a name"


def project_from_v2(row: Json) -> ProjectDetails:
    """Read a project with its users, instances and volumes. Raises UnreadableRow without a UUID or a number."""
    uuid = uuid_of(row)
    return ProjectDetails(
        id=number_of(row),
        uuid=uuid,
        name=text(row.get("name")) or uuid,
        description=text(row.get("description")),
        owner=text(mapping(row.get("owner")).get("name")),
        created_by=text(mapping(row.get("created_by")).get("username")),
        users=names_in(row.get("users"), "username"),
        leaders=names_in(row.get("leaders"), "username"),
        instances=names_in(row.get("instances"), "name", without=_NAMELESS),
        volumes=names_in(row.get("volumes"), "name", without=_NAMELESS),
        created=text(row.get("start_date")),
    )


def names_in(value: object, key: str, without: str | None = None) -> tuple[str, ...] | None:
    """Return the values under a key in a list of rows; None for any other value. ``without``: replaces missing ones."""
    if not isinstance(value, list):
        return None
    names = [text(mapping(each).get(key)) or without for each in value]
    return tuple(each for each in names if each)
