"""The running controller: who is woken when, what is done when time has passed, and when the process had better end.

Knows queue and reconciler, not kopf, not the adapters.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Lock, Thread
from time import monotonic

from govcloud.audit.errors import AuditUnavailable
from govcloud.core.punctuality import ENDS
from govcloud.failures import Retry, Stop
from govcloud.guarding import Guarding
from govcloud.housekeeping import Housekeeping
from govcloud.metrics import Metrics, Whose
from govcloud.notifications import Courier
from govcloud.ports import Ports
from govcloud.queue import WorkQueue
from govcloud.reconcile import Pass, Reconciler
from govcloud.regular_backups import RegularBackups
from govcloud.rights_watch import TASK as RIGHTS_TASK
from govcloud.surroundings import Surroundings
from govcloud.turns import Turns

log = logging.getLogger(__name__)

_COURIERS_PATIENCE = timedelta(seconds=2)

_LOOKING = 4
"""Threads beside those of `workers`: what needs no cloud (a decision is judged, a plan is made) never waits for what does."""

Key = tuple[str, str]
"""Namespace and name of a request."""

Account = tuple[str, str]
"""Kind and name of an object that holds money."""


@dataclass
class Controller:
    """Wakes requests up and works on them."""

    ports: Ports
    workers: int
    """For how many requests something is done in the cloud at the same time."""
    resync: timedelta
    housekeeping: Housekeeping = field(default_factory=Housekeeping)
    courier: Courier | None = None
    watching: tuple[Housekeeping, ...] = ()
    """What takes long, and must not keep the log's own tasks waiting, nor each other."""
    backup_workers: int = 0
    """How many requests are backed up at the same time; with none, no regular backup is begun."""
    _known: set[Key] = field(default_factory=set)
    _last: dict[Key, Pass] = field(default_factory=dict)
    _account_changes: Counter[Account] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)
    _ended: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.reconciler = Reconciler(self.ports)
        self.surroundings = Surroundings(self.ports)
        self.guarding = Guarding(self.reconciler, self.ports.clock, lambda: self.everything_changed("admission"))
        self.queue: WorkQueue[Key] = WorkQueue(self.look_at, self.workers + _LOOKING, expected=(Retry, Stop, AuditUnavailable))
        self.turns: Turns[Key] = Turns(self.workers, self.queue.wake)
        self.metrics = Metrics(lambda: len(self.queue), self.overdue)
        self.backups = RegularBackups(self.ports, self.backup_workers, self.request_changed, lambda result: self.metrics.backups.labels(result).inc())
        self.metrics.watch("govcloud_waiting_for_turn", "Requests that wait until one of GOVCLOUD_WORKERS others is done.", lambda: self.turns.waiting)
        self.metrics.watch("govcloud_regular_backups_failing", "Requests whose newest regular backup was not verified.", self._failing_backups)
        self.metrics.watch("govcloud_admission_guarded", "1 while a decision that is made now counts without a signature.", lambda: not self.guarding.hint())

    def start(self) -> None:
        """Start working. Every request is looked at now, and again every `resync`."""
        self.queue.start()
        self.surroundings.start()
        self.housekeeping.start()
        for each in self.watching:
            each.start()
        self.backups.queue.start()
        self.guarding.start()
        if self.courier is not None:
            self.courier.queue.start()
        Thread(target=self._keep_looking, name="resync", daemon=True).start()

    def stop(self, patience: timedelta) -> bool:
        """Let what is under way end. True if it did in time; what did not is continued by the next start."""
        self._ended.set()
        self.guarding.stop()
        began = monotonic()
        ended = self.queue.stop(patience)
        if self.courier is not None:
            self.courier.queue.stop(_COURIERS_PATIENCE)  # what does not end in time is told again by the next start
        others: tuple[Housekeeping | WorkQueue[Key], ...] = (self.housekeeping, *self.watching, self.backups.queue)
        calm = [each.stop(patience - timedelta(seconds=monotonic() - began)) for each in others]
        return all(calm) and ended

    def fault(self) -> str | None:
        """Why a restart would help."""
        if not self.queue.alive():
            return "a worker has ended"
        if not all(each.alive() for each in (self.housekeeping, *self.watching)):
            return "nobody keeps the house any more"
        if not self.backups.queue.alive():
            return "nobody makes regular backups any more"
        if self.courier is not None and not self.courier.queue.alive():
            return "nobody sends notifications any more"
        return None if self.surroundings.alive() else "nobody looks after jurisdictions and catalogs any more"

    def hints(self) -> list[str]:
        """What somebody should look at although work goes on."""
        tasks = (hint for each in (self.housekeeping, *self.watching) for hint in each.hints())
        return [hint for hint in (self.guarding.hint(), *tasks, self._backups_not_made()) if hint]

    def _backups_not_made(self) -> str:
        with self._lock:
            due = sum(each.backup_is_due for each in self._last.values())
        return f"regular backups of {due} requests are due and none is begun: GOVCLOUD_BACKUP_WORKERS is 0" if due and not self.backup_workers else ""

    def _failing_backups(self) -> float:
        with self._lock:
            return sum(each.backup_failed for each in self._last.values())

    def hindrance(self) -> str | None:
        """Why nothing can be done now."""
        health = self.ports.audit.health()
        return self.guarding.hindrance() if health.writable else f"the audit log cannot record, so nothing is done: {health}"

    def overdue(self) -> Counter[Whose]:
        """How many legal limits have passed whose work is not done."""
        now = self.ports.clock.now()
        with self._lock:
            running = [(each.jurisdiction, deadline) for each in self._last.values() for deadline in each.deadlines]
        late = ((jurisdiction, d) for jurisdiction, d in running if d.ended_at is None and d.due and d.due <= now)
        return Counter((jurisdiction, d.step, d.office) for jurisdiction, d in late) + self.surroundings.overdue

    # Listener: what the watch tells

    def request_changed(self, namespace: str, name: str) -> None:
        """A request, or something about it, changed."""
        with self._lock:
            self._known.add((namespace, name))
        self.queue.wake((namespace, name))

    def decision_changed(self, namespace: str, name: str) -> None:
        """A decision on a request was made or changed."""
        self.reconciler.decisions_changed()
        self.request_changed(namespace, name)

    def account_changed(self, kind: str, name: str) -> None:
        """Money may have come free in an account: whoever found too little there looks again, and nobody else."""
        with self._lock:
            self._account_changes[kind, name] += 1
            waiting = [key for key, last in self._last.items() if (kind, name) in _short_of(last)]
        for key in waiting:
            self.queue.wake(key)

    def everything_changed(self, why: str) -> None:
        """Something that many requests depend on changed."""
        self.reconciler.decisions_changed()
        self.surroundings.changed()
        with self._lock:
            known = list(self._known)
        log.debug("%s changed: looking at %d requests", why, len(known))
        for key in known:
            self.queue.wake(key)

    def rights_changed(self) -> None:
        """A role or a binding changed."""
        self.housekeeping.soon(RIGHTS_TASK)

    # Work

    def look_at(self, key: Key) -> timedelta | None:
        """One pass over a request; how long until the next one, None where only an event ends the rest."""
        with self._lock:
            before, last = self._account_changes.copy(), self._last.get(key)
        with self.metrics.seconds.time(), self.turns.visit(key) as has_turn:
            done = self.reconciler.reconcile(*key, glance=last is None or last.rested, has_turn=has_turn)
        self.metrics.passes.labels(done.action).inc()
        if done.fault is not None:
            self.metrics.faults.labels(done.fault.kind, done.fault.reason).inc()
        log.info("%s/%s: %s%s", *key, done.action, f": {done.fault.reason}: {done.fault.message}" if done.fault else "")
        self._remember(key, done)
        if done.backup_is_due:
            self.backups.wake(key)
        return timedelta(0) if self._has_changed_since(before, done) else done.again_after

    def _has_changed_since(self, before: Counter[Account], done: Pass) -> bool:
        """Whether an account that a pass found empty changed while it looked: nobody knew yet that it would wait."""
        with self._lock:
            return any(self._account_changes[account] != before[account] for account in _short_of(done))

    def _remember(self, key: Key, done: Pass) -> None:
        for told in done.news:
            if told.said in ENDS:
                whose = (done.jurisdiction, told.deadline.step, told.deadline.office)
                self.metrics.deadlines.labels(*whose, told.said).inc()
        if done.outbox is not None and self.courier is not None:
            self.courier.hand_over(done.outbox)
        with self._lock:
            if done.action == "gone":
                self._known.discard(key)
                self._last.pop(key, None)
            else:
                self._last[key] = done

    def _keep_looking(self) -> None:
        """Level-triggered: whatever the watch missed is seen here."""
        while True:
            self._look_at_all()
            if self._ended.wait(self.resync.total_seconds()):
                return

    def _look_at_all(self) -> None:
        self.guarding.look()
        try:
            self.ports.cluster.guard_namespaces()
            requests = self.ports.cluster.requests()
        except Retry as error:
            log.warning("resync: %s", error)
            return
        for request in requests:
            self.request_changed(request.key.namespace, request.key.name)


def _short_of(done: Pass) -> set[Account]:
    return {(ref.kind, ref.name) for ref in done.short_of}
