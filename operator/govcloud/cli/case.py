"""A request on an official's desk: the plan that waits, the step to decide, and the words that are read before deciding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from govcloud.api.approval import ApprovalSpec
from govcloud.cli.speech import tell
from govcloud.core.deciding import (
    Official,
    Verdict,
    decision_on,
    must_be_free,
    must_count,
    not_your_step,
    plan_that_waits,
    step_that_waits,
)
from govcloud.core.objects import ApprovalObject
from govcloud.core.plan import Plan, PlannedStep, parse_plan
from govcloud.core.said import Language, Said
from govcloud.core.sentences import decision, in_words
from govcloud.desk import Desk
from govcloud.observe import status_of


@dataclass(frozen=True)
class Case:
    """What is decided on, and by whom. `before` is the completed plan that it would change; `started`: it is being carried out."""

    plan: Plan
    step: PlannedStep
    user: str
    before: Plan | None
    approvals: tuple[ApprovalObject, ...]
    started: bool


def open_case(desk: Desk, namespace: str, name: str, wanted: str | None) -> Case:
    """Fetch everything, and see to it that this person can decide here.

    Raises:
        CannotDecide: nothing waits, the plan is superseded or damaged, or the step is another's.
    """
    request = desk.request(namespace, name)
    pinned = desk.plans(request)
    status = status_of(request)
    plan = plan_that_waits(request, status, pinned)
    step = step_that_waits(plan, status, wanted)
    user = desk.user()
    if not desk.may_decide(namespace, step.step):
        raise not_your_step(plan, step, user, [s.step for s in plan.steps if desk.may_decide(namespace, s.step)])
    base = next((item for item in pinned if item.number == status.progress.completed_plan), None)
    operation = status.progress.operation
    started = operation is not None and operation.plan == plan.number
    return Case(plan, step, user, parse_plan(base.text) if base else None, tuple(desk.approvals(namespace)), started)


def decided(case: Case, decision: Verdict, official: Official, now: datetime) -> ApprovalSpec:
    """The decision to file.

    Raises:
        CannotDecide: the step is decided already, or the controller would not count this decision.
    """
    must_be_free(case.plan, case.step, case.user, case.approvals)
    spec = decision_on(case.plan, case.step, decision, official)
    must_count(case.plan, spec, case.approvals, now, started=case.started)
    return spec


def show(case: Case, spec: ApprovalSpec, language: Language) -> None:
    """Tell the plan in words, which article asks for this decision, and what will be filed."""
    for said in (*in_words(case.plan, case.before), decision(case.step), filed_as(spec)):
        tell(said, language)


def filed_as(spec: ApprovalSpec) -> Said:
    """What will stand in the approval."""
    words = {"Approved": ("批准", "approve"), "Rejected": ("不予批准", "reject"), "Revoked": ("撤销", "revoke")}
    zh, en = words[spec.decision]
    more = "".join(f"; {part}" for part in (spec.comment, f"until {spec.valid_until.isoformat()}" if spec.valid_until else "") if part)
    return Said(
        f"您({spec.approver})代表 {spec.office} {zh} {spec.step},文号 {spec.document_number}{more};计划摘要 {spec.plan_digest}",
        f"You ({spec.approver}) {en} {spec.step!r} for {spec.office}, document number {spec.document_number}{more}; plan digest {spec.plan_digest}",
    )


