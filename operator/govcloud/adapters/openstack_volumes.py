"""The steps of a part that is a Cinder volume, and the reading of a volume's content.

Cinder gives nobody the bytes of a volume. They are read by way of an image: Cinder uploads the volume to Glance, and the
image is streamed back. The frozen source is a snapshot that belongs to the backup project, so that the unit's quota is not
touched and the unit cannot delete it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from govcloud.adapters.openstack_backup_names import Task
from govcloud.adapters.openstack_bench import ITS_BACKUP, Bench, Kept, moved
from govcloud.adapters.openstack_failures import translated
from govcloud.adapters.openstack_login import Json, Login
from govcloud.adapters.openstack_reading import Reading, read_all
from govcloud.adapters.openstack_waiting import States, refuse_failed
from govcloud.api.backup import PartStatus
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.journal import Operation

GIB = 1 << 30

_STATES = States(
    ready=("available",),
    failed=("error", "error_deleting", "error_restoring", "error_extending", "error_managing", "error_backing-up"),
)
_IMAGE = States(ready=("active",), failed=("killed", "deleted", "pending_delete", "deactivated"))

_SNAPSHOT_TYPE = "openstack:blockstorage/snapshot:Snapshot"
_VOLUME_TYPE = "openstack:blockstorage/volume:Volume"
_BACKUP_TYPE = "openstack:blockstorage/backup:Backup"
_IMAGE_TYPE = "openstack:images/image:Image"
_TYPES = {"snapshots": _SNAPSHOT_TYPE, "volumes": _VOLUME_TYPE, "backups": _BACKUP_TYPE}


SourceVolume = Callable[[Bench, Task], str]
"""Finds the id of the volume that a part is about."""


def volume_of_unit(bench: Bench, task: Task) -> str:
    """Id of the part's volume, which must belong to the project that the backup is about.

    Raises:
        Stop: there is no such volume in that project.
    """
    volume = _shown(bench.backups, "volumes", task.part.source_id)
    if volume is None or volume["os-vol-tenant-attr:tenant_id"] != task.spec.project_id:
        where = f"project {task.spec.project_id}"
        raise Stop(Reason.INVALID_INPUT, f"{task.title} names volume {task.part.source_id}, which is not in {where}")
    return str(volume["id"])


class VolumeSteps:
    """Steps of parts of kind `Volume`; of kind `DatabaseVolume` too, with another way to find the volume."""

    def __init__(self, source_volume: SourceVolume) -> None:
        self._source_volume = source_volume

    def freeze(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Take the snapshot that stands for the source from now on."""
        snapshot = self._snapshot(bench, task)
        return moved(status, "Frozen", ids={"snapshot": snapshot["id"]})

    def read_source(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read the snapshot, by way of a volume made from it. Cinder is told to back it up already: it works while we read."""
        snapshot = self._snapshot(bench, task)
        clone = _volume(
            bench.backups, bench, task, "source-volume", {"snapshot_id": snapshot["id"], "size": snapshot["size"]}
        )
        _begun_backup(bench, task, snapshot)
        reading = _read(bench.backups, bench, task, clone, "source-image")
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
        backup = _awaited(bench.backups, bench, "backups", begun["id"])
        return moved(status, "BackedUp", backup_id=backup["id"])

    def restore(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Restore the backup into a new volume of the quarantine project."""
        volume = self._restored(bench, task, status)
        return moved(status, "Restored", ids={**status.ids, "restored-volume": volume["id"]})

    def read_restored(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read the restored volume."""
        volume = self._restored(bench, task, status)
        reading = _read(bench.quarantine, bench, task, volume, "restored-image")
        return moved(status, "RestoreRead", restored_sha256=reading.sha256, restored_bytes=reading.bytes)

    def clean(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Delete every helper and see that it is gone. The backup stays, and must still be whole."""
        self.remove(bench, task, ITS_BACKUP)
        _awaited(bench.backups, bench, "backups", str(status.backup_id))
        return moved(status, "Cleaned", ids={})

    def remove(self, bench: Bench, task: Task, kept: Collection[Kept]) -> None:
        """Delete what is not kept, each before what it was made from. Cinder lets nothing go that it is still working on: then it is waited for."""
        _remove_images(bench.backups, task, "source-image")
        _remove_images(bench.quarantine, task, "restored-image")
        if "restored" not in kept:
            _remove(bench.quarantine, bench, task, "volumes", "restored-volume")
        if "backup" not in kept:
            _remove(bench.backups, bench, task, "backups", "backup")
        _remove(bench.backups, bench, task, "volumes", "source-volume")
        _remove(bench.backups, bench, task, "snapshots", "snapshot")

    def _snapshot(self, bench: Bench, task: Task) -> Json:
        def make() -> Json:
            body = {"volume_id": self._source_volume(bench, task), "force": True, **_labels(task, "snapshot")}
            with task.effect(_SNAPSHOT_TYPE, "backup", "snapshot"):
                return dict(bench.backups.post("block-storage", "/snapshots", {"snapshot": body})["snapshot"])

        find = _finder(bench.backups, "snapshots", task.name("snapshot"))
        made = bench.adoption.find_or_make(task.key("snapshot"), "snapshot", find, make)
        return _awaited(bench.backups, bench, "snapshots", made["id"])

    def _restored(self, bench: Bench, task: Task, status: PartStatus) -> Json:
        backup = bench.backups.get("block-storage", f"/backups/{status.backup_id}")["backup"]
        origin = {"backup_id": backup["id"], "size": backup["size"], **_type_of_source(bench, task)}
        return _volume(bench.quarantine, bench, task, "restored-volume", origin)


def _type_of_source(bench: Bench, task: Task) -> Json:
    """The type of the volume that was read as the source: Cinder restores an encrypted backup only into a volume of its own type."""
    found = _finder(bench.backups, "volumes", task.name("source-volume"))()
    return next(({"volume_type": volume["volume_type"]} for volume in found if volume.get("volume_type")), {})


def _volume(login: Login, bench: Bench, task: Task, step: str, origin: Json) -> Json:
    """The helper volume of a step, made from `origin` if it is not there yet."""
    operation: Operation = "restore" if "backup_id" in origin else "verify"

    def make() -> Json:
        with task.effect(_VOLUME_TYPE, operation, step):
            return dict(
                login.post("block-storage", "/volumes", {"volume": {**origin, **_labels(task, step)}})["volume"]
            )

    made = bench.adoption.find_or_make(task.key(step), step, _finder(login, "volumes", task.name(step)), make)
    return _awaited(login, bench, "volumes", made["id"])


def _begun_backup(bench: Bench, task: Task, snapshot: Json) -> Json:
    """The backup of a snapshot, which may not be complete yet."""

    def make() -> Json:
        body = {"volume_id": snapshot["volume_id"], "snapshot_id": snapshot["id"], **_labels(task, "backup")}
        with task.effect(_BACKUP_TYPE, "backup", "backup"):
            return dict(bench.backups.post("block-storage", "/backups", {"backup": body})["backup"])

    find = _finder(bench.backups, "backups", task.name("backup"))
    return bench.adoption.find_or_make(task.key("backup"), "backup", find, make)


def _read(login: Login, bench: Bench, task: Task, volume: Json, step: str) -> Reading:
    """Every byte of a volume. The image in between is deleted at once: it takes as much room as the volume."""
    image = _image(login, bench, task, volume, step)
    with bench.readers, translated(f"read image {image['id']}"):
        reading = read_all(login.stream("image", f"/images/{image['id']}/file"))
    if reading.bytes != image["size"]:
        told = f"image {image['id']} has {image['size']} bytes, but {reading.bytes} arrived"
        raise Retry(Reason.CLOUD_UNREACHABLE, told)
    with task.effect(_IMAGE_TYPE, "delete", step):
        login.delete("image", f"/images/{image['id']}")
    return reading


def _image(login: Login, bench: Bench, task: Task, volume: Json, step: str) -> Json:
    name = task.name(step)
    upload = {"image_name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"}

    def make() -> Json:
        with task.effect(_IMAGE_TYPE, "verify", step):
            answer = login.post("block-storage", f"/volumes/{volume['id']}/action", {"os-volume_upload_image": upload})
        return {"id": answer["os-volume_upload_image"]["image_id"]}

    image_id = bench.adoption.find_or_make(task.key(step), step, lambda: _images(login, name), make)["id"]
    return bench.poller.ready(
        lambda: login.find("image", f"/images/{image_id}"), _IMAGE, f"image {image_id}", _no_fault
    )


def _images(login: Login, name: str) -> list[Json]:
    return list(login.pages("image", "/images", "images", name=name, owner=login.project_id))


def _finder(login: Login, plural: str, name: str) -> Callable[[], Sequence[Json]]:
    """Looks for what carries this name, which holds the operation key, in the project of the login."""
    return lambda: list(login.pages("block-storage", f"/{plural}/detail", plural, name=name))


def _awaited(login: Login, bench: Bench, plural: str, id: str) -> Json:
    what = f"{plural[:-1]} {id}"
    return bench.poller.ready(lambda: _shown(login, plural, id), _STATES, what, lambda found: _fault(login, found))


def _shown(login: Login, plural: str, id: str) -> Json | None:
    body = login.find("block-storage", f"/{plural}/{id}")
    return None if body is None else dict(body[plural[:-1]])


def _fault(login: Login, found: Json) -> str:
    """What Cinder says about a failure: a backup says it itself, of all else there are messages."""
    if found.get("fail_reason"):
        return str(found["fail_reason"])
    messages = login.pages("block-storage", "/messages", "messages", resource_uuid=found["id"])
    return "; ".join(sorted({str(message["user_message"]) for message in messages}))


def _no_fault(_found: Json) -> str:
    return ""


def _labels(task: Task, step: str) -> Json:
    return {"name": task.name(step), "description": task.title, "metadata": task.marks(step)}


def _remove_images(login: Login, task: Task, step: str) -> None:
    for image in _images(login, task.name(step)):
        with task.effect(_IMAGE_TYPE, "delete", step):
            login.delete("image", f"/images/{image['id']}")


def _remove(login: Login, bench: Bench, task: Task, plural: str, step: str) -> None:
    """Delete what carries the key of a step, once it is in a state that allows it, and wait until it is gone."""
    find = _finder(login, plural, task.name(step))
    bench.adoption.give_time_to_appear(task.key(step), step)

    def gone() -> bool | None:
        left = find()
        for each in left:
            _delete_if_possible(login, task, plural, step, each)
        return None if left else True

    bench.poller.until(gone, f"the deletion of {plural[:-1]} {task.name(step)}")


def _delete_if_possible(login: Login, task: Task, plural: str, step: str, found: Json) -> None:
    refuse_failed(found, ("error_deleting",), f"{plural[:-1]} {found['id']}", lambda failed: _fault(login, failed))
    if found["status"] in ("available", "error", "error_restoring"):
        with task.effect(_TYPES[plural], "purge" if plural == "backups" else "delete", step):
            login.delete("block-storage", f"/{plural}/{found['id']}")
