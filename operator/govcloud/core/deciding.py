"""From the wish to decide to the one approval that says so: which plan, which step, and everything that stands against it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from govcloud.api.approval import ApprovalSpec, RequestRef
from govcloud.api.request_status import RequestStatus
from govcloud.core.approval_checks import Trust
from govcloud.core.approvals import standing
from govcloud.core.document_numbers import folded
from govcloud.core.objects import ApprovalObject, PinnedPlan, RequestObject
from govcloud.core.plan import Plan, PlannedStep, parse_plan
from govcloud.core.said import Said

Verdict = Literal["Approved", "Rejected"]


class CannotDecide(Exception):
    """Why nothing can be decided here and now, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.said = Said(zh, en)


@dataclass(frozen=True)
class Official:
    """Who decides, and with which document."""

    user: str
    number: str
    comment: str = ""
    valid_until: datetime | None = None


def plan_that_waits(request: RequestObject, status: RequestStatus, pinned: Sequence[PinnedPlan]) -> Plan:
    """The plan that the status points to, as it was pinned: its digest is recomputed, and the status is not taken at its word.

    Raises:
        CannotDecide: there is none, it is superseded or damaged, or the status names another digest.
    """
    if status.observed_generation != request.generation:
        raise CannotDecide(
            "申请刚被修改,原计划已失效,系统正在重新编制;请稍后再看",
            "the request was edited and its plan is superseded; the controller is making another one, look again in a moment",
        )
    view = status.plan
    if view is None:
        raise CannotDecide("该申请尚无计划", "the request has no plan yet")
    found = next((item for item in pinned if item.number == view.number), None)
    if found is None:
        raise CannotDecide(
            f"找不到第 {view.number} 号计划的 ControllerRevision;请通知运维人员",
            f"plan {view.number} cannot be found among the request's ControllerRevisions; tell operations",
        )
    plan = _read(found)
    newest = max(item.number for item in pinned)
    if newest > plan.number:
        raise CannotDecide(f"第 {plan.number} 号计划已被第 {newest} 号计划取代", f"plan {plan.number} is superseded by plan {newest}; look again in a moment")
    if plan.request != request.key:
        raise CannotDecide("该计划属于另一个申请", f"plan {plan.number} is one of another request; tell operations")
    if plan.digest != view.digest:
        raise CannotDecide(
            f"状态中的摘要 {view.digest} 与固定的计划 {plan.digest} 不一致;请勿审批并通知运维人员",
            f"the status shows the digest {view.digest}, but the pinned plan has {plan.digest}: decide nothing, tell operations",
        )
    return plan


def step_that_waits(plan: Plan, status: RequestStatus, wanted: str | None = None) -> PlannedStep:
    """The step to decide: the one that was named, else the one that the plan waits for.

    Raises:
        CannotDecide: the plan has no such step, or waits for nobody's decision.
    """
    waiting = status.next_action.waiting_for if status.next_action else None
    step = next((step for step in plan.steps if step.step == (wanted or waiting)), None)
    if step is not None:
        return step
    if wanted:
        names = ", ".join(step.step for step in plan.steps)
        raise CannotDecide(f"计划没有 {wanted} 环节;其环节为 {names}", f"plan {plan.number} has no step {wanted!r}; its steps are {names}")
    zh, en = (status.next_action.zh, status.next_action.en) if status.next_action else ("", "")
    raise CannotDecide(f"目前没有等待审批的事项。{zh}", f"no decision is waited for. {en}".strip())


def standing_approval(plan: Plan, step: str, approvals: Sequence[ApprovalObject]) -> ApprovalObject | None:
    """The approval of a step of the plan that the controller counted, if there is one."""
    mine = (a for a in approvals if (a.spec.plan_digest, a.spec.step, a.spec.decision) == (plan.digest, step, "Approved"))
    return next((approval for approval in mine if was_accepted(approval)), None)


def was_accepted(approval: ApprovalObject) -> bool | None:
    """Whether the controller counts a decision; None while it has not said."""
    condition = next((c for c in approval.status.conditions if c.type == "Accepted"), None) if approval.status else None
    return None if condition is None else condition.status == "True"


def must_be_free(plan: Plan, step: PlannedStep, user: str, approvals: Sequence[ApprovalObject]) -> None:
    """See to it that the step may still be decided by this person.

    Raises:
        CannotDecide: the person is the applicant, or the step was approved already.
    """
    if user == plan.applicant:
        raise CannotDecide(f"{user} 是申请人,不得审批自己的申请", f"{user} is the applicant; somebody else has to decide")
    done = standing_approval(plan, step.step, approvals)
    if done is not None:
        raise CannotDecide(
            f"{step.step} 环节已由 {done.spec.approver} 批准(文号 {done.spec.document_number})",
            f"step {step.step!r} was approved already, by {done.spec.approver} with {done.spec.document_number} ({done.name})",
        )


