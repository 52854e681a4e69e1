"""Legal clocks: since when each runs, when it stands still, when it is due, how it ended. Pure.

A clock runs while the one whose limit it is has to act. An office's runs from the moment it is asked (the plan, or the approval before
its own) to its decision; the provider's from the last approval to the completed plan. While somebody else has to act it stands still, and
the days on which it stood still do not count, the first and the last of them included. All of it follows from plans, approvals and the
status as it was, so that a restart forgets nothing. A limit in months (an evaluation) runs by the calendar and never stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from govcloud.api.deadline import MOST_PAUSES, Deadline, Pause
from govcloud.api.request import Progress
from govcloud.core import actions as act
from govcloud.core.calendar import Calendar, Span, beginning_of, calendar_of, months_after, official_day
from govcloud.core.evaluation import EVALUATION, evaluation_clock, is_handed_in
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan, PlannedStep
from govcloud.core.standing import Standing
from govcloud.reasons import Reason
from policies.rules import Edition

PROVIDER = "provider"
"""In place of a step's name: the limit of the cloud service provider."""

MOST_KEPT = 64
MONTHS_ARE_WARNED_OF = timedelta(days=30)
"""Before the end of a limit in months. One in working days is warned of on its last one."""
_INSTANT = timedelta(microseconds=1)

Said = Literal["Approaching", "Missed", "OnTime", "Late", "Withdrawn"]


@dataclass(frozen=True)
class News:
    """Something about a deadline that is said once."""

    said: Said
    deadline: Deadline


@dataclass(frozen=True)
class _Pass:
    """What a pass saw and did. `progress` is what came of it, but for the deadlines."""

    facts: Facts
    action: act.Action
    progress: Progress

    @property
    def judged(self) -> tuple[Plan, Standing] | None:
        """The plan that the offices decide on, and how it stands with them."""
        return (self.action.plan, self.action.standing) if isinstance(self.action, act.Await | act.Begin | act.Reject) else None


def deadlines_after(facts: Facts, action: act.Action, progress: Progress) -> tuple[Deadline, ...]:
    """The deadlines after a pass: what runs goes on, stands still or ends; what was asked since is added.

    Args:
        progress: what came of the action, but for the deadlines.
    """
    this = _Pass(facts, action, progress)
    calendar = request_calendar(facts)
    known = [_moved(this, each, calendar) for each in facts.progress.deadlines if not _is_history(facts, each)]
    opened = (_moved(this, each, calendar) for each in _opened(this, known))
    return tuple(_at(each, facts.now, calendar) for each in (*known, *opened))[-MOST_KEPT:]


def request_calendar(facts: Facts) -> Calendar:
    """The calendar of the jurisdiction that the request belongs to."""
    return calendar_of(facts.jurisdiction.spec.calendar) if facts.jurisdiction else Calendar()


def news(before: Progress, after: Progress) -> tuple[News, ...]:
    """What a pass found out about deadlines and nobody was told yet."""
    known = {_identity(deadline): deadline for deadline in before.deadlines}
    return tuple(each for deadline in after.deadlines for each in _news_of(known.get(_identity(deadline)), deadline))


def next_moment(progress: Progress) -> datetime | None:
    """When time alone will give something to say about a deadline."""
    return min((moment for deadline in progress.deadlines for moment in _moments(deadline)), default=None)


def running(progress: Progress, plan: int, step: str) -> Deadline | None:
    """The clock that runs, or stands still, for a step of a plan."""
    found = (d for d in progress.deadlines if (d.plan, d.step) == (plan, step) and d.ended_at is None)
    return next(found, None)


def unknown_years(facts: Facts, progress: Progress) -> tuple[int, ...]:
    """Years without known holidays that a running deadline reaches into."""
    calendar = request_calendar(facts)
    spans = ((d.started_at, d.due) for d in progress.deadlines if d.ended_at is None and d.due is not None and d.months is None)
    return tuple(sorted({year for begin, end in spans for year in calendar.unknown_years(begin, end)}))


# What was asked since


def _opened(this: _Pass, known: list[Deadline]) -> Iterator[Deadline]:
    yield from evaluation_clock(this.facts, this.progress, known)
    if this.judged is not None:
        yield from _opened_for_offices(*this.judged, known, this.facts)
    operation, plan = this.progress.operation, _plan_under_way(this)
    if operation is None or plan is None or (limit := _provider_limit(this.facts.edition, plan)) is None:
        return
    if not any((d.plan, d.step) == (plan.number, PROVIDER) for d in known):
        days, article = limit
        started = _last_approval(this) or operation.started_at
        yield Deadline(plan=plan.number, step=PROVIDER, office=_provider(this.facts), article=article, working_days=days, started_at=started)


