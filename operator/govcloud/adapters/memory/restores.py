"""Restoring in memory: copies of backups in the quarantine project, which become the volumes that a run of the engine finds."""

from __future__ import annotations

import hashlib

from govcloud.adapters.memory.cloud import VOLUME, MemoryCloud, Thing
from govcloud.adapters.memory.wire import Wire
from govcloud.core.objects import UnitObject
from govcloud.core.plan import Plan
from govcloud.core.planned_restore import PlannedVolume
from govcloud.failures import Stop
from govcloud.reasons import Reason


class MemoryRestores:
    """`ports.Restores`.

    Attributes:
        corrupt: names of volumes whose copy differs from what was backed up.
    """

    def __init__(self, wire: Wire, cloud: MemoryCloud) -> None:
        self._wire, self._cloud = wire, cloud
        self.corrupt: set[str] = set()

    def copy(self, plan: Plan, volume: PlannedVolume) -> None:
        """Copy the backup's bytes into a thing of the quarantine project."""
        if volume.backup_id not in self._cloud.contents:
            raise Stop(Reason.RESOURCE_FAILED, f"the backup {volume.backup_id} is not there")
        with self._wire.write(f"restore.copy {volume.resource}"):
            if self._copy(plan, volume) is None:
                made = self._cloud.make("memory:copy", plan.values.quarantine_project, volume.resource, "", _key(plan, volume), {})
                kept = self._cloud.contents[volume.backup_id]
                self._cloud.contents[made.id] = kept + b"?" * (volume.resource in self.corrupt)

    def prove(self, plan: Plan, volume: PlannedVolume) -> None:
        """Compare the copy with what the plan says."""
        with self._wire.write(f"restore.prove {volume.resource}"):
            copy = self._copy(plan, volume)
            read = self._cloud.contents[copy.id] if copy else b""
            if (hashlib.sha256(read).hexdigest(), len(read)) != (volume.sha256, volume.bytes):
                raise Stop(Reason.BACKUP_MISMATCH, f"the copy of {volume.resource} is not what was backed up")

    def hand_over(self, plan: Plan, volume: PlannedVolume, unit: UnitObject) -> None:
        """Make the copy the unit's, under the key that the run will look for."""
        project, key = str(unit.status.project_id), f"{plan.request.uid}/{volume.resource}/{plan.number}"
        if self._cloud.made_by(project, key) is not None:
            return
        wanted = next(resource for resource in plan.resources().resources if resource.name == volume.resource)
        with self._wire.write(f"restore.hand-over {volume.resource}"):
            copy = self._copy(plan, volume)
            if copy is None:
                raise Stop(Reason.RESOURCE_FAILED, f"the copy of {volume.resource} has gone")
            made = self._cloud.make(VOLUME, project, volume.resource, plan.request.uid, key, wanted.inputs)
            self._cloud.contents[made.id] = self._cloud.contents[copy.id]
            self._cloud.remove(copy.id)

    def clear(self, plan: Plan) -> None:
        """Remove the copies."""
        for volume in plan.restore.volumes if plan.restore else ():
            if (copy := self._copy(plan, volume)) is not None:
                with self._wire.write(f"restore.clear {volume.resource}"):
                    self._cloud.remove(copy.id)

    def _copy(self, plan: Plan, volume: PlannedVolume) -> Thing | None:
        return self._cloud.made_by(plan.values.quarantine_project, _key(plan, volume))


def _key(plan: Plan, volume: PlannedVolume) -> str:
    return f"{plan.request.uid}/restore-{plan.number}/{volume.resource}"
