"""The steps of a part that is a Swift container: listing, reading, copying and comparing its objects, older versions included.

Swift cannot freeze a container. Its listing is digested when the part is frozen, and compared around the reading and before the container
is destroyed; what changes between reading and copying makes the restored copy differ from what was read. Each makes the part a mismatch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from govcloud.adapters.openstack_backup_names import CONTAINER_TYPE, OBJECT_TYPE, Task
from govcloud.adapters.openstack_bench import ITS_BACKUP, Bench, Kept, moved
from govcloud.adapters.openstack_container_copies import Copy, Held, Original, copy, read
from govcloud.adapters.openstack_failures import SOON
from govcloud.adapters.openstack_manifests import store_beside
from govcloud.adapters.openstack_object_lines import listing_digest, text_of
from govcloud.adapters.openstack_swift import Container
from govcloud.api.backup import PartStatus
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.journal import Operation

OLD_VERSIONS_NOT_COVERED = "older versions that this container keeps in another container are not in the backup"


class ContainerSteps:
    """Steps of parts of kind `Container`."""

    def freeze(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Remember what the container lists."""
        source = source_of(bench, task)
        listed = list(source.listed())
        message = OLD_VERSIONS_NOT_COVERED if source.container.keeps_old_versions_elsewhere() else ""
        return moved(status, "Frozen", listing_sha256=listing_digest(listed), objects=len(listed), message=message)

    def read_source(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read every object; the lines of names, sizes and digests are stored beside the manifest."""
        source = source_of(bench, task)
        text, size = _read(bench, source)
        if listing_digest(source.listed()) != status.listing_sha256:
            told = f"container {source.container.name} changed after it was frozen; find out who writes to it, and start the backup anew"
            return moved(status, "Mismatch", message=told)
        store_beside(
            bench.backups, task.backup, task.spec, f"{task.part.name}.objects", text, "text/plain; charset=utf-8"
        )
        return moved(status, "SourceRead", source_sha256=hashlib.sha256(text).hexdigest(), source_bytes=size)

    def back_up(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Copy every object into a container of the backup project."""
        target = backup_copy(bench, task)
        _copy(source_of(bench, task), target, task, "backup")
        return moved(status, "BackedUp", backup_id=target.current.name)

    def restore(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Copy every object of the backup into a container of the quarantine project."""
        target = _restored(bench, task)
        _copy(backup_copy(bench, task), target, task, "restored")
        return moved(status, "Restored", ids={**status.ids, "restored-container": target.current.name})

    def read_restored(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read every restored object."""
        text, size = _read(bench, _restored(bench, task))
        return moved(status, "RestoreRead", restored_sha256=hashlib.sha256(text).hexdigest(), restored_bytes=size)

    def clean(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Delete the restored copy and see that it is gone. The backup stays, and must still list every object."""
        self.remove(bench, task, ITS_BACKUP)
        kept = sum(1 for _ in backup_copy(bench, task).listed())
        if kept != status.objects:
            told = f"the backup of {task.title} lists {kept} objects instead of {status.objects}"
            raise Stop(Reason.BACKUP_MISMATCH, f"{told}; find out who changed container {status.backup_id}")
        return moved(status, "Cleaned", ids={})

    def changed(self, bench: Bench, task: Task, status: PartStatus) -> str:
        """That it lists what it did not list when it was frozen. What is gone, as objects that expire, is in the backup."""
        source = source_of(bench, task)
        if not source.container.exists() or listing_digest(listed := list(source.listed())) == status.listing_sha256:
            return ""
        if not (newer := set(listed) - set(backup_copy(bench, task).listed())):
            return ""
        told = f"container {source.container.name} was changed after its backup was proven: {len(newer)} of its objects are not in that as they are now"
        return f"{told}; find out who writes to it"

    def remove(self, bench: Bench, task: Task, kept: Collection[Kept]) -> None:
        """Delete the copies that are not kept."""
        if "restored" not in kept:
            _remove(_restored(bench, task), task)
        if "backup" not in kept:
            _remove(backup_copy(bench, task), task, "purge", "backup")


def source_of(bench: Bench, task: Task) -> Original:
    return Original(Container(bench.backups, task.spec.project_id, task.part.source_id))


def backup_copy(bench: Bench, task: Task) -> Copy:
    return Copy(Container(bench.backups, bench.backups.project_id, task.container("backup")))


def _restored(bench: Bench, task: Task) -> Copy:
    return Copy(Container(bench.quarantine, bench.quarantine.project_id, task.container("restored")))


def _read(bench: Bench, held: Held) -> tuple[bytes, int]:
    """The lines of a container, and how many bytes its objects have in all."""
    with bench.readers:
        lines = [read(held, listed) for listed in held.listed()]
    return text_of(lines), sum(line.size for line in lines)


def _copy(source: Held, target: Copy, task: Task, step: str) -> None:
    """Copy what is not there yet; an interrupted copy goes on where it stopped."""
    wanted = list(source.listed())
    with task.effect(CONTAINER_TYPE, "backup" if step == "backup" else "restore", step):
        target.current.make(task.marks(step))
        if any(listed.version for listed in wanted):
            target.old.make(task.marks(step))
    there = set(target.listed())
    with task.effect(OBJECT_TYPE, "backup" if step == "backup" else "restore", step):
        for listed in wanted:
            if listed not in there:
                copy(source, target, listed)


def _remove(held: Copy, task: Task, operation: Operation = "delete", step: str = "restored") -> None:
    for container in held.containers:
        with task.effect(OBJECT_TYPE, operation, step):
            for listed in list(container.objects()):
                container.remove(listed.name)
        with task.effect(CONTAINER_TYPE, operation, step):
            container.delete()
    if left := held.containers:
        raise Retry(Reason.CONFLICT, f"container {left[0].name} is still there after its deletion", SOON)
