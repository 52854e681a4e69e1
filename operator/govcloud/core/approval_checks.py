"""Why a decision does not count: one small check for each reason, in the order in which a person would ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from govcloud.api.approval import ApprovalSpec
from govcloud.api.common import Condition
from govcloud.api.jurisdiction import Approvals
from govcloud.core.document_numbers import Decision, decision_of, folded
from govcloud.core.guard import Window, was_unguarded
from govcloud.core.objects import ApprovalObject
from govcloud.core.plan import Plan, PlannedStep
from govcloud.core.signatures import Fault, signature_fault
from govcloud.core.standing import Standing
from govcloud.reasons import Reason


@dataclass(frozen=True)
class Trust:
    """What is known of who can have made a decision.

    Attributes:
        signed: the keys of the offices, and whether a signature is demanded.
        windows: when the admission policies may not have been intact.
    """

    signed: Approvals = field(default_factory=Approvals)
    windows: tuple[Window, ...] = ()

    def is_proven(self, approval: ApprovalObject) -> bool:
        """Whether admission, or a signature of the office, proves who decided."""
        if not was_unguarded(self.windows, approval):
            return True
        return approval.spec.signature is not None and signature_fault(approval, self.signed) is None


@dataclass(frozen=True)
class Hearing:
    """One decision, the plan that it may be about, and what stands so far.

    Attributes:
        first_uses: folded document number -> the decision that used it first.
        now: the moment at which validity counts.
        started: whether the plan is being carried out.
    """

    plan: Plan
    approval: ApprovalObject
    so_far: Standing
    trust: Trust
    first_uses: Mapping[str, Decision]
    now: datetime
    started: bool

    @property
    def spec(self) -> ApprovalSpec:
        return self.approval.spec

    @property
    def step(self) -> PlannedStep | None:
        return next((step for step in self.plan.steps if step.step == self.spec.step), None)

    @property
    def cited(self) -> str:
        """The article that asks for the step, at the end of a sentence."""
        return f" [{self.step.article}]" if self.step else ""

    @property
    def earlier_steps(self) -> tuple[PlannedStep, ...]:
        return self.plan.steps[: self.plan.steps.index(self.step)] if self.step else ()

    def said_before(self, reason: Reason) -> Condition | None:
        """What an earlier hearing said of the decision, where it gave this reason."""
        said = self.approval.status.conditions if self.approval.status else ()
        return next((condition for condition in said if condition.reason == reason), None)


def fault_of(hearing: Hearing) -> Fault | None:
    """The first reason found; None when the decision counts."""
    return next((fault for check in CHECKS if (fault := check(hearing)) is not None), None)


def _another_request(hearing: Hearing) -> Fault | None:
    said, ours = hearing.spec.request.uid, hearing.plan.request.uid
    if said == ours:
        return None
    return Reason.WRONG_REQUEST, f"it names the request with uid {said}, this one has {ours} / 所指申请并非本申请"


def _another_plan(hearing: Hearing) -> Fault | None:
    said, ours = hearing.spec.plan_digest, hearing.plan.digest
    if said == ours:
        return None
    return Reason.DIGEST_MISMATCH, f"it decides on {said}, but the plan that waits is {ours} (status.plan.digest) / 所批计划并非当前计划"


def _unknown_step(hearing: Hearing) -> Fault | None:
    if hearing.step is not None:
        return None
    steps = ", ".join(step.step for step in hearing.plan.steps)
    return Reason.UNKNOWN_STEP, f"the plan has no step {hearing.spec.step!r}; its steps are {steps} / 本计划没有该审批环节"


def _another_office(hearing: Hearing) -> Fault | None:
    if hearing.step is None or hearing.spec.office == hearing.step.office:
        return None
    return (
        Reason.WRONG_OFFICE,
        f"step {hearing.step.step!r} is decided by {hearing.step.office}, not by {hearing.spec.office} [{hearing.step.article}] / 该环节不由该单位办理",
    )


def _edited(hearing: Hearing) -> Fault | None:
    """The API server counts the changes of a spec. Admission and the schema forbid them; here is seen whether both held."""
    if hearing.approval.generation == 1:
        return None
    return Reason.EDITED, "it was changed after it was made; decide again / 审批提交后被修改，请重新审批"


def _badly_signed(hearing: Hearing) -> Fault | None:
    return signature_fault(hearing.approval, hearing.trust.signed)


def _made_unguarded(hearing: Hearing) -> Fault | None:
    return None if hearing.trust.is_proven(hearing.approval) else (Reason.MADE_WHILE_UNGUARDED, UNGUARDED)


UNGUARDED = (
    "it was made while the admission policies were not intact, so its author is not proven; decide again, or sign it"
    " / 提交期间准入策略不完整，无法证明审批人身份，请重新审批或附电子签名"
)


def _by_the_applicant(hearing: Hearing) -> Fault | None:
    if hearing.spec.approver != hearing.plan.applicant:
        return None
    return Reason.SELF_APPROVAL, f"{hearing.spec.approver} is the applicant; somebody else has to decide{hearing.cited} / 申请人不得审批本人的申请"


def _for_two_offices(hearing: Hearing) -> Fault | None:
    others = {v.approval.spec.office for v in hearing.so_far.approved if v.approval.spec.approver == hearing.spec.approver}
    if not others - {hearing.spec.office}:
        return None
    offices = ", ".join(sorted(others))
    return (
        Reason.ONE_PERSON_TWO_OFFICES,
        f"{hearing.spec.approver} already decided for {offices}; one person speaks for one office / 同一人不得代表两个单位审批",
    )


def _for_a_step_of_another_person(hearing: Hearing) -> Fault | None:
    """Steps that the plan keeps apart are not decided by one person."""
    apart = {frozenset((step.step, other)) for step in hearing.plan.steps for other in step.other_person_than}
    mine = (v.approval.spec.step for v in hearing.so_far.approved if v.approval.spec.approver == hearing.spec.approver)
    same = [step for step in mine if frozenset((step, hearing.spec.step)) in apart]
    if not same or hearing.step is None:
        return None
    return (
        Reason.ONE_PERSON_TWO_STEPS,
        f"{hearing.spec.approver} already decided step {', '.join(same)}; {hearing.spec.step!r} is for another person [{hearing.step.article}]"
        " / 该环节须由其他人员办理",
    )


def _number_used(hearing: Hearing) -> Fault | None:
    ours = decision_of(hearing.approval)
    if hearing.first_uses.get(folded(hearing.spec.document_number), ours) == ours:
        return None
    return Reason.DOCUMENT_NUMBER_USED, f"document number {hearing.spec.document_number} was used by another decision before / 批文号已被使用"


def _expired(hearing: Hearing) -> Fault | None:
    until = hearing.spec.valid_until
    if until is None or until > hearing.now:
        return None
    return (
        Reason.EXPIRED,
        f"its validity ended at {until.isoformat()}; decide again{hearing.cited} / 审批已过有效期，请重新审批",
    )


def _without_its_reason(hearing: Hearing) -> Fault | None:
    """A rule in principle 原则上 gives way to an approval that says why."""
    if hearing.spec.decision != "Approved" or not hearing.plan.departures or hearing.spec.comment.strip():
        return None
    departed = "; ".join(departure.sentence() for departure in hearing.plan.departures)
    return (
        Reason.REASON_MISSING,
        f"the plan departs from a rule in principle, so its approval says why in spec.comment: {departed} / 计划不符合原则性规定，批准时须说明理由",
    )


def _withdrawn_for_good(hearing: Hearing) -> Fault | None:
    """What was taken back once stays taken back, whatever becomes of the revocation."""
    if hearing.said_before(Reason.WITHDRAWN) is None:
        return None
    return Reason.WITHDRAWN, "the office took it back; decide again / 审批已撤销，请重新审批"


def _signed_before_a_revocation(hearing: Hearing) -> Fault | None:
    """What was signed before the office took its word back is not its word any more, whoever files it when."""
    if hearing.spec.signature is None or hearing.spec.decision != "Approved":
        return None
    signed = hearing.spec.signature.signed_at.replace(microsecond=0)  # as the API server dates revocations
    later = [v.approval for v in hearing.so_far.revoked if v.approval.spec.step == hearing.spec.step and v.approval.created_at >= signed]
    if not later:
        return None
    return Reason.WITHDRAWN, f"it was signed before {later[0].name} took the office's approval back; sign anew / 签名早于撤销，请重新签名"


def _under_a_withdrawn_number(hearing: Hearing) -> Fault | None:
    """The same words, filed once more: an office's clock may have been ahead when it signed them, so their time does not tell."""
    number = folded(hearing.spec.document_number)
    withdrawn = (v.approval for v in hearing.so_far.verdicts if v.reason is Reason.WITHDRAWN)
    same = next((a for a in withdrawn if a.uid != hearing.approval.uid and folded(a.spec.document_number) == number), None)
    if same is None or hearing.spec.decision != "Approved":
        return None
    return Reason.WITHDRAWN, f"{same.name} of this document number was taken back; decide again under another / 该批文号的审批已撤销，请以新文号重新审批"


