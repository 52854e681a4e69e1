"""Making the regular backups of all requests: a step at a time for each, several requests side by side, beside whatever the requests are doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from govcloud.audit.errors import AuditUnavailable
from govcloud.carrying_out import Executor
from govcloud.core import actions as act
from govcloud.core.backup_sets import differs, holds_helpers, with_changes
from govcloud.core.facts import Facts
from govcloud.core.outcome import SLOW, Fault, Outcome, failure_after
from govcloud.core.regular_backups import Step, next_step
from govcloud.failures import Retry, Stop
from govcloud.observe import observe
from govcloud.performing import Performer
from govcloud.ports import Ports
from govcloud.queue import WorkQueue
from govcloud.reasons import Reason

Key = tuple[str, str]
"""Namespace and name of a request."""

_AGAIN = timedelta(seconds=10)
_MOST_NAMES = 100
"""So many names are tried at once; then the next attempt is a while later."""


@dataclass
class RegularBackups:
    """Nobody else writes the status of a regular backup while its request lives, so that no lock is needed.

    Args:
        workers: how many requests are backed up at the same time; with none, no backup is begun, and what was begun is ended.
        changed: told of a request whose backups stand otherwise now.
        count: told how a backup ended: Verified, Failed, Mismatch, or Withdrawn before the end of what it is of.
    """

    ports: Ports
    workers: int
    changed: Callable[[str, str], None]
    count: Callable[[str], None]

    def __post_init__(self) -> None:
        self._executor = Executor(self.ports.audit, Performer(self.ports))
        self.queue: WorkQueue[Key] = WorkQueue(self.look_at, max(self.workers, 1), expected=(Retry, Stop, AuditUnavailable))

    def wake(self, key: Key) -> None:
        """There is something to do for a request."""
        self.queue.wake(key)

    def look_at(self, key: Key) -> timedelta | None:
        """One step for one request; how long until the next one, None where whoever looks at the request says when.

        Raises:
            AuditUnavailable, Retry, Stop: as `observe` does, or nothing could be recorded.
        """
        facts = observe(self.ports, *key)
        step = next_step(facts) if facts is not None else None
        if facts is None or step is None or (isinstance(step, act.OpenBackup) and not self.workers):
            return _until_the_next_attempt(facts) if facts is not None else None
        step, outcome = self._carry_out(facts, step)
        if outcome.fault is None:
            self._tell(facts, step)
            return timedelta(0)
        return self._note(facts, step, outcome.fault)

    def _note(self, facts: Facts, step: Step, fault: Fault) -> timedelta:
        """What kept a step from succeeding stands in the status of its backup; how long until the next attempt."""
        backup = None if isinstance(step, act.OpenBackup) else self.ports.cluster.backup(step.backup.name)
        if backup is None or isinstance(step, act.GiveUpBackup):
            return fault.after or (SLOW if fault.kind == "Stop" else _AGAIN)
        kept = "clearing" if isinstance(step, act.ClearBackup) else "failure"
        failure = failure_after(getattr(backup.status, kept), fault, facts.now)
        self.ports.cluster.write_backup_status(backup, with_changes(backup.status, **{kept: failure}))
        given_up_next = fault.kind == "Stop" and kept == "failure"
        return timedelta(0) if given_up_next or failure.retry_at is None else failure.retry_at - facts.now

    def _carry_out(self, facts: Facts, step: Step) -> tuple[Step, Outcome]:
        """The step that was taken, and what came of it."""
        outcome = self._executor.carry_out(facts, step)
        return self._past_what_is_in_the_way(facts, step, outcome) if isinstance(step, act.OpenBackup) else (step, outcome)

    def _past_what_is_in_the_way(self, facts: Facts, step: act.OpenBackup, outcome: Outcome) -> tuple[act.OpenBackup, Outcome]:
        """Where something that this controller did not make bears the name of a new backup, it is told of and left alone: the next name is tried.

        It may be what a crash left between making the object and writing down that it was made.
        """
        taken: set[str] = set()
        while (fault := outcome.fault) is not None and fault.reason is Reason.BACKUP_MISMATCH and len(taken) < _MOST_NAMES:
            self.ports.cluster.emit_event(facts.request, fault.reason, fault.message[:900], warning=True)
            taken.add(step.name)
            other = next_step(facts, taken)
            if not isinstance(other, act.OpenBackup):
                break
            step, outcome = other, self._executor.carry_out(facts, other)
        return step, outcome

    def _tell(self, facts: Facts, step: Step) -> None:
        match step:
            case act.StoreManifest(backup):
                self.count("Verified")
                told = f"the regular backup {backup.name} was restored and equals what was backed up"
                self.ports.cluster.emit_event(facts.request, Reason.BACKUP_VERIFIED, told)
            case act.GiveUpBackup(backup, reason, message):
                self.count(_result(step))
                told = f"the regular backup {backup.name} was given up: {message}"
                self.ports.cluster.emit_event(facts.request, reason, told[:900], warning=reason is not Reason.TERMINATING)
        if not isinstance(step, act.TakeBackup):
            self.changed(facts.request.key.namespace, facts.request.key.name)


def _result(step: act.GiveUpBackup) -> str:
    if differs(step.backup.status):
        return "Mismatch"
    return "Withdrawn" if step.reason is Reason.TERMINATING else "Failed"


def _until_the_next_attempt(facts: Facts) -> timedelta | None:
    """When something that failed is tried again."""
    tried = ((each.status.failure if each.status.failed_at is None else each.status.clearing) for each in facts.regular if holds_helpers(each))
    moments = [failure.retry_at for failure in tried if failure is not None and failure.retry_at is not None]
    return _from(facts.now, min(moments)) if moments else None


def _from(now: datetime, moment: datetime) -> timedelta:
    return max(moment - now, _AGAIN)
