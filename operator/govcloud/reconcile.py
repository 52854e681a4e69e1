"""One pass over one request: observe, decide, record, perform, record, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from govcloud.api.approval import ApprovalStatus
from govcloud.api.common import Condition, as_written
from govcloud.api.deadline import Deadline
from govcloud.api.progress import Progress
from govcloud.api.request_status import RequestStatus
from govcloud.audit.records import Entry
from govcloud.carrying_out import Executor
from govcloud.core import actions as act
from govcloud.core import evidence, punctuality
from govcloud.core.accounts import AccountRef
from govcloud.core.backup_sets import is_verified
from govcloud.core.deadline_news import News, news
from govcloud.core.deadline_words import REASONS, announcement, trial_ending
from govcloud.core.decide import decide
from govcloud.core.drift import as_told, new_drift
from govcloud.core.facts import Facts
from govcloud.core.guard import Admission
from govcloud.core.notices import Outbox, outbox, with_notice
from govcloud.core.outcome import Fault, Outcome, progress_after
from govcloud.core.regular_backups import next_step
from govcloud.core.reminders import reminder
from govcloud.core.report import report
from govcloud.core.report.backups import last_ended
from govcloud.core.reserving import short_of
from govcloud.core.standing import Verdict
from govcloud.core.waking import look_again_at
from govcloud.failures import Retry
from govcloud.looks import Looks
from govcloud.observe import look_at_admission, observe
from govcloud.performing import Performer
from govcloud.ports import Ports
from govcloud.reasons import Reason

_TOLD_BY_THE_NEXT_PASS = act.AddFinalizer | act.RemoveFinalizer | act.Reserve | act.SettleReservation
"""They prepare or end something else, which comes at once and is told then."""


@dataclass(frozen=True)
class Pass:
    """What a pass did, and when the next one should come: at once, after a while, or (None) when something happens."""

    action: str
    again_after: timedelta | None
    fault: Fault | None = None
    jurisdiction: str = ""
    deadlines: tuple[Deadline, ...] = ()
    news: tuple[News, ...] = ()
    """What was found out about deadlines in this pass, and not before."""
    outbox: Outbox | None = None
    """What receivers of notifications are to be told; it stands in the status already."""
    short_of: tuple[AccountRef, ...] = ()
    """Accounts that hold too little money for what is asked for."""
    backup_is_due: bool = False
    """Whether there is something to do for the request's regular backups."""
    backup_failed: bool = False
    """Whether the newest regular backup that ended was not verified."""

    @property
    def rested(self) -> bool:
        """Whether there was nothing to do, so that the next pass probably finds nothing either."""
        return self.fault is None and self.again_after != timedelta(0)