def _out_of_order_for_good(hearing: Hearing) -> Fault | None:
    """What was refused as out of its turn waits for no turn. The API server tells times to the second only: within one, the refusal tells the order."""
    refusal = hearing.said_before(Reason.OUT_OF_ORDER)
    return None if refusal is None else (Reason.OUT_OF_ORDER, refusal.message)


def _too_early(hearing: Hearing) -> Fault | None:
    if hearing.spec.decision != "Approved" or not any(step in hearing.so_far.missing for step in hearing.earlier_steps):
        return None
    before = ", ".join(step.step for step in hearing.earlier_steps)
    return Reason.OUT_OF_ORDER, f"step {hearing.spec.step!r} comes after {before}; decide again once they did{hearing.cited} / 前一环节尚未办理"


def _too_late(hearing: Hearing) -> Fault | None:
    if not hearing.started or hearing.spec.decision != "Rejected":
        return None
    return (
        Reason.OUT_OF_ORDER,
        "the plan is being carried out already; to freeze it, revoke the approval (decision: Revoked) / 计划已在执行，如需中止请撤销审批",
    )


CHECKS: tuple[Callable[[Hearing], Fault | None], ...] = (
    _edited,
    _made_unguarded,
    _another_request,
    _another_plan,
    _unknown_step,
    _another_office,
    _badly_signed,
    _by_the_applicant,
    _for_two_offices,
    _for_a_step_of_another_person,
    _number_used,
    _expired,
    _without_its_reason,
    _withdrawn_for_good,
    _signed_before_a_revocation,
    _under_a_withdrawn_number,
    _out_of_order_for_good,
    _too_early,
    _too_late,
)
