"""The conditions of a request, each computed from what is, none from another one."""

from __future__ import annotations

from typing import Literal

from govcloud.api.common import Condition
from govcloud.api.progress import TerminationRecord
from govcloud.api.request_status import RequestStatus
from govcloud.core import actions as act
from govcloud.core.backup_sets import is_verified
from govcloud.core.deadline_words import overdue, weekends_only
from govcloud.core.deadlines import unknown_years
from govcloud.core.drift import as_told
from govcloud.core.report.backups import last_ended
from govcloud.core.report.next_action import next_action
from govcloud.core.report.view import View
from govcloud.core.waiver_words import given_up
from govcloud.core.year_end import unpaid_since_the_year_ended
from govcloud.reasons import Reason

Truth = Literal["True", "False", "Unknown"]


def conditions(view: View, before: RequestStatus) -> tuple[Condition, ...]:
    """Every condition of the request, in the order in which people read them.

    Args:
        before: the status that the object has; a condition whose status is the same keeps its moment.
    """
    wanted: list[_Claim] = [
        _ready(view),
        _reconciling(view),
        _stalled(view),
        _approved(view),
        _provisioned(view),
        _change_pending(view),
    ]
    further = (_backed_up(view), _overdue(view), _calendar_known(view), _funded(view), _drifted(view))
    wanted.extend(claim for claim in further if claim)
    old = {condition.type: condition for condition in before.conditions}
    return tuple(_stamped(view, old.get(claim[0]), *claim) for claim in wanted)


_Claim = tuple[str, Truth, Reason, str]


def _stamped(view: View, old: Condition | None, kind: str, status: Truth, reason: Reason, message: str) -> Condition:
    """A condition that keeps the moment of its last change while its status stays the same."""
    since = old.last_transition_time if old and old.status == status else view.facts.now
    return Condition(type=kind, status=status, reason=reason, message=message[:4096], observed_generation=view.facts.request.generation,
                     last_transition_time=since)  # fmt: skip


def _ready(view: View) -> _Claim:
    """Describes the last completed plan: production stays Ready while a change waits."""
    progress = view.progress
    if progress.terminated_at:
        return "Ready", "True", Reason.TERMINATED, "the service has ended as asked; this object is its record"
    if progress.operation and progress.operation.transition == "Terminate":
        return "Ready", "False", Reason.TERMINATING, "the service is being ended"
    if progress.completed_plan is None:
        reason, message = view.stalled or (_waiting_reason(view), "nothing is provisioned yet")
        return "Ready", "False", reason, message
    if progress.trial and progress.trial.expired_at and not progress.running:
        return (
            "Ready",
            "False",
            Reason.TRIAL_EXPIRED,
            "the trial has ended and the servers are stopped; nothing is lost",
        )
    if progress.suspended_since:
        return "Ready", "True", Reason.SUSPENDED, "the servers are stopped as asked; everything is kept"
    if progress.production_since:
        return (
            "Ready",
            "True",
            Reason.IN_PRODUCTION,
            f"in production since {progress.production_since:%Y-%m-%dT%H:%M:%SZ}",
        )
    return "Ready", "True", Reason.IN_TRIAL, "the trial runs"


def _waiting_reason(view: View) -> Reason:
    if view.progress.operation:
        return Reason.PROVISIONING
    if view.rejected:
        return Reason.REJECTED
    return Reason.AWAITING_APPROVAL if isinstance(view.action, act.Await) else Reason.PLANNING


def _reconciling(view: View) -> _Claim:
    """True means: the controller will come back by itself."""
    if view.stalled is None:
        if isinstance(view.action, act.WaitForBackup):
            return "Reconciling", "True", Reason.BACKUP_RUNNING, next_action(view).en
        if isinstance(view.action, act.Await):
            reason = Reason.ADMISSION_SETTLING if view.action.opens_at else Reason.AWAITING_APPROVAL
            return "Reconciling", "True", reason, next_action(view).en
        if (failure := view.progress.failure) is not None:
            return (
                "Reconciling",
                "True",
                Reason(failure.reason),
                f"{failure.message} (attempt {failure.count}; tried again by itself)",
            )
        if view.progress.operation is not None or isinstance(view.action, act.Note):
            return "Reconciling", "True", _busy_reason(view), next_action(view).en
    return "Reconciling", "False", Reason.NOTHING_TO_DO if view.stalled is None else view.stalled[0], ""


def _busy_reason(view: View) -> Reason:
    operation = view.progress.operation
    if operation is None:
        return Reason.PLANNING
    return Reason.TERMINATING if operation.transition == "Terminate" else Reason.PROVISIONING


def _stalled(view: View) -> _Claim:
    if view.stalled is None:
        return "Stalled", "False", Reason.NOTHING_TO_DO, ""
    return "Stalled", "True", *view.stalled