@dataclass
class Reconciler:
    """Brings requests closer to what was approved, one action a pass. Safe to use from several threads, one request in each."""

    ports: Ports
    monotonic: Callable[[], float] = time.monotonic
    admission: Admission | None = None
    """As the last look found it; none while what was found is not written down."""
    _remembering: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._executor = Executor(self.ports.audit, Performer(self.ports), self.monotonic)
        self._looks = Looks(lambda: look_at_admission(self.ports.cluster))

    def reconcile(self, namespace: str, name: str, *, glance: bool = False, has_turn: Callable[[], bool] = lambda: True) -> Pass:
        """One pass.

        Args:
            glance: while nothing has to be done, decisions and policies need not be read anew for this request. Only for callers that tell every
                change of them by `decisions_changed`.
            has_turn: asked before what takes long. Where it says no, nothing is done in this pass.

        Raises:
            AuditUnavailable: nothing can be recorded, so nothing was done.
            Retry: the cluster did not answer, or somebody changed the object meanwhile.
        """
        decided = self._glanced(namespace, name) if glance else None
        decided = decided or self._decided(namespace, name)
        if decided is None:
            return Pass("gone", None)
        facts, action = decided
        if isinstance(action, act.AtLength) and not has_turn():
            return _pass(facts, "WaitForTurn", facts.progress, None)  # whoever gives the turns wakes it up
        self._note_an_altered_status(facts)
        self._note_the_end_of_a_pause(facts)
        outcome = self._carry_out(facts, action)
        progress = progress_after(facts, action, outcome)
        # A finalizer that was changed made the object another version: the next pass tells.
        is_told = outcome.fault is not None or not isinstance(action, _TOLD_BY_THE_NEXT_PASS)
        status = self._tell(facts, action, outcome, progress) if is_told else None
        return replace(
            _pass(facts, type(action).__name__, progress, _again(facts, action, outcome, progress)),
            fault=outcome.fault,
            news=news(facts.progress, progress) if is_told else (),
            outbox=outbox(facts, status) if status else None,
            short_of=short_of(facts, action, outcome.fault.reason if outcome.fault else None),
        )

    def watch_admission(self) -> None:
        """Look at the policies where no request is worked on, so that it is known from the start whether decisions are guarded.

        Raises:
            AuditUnavailable, Retry: as `reconcile` does.
        """
        self._remember(self._looks.fresh())

    def decisions_changed(self) -> None:
        """A decision, a policy or a binding changed: nobody goes by an earlier look any more."""
        self._looks.forget()

    def _glanced(self, namespace: str, name: str) -> tuple[Facts, act.Action] | None:
        """That nothing has to be done may be learned from a look that another pass took; None where there is none, or something has to."""
        recent = self._looks.recent()
        facts = observe(self.ports, namespace, name, lambda: recent) if recent else None
        if facts is None:
            return None
        facts = self._seeing_forgeries(facts)
        action = decide(facts)
        return (facts, action) if isinstance(action, act.Idle) else None

    def _decided(self, namespace: str, name: str) -> tuple[Facts, act.Action] | None:
        """What has to be done is decided by a look of its own. None where the request is gone."""
        facts = observe(self.ports, namespace, name, self._looks.fresh)
        if facts is None:
            return None
        self._remember(facts.admission)
        facts = self._seeing_forgeries(facts)
        return facts, decide(facts)

    def _seeing_forgeries(self, facts: Facts) -> Facts:
        """A plan that could be carried out, and that somebody else may have pinned, is damaged unless the log knows it."""
        doubted = (plan for plan in (facts.pending, facts.started) if plan is not None and facts.may_be_forged(plan))
        forged = frozenset(plan.number for plan in doubted if not self.ports.frozen.knows(plan))
        return replace(facts, damaged=facts.damaged | forged) if forged else facts

    # Recording

    def _remember(self, admission: Admission) -> None:
        """What a look at the policies told is durable before anything is decided by it."""
        with self._remembering:  # of two that found the same news at once, one tells it
            if admission.guard != admission.remembered:
                self._remember_news(admission)
            self.admission = admission

    def _remember_news(self, admission: Admission) -> None:
        if self.ports.cluster.guard() != admission.remembered:
            raise Retry(Reason.CONFLICT, "the admission policies were looked at meanwhile; looking again")
        self.admission = None  # until it is durable, nobody knows it
        if (told := evidence.guarded(admission)) is not None:
            self.ports.audit.append(told)
        self.ports.cluster.remember_guard(admission.guard, admission.remembered)

    def _note_an_altered_status(self, facts: Facts) -> None:
        """Before the pass writes over it. What is decided rests on what this controller wrote last in any case."""
        if (otherwise := facts.request.otherwise) is not None and otherwise.altered:
            self.ports.audit.append(evidence.altered(facts, otherwise.altered))
            self.ports.cluster.emit_event(facts.request, Reason.STATUS_ALTERED, evidence.told_of(otherwise.altered)[:900], warning=True)

    def _note_the_end_of_a_pause(self, facts: Facts) -> None:
        """Before anything is done again. A pass that leaves the status as it was has it written twice: it says the same."""
        stall = _stall(facts.told.conditions)
        if facts.pause is None and stall is not None and stall[0] == Reason.PAUSED:
            self.ports.audit.append(evidence.resumed(facts, stall[1]))

    def _carry_out(self, facts: Facts, action: act.Action) -> Outcome:
        """Perform an action between its two records. Idle actions have no effect and no pair of records."""
        if isinstance(action, act.Idle):
            return Outcome()
        return self._executor.carry_out(facts, action, lambda outcome: _further(facts, action, outcome))

    # Telling

    def _tell(self, facts: Facts, action: act.Action, outcome: Outcome, progress: Progress) -> RequestStatus:
        """Status, labels, approvals' statuses, Events; the log hears of a refusal once, when it is new."""
        before = facts.told
        told = report(facts, action, outcome, progress)
        new_stall = _stall(told.status.conditions) not in (None, _stall(before.conditions))
        if new_stall and isinstance(action, act.Refuse | act.Block):
            self.ports.audit.append(evidence.refusal(facts, action))
        for verdict in told.verdicts:
            self._tell_approval(facts, verdict)
        self._tell_of_time(facts, progress)
        self._tell_of_drift(facts, progress)
        status = with_notice(told.status, facts)
        self.ports.cluster.write_request_status(facts.request, as_written(status), told.labels)
        if new_stall and (stall := _stall(told.status.conditions)):
            self.ports.cluster.emit_event(facts.request, stall[0], stall[1][:900], warning=True)
        elif told.status.phase != before.phase:
            self.ports.cluster.emit_event(
                facts.request, told.status.phase, told.status.next_action.en if told.status.next_action else ""
            )
        return status

    def _tell_of_time(self, facts: Facts, progress: Progress) -> None:
        """Deadlines and the trial's end. Before the status notes that it was told: after a crash it is told again, in the same words."""
        for told in news(facts.progress, progress):
            self.ports.audit.append(punctuality.entry(facts, told))
            if told.said in REASONS:
                late = told.said == "Missed"
                self.ports.cluster.emit_event(facts.request, REASONS[told.said], announcement(told), warning=late)
        if (trial := reminder(facts.progress, progress)) is not None:
            self.ports.cluster.emit_event(facts.request, Reason.TRIAL_ENDING, trial_ending(trial, facts.now), warning=True)

    def _tell_of_drift(self, facts: Facts, progress: Progress) -> None:
        """Before the status notes it, like deadlines."""
        if (told := new_drift(facts.progress, progress)) is not None:
            self.ports.audit.append(evidence.drifted(facts, told))
            reason = Reason.DRIFT_FOUND if told else Reason.NO_DRIFT
            self.ports.cluster.emit_event(facts.request, reason, as_told(told)[:900], warning=bool(told))

    def _tell_approval(self, facts: Facts, verdict: Verdict) -> None:
        old = verdict.approval.status.conditions if verdict.approval.status else ()
        if old and (old[0].status == "True", old[0].reason) == (verdict.counts, str(verdict.reason)):
            return
        accepted = Condition(
            type="Accepted",
            status="True" if verdict.counts else "False",
            reason=verdict.reason,
            message=verdict.message,
            last_transition_time=facts.now,
        )
        self.ports.audit.append(evidence.judged(facts, verdict))
        self.ports.cluster.write_approval_status(verdict.approval, ApprovalStatus(conditions=(accepted,)))


