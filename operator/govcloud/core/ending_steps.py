"""The steps after which something is gone: everything is backed up and proven first, then destroyed, then looked for. Pure."""

from __future__ import annotations

from datetime import timedelta

from govcloud.api.backup import BackedUpRequest, BackupSpec, Part
from govcloud.core.actions import (
    Action,
    Block,
    ClearBackup,
    Destroy,
    FinishStep,
    LookAgain,
    OpenBackup,
    ProveAbsence,
    Rest,
    StoreManifest,
    TakeBackup,
    WaitForBackup,
)
from govcloud.core.approvals import standing
from govcloud.core.backup_sets import differs, holds_helpers, named_after
from govcloud.core.existing import Holding, data_that_exists, not_backed_up, parts_of
from govcloud.core.facts import Facts
from govcloud.core.objects import BackupObject, UnitObject
from govcloud.core.plan import Plan
from govcloud.core.proof import prove
from govcloud.core.regular_backups import in_the_way
from govcloud.core.restore_steps import what_is_replaced
from govcloud.core.waiving import WaivedDestruction, waive
from govcloud.reasons import Reason
from stacks.request import data_of

_LET_GO = timedelta(seconds=5)


def back_up(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    """All that holds data and goes is saved, and each backup proven by a restore."""
    waived, backup = _waived(facts, plan), facts.backup
    left = what_is_replaced(facts, plan) if plan.restore else _not_waived(facts, waived)
    if names := ", ".join(not_backed_up(left)):
        return Block(Reason.WAIVER_MISSING, f"{names} cannot be backed up; nothing is destroyed. The unit itself has to give it up (spec.termination.waivers) [JJ 25]")
    if not left and backup is None:
        return _state_is_lost(facts) or FinishStep("backup", None, waived)
    if backup is None:
        return OpenBackup(backup_name(plan), _backup_spec(facts, plan, parts_of(left), waived))
    if (unlike := _is_not_what_there_is(backup, plan)) is not None:
        return unlike
    if any(part.state != "Cleaned" for part in backup.status.parts) or not backup.status.parts:
        return TakeBackup(backup)
    if backup.status.manifest_sha256 is None:
        return StoreManifest(backup)
    proof = prove(backup, plan, left)
    if proof is None:
        return Block(
            Reason.BACKUP_MISMATCH,
            f"the evidence in the ServiceBackup {backup.name} does not cover everything that holds data; nothing is destroyed",
        )
    return FinishStep("backup", proof, waived)


def _is_not_what_there_is(backup: BackupObject, plan: Plan) -> Block | None:
    """A backup that differs from what it is of allows nothing."""
    if not (wrong := ", ".join(differs(backup.status))):
        return None
    return Block(
        Reason.BACKUP_MISMATCH,
        f"the backup of {wrong} differs from its source; nothing is destroyed. Look into the ServiceBackup {backup.name}; {_way_out(plan)}",
    )


def _way_out(plan: Plan) -> str:
    if plan.restore:
        return "to have the services run on as they are, take spec.restoreFrom out"
    again = "taken back (spec.stage) and asked for anew, the termination backs it up anew"
    return f"{again}; only the unit itself can give the data up (spec.termination.waivers) [JJ 25]"


def _waived(facts: Facts, plan: Plan) -> WaivedDestruction | None:
    """What the unit gave up with this plan, by what its approvals are worth now."""
    operation = facts.progress.operation
    began = operation.started_at if operation else facts.now
    return waive(plan, standing(plan, facts.approvals, began, trust=facts.trust, started=True), data_that_exists(facts))


def _not_waived(facts: Facts, waived: WaivedDestruction | None) -> tuple[Holding, ...]:
    """What has to be proven before it may go."""
    given_up = waived.parts if waived else ()
    return tuple(part for part in data_that_exists(facts) if part not in given_up)


def _state_is_lost(facts: Facts) -> Block | None:
    """A state that forgot everything must not look like a stack that never held anything."""
    ran = facts.completed
    if ran is None or facts.resources or not data_of(ran.resources()):
        return None
    return Block(
        Reason.PLAN_MISMATCH,
        f"plan {ran.number} made resources that hold data, but the stack's state knows none of them; restore the state. Nothing is destroyed",
    )


def cooling_off(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    """Between the proof and the destruction lies the pack's time. What somebody wrote meanwhile is in no backup."""
    if facts.backup is not None and (unlike := _is_not_what_there_is(facts.backup, plan)) is not None:
        return unlike
    verified = facts.progress.termination.backup_verified_at if facts.progress.termination else None
    over = (verified or facts.now) + timedelta(days=plan.values.cooling_off_days)
    if facts.now < over:
        return Rest(over)
    return FinishStep("cooling-off", None) if facts.backup is None else LookAgain("cooling-off", facts.backup)


def destroy(facts: Facts, plan: Plan, unit: UnitObject) -> Action:
    """What is proven or given up goes, when nothing is in the way any more."""
    if unit.status.project_id is None and not facts.resources:
        return FinishStep("destroy", None)  # without a project there never was anything in it
    if (held := held_by_snapshots(facts)) is not None:
        return held
    if (older := next(filter(holds_helpers, facts.superseded), None)) is not None:
        return ClearBackup(older)  # as with a regular one: its snapshots are in the way
    waived = _waived(facts, plan)
    left = _not_waived(facts, waived)
    proof = prove(facts.backup, plan, left)
    if left and proof is None:
        return Block(
            Reason.BACKUP_MISMATCH, "there is no proven backup of this termination any more; nothing is destroyed"
        )
    return Destroy("destroy", plan, unit, proof, waived)


def held_by_snapshots(facts: Facts) -> WaitForBackup | None:
    """A regular backup lets go of what is to be removed first: no volume with snapshots can be deleted."""
    held = in_the_way(facts)
    return WaitForBackup(held, facts.now + _LET_GO) if held else None


def absence(_facts: Facts, _plan: Plan, unit: UnitObject) -> Action:
    """That nothing is left is looked for, not concluded."""
    return ProveAbsence("absence", unit)


def is_withdrawn(facts: Facts) -> bool:
    """Whether a termination was taken back before anything was destroyed: until then it has only stopped and saved what there is."""
    operation, spec = facts.progress.operation, facts.spec
    under_way = operation is not None and operation.transition == "Terminate" and "cooling-off" not in operation.done
    return under_way and facts.completed is not None and spec is not None and spec.stage != "Terminated"


def backup_name(plan: Plan) -> str:
    """Name of the backup set of a termination or a restore: it outlives the request, so the uid is part of it."""
    return f"{named_after(plan.request.name)}-{plan.request.uid[:8]}-{plan.number}"


def _backup_spec(facts: Facts, plan: Plan, parts: tuple[Part, ...], waived: WaivedDestruction | None) -> BackupSpec:
    record = facts.progress.termination
    frozen_at = record.quiesced_at if record and record.quiesced_at else facts.now
    return BackupSpec(
        kind="BeforeRestore" if plan.restore else "Termination",
        request=BackedUpRequest(namespace=plan.request.namespace, name=plan.request.name, uid=plan.request.uid),
        unit=plan.unit,
        jurisdiction=plan.values.jurisdiction,
        plan=plan.number,
        plan_digest=plan.digest,
        project_id=(facts.unit.status.project_id if facts.unit else None) or "",
        backup_project=plan.values.backup_project,
        quarantine_project=plan.values.quarantine_project,
        frozen_at=frozen_at,
        parts=parts,
        waived=waived.records() if waived else (),
        retain_until=frozen_at + timedelta(days=plan.values.backup_retention_days),
    )
