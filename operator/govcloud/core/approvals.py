"""Which decisions count for a plan. Admission has checked who speaks; here is checked whether it is about this plan, in order, by the right office."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from govcloud.api.request import RequestKey
from govcloud.core.approval_checks import UNGUARDED, Hearing, Trust, fault_of
from govcloud.core.document_numbers import first_uses
from govcloud.core.objects import ApprovalObject
from govcloud.core.plan import Plan
from govcloud.core.standing import Standing, Verdict
from govcloud.reasons import Reason


def standing(
    plan: Plan,
    approvals: Sequence[ApprovalObject],
    now: datetime,
    older_digests: frozenset[str] = frozenset(),
    *,
    trust: Trust,
    started: bool = False,
) -> Standing:
    """Judge every approval that names the plan's request.

    Args:
        approvals: all there are, of every namespace: document numbers are unique among all.
        now: the moment at which validity counts: for a started plan, that of its start.
        older_digests: digests of the request's earlier plans; decisions on those that were judged in their time are left alone.
        trust: the offices' keys, and when admission was not guarded.
        started: whether the plan is being carried out: then it can be frozen by a revocation, but not rejected any more.
    """
    uses = first_uses(a for a in approvals if trust.is_proven(a))
    mine = sorted(
        (a for a in approvals if _about(plan, a) and (a.status is None or a.spec.plan_digest not in older_digests)),
        key=lambda a: _when(plan, a),
    )
    result = Standing(verdicts=(), approved=(), missing=plan.steps)
    for approval in mine:
        fault = fault_of(Hearing(plan, approval, result, trust, uses, now, started))
        result = _refused(result, approval, *fault) if fault else _counted(result, approval, plan)
    return result


def unguarded(request: RequestKey, approvals: Sequence[ApprovalObject], trust: Trust) -> tuple[Verdict, ...]:
    """Refuses what appeared while the admission policies were not intact: who made it cannot be known, now or later."""
    about = (request.namespace, request.name)
    found = (a for a in approvals if (a.namespace, a.spec.request.name) == about and a.status is None and not trust.is_proven(a))
    return tuple(Verdict(a, False, Reason.MADE_WHILE_UNGUARDED, UNGUARDED) for a in found)


def unasked(request: RequestKey, approvals: Sequence[ApprovalObject]) -> tuple[Verdict, ...]:
    """Refuses what came while no plan of the request waits for anybody."""
    about = (request.namespace, request.name)
    found = (a for a in approvals if (a.namespace, a.spec.request.name) == about and a.status is None)
    message = "no plan of this request waits for a decision / 本申请没有待批计划"
    return tuple(Verdict(a, False, Reason.DIGEST_MISMATCH, message) for a in found)


def _about(plan: Plan, approval: ApprovalObject) -> bool:
    return (approval.namespace, approval.spec.request.name) == (plan.request.namespace, plan.request.name)


_ORDER = ("Approved", "Rejected", "Revoked")


def _when(plan: Plan, approval: ApprovalObject) -> tuple[datetime, int, int, str]:
    """Moment of a decision. The API server knows it to the second only; within one, decisions are taken in the order of the plan's steps."""
    steps = [step.step for step in plan.steps]
    place = steps.index(approval.spec.step) if approval.spec.step in steps else len(steps)
    return approval.created_at, place, _ORDER.index(approval.spec.decision), approval.name


def _refused(so_far: Standing, approval: ApprovalObject, reason: Reason, message: str) -> Standing:
    return replace(so_far, verdicts=(*so_far.verdicts, Verdict(approval, False, reason, message)))


def _counted(so_far: Standing, approval: ApprovalObject, plan: Plan) -> Standing:
    verdict = Verdict(
        approval, True, Reason.COUNTED, f"{approval.spec.decision} counts for step {approval.spec.step!r}"
    )
    judged = replace(so_far, verdicts=(*so_far.verdicts, verdict))
    match approval.spec.decision:
        case "Approved":
            missing = tuple(step for step in so_far.missing if step.step != approval.spec.step)
            revoked = tuple(v for v in so_far.revoked if v.approval.spec.step != approval.spec.step)
            return replace(judged, approved=(*so_far.approved, verdict), missing=missing, revoked=revoked)
        case "Rejected":
            return replace(judged, rejected=verdict)
        case "Revoked":
            return _taken_back(judged, verdict, plan)


def _taken_back(judged: Standing, revocation: Verdict, plan: Plan) -> Standing:
    """A revocation undoes what its office approved before, and whatever was approved on top of it stays where it is."""
    step = revocation.approval.spec.step
    kept = tuple(v for v in judged.approved if v.approval.spec.step != step)
    withdrawn = tuple(
        replace(v, counts=False, reason=Reason.WITHDRAWN, message=f"taken back by {revocation.approval.name}")
        if v in judged.approved and v not in kept
        else v
        for v in judged.verdicts
    )
    approved_steps = {v.approval.spec.step for v in kept}
    missing = tuple(s for s in plan.steps if s.step not in approved_steps)
    return replace(judged, verdicts=withdrawn, approved=kept, missing=missing, revoked=(*judged.revoked, revocation))
