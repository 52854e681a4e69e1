"""The steps that each transition consists of, and the one that comes next. A step that a crash interrupted is simply done again."""

from __future__ import annotations

from collections.abc import Callable

from govcloud.api.progress import Operation
from govcloud.core.actions import (
    Action,
    Backoff,
    Block,
    Complete,
    Deploy,
    EnsureUnit,
    FinishStep,
    TryAgain,
    WriteCredentials,
)
from govcloud.core.approvals import standing
from govcloud.core.drift import gone_without_loss
from govcloud.core.ending_steps import absence, back_up, cooling_off, destroy, held_by_snapshots
from govcloud.core.existing import resources_that_exist
from govcloud.core.facts import TRIAL_END_PLAN, Facts
from govcloud.core.objects import UnitObject
from govcloud.core.plan import Plan
from govcloud.core.repairs import to_be_read_anew
from govcloud.core.restore_steps import clear, copies, given_up, handover, headroom, left_snapshots, unproven
from govcloud.core.standing import Standing
from govcloud.core.stopping import for_the_end, power_off
from govcloud.reasons import Reason
from stacks.kind import Quota

TRIAL_END = "TrialEnd"

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
    """What the request holds of the unit's quota from the start of a transition to its end: enough for either side, or for both at once."""
    held, needed = Quota(**facts.progress.allocated), plan.needed_quota()
    return (held + needed if _are_there_together(plan) else held.covering(needed)) + headroom(plan)


def _are_there_together(plan: Plan) -> bool:
    """Whether something new is made before something else goes: the engine deletes last what a program does not have any more."""
    return {"create", "delete"} <= {change.operation for change in plan.diff}


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
        return given_up(facts, plan) is not None or left_snapshots(facts, plan) is not None
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
    if (held := unproven(facts, plan) or held_by_snapshots(facts)) is not None:
        return held
    running = not plan.wanted().suspended if plan.transition in _POWERED else facts.progress.running
    return Deploy("stack", plan, unit, plan.resources(), plan.allowed(), running, to_be_read_anew(facts, plan))


_POWERED = ("Provision", "Promote", "ExtendTrial", "Suspend", "Resume")


def _freeze(facts: Facts, plan: Plan, unit: UnitObject) -> Action:
    """Servers are stopped before anything is read, so that nothing can change what is backed up."""
    if not facts.resources:
        return FinishStep("freeze", None)
    if plan.transition == "Restore":
        return power_off("freeze", facts, plan, unit)
    gone = gone_without_loss(facts, resources_that_exist(facts))
    return for_the_end(power_off("freeze", facts, plan, unit, gone), gone)


def _credentials(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    """After a termination the stack gives out none: the Secret is emptied, so that what it opened is not kept lying about."""
    ended_without = plan.transition == "Terminate" and facts.progress.credentials_plan is None
    return FinishStep("credentials", None) if ended_without else WriteCredentials("credentials", plan)


_STEP: dict[str, Callable[[Facts, Plan, UnitObject], Action]] = {
    "clear": clear,
    "copies": copies,
    "handover": handover,
    "unit": _unit,
    "stack": _stack,
    "credentials": _credentials,
    "settle": _settle,
    "freeze": _freeze,
    "backup": back_up,
    "cooling-off": cooling_off,
    "destroy": destroy,
    "absence": absence,
}
