"""The steps that each transition consists of, and the one that comes next. A step that a crash interrupted is simply done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from govcloud.api.backup import BackedUpRequest, BackupSpec, Part
from govcloud.api.request import Operation
from govcloud.core.actions import (
    Action,
    Backoff,
    Block,
    ClearBackup,
    Complete,
    Deploy,
    Destroy,
    EnsureUnit,
    FinishStep,
    OpenBackup,
    ProveAbsence,
    Rest,
    StoreManifest,
    TakeBackup,
    TryAgain,
    WaitForBackup,
    WriteCredentials,
)
from govcloud.core.approvals import standing
from govcloud.core.backup_sets import holds_helpers, named_after
from govcloud.core.drift import gone_without_loss
from govcloud.core.existing import Holding, data_that_exists, not_backed_up, parts_of, resources_that_exist
from govcloud.core.facts import TRIAL_END_PLAN, Facts
from govcloud.core.objects import UnitObject
from govcloud.core.plan import Plan
from govcloud.core.proof import prove
from govcloud.core.regular_backups import in_the_way
from govcloud.core.restore_steps import clear, copies, given_up, handover, headroom, unproven, what_is_replaced
from govcloud.core.standing import Standing
from govcloud.core.stopping import for_the_end, power_off
from govcloud.core.waiving import WaivedDestruction, waive
from govcloud.reasons import Reason
from stacks.kind import Quota
from stacks.request import data_of

TRIAL_END = "TrialEnd"
_LET_GO = timedelta(seconds=5)

STEPS: dict[str, tuple[str, ...]] = {
    "Provision": ("unit", "stack", "credentials", "settle"),
    "Change": ("unit", "stack", "credentials", "settle"),
    "MajorChange": ("unit", "stack", "credentials", "settle"),
    "Promote": ("stack",),
    "ExtendTrial": ("stack",),
    "Suspend": ("stack",),
    "Resume": ("stack",),
    TRIAL_END: ("stack",),
    "Restore": ("copies", "unit", "freeze", "backup", "handover", "stack", "settle"),
    "Terminate": ("freeze", "backup", "cooling-off", "destroy", "absence", "credentials", "settle"),
}


def continue_operation(facts: Facts) -> Action:
    """The next thing to do for the transition that was started."""
    operation, unit = facts.progress.operation, facts.unit
    plan = facts.started or facts.completed
    if operation is None or plan is None:
        return Block(
            Reason.PLAN_DAMAGED,
            "the plan of the operation under way is gone; restore its ControllerRevision from the audit log",
        )
    if unit is None:
        return Block(
            Reason.UNIT_MISSING, f"the UsingUnit {plan.unit} is gone while an operation needs it; create it again"
        )
    if fault := _contradicted(operation, facts, plan) or _withdrawn(facts, plan):
        return fault
    if (failure := facts.progress.failure) and failure.retry_at:
        return Backoff(failure.retry_at) if facts.now < failure.retry_at else TryAgain()
    left = [step for step in ("clear", *STEPS[operation.transition]) if step not in operation.done and _is_needed(step, facts, plan, unit)]
    if not left:
        return Complete(None if operation.transition == TRIAL_END else plan)
    return _STEP[left[0]](facts, plan, unit)


def quota_while_changing(facts: Facts, plan: Plan) -> Quota:
    """What the request holds of the unit's quota from the start of a transition to its end: enough for either side."""
    return Quota(**facts.progress.allocated).covering(plan.needed_quota()) + headroom(plan)


def _contradicted(operation: Operation, facts: Facts, plan: Plan) -> Block | None:
    """What the status says is under way is what the approvals are about: they allow neither another transition of a plan nor a second run of it."""
    if operation.transition == TRIAL_END:
        is_so = operation.plan == TRIAL_END_PLAN and facts.progress.trial is not None and facts.progress.production_since is None
    else:
        is_so = operation.transition == plan.transition and operation.plan > (facts.progress.completed_plan or 0)
    if is_so:
        return None
    return Block(
        Reason.PLAN_MISMATCH,
        f"the status says that plan {operation.plan} is carried out as {operation.transition}, which it is not for; put back the status of before",
    )


def _withdrawn(facts: Facts, plan: Plan) -> Block | None:
    """An approval that was revoked, or is gone, freezes what it allowed until its office approves the same plan again."""
    operation = facts.progress.operation
    if operation is None or operation.transition == TRIAL_END:
        return None
    now = standing(plan, facts.approvals, operation.started_at, trust=facts.trust, started=True)
    if not now.missing:
        return None
    steps = ", ".join(step.step for step in now.missing)
    return Block(
        Reason.APPROVAL_REVOKED,
        f"plan {plan.number} is frozen in the middle: {_what_became_of_them(plan, now)}. It goes on once {steps} is approved again",
    )


