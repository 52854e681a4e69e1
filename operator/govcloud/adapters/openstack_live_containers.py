"""The steps of a part that is a Swift container in use: a regular backup of it.

Nobody can make it stand still, so its objects are copied while they are read: what is compared with the restored copy is exactly what was
read. Each object is whole, as it was at some moment of the copying; the container as a whole is not of one moment. What vanishes before its
turn is left out. A copy that was interrupted is begun anew, and takes each object as it is then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from govcloud.adapters.openstack_backup_names import CONTAINER_TYPE, OBJECT_TYPE, Task
from govcloud.adapters.openstack_bench import Bench, moved
from govcloud.adapters.openstack_container_copies import Copy, Original
from govcloud.adapters.openstack_containers import ContainerSteps, backup_copy, source_of
from govcloud.adapters.openstack_manifests import store_beside
from govcloud.adapters.openstack_object_lines import Line, Listed, text_of
from govcloud.api.backup import PartStatus


class LiveContainerSteps(ContainerSteps):
    """As of a container that stands still, but for the source: it is read once, while it is copied."""

    def read_source(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Copy what the container lists now into the backup project; the lines tell what was read of the unit's container."""
        source, target = source_of(bench, task), backup_copy(bench, task)
        listed = list(source.listed())
        with bench.readers:
            lines = list(_copied(source, target, listed, task))
        _remove_others(target, lines, task)
        text = text_of(lines)
        store_beside(bench.backups, task.backup, task.spec, f"{task.part.name}.objects", text, "text/plain; charset=utf-8")
        changed = len(set(listed) - set(source.listed()))
        told = [status.message] * bool(status.message) + [_said(changed)] * bool(changed)
        return moved(
            status,
            "SourceRead",
            source_sha256=hashlib.sha256(text).hexdigest(),
            source_bytes=sum(line.size for line in lines),
            objects=len(lines),
            message="; ".join(told),
        )

    def back_up(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """The copy is there already."""
        return moved(status, "BackedUp", backup_id=backup_copy(bench, task).current.name)


def _copied(source: Original, target: Copy, wanted: Sequence[Listed], task: Task) -> Iterator[Line]:
    """Copy each object that is still there; what was read of it."""
    with task.effect(CONTAINER_TYPE, "backup", "backup"):
        target.current.make(task.marks("backup"))
        if any(listed.version for listed in wanted):
            target.old.make(task.marks("backup"))
    for listed in wanted:
        container, name, version = source.at(listed)
        there, under, _ = target.at(listed)
        with task.effect(OBJECT_TYPE, "backup", "backup"):
            reading = there.copy_if_there(container, name, version, under)
        if reading is not None:
            yield Line(listed.name, reading.bytes, reading.sha256, listed.version)


def _remove_others(target: Copy, lines: Sequence[Line], task: Task) -> None:
    """What an interrupted copy took and is not there any more belongs to no line."""
    kept = {(line.name, line.version) for line in lines}
    others = [listed for listed in target.listed() if (listed.name, listed.version) not in kept]
    with task.effect(OBJECT_TYPE, "delete", "backup"):
        for listed in others:
            container, name, _ = target.at(listed)
            container.remove(name)


def _said(changed: int) -> str:
    told = f"{changed} objects were changed or deleted while the container was copied"
    return f"{told}: each is in the backup as it was when it was read, or, where it was gone by then, not at all"
