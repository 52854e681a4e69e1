"""What came of an action, and what that changes in the progress of a request. Pure: the reconciler hands in the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from govcloud.api.progress import (
    Drift,
    Failure,
    Operation,
    Progress,
    RestorationRecord,
    RestoredVolume,
    TerminationRecord,
    TrialRecord,
    VolumeState,
)
from govcloud.core import actions as act
from govcloud.core.deadlines import deadlines_after
from govcloud.core.drift import drift_after
from govcloud.core.facts import TRIAL_END_PLAN, Facts
from govcloud.core.operation import TRIAL_END
from govcloud.core.plan import Plan
from govcloud.core.proof import VerifiedBackup
from govcloud.core.reminders import reminded_trial
from govcloud.core.waiving import WaivedDestruction
from govcloud.reasons import Reason


@dataclass(frozen=True)
class Fault:
    """Why an action did not succeed: `Retry` or `Stop`, as the adapter sorted it."""

    kind: Literal["Retry", "Stop"]
    reason: Reason
    message: str
    after: timedelta | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an action. `operations` counts what the engine did, from its own event stream."""

    fault: Fault | None = None
    operations: Mapping[str, int] = field(default_factory=dict)


SLOW = timedelta(minutes=5)
"""How often something that someone must change is looked at again."""


def backoff(count: int) -> timedelta:
    """How long to wait after the `count`-th failure in a row: 2 s, 4 s, 8 s ... at most 5 minutes."""
    return min(timedelta(seconds=2 ** min(count, 9)), SLOW)


def progress_after(facts: Facts, action: act.Action, outcome: Outcome) -> Progress:
    """The progress that the status will show."""
    came_of_it = _moved_on(facts, action, outcome)
    return _with(
        came_of_it,
        deadlines=deadlines_after(facts, action, came_of_it),
        trial=reminded_trial(facts, came_of_it),
        drift=drift_after(facts, came_of_it),
    )


def _moved_on(facts: Facts, action: act.Action, outcome: Outcome) -> Progress:
    """What came of the action. A failure changes nothing but the record of the failure."""
    before = _with(facts.progress, last_plan=max(facts.progress.last_plan, *facts.plans, 0))  # a crash may have kept it from being noted
    if outcome.fault is not None:
        return _with(before, failure=failure_after(before.failure, outcome.fault, facts.now))
    match action:
        case act.Freeze(plan):
            # What keeps an operation from going on is not mended by a plan that may take its place.
            return _with(before, last_plan=plan.number, failure=before.failure if before.operation else None)
        case act.Reject(plan):
            return _with(before, rejected_plan=plan.number)
        case act.Reserve() | act.SettleReservation():
            # As with a new plan: what keeps an operation from going on is not mended by money.
            return _with(before, failure=before.failure if before.operation else None)
        case act.Begin():
            return _begun(before, action, facts.now)
        case act.TryAgain():
            return _with(before, failure=before.failure and before.failure.model_copy(update={"retry_at": None}))
        case act.BeginTrialEnd():
            operation = Operation(plan=TRIAL_END_PLAN, transition=TRIAL_END, started_at=facts.now)
            return _with(before, operation=operation, failure=None)
        case act.EnsureUnit(step, _, hold):
            return _with(_done(before, step), allocated=dict(vars(hold)))
        case act.Deploy("freeze", running=False) if _is_restoring(before):
            # They are meant to be on as before: only for the length of the restore they are not.
            return _with(_done(before, "freeze"), running_since=facts.now if before.running else None)
        case act.Deploy(step, running=running):
            return _with(_ended(_done(before, step), step, facts.now), **_power(before, running, facts.now))
        case act.BeginRebuild():
            return _with(before, rebuilding=True, failure=None)
        case act.RebuildState():
            return _with(before, rebuilding=False, failure=None)
        case act.WriteCredentials(step, plan):
            return _with(_done(before, step), credentials_plan=None if plan.transition == "Terminate" else plan.number)
        case act.OpenBackup(name):
            return _with_backup(before, name)
        case act.TakeBackup(backup) | act.StoreManifest(backup):
            return _with(_with_backup(before, backup.name), failure=None)
        case act.ClearBackup():
            return _with(before, failure=None)
        case act.FinishStep("backup", proof, waived):
            return _backed_up(_ended(_done(before, "backup"), "backup", facts.now), proof, waived)
        case act.CopyBack(_, volume):
            return _with_volume(before, volume.resource, "Copied")
        case act.ProveCopy(_, volume):
            return _with_volume(before, volume.resource, "Proven")
        case act.HandOver(volume=volume):
            return _with_volume(before, volume.resource, "HandedOver")
        case act.ClearCopies(step):
            return _done(before, step)
        case act.FinishStep(step) | act.LookAgain(step) | act.Destroy(step) | act.ProveAbsence(step):
            return _ended(_done(before, step), step, facts.now)
        case act.Complete(plan):
            return _completed(facts, plan)
        case act.Rest() | act.Refuse() | act.Block() | act.Await() if before.operation is None:
            return _with(before, failure=None)  # what failed is not wanted any more
        case _:
            return before


def _with(progress: Progress, **changes: Any) -> Progress:
    return progress.model_copy(update=changes)


def _power(before: Progress, running: bool, now: datetime) -> dict[str, Any]:
    """Whether the servers are on, and since when without a stop."""
    since = (before.running_since if before.running else None) or now
    return {"running": running, "running_since": since if running else None}