def _opened_for_offices(plan: Plan, standing: Standing, known: list[Deadline], facts: Facts) -> Iterator[Deadline]:
    """Every step that was asked and has no clock yet, also one that was answered before anybody looked."""
    for step in plan.steps:
        mine = [d for d in known if (d.plan, d.step) == (plan.number, step.step)]
        waits = step == standing.next_step
        has_clock = any(d.ended_at is None for d in mine) if waits else bool(mine)
        if step.working_days is not None and not has_clock and (waits or _decided_at(standing, step.step)):
            asked = _asked_at(plan, standing, step, facts.planned_at.get(plan.number, facts.now - facts.ahead)) + facts.ahead
            rounds = (d.ended_at for d in mine if d.ended_at is not None)
            yield Deadline(plan=plan.number, step=step.step, office=step.office, article=step.article,
                           working_days=step.working_days, started_at=max((asked, *rounds)))  # fmt: skip


def _asked_at(plan: Plan, standing: Standing, step: PlannedStep, planned_at: datetime) -> datetime:
    """When the last of the steps before was approved, or when the step's own approval was taken back."""
    before = {other.step for other in plan.steps[: plan.steps.index(step)]}
    moments = [v.approval.created_at for v in standing.approved if v.approval.spec.step in before]
    taken_back = [v.approval.created_at for v in standing.revoked if v.approval.spec.step == step.step]
    return max((*moments, *taken_back), default=planned_at)


def _decided_at(standing: Standing, step: str) -> datetime | None:
    """When the step was last approved, whether or not that was taken back later; None while nobody did."""
    approved = (v.approval for v in standing.verdicts if v.counts or v.reason is Reason.WITHDRAWN)
    moments = [a.created_at for a in approved if (a.spec.step, a.spec.decision) == (step, "Approved")]
    return max(moments, default=None)


def _plan_under_way(this: _Pass) -> Plan | None:
    if isinstance(this.action, act.Begin):
        return this.action.plan
    operation = this.progress.operation
    return this.facts.plans.get(operation.plan) if operation else None


def _last_approval(this: _Pass) -> datetime | None:
    """When the plan was taken in: from then on it is the provider's turn, even if the controller was away."""
    operation = this.progress.operation
    allowing = operation.approvals if operation else ()
    return max((a.created_at + this.facts.ahead for a in this.facts.approvals if a.uid in allowing), default=None)


def _provider_limit(edition: Edition | None, plan: Plan) -> tuple[int, str] | None:
    """Working days and article of the provider's limit for a transition; None where there is none."""
    if edition is None or plan.transition not in ("Provision", "Change", "MajorChange"):
        return None
    days = edition.change if plan.transition == "Change" else edition.provisioning
    return days.value, days.source.cite()


def _provider(facts: Facts) -> str:
    """The provider's name: it consents to going live, so the jurisdiction names it for that step."""
    offices = facts.jurisdiction.spec.offices if facts.jurisdiction else ()
    return next((office.office for office in offices if office.step == "provider-consent"), "")


# What became of it


def _moved(this: _Pass, deadline: Deadline, calendar: Calendar) -> Deadline:
    """Ended, standing still, or running."""
    if deadline.ended_at is not None:
        return deadline
    ended = _done_at(this, deadline)
    withdrawn = ended is None and _is_withdrawn(this, deadline)
    if ended is not None or withdrawn:
        return _closed(deadline, ended or this.facts.now, calendar, withdrawn=withdrawn)
    return _resumed(deadline, this.facts.now) if _has_to_act(this, deadline) else _paused(deadline, this.facts.now)


def _done_at(this: _Pass, deadline: Deadline) -> datetime | None:
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
    decided = _decided_at(this.judged[1], deadline.step)
    if decided is None or decided + this.facts.ahead < deadline.started_at:
        return None
    return decided + this.facts.ahead


def _is_withdrawn(this: _Pass, deadline: Deadline) -> bool:
    """Whether nobody waits for it any more: another plan took the place of this one, another office ended it, or the service is gone."""
    if deadline.step == EVALUATION:
        return this.progress.terminated_at is not None
    if deadline.step == PROVIDER:
        return this.progress.operation is None or this.progress.operation.plan != deadline.plan
    if isinstance(this.action, act.Reject):
        return this.action.plan.number == deadline.plan
    pending = this.facts.pending
    return not isinstance(this.action, act.Block) and (pending is None or pending.number != deadline.plan)


