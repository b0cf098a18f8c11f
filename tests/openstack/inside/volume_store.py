# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="import-not-found,import-untyped,misc"
"""A volume driver for cinder that stores no data: each operation succeeds at once."""

from __future__ import annotations

from typing import Any

from cinder import interface
from cinder.volume import driver


@interface.volumedriver
class Driver(driver.VolumeDriver):
    VERSION = "1.0"

    def do_setup(self, context: Any) -> None:
        """Do nothing: this driver needs no preparation."""

    def check_for_setup_error(self) -> None:
        """Do nothing: the setup cannot fail."""

    def _update_volume_stats(self) -> None:
        pool = {
            "pool_name": "pool",
            "total_capacity_gb": 1_000_000,
            "free_capacity_gb": 1_000_000,
            "provisioned_capacity_gb": 0,
            "reserved_percentage": 0,
            "multiattach": True,
        }
        self._stats = {
            "volume_backend_name": "store",
            "vendor_name": "none",
            "driver_version": self.VERSION,
            "storage_protocol": "iSCSI",
            "pools": [pool],
        }

    def create_volume(self, volume: Any) -> None: ...

    def delete_volume(self, volume: Any) -> None: ...

    def extend_volume(self, volume: Any, new_size: int) -> None: ...

    def create_snapshot(self, snapshot: Any) -> None: ...

    def delete_snapshot(self, snapshot: Any) -> None: ...

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None: ...

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None: ...

    def clone_image(
        self, context: Any, volume: Any, image_location: Any, image_meta: Any, image_service: Any
    ) -> tuple[dict[str, Any], bool]:
        # True: the volume has its content, so cinder copies none
        return {}, True

    def ensure_export(self, context: Any, volume: Any) -> None: ...

    def create_export(self, context: Any, volume: Any, connector: Any) -> None: ...

    def remove_export(self, context: Any, volume: Any) -> None: ...

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        return {"driver_volume_type": "iscsi", "data": {"volume_id": volume.id, "access_mode": "rw"}}

    def terminate_connection(self, volume: Any, connector: Any, **kwargs: Any) -> None: ...
