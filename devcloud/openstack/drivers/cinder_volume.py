"""Cinder volumes and snapshots as sparse files: real bytes, no block devices.

Cinder ships drivers that need LVM, NFS or vendors' hardware, and fakes that hold no bytes. This one copies, clones,
snapshots, uploads and restores for real, so that a backup made here can be compared with its source.
"""

# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

from pathlib import Path
from typing import Any

from cinder import interface
from cinder.volume import configuration, driver
from oslo_config import cfg

from devcloud.openstack.drivers import sparse

OPTIONS = [
    cfg.StrOpt("sparse_file_directory", help="Where the volumes and snapshots lie."),
    cfg.StrOpt("sparse_file_image_directory", help="The directory of Glance's file store, on the same file system."),
]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)

_CAPABILITIES = {
    "pool_name": "file", "total_capacity_gb": 100_000, "free_capacity_gb": 90_000, "reserved_percentage": 0,
    "allocated_capacity_gb": 0, "provisioned_capacity_gb": 0, "QoS_support": False, "multiattach": True,
    "thin_provisioning_support": True, "thick_provisioning_support": False, "max_over_subscription_ratio": 20.0,
}  # fmt: skip


@interface.volumedriver
class SparseFileDriver(driver.VolumeDriver):
    """One file a volume and one a snapshot, named as Cinder names them."""

    VERSION = "1.0"
    CI_WIKI_NAME = "none"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.configuration.append_config_values(OPTIONS)

    def _path(self, volume_or_snapshot: Any) -> Path:
        return Path(self.configuration.sparse_file_directory) / volume_or_snapshot.name

    def do_setup(self, context: Any) -> None:
        Path(self.configuration.sparse_file_directory).mkdir(parents=True, exist_ok=True)

    def check_for_setup_error(self) -> None:
        """A directory is all there is to set up."""

    def get_volume_stats(self, refresh: bool = False) -> dict[str, Any]:
        name = self.configuration.safe_get("volume_backend_name")
        return {
            "volume_backend_name": name, "vendor_name": "govcloud", "driver_version": self.VERSION,
            "storage_protocol": "local", "pools": [_CAPABILITIES],
        }  # fmt: skip

    # ---- volumes

    def create_volume(self, volume: Any) -> None:
        sparse.grow(self._path(volume), volume.size * sparse.GIB)

    def delete_volume(self, volume: Any) -> None:
        self._path(volume).unlink(missing_ok=True)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        sparse.grow(self._path(volume), new_size * sparse.GIB)

    def create_cloned_volume(self, volume: Any, source: Any) -> None:
        self._fill(volume, self._path(source))

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        self._fill(volume, self._path(snapshot))

    def _fill(self, volume: Any, source: Path) -> None:
        sparse.copy(source, self._path(volume))
        self._pad(volume)

    def _pad(self, volume: Any) -> None:
        """Cinder opens a volume for writing as if it were a device, whose size stays. A file ends after the last byte."""
        sparse.grow(self._path(volume), volume.size * sparse.GIB)

    # ---- snapshots

    def create_snapshot(self, snapshot: Any) -> None:
        sparse.copy(self._path(snapshot.volume), self._path(snapshot))

    def delete_snapshot(self, snapshot: Any) -> None:
        self._path(snapshot).unlink(missing_ok=True)

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        self._fill(volume, self._path(snapshot))

    # ---- images

    def copy_image_to_volume(self, context: Any, volume: Any, image_service: Any, image_id: str, **_rest: Any) -> None:
        with self._path(volume).open("r+b") as file:
            image_service.download(context, image_id, file)
        self._pad(volume)

    def copy_volume_to_image(self, context: Any, volume: Any, image_service: Any, image_meta: dict[str, Any]) -> None:
        with self._path(volume).open("rb") as file:
            image_service.update(context, image_meta["id"], {}, file)

    # ---- connections: whoever asks gets the file's path

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        return {"driver_volume_type": "local", "data": {"device_path": str(self._path(volume))}}

    def terminate_connection(self, volume: Any, connector: Any, **_rest: Any) -> None:
        # The end of a restore comes by here, too.
        self._pad(volume)

    def initialize_connection_snapshot(self, snapshot: Any, connector: Any, **_rest: Any) -> dict[str, Any]:
        return {"driver_volume_type": "local", "data": {"device_path": str(self._path(snapshot))}}

    def terminate_connection_snapshot(self, snapshot: Any, connector: Any, **_rest: Any) -> None:
        """Nothing to undo."""

    def ensure_export(self, context: Any, volume: Any) -> None:
        """Nothing to export."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """Nothing to export."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """Nothing to take back."""

    def create_export_snapshot(self, context: Any, snapshot: Any, connector: Any) -> None:
        """Nothing to export."""

    def remove_export_snapshot(self, context: Any, snapshot: Any) -> None:
        """Nothing to take back."""
