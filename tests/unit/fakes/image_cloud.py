# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud in memory with an image store, with the errors that a test scripts."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import Conflict, NotFound
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import (
    CloudAccount,
    ImageChange,
    Instance,
    Outcome,
    ProjectImage,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operation import Context, Operation
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.operations.image import SPEC, image
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock
from ansible_collections.jetstream.cloud.tests.unit.fakes.launch_cloud import LostResponse
from ansible_collections.jetstream.cloud.tests.unit.fakes.operation_runner import OperationRunner
from ansible_collections.jetstream.cloud.tests.unit.fakes.scripted_cloud import ScriptedCloud

SAVE_SECONDS = 20.0


class ImageCloud(ScriptedCloud):
    """A cloud that is its own image store.

    nova saves an image in 20 seconds. ``snapshots``: the snapshots of volumes that a new image refers to, with their
    status. ``gives_up``: whether nova fails to save each image. ``interrupt``: called after each call, with its name.
    """

    reserved = frozenset({"status"})

    def __init__(
        self, clock: FakeClock, instances: Sequence[Instance] = (), images: Sequence[ProjectImage] = ()
    ) -> None:
        super().__init__(clock, instances)
        self.images = list(images)
        self.shared: dict[str, set[str]] = defaultdict(set)
        self.snapshots: dict[str, str] = {}
        self.gives_up = False
        self.scripts: dict[str, deque[BaseException | None]] = defaultdict(deque)
        self.interrupt: Callable[[str], None] = lambda _call: None
        self._saved_at: dict[str, float] = {}

    # --- scripted by a test

    def script(self, call: str, *answers: BaseException | None) -> None:
        """Let the next calls fail with these errors. None stands for a call that succeeds."""
        self.scripts[call].extend(answers)

    def run(self, *, check_mode: bool = False, **options: Any) -> Outcome:
        def operation(given: Any, context: Context) -> Outcome:
            return image(self, given, context)

        wanted: Operation = operation
        return OperationRunner(None, self._clock).run(SPEC, wanted, check_mode=check_mode, **options)

    @property
    def writes(self) -> list[str]:
        """The calls that change the store."""
        return [each for each in self.calls if each.partition(" ")[0] in _WRITES]

    # --- the interface of a cloud

    def account(self) -> CloudAccount:
        return CloudAccount(site="js2", cloud="IU", user="johndoe", project="TG", project_uuid="tg")

    def image_store(self) -> ImageCloud:
        return self

    def get_instance(self, instance: Instance) -> Instance:
        if instance.uuid not in self._instances:
            raise NotFound("gone")
        self._settle()
        return super().get_instance(instance)

    def list_instances(self, **options: object) -> list[Instance]:
        self._settle()
        return super().list_instances(live=True)

    def failure_reason(self, instance: Instance) -> str | None:
        return "the store is full" if self.gives_up else None

    # --- the interface of an image store

    def list_images(self, called: str) -> Sequence[ProjectImage]:
        self._called("list_images", called)
        self._settle()
        return [each for each in self.images if called in (each.name, each.uuid)]

    def shelved_images(self) -> Sequence[ProjectImage]:
        self._called("shelved_images", "")
        return [each for each in self.images if each.name.endswith("-shelved")]

    def create(self, instance: Instance, name: str, properties: Mapping[str, str], token: str) -> None:
        self._called("create", name)
        now = self._instances[instance.uuid]
        if now.activity:
            raise Conflict(f"Cannot 'createImage' instance while it is in task_state {now.activity}")
        self._answer("create", lambda: self._begin(now, name, properties, token))

    def _begin(self, instance: Instance, name: str, properties: Mapping[str, str], token: str) -> None:
        uuid = f"image-{len(self._saved_at) + 1}"
        made = ProjectImage(
            uuid=uuid,
            name=name,
            status="queued",
            created=f"2026-11-26T04:00:{len(self._saved_at):02}Z",
            properties={"os_distro": "ubuntu", **properties},
            token=token,
            instance_uuid=instance.uuid,
            snapshots=tuple(sorted(self.snapshots)),
        )
        self.images.append(made)
        self._saved_at[uuid] = self._clock.monotonic() + SAVE_SECONDS
        self._instances[instance.uuid] = replace(instance, activity="image_uploading")

    def change(self, image: ProjectImage, change: ImageChange) -> None:
        self._called("change", image.name)
        self._answer("change", lambda: self._change(image, change))

    def _change(self, image: ProjectImage, change: ImageChange) -> None:
        def changed(each: ProjectImage) -> ProjectImage:
            return replace(
                each,
                visibility=change.visibility or each.visibility,
                protected=each.protected if change.protected is None else change.protected,
                properties={**each.properties, **change.properties},
            )

        self.images = [changed(each) if each.uuid == image.uuid else each for each in self.images]

    def members(self, image: ProjectImage) -> Sequence[str]:
        self._called("members", image.name)
        return sorted(self.shared[image.uuid])

    def add_member(self, image: ProjectImage, project: str) -> None:
        self._called("add_member", project)
        self._answer("add_member", lambda: self.shared[image.uuid].add(project))

    def remove_member(self, image: ProjectImage, project: str) -> None:
        self._called("remove_member", project)
        self._answer("remove_member", lambda: self.shared[image.uuid].discard(project))

    def delete(self, image: ProjectImage) -> None:
        self._called("delete", image.uuid)

        def gone() -> None:
            self.images = [each for each in self.images if each.uuid != image.uuid]

        self._answer("delete", gone)

    def snapshot_status(self, uuid: str) -> str | None:
        return self.snapshots.get(uuid)

    def delete_snapshot(self, uuid: str) -> None:
        self._called("delete_snapshot", uuid)
        self._answer("delete_snapshot", lambda: self.snapshots.pop(uuid, None))

    # --- inside

    def _called(self, call: str, name: str) -> None:
        self.calls.append(f"{call} {name}")

    def _answer(self, call: str, carry_out: Callable[[], object]) -> None:
        answer = self.scripts[call].popleft() if self.scripts[call] else None
        if answer is not None and not isinstance(answer, LostResponse):
            raise answer
        carry_out()
        self.interrupt(call)
        if isinstance(answer, LostResponse):
            raise answer.error

    def _settle(self) -> None:
        """End the snapshots whose time is over."""
        now = self._clock.monotonic()
        done = {each.uuid: each for each in self.images if self._saved_at.get(each.uuid, now + 1) <= now}
        for each in done.values():
            source = self._instances.get(each.instance_uuid or "")
            if each.status == "queued" and source is not None:
                self._instances[source.uuid] = replace(source, activity="")
        saved = [
            replace(each, status="active", size=10) if each.uuid in done and each.status == "queued" else each
            for each in self.images
        ]
        self.images = [each for each in saved if not (self.gives_up and each.uuid in done)]


_WRITES = frozenset({"create", "change", "add_member", "remove_member", "delete", "delete_snapshot"})
