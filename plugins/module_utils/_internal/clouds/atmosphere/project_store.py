# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates, changes and deletes projects at Atmosphere. Facts: docs/atmosphere.md, Projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ...catalog import ProjectDetails
from ...errors import NotFound, UnexpectedResponse
from ...text.terminal import one_line
from ..json_values import Json, UnreadableRow, mapping, text
from .projects import PROJECTS, project_from_v2


class Requests(Protocol):
    """The part of the client that the store uses."""

    def read(self, path: str, task: str) -> list[Json]:
        """Return all rows of a v2 list."""

    def send(self, method: str, path: str, task: str, data: Json | None = None) -> Any:
        """Send a change once, and return the body of the response."""

    def username(self) -> str | None:
        """Return the name of the account's user."""


class AtmosphereProjectStore:
    """The projects of one user."""

    def __init__(self, requests: Requests) -> None:
        """Send nothing yet."""
        self._requests = requests

    def list_projects(self) -> Sequence[ProjectDetails]:
        """Return the projects of the user's groups. See ProjectStore."""
        task = "Listing projects"
        return [_project(each, task) for each in self._requests.read(PROJECTS, task)]

    def groups(self) -> Sequence[str]:
        """Return the names of the user's groups. See ProjectStore."""
        listed = self._requests.read("/api/v2/groups", "Listing groups")
        return [name for each in listed if (name := text(mapping(each).get("name")))]

    def create(self, name: str, description: str, owner: str | None) -> ProjectDetails:
        """Request a project. See ProjectStore."""
        task = f"Creating the project {one_line(name)}"
        user = self._requests.username()
        # Each user has a group with the name of the user.
        body = {"name": name, "description": description, "owner": owner or user, "created_by": user}
        return _project(self._requests.send("POST", PROJECTS, task, body), task)

    def change(self, project: ProjectDetails, *, name: str | None, description: str | None) -> ProjectDetails:
        """Change the name, the description, or both. See ProjectStore."""
        task = f"Changing the project {project.label}"
        body = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
        return _project(self._requests.send("PATCH", f"{PROJECTS}/{project.uuid}", task, body), task)

    def delete(self, project: ProjectDetails) -> None:
        """Delete a project. See ProjectStore."""
        try:
            self._requests.send("DELETE", f"{PROJECTS}/{project.uuid}", f"Deleting the project {project.label}")
        except NotFound:
            return


def _project(row: object, task: str) -> ProjectDetails:
    try:
        return project_from_v2(mapping(row))
    except UnreadableRow as error:
        raise UnexpectedResponse(f"{task} failed: a row of the response cannot be parsed: {error}.") from error
