"""How a plan stands with the offices: what was decided, what of it counts, and whose decision is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from govcloud.core.objects import ApprovalObject
from govcloud.core.plan import PlannedStep
from govcloud.reasons import Reason


@dataclass(frozen=True)
class Verdict:
    """What the controller says of one approval."""

    approval: ApprovalObject
    counts: bool
    reason: Reason
    message: str


@dataclass(frozen=True)
class Standing:
    """How a plan stands with the offices."""

    verdicts: tuple[Verdict, ...]
    approved: tuple[Verdict, ...]
    missing: tuple[PlannedStep, ...]
    rejected: Verdict | None = None
    revoked: tuple[Verdict, ...] = ()
    """Revocations in force: nobody approved their steps again."""

    @property
    def complete(self) -> bool:
        return not self.missing and self.rejected is None

    @property
    def next_step(self) -> PlannedStep | None:
        return self.missing[0] if self.missing else None

    @property
    def expires_at(self) -> datetime | None:
        """When the first of the approvals that count so far ends."""
        return min((v.approval.spec.valid_until for v in self.approved if v.approval.spec.valid_until), default=None)

    def asked_at(self, planned_at: datetime) -> datetime:
        """Since when the next office is being waited for."""
        return max((v.approval.created_at for v in self.approved), default=planned_at)
