"""Cinder volumes and snapshots as sparse files: real bytes, no block devices.

Cinder ships drivers that need LVM, NFS or vendors' hardware, and fakes that hold no bytes. This one copies, clones,
snapshots, uploads and restores for real, so that a backup made here can be compared with its source. A copy of a volume on which a
database runs holds what that database has written by then, as a copy of a disk would.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from castellan import key_manager
from cinder import exception, interface
from cinder.image import image_utils
from cinder.volume import configuration, driver
from oslo_config import cfg

from devcloud.openstack import databases
from devcloud.openstack.drivers import sparse, xts
from devcloud.openstack.layout import Layout
from devcloud.patience import PATIENCE

IMAGE_SCHEME = "sparse"
"""How Glance's store (glance_files.py) names its locations."""

OPTIONS = [
    cfg.StrOpt("sparse_file_directory", help="Where the volumes and snapshots lie."),
    cfg.StrOpt("sparse_file_image_directory", help="The directory of Glance's file store, on the same file system."),
    cfg.StrOpt("sparse_file_state_directory", help="The development cloud's own, where it says which databases run on which volumes."),
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

    def _as_it_is(self, volume: Any) -> Path:
        """The volume's file, with all that a database running on it has written by now."""
        path = self._path(volume)
        layout = Layout(Path(self.configuration.sparse_file_state_directory))
        if (database := databases.on_volume(layout, path)) is not None:
            database.write_through(path)
        return path

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

    def retype(self, context: Any, volume: Any, new_type: Any, diff: Any, host: Any) -> bool:
        """True: a volume of any type lies in the same directory. Cinder does not ask where a type encrypts and the other does not."""
        return True

    def create_cloned_volume(self, volume: Any, source: Any) -> None:
        self._fill(volume, self._as_it_is(source))

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
        sparse.copy(self._as_it_is(snapshot.volume), self._path(snapshot))

    def delete_snapshot(self, snapshot: Any) -> None:
        self._path(snapshot).unlink(missing_ok=True)

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        self._fill(volume, self._path(snapshot))

    # ---- images

    def clone_image(
        self, context: Any, volume: Any, image_location: Any, image_meta: dict[str, Any], image_service: Any
    ) -> tuple[dict[str, Any], bool]:
        """Copies a raw image's file. Others Cinder downloads and converts, for which it needs qemu-img."""
        image = self._image(image_meta["id"])
        if image_meta["disk_format"] != "raw" or not image.exists():
            return {}, False
        self._fill(volume, image)
        return {}, True

    def copy_image_to_volume(self, context: Any, volume: Any, image_service: Any, image_id: str, **_rest: Any) -> None:
        image_utils.fetch_to_raw(
            context, image_service, image_id, str(self._path(volume)), self.configuration.volume_dd_blocksize,
            size=volume.size,
        )  # fmt: skip
        self._pad(volume)

    def copy_image_to_encrypted_volume(
        self, context: Any, volume: Any, image_service: Any, image_id: str, **_rest: Any
    ) -> None:
        """Writes what dm-crypt would write: Cinder's own way needs the kernel's device mapper."""
        image = image_service.show(context, image_id)
        _update, copied = self.clone_image(context, volume, None, image, image_service)
        if not copied:
            self.copy_image_to_volume(context, volume, image_service, image_id)
        key = key_manager.API(cfg.CONF).get(context, volume.encryption_key_id)
        xts.encrypt(self._path(volume), key.get_encoded())

    def copy_volume_to_image(self, context: Any, volume: Any, image_service: Any, image_meta: dict[str, Any]) -> None:
        """Puts the bytes into Glance's store and registers them there: a copy of what is written, not of its zeros."""
        sparse.copy(self._as_it_is(volume), self._image(image_meta["id"]))
        image_service.add_location(context, image_meta["id"], f"{IMAGE_SCHEME}://{image_meta['id']}", {})
        self._wait_until_active(context, image_service, image_meta["id"])

    def _image(self, image_id: str) -> Path:
        return Path(self.configuration.sparse_file_image_directory) / image_id

    def _wait_until_active(self, context: Any, image_service: Any, image_id: str) -> None:
        """Glance registers a location in a task of its own."""
        deadline = time.monotonic() + PATIENCE
        while image_service.show(context, image_id)["status"] != "active":
            if time.monotonic() > deadline:
                raise exception.ImageUnacceptable(image_id=image_id, reason="Glance did not take its location")
            time.sleep(0.05)

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