def _pass(facts: Facts, action: str, progress: Progress, again_after: timedelta | None) -> Pass:
    """What is known after every pass, whatever it did."""
    return Pass(
        action=action,
        again_after=again_after,
        jurisdiction=facts.jurisdiction.name if facts.jurisdiction else "",
        deadlines=progress.deadlines,
        backup_is_due=next_step(facts) is not None,
        backup_failed=(ended := last_ended(facts)) is not None and not is_verified(ended),
    )


def _further(facts: Facts, action: act.Action, outcome: Outcome) -> tuple[Entry, ...]:
    """What else is recorded together with an outcome, or not at all: what the ledger hears of a completed plan, what an approved one gives up."""
    match action:
        case act.Complete(plan) if outcome.fault is None and plan is not None:
            return tuple(evidence.metered(facts, plan))
        case act.Begin() if outcome.fault is None:
            return tuple(evidence.waived(facts, action))
    return ()


def _again(facts: Facts, action: act.Action, outcome: Outcome, progress: Progress) -> timedelta | None:
    """When to look again if nothing happens."""
    if outcome.fault is None and not isinstance(action, act.Idle):
        return timedelta(0)
    moments = [moment for moment in (_until(action, outcome, progress), look_again_at(facts, progress)) if moment is not None]
    return max(min(moments) - facts.now, timedelta(0)) if moments else None


def _until(action: act.Action, outcome: Outcome, progress: Progress) -> datetime | None:
    """When what was decided has to be decided anew, whatever else happens."""
    if outcome.fault is not None:
        return progress.failure.retry_at if progress.failure else None
    match action:
        case act.Rest(until) | act.Backoff(until) | act.WaitForBackup(_, until):
            return until
        case act.Await(_, standing, opens_at):
            return opens_at or standing.expires_at
    return None


def _stall(conditions: tuple[Condition, ...]) -> tuple[str, str] | None:
    found = next((c for c in conditions if c.type == "Stalled" and c.status == "True"), None)
    return (found.reason, found.message) if found else None