def _what_became_of_them(plan: Plan, now: Standing) -> str:
    """Why approvals of the plan are missing that were there at the start. Those of other plans never had to do with it."""
    steps = {step.step for step in now.missing}
    revoked = (f"{v.approval.spec.office} revoked its approval ({v.approval.name})" for v in now.revoked)
    refused = (
        f"{v.approval.name} counts no more: {v.message}"
        for v in now.verdicts
        if v.approval.spec.plan_digest == plan.digest and v.approval.spec.step in steps
        if not v.counts and v.reason is not Reason.WITHDRAWN
    )
    return "; ".join(revoked) or "; ".join(refused) or "approvals that started it no longer exist"


def _is_needed(step: str, facts: Facts, plan: Plan, unit: UnitObject) -> bool:
    """The quota is only settled where there is a project, and where more was held meanwhile than is needed in the end."""
    if step == "clear":
        return given_up(facts, plan) is not None
    holds_more = unit.status.project_id is not None and Quota(**facts.progress.allocated) != plan.needed_quota()
    return step != "settle" or holds_more


def _unit(facts: Facts, _plan: Plan, unit: UnitObject) -> Action:
    return EnsureUnit("unit", unit, Quota(**facts.progress.allocated))


def _settle(_facts: Facts, plan: Plan, unit: UnitObject) -> Action:
    return EnsureUnit("settle", unit, plan.needed_quota())


def _stack(facts: Facts, plan: Plan, unit: UnitObject) -> Action:
    operation = facts.progress.operation
    if operation is not None and operation.transition == TRIAL_END:
        return power_off("stack", facts, plan, unit)
    if (held := unproven(facts, plan) or _held_by_snapshots(facts)) is not None:
        return held
    running = not plan.wanted().suspended if plan.transition in _POWERED else facts.progress.running
    anew = frozenset(each.resource for each in plan.repairs)
    return Deploy("stack", plan, unit, plan.resources(), plan.allowed(), running, anew)


_POWERED = ("Provision", "Promote", "ExtendTrial", "Suspend", "Resume")


def _freeze(facts: Facts, plan: Plan, unit: UnitObject) -> Action:
    """Servers are stopped before anything is read, so that nothing can change what is backed up."""
    if not facts.resources:
        return FinishStep("freeze", None)
    if plan.transition == "Restore":
        return power_off("freeze", facts, plan, unit)
    gone = gone_without_loss(facts, resources_that_exist(facts))
    return for_the_end(power_off("freeze", facts, plan, unit, gone), gone)


def _backup(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    waived, backup = _waived(facts, plan), facts.backup
    left = what_is_replaced(facts, plan) if plan.restore else _not_waived(facts, waived)
    if names := ", ".join(not_backed_up(left)):
        return Block(Reason.WAIVER_MISSING, f"{names} cannot be backed up; nothing is destroyed. The unit itself has to give it up (spec.termination.waivers) [JJ 25]")
    if not left and backup is None:
        return _state_is_lost(facts) or FinishStep("backup", None, waived)
    if backup is None:
        return OpenBackup(backup_name(plan), _backup_spec(facts, plan, parts_of(left), waived))
    if any(part.state == "Mismatch" for part in backup.status.parts):
        wrong = ", ".join(part.name for part in backup.status.parts if part.state == "Mismatch")
        return Block(
            Reason.BACKUP_MISMATCH,
            f"the restored backup of {wrong} differs from its source; nothing is destroyed. Look into the ServiceBackup {backup.name}; {_way_out(plan)}",
        )
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


def _way_out(plan: Plan) -> str:
    if plan.restore:
        return "to have the services run on as they are, take spec.restoreFrom out"
    return "only the unit itself can give the data up (spec.termination.waivers) [JJ 25]"


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


def _cooling_off(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    verified = facts.progress.termination.backup_verified_at if facts.progress.termination else None
    over = (verified or facts.now) + timedelta(days=plan.values.cooling_off_days)
    return FinishStep("cooling-off", None) if facts.now >= over else Rest(over)


def _destroy(facts: Facts, plan: Plan, unit: UnitObject) -> Action:
    if unit.status.project_id is None and not facts.resources:
        return FinishStep("destroy", None)  # without a project there never was anything in it
    if (held := _held_by_snapshots(facts)) is not None:
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


def _held_by_snapshots(facts: Facts) -> WaitForBackup | None:
    """A regular backup lets go of what is to be removed first: no volume with snapshots can be deleted."""
    held = in_the_way(facts)
    return WaitForBackup(held, facts.now + _LET_GO) if held else None


def _absence(_facts: Facts, _plan: Plan, unit: UnitObject) -> Action:
    return ProveAbsence("absence", unit)


def _credentials(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    """After a termination the stack gives out none: the Secret is emptied, so that what it opened is not kept lying about."""
    ended_without = plan.transition == "Terminate" and facts.progress.credentials_plan is None
    return FinishStep("credentials", None) if ended_without else WriteCredentials("credentials", plan)


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


_STEP: dict[str, Callable[[Facts, Plan, UnitObject], Action]] = {
    "clear": clear,
    "copies": copies,
    "handover": handover,
    "unit": _unit,
    "stack": _stack,
    "credentials": _credentials,
    "settle": _settle,
    "freeze": _freeze,
    "backup": _backup,
    "cooling-off": _cooling_off,
    "destroy": _destroy,
    "absence": _absence,
}
