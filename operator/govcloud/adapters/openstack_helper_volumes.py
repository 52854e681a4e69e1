"""Helper volumes: making them once, reading every byte of them by way of an image, and removing them again.

Cinder gives nobody the bytes of a volume. They are read by way of an image: Cinder uploads the volume to Glance, and the
image is streamed back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from govcloud.adapters.openstack_backup_names import Labelled
from govcloud.adapters.openstack_bench import Bench
from govcloud.adapters.openstack_failures import translated
from govcloud.adapters.openstack_login import Json, Login
from govcloud.adapters.openstack_reading import Reading, read_all
from govcloud.adapters.openstack_waiting import States, refuse_failed
from govcloud.failures import Retry
from govcloud.reasons import Reason
from stacks.provider.journal import Operation

GIB = 1 << 30

_STATES = States(
    ready=("available",),
    failed=("error", "error_deleting", "error_restoring", "error_extending", "error_managing", "error_backing-up"),
)
_DELETABLE = frozenset({"available", "error", "error_restoring", "error_extending", "error_managing"})
"""States in which Cinder takes the order to delete a volume; snapshots and backups have the first two of them."""
_IMAGE = States(ready=("active",), failed=("killed", "deleted", "pending_delete", "deactivated"))

SNAPSHOT_TYPE = "openstack:blockstorage/snapshot:Snapshot"
VOLUME_TYPE = "openstack:blockstorage/volume:Volume"
BACKUP_TYPE = "openstack:blockstorage/backup:Backup"
IMAGE_TYPE = "openstack:images/image:Image"
_TYPES = {"snapshots": SNAPSHOT_TYPE, "volumes": VOLUME_TYPE, "backups": BACKUP_TYPE}


def helper_volume(login: Login, bench: Bench, task: Labelled, step: str, origin: Json) -> Json:
    """The helper volume of a step, made from `origin` if it is not there yet."""
    operation: Operation = "restore" if "backup_id" in origin else "verify"

    def make() -> Json:
        with task.effect(VOLUME_TYPE, operation, step):
            return dict(
                login.post("block-storage", "/volumes", {"volume": {**origin, **labels(task, step)}})["volume"]
            )

    made = bench.adoption.find_or_make(task.key(step), step, finder(login, "volumes", task.name(step)), make)
    return awaited(login, bench, "volumes", made["id"])


def read_volume(login: Login, bench: Bench, task: Labelled, volume: Json, step: str) -> Reading:
    """Every byte of a volume. The image in between is deleted at once: it takes as much room as the volume."""
    image = _image(login, bench, task, volume, step)
    with bench.readers, translated(f"read image {image['id']}"):
        reading = read_all(login.stream("image", f"/images/{image['id']}/file"))
    if reading.bytes != image["size"]:
        told = f"image {image['id']} has {image['size']} bytes, but {reading.bytes} arrived"
        raise Retry(Reason.CLOUD_UNREACHABLE, told)
    with task.effect(IMAGE_TYPE, "delete", step):
        login.delete("image", f"/images/{image['id']}")
    return reading


def _image(login: Login, bench: Bench, task: Labelled, volume: Json, step: str) -> Json:
    name = task.name(step)
    upload = {"image_name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"}

    def make() -> Json:
        with task.effect(IMAGE_TYPE, "verify", step):
            answer = login.post("block-storage", f"/volumes/{volume['id']}/action", {"os-volume_upload_image": upload})
        return {"id": answer["os-volume_upload_image"]["image_id"]}

    image_id = bench.adoption.find_or_make(task.key(step), step, lambda: _images(login, name), make)["id"]
    return bench.poller.ready(
        lambda: login.find("image", f"/images/{image_id}"), _IMAGE, f"image {image_id}", _no_fault
    )


def _images(login: Login, name: str) -> list[Json]:
    return list(login.pages("image", "/images", "images", name=name, owner=login.project_id))


def finder(login: Login, plural: str, name: str) -> Callable[[], Sequence[Json]]:
    """Looks for what carries this name, which holds the operation key, in the project of the login."""
    return lambda: list(login.pages("block-storage", f"/{plural}/detail", plural, name=name))


def awaited(login: Login, bench: Bench, plural: str, id: str) -> Json:
    what = f"{plural[:-1]} {id}"
    return bench.poller.ready(lambda: shown(login, plural, id), _STATES, what, lambda found: _fault(login, found))


def shown(login: Login, plural: str, id: str) -> Json | None:
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


def labels(task: Labelled, step: str) -> Json:
    return {"name": task.name(step), "description": task.title, "metadata": task.marks(step)}


def remove_images(login: Login, task: Labelled, step: str) -> None:
    for image in _images(login, task.name(step)):
        with task.effect(IMAGE_TYPE, "delete", step):
            login.delete("image", f"/images/{image['id']}")


def remove(login: Login, bench: Bench, task: Labelled, plural: str, step: str) -> None:
    """Delete what carries the key of a step, once it is in a state that allows it, and wait until it is gone."""
    find = finder(login, plural, task.name(step))
    bench.adoption.give_time_to_appear(task.key(step), step)

    def gone() -> bool | None:
        left = find()
        for each in left:
            _delete_if_possible(login, task, plural, step, each)
        return None if left else True

    bench.poller.until(gone, f"the deletion of {plural[:-1]} {task.name(step)}")


def _delete_if_possible(login: Login, task: Labelled, plural: str, step: str, found: Json) -> None:
    refuse_failed(found, ("error_deleting",), f"{plural[:-1]} {found['id']}", lambda failed: _fault(login, failed))
    if found["status"] in _DELETABLE:
        with task.effect(_TYPES[plural], "purge" if plural == "backups" else "delete", step):
            login.delete("block-storage", f"/{plural}/{found['id']}")
