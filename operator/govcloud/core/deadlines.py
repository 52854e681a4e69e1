"""Legal clocks: since when each runs, when it stands still, when it is due, how it ended. Pure.

A clock runs while the one whose limit it is has to act. An office's runs from the moment it is asked (the plan, or the approval before
its own) to its decision; the provider's from the last approval to the completed plan. While somebody else has to act it stands still, and
the days on which it stood still do not count, the first and the last of them included. All of it follows from plans, approvals and the
status as it was, so that a restart forgets nothing. A limit in months (an evaluation) runs by the calendar and never stands still.
"""

from __future__ import annotations

from datetime import datetime

from govcloud.api.deadline import Deadline
from govcloud.api.progress import Progress
from govcloud.core import actions as act
from govcloud.core.calendar import Calendar, calendar_of
from govcloud.core.deadline_clock import as_of, closed, moments_of, paused, resumed
from govcloud.core.deadlines_asked import PROVIDER, Turn, asked_since, decided_at
from govcloud.core.evaluation import EVALUATION, is_handed_in
from govcloud.core.facts import Facts
from govcloud.reasons import Reason

MOST_KEPT = 64


def deadlines_after(facts: Facts, action: act.Action, progress: Progress) -> tuple[Deadline, ...]:
    """The deadlines after a pass: what runs goes on, stands still or ends; what was asked since is added.

    Args:
        progress: what came of the action, but for the deadlines.
    """
    this = Turn(facts, action, progress)
    calendar = request_calendar(facts)
    known = [_moved(this, each, calendar) for each in facts.progress.deadlines if not _is_history(facts, each)]
    opened = (_moved(this, each, calendar) for each in asked_since(this, known))
    return tuple(as_of(each, facts.now, calendar) for each in (*known, *opened))[-MOST_KEPT:]


def request_calendar(facts: Facts) -> Calendar:
    """The calendar of the jurisdiction that the request belongs to."""
    return calendar_of(facts.jurisdiction.spec.calendar) if facts.jurisdiction else Calendar()


def next_moment(progress: Progress) -> datetime | None:
    """When time alone will give something to say about a deadline."""
    return min((moment for deadline in progress.deadlines for moment in moments_of(deadline)), default=None)


def running(progress: Progress, plan: int, step: str) -> Deadline | None:
    """The clock that runs, or stands still, for a step of a plan."""
    found = (d for d in progress.deadlines if (d.plan, d.step) == (plan, step) and d.ended_at is None)
    return next(found, None)


def unknown_years(facts: Facts, progress: Progress) -> tuple[int, ...]:
    """Years without known holidays that a running deadline reaches into."""
    calendar = request_calendar(facts)
    spans = ((d.started_at, d.due) for d in progress.deadlines if d.ended_at is None and d.due is not None and d.months is None)
    return tuple(sorted({year for begin, end in spans for year in calendar.unknown_years(begin, end)}))


# What became of it


def _moved(this: Turn, deadline: Deadline, calendar: Calendar) -> Deadline:
    """Ended, standing still, or running."""
    if deadline.ended_at is not None:
        return deadline
    ended = _done_at(this, deadline)
    withdrawn = ended is None and _is_withdrawn(this, deadline)
    if ended is not None or withdrawn:
        return closed(deadline, ended or this.facts.now, calendar, withdrawn=withdrawn)
    return resumed(deadline, this.facts.now) if _has_to_act(this, deadline) else paused(deadline, this.facts.now)


def _done_at(this: Turn, deadline: Deadline) -> datetime | None:
    """When the one whose deadline it is did what was to be done."""
    if deadline.step == EVALUATION:
        return this.facts.now if is_handed_in(this.facts, deadline) else None
    if deadline.step == PROVIDER:
        is_completed = this.progress.completed_plan == deadline.plan and this.progress.operation is None
        return this.facts.now if is_completed else None
    if this.judged is None or this.judged[0].number != deadline.plan:
        return None
    refusal = this.judged[1].rejected
    if refusal is not None and refusal.approval.spec.step == deadline.step:
        return refusal.approval.created_at + this.facts.ahead
    decided = decided_at(this.judged[1], deadline.step)
    if decided is None or decided + this.facts.ahead < deadline.started_at or _began_with_a_revocation(this, deadline):
        return None
    return decided + this.facts.ahead


def _began_with_a_revocation(this: Turn, deadline: Deadline) -> bool:
    """Whether the office was asked anew because it took its approval back: that approval ends nothing, though it may be of the same second."""
    revoked = this.judged[1].revoked if this.judged else ()
    return any(v.approval.created_at + this.facts.ahead <= deadline.started_at for v in revoked if v.approval.spec.step == deadline.step)


def _is_withdrawn(this: Turn, deadline: Deadline) -> bool:
    """Whether nobody waits for it any more: another plan took the place of this one, another office ended it, or the service is gone."""
    if deadline.step == EVALUATION:
        return this.progress.terminated_at is not None
    if deadline.step == PROVIDER:
        return this.progress.operation is None or this.progress.operation.plan != deadline.plan
    if isinstance(this.action, act.Reject):
        return this.action.plan.number == deadline.plan
    pending = this.facts.pending
    return not isinstance(this.action, act.Block) and (pending is None or pending.number != deadline.plan)


def _has_to_act(this: Turn, deadline: Deadline) -> bool:
    """Whether it is the turn of the one whose deadline it is."""
    if deadline.step == EVALUATION:
        return True
    if deadline.step == PROVIDER:
        is_frozen = isinstance(this.action, act.Block) and this.action.reason is Reason.APPROVAL_REVOKED
        return not is_frozen and not isinstance(this.action, act.Await | act.Refuse | act.Freeze)
    step = this.action.standing.next_step if isinstance(this.action, act.Await) else None
    return step is not None and step.step == deadline.step


def _is_history(facts: Facts, deadline: Deadline) -> bool:
    """Ended, and of a plan that others came after: the audit log remembers it. There is one evaluation, and it is not asked for again."""
    if deadline.step == EVALUATION:
        return False
    under_way = facts.progress.operation is not None and facts.progress.operation.plan == deadline.plan
    return deadline.ended_at is not None and not under_way and any(number > deadline.plan for number in facts.plans)
