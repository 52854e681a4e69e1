"""The steps of a part that is a Cinder volume.

The frozen source is a snapshot that belongs to the backup project, so that the unit's quota is not touched and the unit cannot delete it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from govcloud.adapters.openstack_backup_names import Task
from govcloud.adapters.openstack_bench import ITS_BACKUP, Bench, Kept, moved
from govcloud.adapters.openstack_helper_volumes import (
    BACKUP_TYPE,
    GIB,
    SNAPSHOT_TYPE,
    awaited,
    finder,
    helper_volume,
    labels,
    read_volume,
    remove,
    remove_images,
    shown,
)
from govcloud.adapters.openstack_login import Json
from govcloud.api.backup import PartStatus
from govcloud.failures import Stop
from govcloud.reasons import Reason

SourceVolume = Callable[[Bench, Task], str]
"""Finds the id of the volume that a part is about."""
WrittenSince = Callable[[Bench, Task], str]
"""Tells what may have written to that volume since it was frozen; empty where nothing did."""


def volume_of_unit(bench: Bench, task: Task) -> str:
    """Id of the part's volume, which must belong to the project that the backup is about.

    Raises:
        Stop: there is no such volume in that project.
    """
    volume = shown(bench.backups, "volumes", task.part.source_id)
    if volume is None or volume["os-vol-tenant-attr:tenant_id"] != task.spec.project_id:
        where = f"project {task.spec.project_id}"
        raise Stop(Reason.INVALID_INPUT, f"{task.title} names volume {task.part.source_id}, which is not in {where}")
    return str(volume["id"])


class VolumeSteps:
    """Steps of parts of kind `Volume`; of kind `DatabaseVolume` too, with another way to find the volume."""

    def __init__(self, source_volume: SourceVolume, written_since: WrittenSince) -> None:
        self._source_volume = source_volume
        self._written_since = written_since

    def freeze(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Take the snapshot that stands for the source from now on."""
        snapshot = self._snapshot(bench, task)
        return moved(status, "Frozen", ids={"snapshot": snapshot["id"]})

    def read_source(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read the snapshot, by way of a volume made from it. Cinder is told to back it up already: it works while we read."""
        snapshot = self._snapshot(bench, task)
        clone = helper_volume(
            bench.backups, bench, task, "source-volume", {"snapshot_id": snapshot["id"], "size": snapshot["size"]}
        )
        _begun_backup(bench, task, snapshot)
        reading = read_volume(bench.backups, bench, task, clone, "source-image")
        if reading.bytes != snapshot["size"] * GIB:
            told = f"{reading.bytes} bytes were read of {task.title}, but its volume has {snapshot['size']} GiB"
            raise Stop(
                Reason.RESOURCE_FAILED, f"{told}; look whether the storage shortens volumes when it uploads them"
            )
        ids = {"snapshot": snapshot["id"], "source-volume": clone["id"]}
        return moved(status, "SourceRead", ids=ids, source_sha256=reading.sha256, source_bytes=reading.bytes)

    def back_up(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Back the snapshot up. The backup belongs to the backup project."""
        begun = _begun_backup(bench, task, self._snapshot(bench, task))
        backup = awaited(bench.backups, bench, "backups", begun["id"])
        return moved(status, "BackedUp", backup_id=backup["id"])

    def restore(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Restore the backup into a new volume of the quarantine project."""
        volume = self._restored(bench, task, status)
        return moved(status, "Restored", ids={**status.ids, "restored-volume": volume["id"]})

    def read_restored(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read the restored volume."""
        volume = self._restored(bench, task, status)
        reading = read_volume(bench.quarantine, bench, task, volume, "restored-image")
        return moved(status, "RestoreRead", restored_sha256=reading.sha256, restored_bytes=reading.bytes)

    def clean(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Delete every helper and see that it is gone. The backup stays, and must still be whole."""
        self.remove(bench, task, ITS_BACKUP)
        awaited(bench.backups, bench, "backups", str(status.backup_id))
        return moved(status, "Cleaned", ids={})

    def changed(self, bench: Bench, task: Task, _status: PartStatus) -> str:
        """That somebody let run what writes to it."""
        return self._written_since(bench, task)

    def remove(self, bench: Bench, task: Task, kept: Collection[Kept]) -> None:
        """Delete what is not kept, each before what it was made from. Cinder lets nothing go that it is still working on: then it is waited for."""
        remove_images(bench.backups, task, "source-image")
        remove_images(bench.quarantine, task, "restored-image")
        if "restored" not in kept:
            remove(bench.quarantine, bench, task, "volumes", "restored-volume")
        if "backup" not in kept:
            remove(bench.backups, bench, task, "backups", "backup")
        remove(bench.backups, bench, task, "volumes", "source-volume")
        remove(bench.backups, bench, task, "snapshots", "snapshot")

    def _snapshot(self, bench: Bench, task: Task) -> Json:
        def make() -> Json:
            body = {"volume_id": self._source_volume(bench, task), "force": True, **labels(task, "snapshot")}
            with task.effect(SNAPSHOT_TYPE, "backup", "snapshot"):
                return dict(bench.backups.post("block-storage", "/snapshots", {"snapshot": body})["snapshot"])

        find = finder(bench.backups, "snapshots", task.name("snapshot"))
        made = bench.adoption.find_or_make(task.key("snapshot"), "snapshot", find, make)
        return awaited(bench.backups, bench, "snapshots", made["id"])

    def _restored(self, bench: Bench, task: Task, status: PartStatus) -> Json:
        backup = bench.backups.get("block-storage", f"/backups/{status.backup_id}")["backup"]
        origin = {"backup_id": backup["id"], "size": backup["size"], **_type_of_source(bench, task)}
        return helper_volume(bench.quarantine, bench, task, "restored-volume", origin)


def _type_of_source(bench: Bench, task: Task) -> Json:
    """The type of the volume that was read as the source: Cinder restores an encrypted backup only into a volume of its own type."""
    found = finder(bench.backups, "volumes", task.name("source-volume"))()
    return next(({"volume_type": volume["volume_type"]} for volume in found if volume.get("volume_type")), {})


def _begun_backup(bench: Bench, task: Task, snapshot: Json) -> Json:
    """The backup of a snapshot, which may not be complete yet."""

    def make() -> Json:
        body = {"volume_id": snapshot["volume_id"], "snapshot_id": snapshot["id"], **labels(task, "backup")}
        with task.effect(BACKUP_TYPE, "backup", "backup"):
            return dict(bench.backups.post("block-storage", "/backups", {"backup": body})["backup"])

    find = finder(bench.backups, "backups", task.name("backup"))
    return bench.adoption.find_or_make(task.key("backup"), "backup", find, make)