def _has_to_act(this: _Pass, deadline: Deadline) -> bool:
    """Whether it is the turn of the one whose deadline it is."""
    if deadline.step == EVALUATION:
        return True
    if deadline.step == PROVIDER:
        is_frozen = isinstance(this.action, act.Block) and this.action.reason is Reason.APPROVAL_REVOKED
        return not is_frozen and not isinstance(this.action, act.Await | act.Refuse | act.Freeze)
    step = this.action.standing.next_step if isinstance(this.action, act.Await) else None
    return step is not None and step.step == deadline.step


def _paused(deadline: Deadline, now: datetime) -> Deadline:
    if deadline.pauses and deadline.pauses[-1].ended_at is None:
        return deadline
    if len(deadline.pauses) == MOST_PAUSES:  # the last two become one
        return _with_last_pause(deadline, None)
    return deadline.model_copy(update={"pauses": (*deadline.pauses, Pause(began_at=now))})


def _resumed(deadline: Deadline, now: datetime) -> Deadline:
    is_paused = bool(deadline.pauses) and deadline.pauses[-1].ended_at is None
    return _with_last_pause(deadline, now) if is_paused else deadline


def _with_last_pause(deadline: Deadline, ended_at: datetime | None) -> Deadline:
    last = deadline.pauses[-1].model_copy(update={"ended_at": ended_at})
    return deadline.model_copy(update={"pauses": (*deadline.pauses[:-1], last)})


def _closed(deadline: Deadline, at: datetime, calendar: Calendar, *, withdrawn: bool) -> Deadline:
    """What stood still when it ended is late only if it was late before."""
    before = deadline.model_copy(update={"pauses": tuple(p for p in deadline.pauses if p.began_at < at)})
    stopped = _resumed(before, at)
    due = _due(stopped, calendar)
    result = "Late" if at >= due else "Withdrawn" if withdrawn else "OnTime"
    return stopped.model_copy(update={"due": due, "ended_at": at, "result": result})


def _at(deadline: Deadline, now: datetime, calendar: Calendar) -> Deadline:
    """As it is at this moment: when it is due, and what has to be said of it by now."""
    if deadline.ended_at is not None:
        return deadline.model_copy(update={"told": "Missed"}) if deadline.result == "Late" else deadline
    if deadline.pauses and deadline.pauses[-1].ended_at is None:
        return deadline.model_copy(update={"due": None})
    due = _due(deadline, calendar)
    passed = "Missed" if now >= due else "Approaching" if now >= _warned_from(deadline, due) else None
    told = deadline.told if passed is None or deadline.told == "Missed" else passed
    return deadline.model_copy(update={"due": due, "told": told})


def _due(deadline: Deadline, calendar: Calendar) -> datetime:
    if deadline.months is not None:
        return months_after(deadline.started_at, deadline.months)
    stops = [Span(pause.began_at, pause.ended_at) for pause in deadline.pauses if pause.ended_at is not None]
    return calendar.deadline(deadline.started_at, deadline.working_days, stops)


def _warned_from(deadline: Deadline, due: datetime) -> datetime:
    if deadline.months is not None:
        return due - MONTHS_ARE_WARNED_OF
    return beginning_of(official_day(due - _INSTANT)).astimezone(due.tzinfo)


def _moments(deadline: Deadline) -> Iterator[datetime]:
    if deadline.ended_at is None and deadline.due is not None:
        if deadline.told is None:
            yield _warned_from(deadline, deadline.due)
        elif deadline.told == "Approaching":
            yield deadline.due


def _is_history(facts: Facts, deadline: Deadline) -> bool:
    """Ended, and of a plan that others came after: the audit log remembers it. There is one evaluation, and it is not asked for again."""
    if deadline.step == EVALUATION:
        return False
    under_way = facts.progress.operation is not None and facts.progress.operation.plan == deadline.plan
    return deadline.ended_at is not None and not under_way and any(number > deadline.plan for number in facts.plans)


# What is said


def _identity(deadline: Deadline) -> tuple[int, str, datetime]:
    return deadline.plan, deadline.step, deadline.started_at


def _news_of(before: Deadline | None, now: Deadline) -> Iterator[News]:
    if now.told is not None and (before is None or before.told != now.told):
        yield News(now.told, now)
    if now.result is not None and (before is None or before.result is None):
        yield News(now.result, now)
