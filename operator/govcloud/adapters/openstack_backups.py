"""`Backups` on OpenStack: which step of which kind of part comes next, and when a backup counts as proven.

The steps themselves are in `openstack_volumes`, `openstack_containers` and `openstack_databases`. Each call makes one step and
can be repeated after a crash: every object is looked for by its operation key before it is made. Several parts may be moved on
by several threads at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Mapping

from govcloud.adapters.openstack_adoption import Adoption
from govcloud.adapters.openstack_backup_names import Task, task
from govcloud.adapters.openstack_bench import EVIDENCE, ITS_BACKUP, NOTHING, Bench, Kept, PartSteps, moved
from govcloud.adapters.openstack_containers import ContainerSteps
from govcloud.adapters.openstack_databases import database_started_since, stop_database, volume_of_database
from govcloud.adapters.openstack_live_containers import LiveContainerSteps
from govcloud.adapters.openstack_login import Login
from govcloud.adapters.openstack_manifests import remove_lists, store_manifest
from govcloud.adapters.openstack_volumes import VolumeSteps, volume_of_unit
from govcloud.adapters.openstack_waiting import Poller
from govcloud.adapters.openstack_writers import servers_writing_since
from govcloud.api.backup import BackupSpec, PartState, PartStatus
from govcloud.ports import BackupObject

Step = Callable[[Bench, Task, PartStatus], PartStatus]

_STEPS: Mapping[str, PartSteps] = {
    "Volume": VolumeSteps(volume_of_unit, servers_writing_since),
    "DatabaseVolume": VolumeSteps(volume_of_database, database_started_since),
    "Container": ContainerSteps(),
}
_LIVE_CONTAINER = LiveContainerSteps()

_NEXT: Mapping[PartState, Callable[[PartSteps], Step]] = {
    "Pending": lambda steps: steps.freeze,
    "Frozen": lambda steps: steps.read_source,
    "SourceRead": lambda steps: steps.back_up,
    "BackedUp": lambda steps: steps.restore,
    "Restored": lambda steps: steps.read_restored,
    "RestoreRead": lambda _steps: compare,
    "Verified": lambda steps: steps.clean,
}


class OpenStackBackups:
    """Backs up into one project, restores into another, compares.

    Args:
        login: the login scoped to the project of that name; `CloudLogins` is one.
        poller: how patiently to wait for Cinder, Glance and Trove.
        readers: how many parts may be read at the same time; without it, as many as there are processors.
    """

    def __init__(self, login: Callable[[str], Login], poller: Poller | None = None, readers: int | None = None) -> None:
        self._login = login
        self._poller = poller or Poller()
        self._adoption = Adoption(self._poller.clock)
        self._readers = threading.BoundedSemaphore(readers or os.cpu_count() or 1)

    def quiesce(self, spec: BackupSpec, part: str) -> None:
        """Make a database write all it has to its volume and stop; repeating it is harmless. No-op for other parts."""
        quiet = task(f"plan-{spec.plan}", spec, part)
        if quiet.part.how == "DatabaseVolume":
            stop_database(self._login(spec.backup_project), self._poller, quiet)

    def advance(self, backup: BackupObject, part: PartStatus) -> PartStatus:
        """Do the next step of a part. One that is cleaned, or a mismatch, stays as it is.

        Raises:
            Retry: the step is still going on, or OpenStack cannot do it now.
            Stop: someone must repair something first; the message says what.
            AuditUnavailable: nothing was done, because it could not be recorded.
        """
        if part.state not in _NEXT:
            return part
        moving = task(backup.name, backup.spec, part.name)
        return _NEXT[part.state](_steps_of(moving))(self._bench(backup.spec), moving, part)

    def changed(self, backup: BackupObject) -> Mapping[str, str]:
        """What of a proven set may not be any more as it was proven: by name of the part, why.

        Raises:
            Retry, Stop: OpenStack could not be asked.
        """
        evidence = {part.name: part for part in backup.status.parts}
        tasks = [task(backup.name, backup.spec, part.name) for part in backup.spec.parts]
        told = {each.part.name: _steps_of(each).changed(self._bench(backup.spec), each, evidence[each.part.name]) for each in tasks}
        return {name: why for name, why in told.items() if why}

    def clear(self, backup: BackupObject) -> None:
        """Remove what a set left that will not be finished; of one with a mismatch, the backups and the copies that differ are evidence.

        Raises:
            Retry, Stop, AuditUnavailable: as `advance` does; what is gone stays gone.
        """
        states = {part.name: part.state for part in backup.status.parts}
        differs = "Mismatch" in states.values()
        for part in backup.spec.parts:
            is_evidence = states.get(part.name) == "Mismatch"
            self._remove(backup, part.name, EVIDENCE if is_evidence else ITS_BACKUP if differs else NOTHING)
        if not differs:
            remove_lists(self._login(backup.spec.backup_project), backup)

    def purge(self, backup: BackupObject) -> None:
        """Remove all that a set holds but its manifest. Raises like `clear`."""
        for part in backup.spec.parts:
            self._remove(backup, part.name, NOTHING)
        remove_lists(self._login(backup.spec.backup_project), backup)

    def _remove(self, backup: BackupObject, part: str, kept: Collection[Kept]) -> None:
        removing = task(backup.name, backup.spec, part)
        _steps_of(removing).remove(self._bench(backup.spec), removing, kept)

    def store_manifest(self, backup: BackupObject) -> tuple[str, str]:
        """Store spec and evidence in the backup project: (container/object, SHA-256 as 64 hexadecimal digits)."""
        return store_manifest(self._login(backup.spec.backup_project), backup)

    def _bench(self, spec: BackupSpec) -> Bench:
        return Bench(
            backups=self._login(spec.backup_project),
            quarantine=self._login(spec.quarantine_project),
            poller=self._poller,
            adoption=self._adoption,
            readers=self._readers,
        )


def _steps_of(task: Task) -> PartSteps:
    return _LIVE_CONTAINER if task.is_regular and task.part.how == "Container" else _STEPS[task.part.how]


def compare(_bench: Bench, task: Task, status: PartStatus) -> PartStatus:
    """Verified only if the restored backup has the digest and the size of the frozen source; nothing missing counts as equal."""
    source = (status.source_sha256, status.source_bytes)
    restored = (status.restored_sha256, status.restored_bytes)
    if None not in source and source == restored:
        return moved(status, "Verified")
    told = f"{task.title}: restored {restored[1]} bytes with SHA-256 {restored[0]}, but the source has {source[1]} with {source[0]}"
    return moved(status, "Mismatch", message=f"{told}. Nothing is destroyed; look what the backup store did to it")
