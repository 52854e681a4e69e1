"""The value that allows the destruction of what has no proven backup. Only `waive` makes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass

from govcloud.api.waiver import WaivedPart
from govcloud.core.existing import Holding
from govcloud.core.plan import Plan, PlannedWaiver
from govcloud.core.standing import Standing

_SEAL = object()


@dataclass(frozen=True)
class WaivedDestruction:
    """Exactly these parts may be destroyed without a proven backup, under this very plan: it names each with the unit's document, and it is approved.

    Attributes:
        waivers: what the plan says of each part.
        consents: names of the approvals by which the using unit itself agreed. None of them is the applicant's.
    """

    plan: int
    parts: tuple[Holding, ...]
    waivers: tuple[PlannedWaiver, ...]
    consents: tuple[str, ...]
    seal: InitVar[object] = None
    """Not kept, as with a `VerifiedBackup`."""

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a WaivedDestruction is made by govcloud.core.waiving.waive, from an approved plan, and by nothing else")

    def records(self) -> tuple[WaivedPart, ...]:
        """What stays on record of it."""
        fields = WaivedPart.model_fields
        return tuple(WaivedPart(**waiver.model_dump(include=set(fields))) for waiver in self.waivers)


def waive(plan: Plan, stand: Standing, parts: Sequence[Holding]) -> WaivedDestruction | None:
    """What of these parts may go without a backup; None where nothing of them may.

    Args:
        stand: how the plan stands with the offices, judged anew.
        parts: everything that holds data and exists; a waiver is for a part by its very id.
    """
    if plan.transition != "Terminate" or not stand.complete:
        return None
    consents = {v.approval.spec.step: v.approval.name for v in stand.approved if v.approval.spec.approver != plan.applicant}
    waived = {(waiver.part, waiver.source_id): waiver for waiver in plan.waivers if waiver.consent in consents}
    covered = tuple(part for part in parts if (part.name, part.source_id) in waived)
    if not covered:
        return None
    used = tuple(waived[part.name, part.source_id] for part in covered)
    return WaivedDestruction(plan.number, covered, used, tuple(sorted({consents[waiver.consent] for waiver in used})), _SEAL)
