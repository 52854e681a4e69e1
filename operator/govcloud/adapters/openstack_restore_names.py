"""What the helpers of a restore are called and marked with, and what the restored volume has to be. Pure.

A copy's name follows from the request's uid, the number of the plan, the volume and the step. Handed over, it carries the very mark that the
run of the plan's program looks for before it makes a volume: so it is found, and none is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from govcloud.adapters.openstack_backup_names import operation_key
from govcloud.adapters.pulumi_names import urn_of
from govcloud.core.plan import Plan
from govcloud.core.planned_restore import PlannedVolume
from stacks.program import Resource
from stacks.provider import marks
from stacks.provider.journal import EffectContext, Operation, effect

COPY = "restore-copy"
IMAGE = "restore-image"
HANDOVER = "restore-handover"


@dataclass(frozen=True)
class Restoration:
    """One volume of one restore."""

    plan: Plan
    volume: PlannedVolume

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"the copy of {self.volume.resource} for plan {self.plan.number}"

    def key(self, step: str) -> str:
        """The operation key of one helper: 40 hexadecimal digits. What is handed over has the key by which it is found, so that the log knows it."""
        if step == HANDOVER:
            return self.final_key
        return operation_key(self.plan.request.uid, f"restore-{self.plan.number}", self.volume.resource, step)

    def name(self, step: str) -> str:
        """The name of that helper, with the whole key in it."""
        return f"govcloud-{step}-{self.key(step)}"

    def marks(self, step: str) -> dict[str, str]:
        """The metadata of that helper. As of a backup's, it is never `govcloud_request`."""
        return {
            "govcloud_op": self.key(step),
            "govcloud_backup_of": self.plan.request.uid,
            "govcloud_unit": self.plan.unit,
            "govcloud_service": self.volume.service,
        }

    def effect(self, type: str, operation: Operation, step: str) -> AbstractContextManager[EffectContext]:
        """Say that the writes inside belong to this volume."""
        number = self.plan.number
        urn = f"restore/{number}/{self.volume.resource}"
        return effect(EffectContext(self.plan.request.uid, "restore", urn, type, operation, self.key(step), number))

    # What becomes of it

    @property
    def resource(self) -> Resource:
        """The volume that the plan's program asks for."""
        return next(each for each in self.plan.resources().resources if each.name == self.volume.resource)

    @property
    def size_gib(self) -> int:
        return int(str(self.resource.inputs["size"]))

    @property
    def volume_type(self) -> str | None:
        wanted = self.resource.inputs.get("volume_type")
        return wanted if isinstance(wanted, str) else None

    @property
    def final_key(self) -> str:
        """The mark `govcloud_op` that a run of the program looks for."""
        return marks.operation_key(self.plan.request.uid, urn_of(self.plan.request.uid, self.resource), self.plan.number)

    @property
    def final_labels(self) -> dict[str, object]:
        """Name, description and metadata as a run of the program would have given them."""
        wanted = self.resource.inputs.get("metadata")
        metadata = {key: str(value) for key, value in wanted.items()} if isinstance(wanted, Mapping) else {}
        marked = marks.in_metadata(metadata, marks.Marks(self.final_key, self.plan.request.uid))
        return {"name": str(self.resource.inputs["name"]), "description": "", "metadata": marked}
