"""The one action that brings a request closer to what was approved."""

from __future__ import annotations

from datetime import datetime

from govcloud.api.progress import Failure
from govcloud.core.actions import (
    Action,
    AddFinalizer,
    Await,
    Backoff,
    Begin,
    BeginTrialEnd,
    Block,
    Freeze,
    Idle,
    Refuse,
    Reject,
    RemoveFinalizer,
    Rest,
)
from govcloud.core.approvals import standing
from govcloud.core.ending_steps import is_withdrawn
from govcloud.core.facts import Facts
from govcloud.core.lost_state import rebuild_state
from govcloud.core.objects import PauseObject
from govcloud.core.operation import continue_operation, quota_while_changing
from govcloud.core.plan import Plan
from govcloud.core.planning import make_plan, transition_and_violations
from govcloud.core.reserving import reservation_for, settlement
from govcloud.core.restore_steps import cannot_be_proven, is_past_return
from govcloud.core.steps import article_of
from govcloud.core.waivers import waives_what_failed
from govcloud.reasons import Reason

PERSISTENT = 8
"""From so many failures of one kind in a row on (about ten minutes), waiting alone is not expected to help."""


def decide(facts: Facts) -> Action:
    """Choose the next action. Pure; deciding twice gives the same action; every action but an idle one changes the facts."""
    if facts.admission.fault is not None:
        return Block(Reason.ADMISSION_POLICY_MISSING, facts.admission.fault)
    if facts.pause is not None:
        return Block(Reason.PAUSED, _ordered(facts.pause))
    if facts.progress.terminated_at is not None:
        ended = RemoveFinalizer() if facts.request.has_finalizer else Rest()
        return _not_too_soon(facts, _settled_first(facts, ended))
    if lost := facts.damaged | facts.missing_plans:
        numbers = ", ".join(str(number) for number in sorted(lost))
        return Block(
            Reason.PLAN_DAMAGED,
            f"pinned plan {numbers} is gone, cannot be read, does not match, or was not frozen by this controller; restore its ControllerRevision",
        )
    if facts.unreadable is not None:
        return Block(*facts.unreadable)
    if facts.state_is_lost:
        return _not_too_soon(facts, rebuild_state(facts))
    if facts.progress.operation is not None:
        return _towards_the_spec(facts) if _is_given_up(facts) else continue_operation(facts)
    return _not_too_soon(facts, _settled_first(facts, _begin_something(facts)))


def _ordered(pause: PauseObject) -> str:
    what, spec = "this request" if pause.spec.request else "every request", pause.spec
    return f"{spec.by} paused {what} at {pause.created_at:%Y-%m-%dT%H:%M:%SZ}: {spec.reason} (until Pause {pause.name} is deleted)"


def _begin_something(facts: Facts) -> Action:
    """What comes next where nothing is under way."""
    if facts.request.deleting and not _asks_for_termination(facts):
        return _when_deleted(facts)
    if (running := facts.completed) is not None and _trial_is_over(facts):
        return BeginTrialEnd(running)
    return _towards_the_spec(facts)


def _settled_first(facts: Facts, action: Action) -> Action:
    """A request that rests, waits or goes has no more money set aside than it costs."""
    ends_here = isinstance(action, Rest | Await | Refuse | RemoveFinalizer)
    return (settlement(facts) if ends_here else None) or action


def _not_too_soon(facts: Facts, action: Action) -> Action:
    """What failed is not tried again before its time, whoever wakes the request up."""
    failure = facts.progress.failure
    if isinstance(action, Idle) or failure is None or failure.retry_at is None or failure.retry_at <= facts.now:
        return action
    return Backoff(failure.retry_at)


def wake_at(facts: Facts) -> datetime | None:
    """When time alone will change the facts: the end of the trial."""
    trial = facts.progress.trial
    return trial.ends_at if trial and trial.expired_at is None and facts.progress.production_since is None else None


def _when_deleted(facts: Facts) -> Action:
    """Admission refuses to delete a live request; whoever got past it still loses nothing."""
    if not facts.request.has_finalizer:
        return Rest()
    if facts.completed is None:
        return RemoveFinalizer()
    return Block(
        Reason.DELETION_BLOCKED,
        "the request was deleted while its resources exist; they are kept. Ask for termination (spec.stage: Terminated), so that "
        f"the data is backed up and handed over first{_by_article(facts)}",
    )


def _by_article(facts: Facts) -> str:
    article = article_of(facts.edition, "Terminate") if facts.edition else None
    return f" [{article}]" if article else ""


def _asks_for_termination(facts: Facts) -> bool:
    return facts.spec is not None and facts.spec.stage == "Terminated" and facts.completed is not None


def _trial_is_over(facts: Facts) -> bool:
    end = wake_at(facts)
    return end is not None and end <= facts.now


def _is_given_up(facts: Facts) -> bool:
    """A transition that does not get on, and whose spec was changed since: another plan may take its place.

    Not while an attempt at it is under way, or died: what that made is found again by the same plan only.
    """
    started = facts.started
    if started is None or facts.spec is None:
        return False
    if started.transition == "Terminate":
        return waives_what_failed(facts) or is_withdrawn(facts)
    if is_past_return(facts) or started.generation == facts.request.generation:
        return False
    return _is_stuck(facts.progress.failure) or cannot_be_proven(facts)


def _is_stuck(failure: Failure | None) -> bool:
    return failure is not None and failure.retry_at is not None and (failure.kind == "Stop" or failure.count >= PERSISTENT)


def _towards_the_spec(facts: Facts) -> Action:
    if facts.spec is None:
        return Refuse(facts.spec_faults)
    if facts.blocked is not None or facts.edition is None:
        return Block(*(facts.blocked or (Reason.PACK_MISSING, "no edition of the regulation pack is in force")))
    transition, violations = transition_and_violations(facts, facts.spec, facts.edition)
    if violations:
        return Refuse(violations)
    if transition is None:
        # An edit that was taken back does not undo what its operation has done already: that goes on.
        return continue_operation(facts) if facts.progress.operation else Rest(wake_at(facts))
    pending = facts.pending
    if pending is None:
        return Freeze(make_plan(facts, facts.spec, transition, facts.edition))
    return _towards_the_plan(facts, pending)


def _towards_the_plan(facts: Facts, plan: Plan) -> Action:
    older = frozenset(p.digest for p in facts.plans.values() if p.number < plan.number)
    stand = standing(plan, facts.approvals, facts.now, older, trust=facts.trust)
    if facts.progress.rejected_plan == plan.number:  # for good, whatever becomes of the decision that said so
        return Rest(wake_at(facts))
    if stand.rejected is not None:
        return Reject(plan, stand, stand.rejected)
    if not stand.complete:
        return Await(plan, stand, facts.decisions_count_from)
    if not facts.request.has_finalizer:
        return AddFinalizer()
    return reservation_for(facts, plan) or Begin(plan, stand, quota_while_changing(facts, plan))
