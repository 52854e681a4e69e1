"""Whether a plan is one that this controller froze. The audit log knows: it has each by its digest, and lies where nobody of the cluster writes.

A plan that appeared while the admission policies may not have been intact can be anybody's, with steps and effects of their choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock

from govcloud.audit.records import Phase, Record
from govcloud.core.actions import Freeze
from govcloud.core.plan import Plan

MOST_READ = 1000
"""Requests of which it is remembered what the log says; then the one that was read first is forgotten, and read again when it is asked for."""


@dataclass
class FrozenPlans:
    """The plans of which the log says that they were about to be frozen. Safe to use from several threads, each request in one at a time.

    A request's log is read once, when one of its plans is in doubt. What is frozen later, `note` tells.

    Args:
        records_of: all records of a request, by its uid. What it raises is raised here.
    """

    records_of: Callable[[str], Iterable[Record]]
    _read: dict[str, set[str]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def knows(self, plan: Plan) -> bool:
        """Whether the plan is one of them, to the letter."""
        uid = plan.request.uid
        known = self._read.get(uid)
        if known is None:
            known = {record.reason.plan_digest for record in self.records_of(uid) if _tells_of_a_plan(record)}
            self._remember(uid, known)
        return plan.digest in known

    def note(self, plan: Plan) -> None:
        """A plan is about to be frozen, and the log says so since it was read."""
        if (known := self._read.get(plan.request.uid)) is not None:
            known.add(plan.digest)

    def _remember(self, uid: str, known: set[str]) -> None:
        with self._lock:
            while len(self._read) >= MOST_READ:
                del self._read[next(iter(self._read))]
            self._read[uid] = known


def _tells_of_a_plan(record: Record) -> bool:
    return record.phase is Phase.INTENT and record.attributes.get("effect") == Freeze.__name__
