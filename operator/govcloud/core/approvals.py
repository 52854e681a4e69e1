"""Which decisions count for a plan. Admission has checked who speaks; here is checked whether it is about this plan, in order, by the right office."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from govcloud.api.request import RequestKey
from govcloud.core.objects import ApprovalObject
from govcloud.core.plan import Plan, PlannedStep
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

    def asked_at(self, planned_at: datetime) -> datetime:
        """Since when the next office is being waited for."""
        return max((v.approval.created_at for v in self.approved), default=planned_at)


_LOOKS_LIKE = {"Ps": "[", "Pe": "]", "Pd": "-"}
"""Unicode category -> what all of it is taken for. Every kind of bracket, every length of dash."""
_MINUS = "\N{MINUS SIGN}"


@lru_cache(maxsize=65536)
def folded(document_number: str) -> str:
    """A document number without its look-alikes.

    Full-width digits, other brackets, longer dashes, letter case, spaces and whatever is invisible do not make it another number.
    """
    plain = unicodedata.normalize("NFKC", document_number).replace(_MINUS, "-")
    return "".join(_folded(character) for character in plain).casefold()


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "ZC" or category in ("Mn", "Me"):  # spaces; control and format characters; marks on the one before
        return ""
    return _LOOKS_LIKE.get(category, character)


def standing(
    plan: Plan,
    approvals: Sequence[ApprovalObject],
    now: datetime,
    older_digests: frozenset[str] = frozenset(),
    *,
    started: bool = False,
) -> Standing:
    """Judge every approval that names the plan's request.

    Args:
        approvals: all there are, of every namespace: document numbers are unique among all.
        now: the moment at which validity counts: for a started plan, that of its start.
        older_digests: digests of the request's earlier plans; decisions on those that were judged in their time are left alone.
        started: whether the plan is being carried out: then it can be frozen by a revocation, but not rejected any more.
    """
    first_use = _first_use_of_numbers(approvals)
    mine = sorted(
        (a for a in approvals if _about(plan, a) and (a.status is None or a.spec.plan_digest not in older_digests)),
        key=lambda a: _when(plan, a),
    )
    result = Standing(verdicts=(), approved=(), missing=plan.steps)
    for approval in mine:
        fault = _fault(plan, approval, result, first_use, now) or _too_late(approval, started)
        result = _refused(result, approval, *fault) if fault else _counted(result, approval, plan)
    return result


def unguarded(request: RequestKey, approvals: Sequence[ApprovalObject]) -> tuple[Verdict, ...]:
    """Refuses what appeared while the admission policies were not intact: who made it cannot be known, now or later."""
    about = (request.namespace, request.name)
    found = (a for a in approvals if (a.namespace, a.spec.request.name) == about and a.status is None)
    return tuple(Verdict(a, False, Reason.MADE_WHILE_UNGUARDED, _UNGUARDED) for a in found)


def unasked(request: RequestKey, approvals: Sequence[ApprovalObject]) -> tuple[Verdict, ...]:
    """Refuses what came while no plan of the request waits for anybody."""
    about = (request.namespace, request.name)
    found = (a for a in approvals if (a.namespace, a.spec.request.name) == about and a.status is None)
    return tuple(Verdict(a, False, Reason.DIGEST_MISMATCH, "no plan of this request waits for a decision") for a in found)


_UNGUARDED = "it was made while the admission policies were not intact, so its author is not proven; decide again"


def _about(plan: Plan, approval: ApprovalObject) -> bool:
    return (approval.namespace, approval.spec.request.name) == (plan.request.namespace, plan.request.name)


_ORDER = ("Approved", "Rejected", "Revoked")


def _when(plan: Plan, approval: ApprovalObject) -> tuple[datetime, int, int, str]:
    """Moment of a decision. The API server knows it to the second only; within one, decisions are taken in the order of the plan's steps."""
    steps = [step.step for step in plan.steps]
    place = steps.index(approval.spec.step) if approval.spec.step in steps else len(steps)
    return approval.created_at, place, _ORDER.index(approval.spec.decision), approval.name


def _first_use_of_numbers(approvals: Iterable[ApprovalObject]) -> dict[str, str]:
    """Folded document number -> uid of the approval that used it first."""
    first: dict[str, str] = {}
    for approval in sorted(approvals, key=lambda a: (a.created_at, a.uid)):
        first.setdefault(folded(approval.spec.document_number), approval.uid)
    return first