def _approved(view: View) -> _Claim:
    if isinstance(view.action, act.Await):
        names = ", ".join(step.step for step in view.action.standing.missing)
        return "Approved", "False", Reason.AWAITING_APPROVAL, f"plan {view.action.plan.number} waits for: {names}"
    if view.rejected or isinstance(view.action, act.Reject):
        who = view.action.verdict.approval if isinstance(view.action, act.Reject) else None
        return (
            "Approved",
            "False",
            Reason.REJECTED,
            f"rejected by {who.spec.office}: {who.spec.comment}" if who else "the plan was rejected",
        )
    operation = view.progress.operation
    if operation and operation.plan:
        return "Approved", "True", Reason.APPROVED, f"every step of plan {operation.plan} is approved"
    if view.progress.completed_plan is not None:
        return "Approved", "True", Reason.APPROVED, f"plan {view.progress.completed_plan} was approved and carried out"
    return "Approved", "False", Reason.PLANNING, "there is no plan yet"


def _provisioned(view: View) -> _Claim:
    if view.progress.terminated_at:
        lost = given_up(view.progress.termination)
        return "Provisioned", "False", Reason.TERMINATED, f"everything was destroyed after a proven backup{f', but what was {lost.en}' if lost else ''}"
    if view.progress.completed_plan is not None:
        return "Provisioned", "True", Reason.APPROVED, f"as in plan {view.progress.completed_plan}"
    return "Provisioned", "False", _waiting_reason(view), ""


def _change_pending(view: View) -> _Claim:
    if view.progress.completed_plan is not None and isinstance(view.action, act.Await):
        return (
            "ChangePending",
            "True",
            Reason.AWAITING_APPROVAL,
            f"plan {view.action.plan.number} ({view.action.plan.transition}) waits",
        )
    return "ChangePending", "False", Reason.NOTHING_TO_DO, ""


def _backed_up(view: View) -> _Claim | None:
    record = view.progress.termination
    if record is None:
        return _backed_up_regularly(view)
    if record.backup_verified_at:
        return (
            "BackedUp",
            "True",
            Reason.BACKUP_VERIFIED,
            _proven(record),
        )
    return (
        "BackedUp",
        "False",
        Reason.BACKUP_RUNNING,
        f"backing up into {record.backup or 'the backup project'} and proving it",
    )


def _proven(record: TerminationRecord) -> str:
    told = [f"every part of {record.backup} was restored and equals its source"] if record.backup else []
    lost = given_up(record)
    return "; ".join([*told, *([lost.en] if lost else [])]) or "nothing held data"


def _backed_up_regularly(view: View) -> _Claim | None:
    """There once a regular backup has ended."""
    ended = last_ended(view.facts)
    if ended is None or view.progress.terminated_at is not None:
        return None
    begun = f"the regular backup {ended.name}, begun {ended.spec.frozen_at:%Y-%m-%dT%H:%M:%SZ},"
    if is_verified(ended):
        return "BackedUp", "True", Reason.BACKUP_VERIFIED, f"{begun} was restored and equals what was backed up"
    failure = ended.status.failure
    reason = Reason(failure.reason) if failure else Reason.PROGRAM_FAULT
    return "BackedUp", "False", reason, f"{begun} was given up: {failure.message if failure else ''}; the next one comes at its own time"


def _overdue(view: View) -> _Claim | None:
    """There while a legal clock runs."""
    deadline = view.deadline
    if deadline is None or deadline.due is None:
        return None
    if view.facts.now >= deadline.due:
        return "Overdue", "True", Reason.DEADLINE_MISSED, overdue(deadline)
    reason = Reason.DEADLINE_APPROACHING if deadline.told else Reason.DEADLINE_RUNNING
    return "Overdue", "False", reason, overdue(deadline)


def _calendar_known(view: View) -> _Claim | None:
    """There while a deadline had to be counted without knowing all holidays."""
    years, jurisdiction = unknown_years(view.facts, view.progress), view.facts.jurisdiction
    if not years or jurisdiction is None:
        return None
    return "CalendarKnown", "False", Reason.CALENDAR_UNKNOWN, weekends_only(years, jurisdiction.name)


def _funded(view: View) -> _Claim | None:
    """There once the year has ended whose annual plan pays for what runs."""
    told = unpaid_since_the_year_ended(view.facts, view.progress)
    return ("Funded", "False", Reason.YEAR_ENDED, told.en) if told else None


def _drifted(view: View) -> _Claim | None:
    """There from the first look on."""
    drift = view.progress.drift
    if drift is None:
        return None
    reason = Reason.DRIFT_FOUND if drift else Reason.NO_DRIFT
    return "Drifted", "True" if drift else "False", reason, as_told(drift) if drift else ""