def must_count(plan: Plan, spec: ApprovalSpec, approvals: Sequence[ApprovalObject], now: datetime, *, started: bool) -> None:
    """See to it, by the controller's own judgement, that a decision will count if it is filed after these approvals.

    What cannot be known here may still stand against it: approvals of other namespaces, the trust in signatures.

    Raises:
        CannotDecide: it would not count, with the controller's reason.
    """
    name = approval_name(spec, approvals)
    if any(approval.name == name for approval in approvals):
        return  # it is filed already
    before = [_taken_as_proven(a) for a in approvals if was_accepted(a) is not False or a.spec.document_number == spec.document_number]
    moment = max([now, *(approval.created_at for approval in before)])
    candidate = ApprovalObject(name, plan.request.namespace, "~", moment, spec, None)
    judged = standing(plan, [*before, candidate], now, trust=Trust(), started=started).verdicts
    verdict = next(verdict for verdict in judged if verdict.approval is candidate)
    if not verdict.counts:
        raise CannotDecide(
            f"该决定不会生效({verdict.reason}):{verdict.message}", f"this decision would not count ({verdict.reason}): {verdict.message}"
        )


def _taken_as_proven(approval: ApprovalObject) -> ApprovalObject:
    """Whether a signature holds is for the controller to say, who knows the offices' keys."""
    return replace(approval, spec=approval.spec.model_copy(update={"signature": None}))


def not_your_step(plan: Plan, step: PlannedStep, user: str, yours: Sequence[str]) -> CannotDecide:
    """The refusal for somebody who was not granted the step that the plan waits for."""
    others_zh = f";您可办理的环节:{', '.join(yours)}" if yours else ""
    others_en = f"; of this plan's steps you may decide {', '.join(yours)}" if yours else ""
    return CannotDecide(
        f"第 {plan.number} 号计划等待 {step.office} 办理 {step.step} 环节,{user} 在此命名空间无权办理{others_zh}",
        f"plan {plan.number} waits for {step.office} to decide {step.step!r}, and {user} was not granted that step in this namespace{others_en}",
    )


def decision_on(plan: Plan, step: PlannedStep, decision: Verdict, official: Official) -> ApprovalSpec:
    """The decision as it is filed.

    Raises:
        pydantic.ValidationError: the document number or the comment does not fit the model.
    """
    return ApprovalSpec(
        request=RequestRef(name=plan.request.name, uid=plan.request.uid),
        step=step.step,
        decision=decision,
        plan_digest=plan.digest,
        office=step.office,
        approver=official.user,
        document_number=official.number,
        valid_until=official.valid_until,
        comment=official.comment,
    )


def revocation_of(approval: ApprovalObject, official: Official) -> ApprovalSpec:
    """What takes an approval back.

    Raises:
        CannotDecide: it is no approval, so there is nothing to take back.
        pydantic.ValidationError: the document number or the comment does not fit the model.
    """
    if approval.spec.decision != "Approved":
        raise CannotDecide(
            f"{approval.name} 不是批准决定({approval.spec.decision}),无可撤销",
            f"{approval.name} is no approval but {approval.spec.decision}: there is nothing to take back",
        )
    taken = {"decision": "Revoked", "approver": official.user, "document_number": official.number}
    more = {"comment": official.comment, "valid_until": official.valid_until, "attachments": (), "signature": None}
    return ApprovalSpec.model_validate({**approval.spec.model_dump(), **taken, **more})


def approval_name(spec: ApprovalSpec, filed: Sequence[ApprovalObject]) -> str:
    """A readable name that follows from the decision: filing the same one twice files it once, until it was refused."""
    said = _said_by(spec)
    refused = sum(1 for approval in filed if was_accepted(approval) is False and _said_by(approval.spec) == said)
    said += f"\n{refused}" if refused else ""
    return f"{spec.request.name}-{spec.step}-{spec.decision.lower()}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def _said_by(spec: ApprovalSpec) -> str:
    return f"{spec.plan_digest}\n{spec.step}\n{spec.decision}\n{folded(spec.document_number)}"


def _read(found: PinnedPlan) -> Plan:
    try:
        return parse_plan(found.text)
    except (ValidationError, ValueError):
        raise CannotDecide(
            f"第 {found.number} 号计划已损坏;请勿审批并通知运维人员", f"plan {found.number} cannot be read ({found.revision}): decide nothing, tell operations"
        ) from None
