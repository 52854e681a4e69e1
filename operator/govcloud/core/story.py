"""The story of a live request, from the objects that lie in the cluster: what was asked, decided, and what is next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from govcloud.api.progress import Progress
from govcloud.api.request import RequestSpec
from govcloud.api.request_status import RequestStatus
from govcloud.core.deciding import was_accepted
from govcloud.core.objects import ApprovalObject, PinnedPlan, RequestObject
from govcloud.core.plan import Plan, PlannedStep, parse_plan

PlanState = Literal["waits", "underway", "inForce", "carriedOut", "rejected", "superseded"]


@dataclass(frozen=True)
class EventSeen:
    """One Event about a request."""

    at: datetime
    warning: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Seen:
    """All that somebody could read about a request. `hidden` says what he had no right to read."""

    request: RequestObject
    spec: RequestSpec | None
    status: RequestStatus
    pinned: Sequence[PinnedPlan] = ()
    approvals: Sequence[ApprovalObject] = ()
    events: Sequence[EventSeen] = ()
    hidden: Sequence[str] = ()


@dataclass(frozen=True)
class Decision:
    """One decision, and what the controller says of it: whether it counts (None: not said yet), and why."""

    name: str
    step: str
    decision: str
    office: str
    approver: str
    document_number: str
    comment: str
    at: datetime
    counts: bool | None
    reason: str
    message: str


@dataclass(frozen=True)
class StepStory:
    """A step of a plan, and the approval that counts for it, if there is one."""

    step: PlannedStep
    by: Decision | None


@dataclass(frozen=True)
class PlanStory:
    """A plan, how it stands, and every decision on it in order."""

    plan: Plan
    made_at: datetime
    state: PlanState
    steps: tuple[StepStory, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class Story:
    """The whole of it, oldest plan first."""

    seen: Seen
    plans: tuple[PlanStory, ...]
    before: Mapping[int, Plan]
    strays: tuple[Decision, ...]
    """Decisions on this request that are about none of its plans."""
    damaged: tuple[int, ...]


def story_of(seen: Seen) -> Story:
    """Put what was read in order."""
    plans, damaged = _read(seen.pinned)
    mine = sorted((a for a in seen.approvals if a.spec.request.name == seen.request.key.name), key=lambda a: (a.created_at, a.name))
    digests = {plan.digest for plan, _ in plans}
    told = tuple(_plan_story(plan, made_at, plans, mine, seen.status.progress) for plan, made_at in plans)
    by_number = {plan.number: plan for plan, _ in plans}
    before = {plan.number: by_number[plan.base_plan] for plan, _ in plans if plan.base_plan in by_number}
    return Story(seen, told, before, tuple(_decision(a) for a in mine if a.spec.plan_digest not in digests), damaged)


def failures(story: Story) -> Iterator[str]:
    """What went wrong last, in the words of the objects: what stands still, what is tried again, and the newest warnings."""
    status, failure = story.seen.status, story.seen.status.progress.failure
    stalled = (c for c in status.conditions if (c.type, c.status) == ("Stalled", "True"))
    yield from (f"{c.reason}: {c.message}" for c in stalled if failure is None or c.message != failure.message)
    if failure is not None:
        again = f"; tried again at {failure.retry_at:%Y-%m-%dT%H:%M:%SZ}" if failure.retry_at else ""
        yield f"{failure.reason}: {failure.message} (attempt {failure.count}{again})"
    yield from (f"{event.at:%Y-%m-%dT%H:%M:%SZ} {event.reason}: {event.message}" for event in [e for e in story.seen.events if e.warning][-3:])


def _read(pinned: Sequence[PinnedPlan]) -> tuple[list[tuple[Plan, datetime]], tuple[int, ...]]:
    plans, damaged = [], []
    for item in sorted(pinned, key=lambda item: item.number):
        try:
            plans.append((parse_plan(item.text), item.created_at))
        except (ValidationError, ValueError):
            damaged.append(item.number)
    return plans, tuple(damaged)


def _plan_story(
    plan: Plan, made_at: datetime, plans: Sequence[tuple[Plan, datetime]], approvals: Sequence[ApprovalObject], progress: Progress
) -> PlanStory:
    decisions = tuple(_decision(approval) for approval in approvals if approval.spec.plan_digest == plan.digest)
    counted = {d.step: d for d in decisions if d.counts and d.decision == "Approved"}
    steps = tuple(StepStory(step, counted.get(step.step)) for step in plan.steps)
    return PlanStory(plan, made_at, _state(plan, plans, decisions, progress), steps, decisions)


def _state(plan: Plan, plans: Sequence[tuple[Plan, datetime]], decisions: Sequence[Decision], progress: Progress) -> PlanState:
    """How a plan stands. Earlier plans were carried out where a later one was made against them."""
    if progress.operation is not None and progress.operation.plan == plan.number:
        return "underway"
    if progress.completed_plan == plan.number:
        return "inForce"
    if any(later.base_plan == plan.number for later, _ in plans):
        return "carriedOut"
    if progress.rejected_plan == plan.number or any(d.counts and d.decision == "Rejected" for d in decisions):
        return "rejected"
    return "waits" if plan.number == max(later.number for later, _ in plans) else "superseded"


def _decision(approval: ApprovalObject) -> Decision:
    said = next((c for c in approval.status.conditions if c.type == "Accepted"), None) if approval.status else None
    spec = approval.spec
    return Decision(
        name=approval.name,
        step=spec.step,
        decision=spec.decision,
        office=spec.office,
        approver=spec.approver,
        document_number=spec.document_number,
        comment=spec.comment,
        at=approval.created_at,
        counts=was_accepted(approval),
        reason=said.reason if said else "",
        message=said.message if said else "",
    )
