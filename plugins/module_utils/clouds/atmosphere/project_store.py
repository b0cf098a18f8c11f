# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes, changes and deletes projects at Atmosphere. Facts: docs/atmosphere.md, Projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ...errors import NotFound, UnexpectedResponse
from ...model import UserProject
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, mapping, number_of, rows, text, uuid_of

_PROJECTS = "/api/v2/projects"


class Requests(Protocol):
    """The part of the client that the store uses."""

    def read(self, path: str, task: str) -> list[Json]:
        """Return all rows of a v2 list."""

    def send(self, method: str, path: str, task: str, data: Json | None = None) -> Any:
        """Send a change once, and return the body of the response."""

    def username(self) -> str | None:
        """Return the name of the account."""


class AtmosphereProjectStore:
    """The projects of one user."""

    def __init__(self, requests: Requests) -> None:
        """Send nothing yet."""
        self._requests = requests

    def list_projects(self) -> Sequence[UserProject]:
        """Return the projects of the groups of the user. See ProjectStore."""
        task = "Listing projects"
        return [_project(each, task) for each in self._requests.read(_PROJECTS, task)]

    def create(self, name: str, description: str, owner: str | None) -> UserProject:
        """Request a project. See ProjectStore."""
        task = f"Creating the project {one_line(name)}"
        user = self._requests.username()
        # Each user has a group of that name.
        body = {"name": name, "description": description, "owner": owner or user, "created_by": user}
        return _project(self._requests.send("POST", _PROJECTS, task, body), task)

    def change(self, project: UserProject, *, name: str | None, description: str | None) -> UserProject:
        """Replace the name or the description. See ProjectStore."""
        task = f"Changing the project {project.label}"
        body = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
        return _project(self._requests.send("PATCH", f"{_PROJECTS}/{project.uuid}", task, body), task)

    def delete(self, project: UserProject) -> None:
        """Delete a project. See ProjectStore."""
        try:
            self._requests.send("DELETE", f"{_PROJECTS}/{project.uuid}", f"Deleting the project {project.label}")
        except NotFound:
            return


def _project(row: object, task: str) -> UserProject:
    found = mapping(row)
    try:
        return UserProject(
            id=number_of(found),
            uuid=uuid_of(found),
            name=text(found.get("name")) or "",
            description=text(found.get("description")) or "",
            owner=text(mapping(found.get("owner")).get("name")) or "",
            created_by=text(mapping(found.get("created_by")).get("username")) or "",
            instances=_names(found.get("instances")),
            volumes=_names(found.get("volumes")),
        )
    except UnreadableRow as error:
        raise UnexpectedResponse(f"{task} was answered with a row that {error}.") from error


def _names(things: object) -> tuple[str, ...]:
    return tuple(text(each.get("name")) or "without a name" for each in rows(things))
