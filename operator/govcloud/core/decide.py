"""The one action that brings a request closer to what was approved."""

from __future__ import annotations

from datetime import datetime

from govcloud.core.actions import (
    Action,
    AddFinalizer,
    Await,
    Begin,
    BeginTrialEnd,
    Block,
    Freeze,
    Refuse,
    Reject,
    RemoveFinalizer,
    Rest,
)
from govcloud.core.approvals import standing
from govcloud.core.facts import Facts
from govcloud.core.operation import continue_operation, quota_while_changing
from govcloud.core.plan import Plan
from govcloud.core.planning import make_plan, transition_and_violations
from govcloud.reasons import Reason


def decide(facts: Facts) -> Action:
    """Choose the next action. Pure; deciding twice gives the same action; every action but an idle one changes the facts."""
    if facts.admission_fault is not None:
        return Block(Reason.ADMISSION_POLICY_MISSING, facts.admission_fault)
    if facts.progress.terminated_at is not None:
        return RemoveFinalizer() if facts.request.has_finalizer else Rest()
    if facts.damaged:
        numbers = ", ".join(str(number) for number in sorted(facts.damaged))
        return Block(
            Reason.PLAN_DAMAGED,
            f"pinned plan {numbers} cannot be read or does not match; restore its ControllerRevision",
        )
    if facts.progress.operation is not None and not _is_given_up(facts):
        return continue_operation(facts)
    if facts.request.deleting:
        return _when_deleted(facts)
    if (running := facts.completed) is not None and _trial_is_over(facts):
        return BeginTrialEnd(running)
    return _towards_the_spec(facts)


def wake_at(facts: Facts) -> datetime | None:
    """When time alone will change the facts: the end of the trial."""
    trial = facts.progress.trial
    return trial.ends_at if trial and trial.expired_at is None and facts.progress.production_since is None else None


def _when_deleted(facts: Facts) -> Action:
    """Admission refuses to delete a live request; whoever got past it still loses nothing."""
    if not facts.request.has_finalizer:
        return Rest()
    if facts.completed is None and not facts.resources:
        return RemoveFinalizer()
    return Block(
        Reason.DELETION_BLOCKED,
        "the request was deleted while its resources exist; they are kept. Its manifest cannot be edited any more towards termination: "
        "let operations release it after the data was handed over [JJ 19]",
    )


def _trial_is_over(facts: Facts) -> bool:
    end = wake_at(facts)
    return end is not None and end <= facts.now


def _is_given_up(facts: Facts) -> bool:
    """A transition that needs someone to change something, and whose spec was changed since: another plan may take its place."""
    failure, started, spec = facts.progress.failure, facts.started, facts.spec
    if (
        failure is None
        or failure.kind != "Stop"
        or started is None
        or spec is None
        or started.transition == "Terminate"
    ):
        return False
    return started.generation != facts.request.generation


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
    stand = standing(plan, facts.approvals, facts.now, older)
    if stand.rejected is not None:
        return (
            Reject(plan, stand, stand.rejected) if facts.progress.rejected_plan != plan.number else Rest(wake_at(facts))
        )
    if not stand.complete:
        return Await(plan, stand)
    if not facts.request.has_finalizer:
        return AddFinalizer()
    return Begin(plan, stand, quota_while_changing(facts, plan))
