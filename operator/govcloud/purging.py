"""Removing backups whose retention is over, and what a regular backup left whose request is gone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from govcloud.api.progress import Failure, Progress
from govcloud.audit.holds import Hold
from govcloud.audit.log import AuditLog
from govcloud.audit.records import Outcome as Result
from govcloud.core.backup_sets import with_changes
from govcloud.core.objects import RequestObject
from govcloud.core.purge_evidence import purge_entry
from govcloud.core.purging import ClearOrphan, Forget, Kept, Purge, Step, is_paused, steps, wanted_by
from govcloud.failures import Retry, Stop
from govcloud.observe import look_at_admission, status_of
from govcloud.ports import Backups, Cluster
from govcloud.reasons import Reason

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Purging:
    """One round over all backups. `now` is the machine's own clock; `holds` raises where nobody can say what must be kept."""

    cluster: Cluster
    backups: Backups
    audit: AuditLog
    holds: Callable[[], Collection[Hold]]
    now: Callable[[], datetime]

    def run(self) -> None:
        """Do what is to be done now; a set that cannot be removed keeps no other one.

        Raises:
            AuditUnavailable: nothing can be recorded, so nothing more is removed.
            Retry, Stop: the cluster does not answer, or some set could not be removed, when all others were.
        """
        due = steps(self._kept())
        failures = [failure for step in due if self._may(step) and (failure := self._done(step))]
        if failures:
            raise failures[0]

    def _kept(self) -> Kept:
        """The holds last: an order that was given meanwhile counts."""
        backups, requests = tuple(self.cluster.backups()), self.cluster.requests()
        known = frozenset(request.key.uid for request in requests)
        live = frozenset(request.key.uid for request in requests if _lives(request))
        wanted = frozenset(each for request in requests for each in _wanted_by(request))
        return Kept(self.now(), backups, known, live, self.holds(), wanted)

    def _may(self, step: Step) -> bool:
        """Asked before each step: a pause takes effect between two actions."""
        return look_at_admission(self.cluster).fault is None and not is_paused(step.backup, self.cluster.pauses())

    def _done(self, step: Step) -> Retry | Stop | None:
        intent = self.audit.append(purge_entry(step)).id
        try:
            self._perform(step)
        except (Retry, Stop) as error:
            log.warning("backup %s: %s", step.backup.name, error)
            self.audit.append(purge_entry(step, Result.FAILURE, intent, f"{error.reason}: {error.message}"))
            return error
        except BaseException as error:
            self.audit.append(purge_entry(step, Result.UNKNOWN, intent, f"ended by an unexpected {type(error).__name__}"))
            raise
        self.audit.append(purge_entry(step, Result.SUCCESS, intent))
        return None

    def _perform(self, step: Step) -> None:
        status = step.backup.status
        match step:
            case Purge(backup):
                self.backups.purge(backup)
                self.cluster.write_backup_status(backup, with_changes(status, purged_at=self.now()))
            case Forget(backup):
                self.cluster.delete_backup(backup)
            case ClearOrphan(backup):
                self.backups.clear(backup)
                gone = Failure(kind="Stop", reason=Reason.CONFLICT, message="its request is gone")
                ended = {"failed_at": status.failed_at or self.now(), "failure": status.failure or gone}
                self.cluster.write_backup_status(backup, with_changes(status, cleared_at=self.now(), **ended))


def _wanted_by(request: RequestObject) -> Iterator[tuple[str, str]]:
    """A status that cannot be read hides no wish that stands in the spec."""
    try:
        progress = status_of(request).progress
    except Stop:
        progress = Progress()
    return wanted_by(request.spec, progress)


def _lives(request: RequestObject) -> bool:
    """Whether the request has not ended. One whose status cannot be read may live."""
    try:
        return status_of(request).progress.terminated_at is None
    except Stop:
        return True
