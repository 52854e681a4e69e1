"""Whether a plan is one that this controller froze. The audit log knows: it has each by its digest, and lies where nobody of the cluster writes.

A plan that appeared while the admission policies may not have been intact can be anybody's, with steps and effects of their choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from govcloud.audit.records import Phase, Record
from govcloud.core.actions import Freeze
from govcloud.core.plan import Plan


@dataclass
class FrozenPlans:
    """The plans of which the log says that they were about to be frozen. Safe to use from several threads.

    Args:
        records_of: all records of a request, by its uid. What it raises is raised here.
    """

    records_of: Callable[[str], Iterable[Record]]
    _known: set[str] = field(default_factory=set)

    def knows(self, plan: Plan) -> bool:
        """Whether the plan is one of them, to the letter."""
        if plan.digest not in self._known:
            self._known |= {record.reason.plan_digest for record in self.records_of(plan.request.uid) if _tells_of_a_plan(record)}
        return plan.digest in self._known


def _tells_of_a_plan(record: Record) -> bool:
    return record.phase is Phase.INTENT and record.attributes.get("effect") == Freeze.__name__