def _fault(
    plan: Plan, approval: ApprovalObject, so_far: Standing, first_use: dict[str, str], now: datetime
) -> tuple[Reason, str] | None:
    """Why an approval does not count; the first reason found, in the order in which a person would ask."""
    spec = approval.spec
    step = next((s for s in plan.steps if s.step == spec.step), None)
    others = _offices_spoken_for(approval, so_far)
    if _was_unguarded(approval):
        return Reason.MADE_WHILE_UNGUARDED, _UNGUARDED
    if spec.request.uid != plan.request.uid:
        return (
            Reason.WRONG_REQUEST,
            f"it names the request with uid {spec.request.uid}, this one has {plan.request.uid}",
        )
    if spec.plan_digest != plan.digest:
        return (
            Reason.DIGEST_MISMATCH,
            f"it decides on {spec.plan_digest}, but the plan that waits is {plan.digest} (status.plan.digest)",
        )
    if step is None:
        return (
            Reason.UNKNOWN_STEP,
            f"the plan has no step {spec.step!r}; its steps are {', '.join(s.step for s in plan.steps)}",
        )
    if spec.office != step.office:
        return (
            Reason.WRONG_OFFICE,
            f"step {step.step!r} is decided by {step.office}, not by {spec.office} [{step.article}]",
        )
    if spec.approver == plan.applicant:
        return Reason.SELF_APPROVAL, f"{spec.approver} is the applicant; somebody else has to decide"
    if others - {spec.office}:
        return (
            Reason.ONE_PERSON_TWO_OFFICES,
            f"{spec.approver} already decided for {', '.join(sorted(others))}; one person speaks for one office",
        )
    if same := _steps_of_another_person(plan, approval, so_far):
        return (
            Reason.ONE_PERSON_TWO_STEPS,
            f"{spec.approver} already decided step {', '.join(same)}; {step.step!r} is for another person [{step.article}]",
        )
    if first_use[folded(spec.document_number)] != approval.uid:
        return (
            Reason.DOCUMENT_NUMBER_USED,
            f"document number {spec.document_number} was used by another decision before",
        )
    if spec.valid_until is not None and spec.valid_until <= now:
        return Reason.EXPIRED, f"its validity ended at {spec.valid_until.isoformat()}"
    if spec.decision == "Approved" and plan.departures and not spec.comment.strip():
        departed = "; ".join(departure.sentence() for departure in plan.departures)
        return Reason.REASON_MISSING, f"the plan departs from a rule in principle, so its approval says why in spec.comment: {departed}"
    if spec.decision == "Approved" and _too_early(plan, step, so_far):
        return (
            Reason.OUT_OF_ORDER,
            f"step {step.step!r} comes after {', '.join(s.step for s in _before(plan, step))}; decide again once they did",
        )
    return None


def _offices_spoken_for(approval: ApprovalObject, so_far: Standing) -> set[str]:
    """For which offices this person approved the plan already."""
    return {v.approval.spec.office for v in so_far.approved if v.approval.spec.approver == approval.spec.approver}


def _steps_of_another_person(plan: Plan, approval: ApprovalObject, so_far: Standing) -> tuple[str, ...]:
    """Steps that this person approved already and that are not to be decided by the same person as this one."""
    apart = {frozenset((step.step, other)) for step in plan.steps for other in step.other_person_than}
    mine = (v.approval.spec.step for v in so_far.approved if v.approval.spec.approver == approval.spec.approver)
    return tuple(step for step in mine if frozenset((step, approval.spec.step)) in apart)


def _too_late(approval: ApprovalObject, started: bool) -> tuple[Reason, str] | None:
    if started and approval.spec.decision == "Rejected":
        return Reason.OUT_OF_ORDER, "the plan is being carried out already; to freeze it, revoke the approval (decision: Revoked)"
    return None


def _was_unguarded(approval: ApprovalObject) -> bool:
    conditions = approval.status.conditions if approval.status else ()
    return any(condition.reason == Reason.MADE_WHILE_UNGUARDED for condition in conditions)


def _before(plan: Plan, step: PlannedStep) -> tuple[PlannedStep, ...]:
    return plan.steps[: plan.steps.index(step)]


def _too_early(plan: Plan, step: PlannedStep, so_far: Standing) -> bool:
    return any(earlier in so_far.missing for earlier in _before(plan, step))


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