def _done(progress: Progress, step: str) -> Progress:
    """The step is finished, and so is whatever failed in it."""
    operation = progress.operation
    if operation is None:
        return progress
    return _with(progress, operation=operation.model_copy(update={"done": (*operation.done, step)}), failure=None)


def _with_termination(progress: Progress, **changes: Any) -> Progress:
    record = progress.termination or TerminationRecord()
    return _with(progress, termination=record.model_copy(update=changes))


def _backed_up(progress: Progress, proof: VerifiedBackup | None, waived: WaivedDestruction | None) -> Progress:
    """Which backup is the proof, and what the unit gave up without one."""
    if _is_restoring(progress):
        return _with_backup(progress, proof.backup) if proof else progress
    return _with_termination(progress, backup=proof.backup if proof else None, waived=waived.records() if waived else ())


def _with_backup(progress: Progress, name: str) -> Progress:
    """The set that the operation makes of what it is going to do away with."""
    if _is_restoring(progress) and (record := progress.restoration):
        return _with(progress, restoration=record.model_copy(update={"safeguard": name}))
    return _with_termination(progress, backup=name)


def _is_restoring(progress: Progress) -> bool:
    return progress.operation is not None and progress.operation.transition == "Restore"


def _with_volume(progress: Progress, resource: str, state: VolumeState) -> Progress:
    """One volume of the restore has come further, and what failed before it is over."""
    if (record := progress.restoration) is None:
        return progress
    others = tuple(volume for volume in record.volumes if volume.resource != resource)
    volumes = (*others, RestoredVolume(resource=resource, state=state))
    return _with(progress, restoration=record.model_copy(update={"volumes": volumes}), failure=None)


def _ended(progress: Progress, step: str, now: datetime) -> Progress:
    """What the steps of a termination leave behind as evidence."""
    if _is_restoring(progress):
        return progress
    match step:
        case "freeze":
            return _with_termination(progress, quiesced_at=now)
        case "backup":
            return _with_termination(progress, backup_verified_at=now)
        case "destroy":
            # The API said that it is deleted; nobody here can see the medium. Never claim more than that.
            return _with_termination(progress, destroyed_at=now, sanitisation="api-deleted")
        case "absence":
            return _with_termination(progress, absence_proved_at=now)
        case _:
            return progress


def _begun(before: Progress, action: act.Begin, now: datetime) -> Progress:
    operation = Operation(
        plan=action.plan.number,
        transition=action.plan.transition,
        started_at=now,
        approvals=tuple(verdict.approval.uid for verdict in action.standing.approved),
    )
    restore = action.plan.restore
    record = RestorationRecord(plan=action.plan.number, backup=restore.backup, reason=restore.reason) if restore else before.restoration
    # Nothing of a termination that was taken back counts for another one.
    ending = before.termination if operation.transition == "Terminate" else None
    return _with(before, operation=operation, allocated=dict(vars(action.hold)), restoration=record, termination=ending, failure=None)


def _drift_left(before: Progress, plan: Plan) -> tuple[Drift, ...] | None:
    """What still differs, as far as is known, when a plan has put some of it back."""
    put_back = {each.resource for each in plan.repairs}
    return before.drift and tuple(each for each in before.drift if each.resource not in put_back)


def _completed(facts: Facts, plan: Plan | None) -> Progress:
    before, now = facts.progress, facts.now
    ended = _with(before, operation=None, failure=None)
    if plan is None:
        trial = before.trial
        expired = trial.model_copy(update={"expired_at": now}) if trial else None
        return _with(ended, trial=expired, suspended_since=before.suspended_since or now)
    done = _with(ended, completed_plan=plan.number, allocated=dict(vars(plan.needed_quota())), drift=_drift_left(before, plan))
    suspended = before.suspended_since if plan.wanted().suspended else None
    match plan.transition:
        case "Provision" if plan.stage == "Trial":
            return _with(done, trial=TrialRecord(started_at=now, ends_at=now + plan.trial_length()))
        case "Provision":
            return _with(done, production_since=now)
        case "Promote":
            return _with(done, production_since=now, suspended_since=suspended)
        case "ExtendTrial":
            return _with(done, trial=_extended(facts, plan), suspended_since=suspended)
        case "Suspend":
            return _with(done, suspended_since=now)
        case "Resume":
            return _with(done, suspended_since=None)
        case "Restore":
            record = before.restoration
            return _with(done, restoration=record and record.model_copy(update={"ended_at": now}))
        case "Terminate":
            return _with(done, terminated_at=now)
        case _:
            return done


def _extended(facts: Facts, plan: Plan) -> TrialRecord | None:
    """The days that were added count from the old end, or from now where the trial had ended already."""
    trial, before = facts.progress.trial, facts.completed
    if trial is None or before is None:
        return trial
    added = timedelta(days=plan.values.extension_days - before.values.extension_days)
    start = max(trial.ends_at, facts.now) if trial.expired_at else trial.ends_at
    return TrialRecord(started_at=trial.started_at, ends_at=start + added)


def failure_after(before: Failure | None, fault: Fault, now: datetime) -> Failure:
    """The record of a failure, after that of the last one, and when the next attempt comes."""
    again = before is not None and before.reason == fault.reason
    count = before.count + 1 if before and again else 1
    wait = SLOW if fault.kind == "Stop" else fault.after or backoff(count)
    return Failure(kind=fault.kind, reason=fault.reason, message=fault.message[:2000], count=count, retry_at=now + wait)
