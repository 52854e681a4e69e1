"""Whether work was done in time: what the audit log hears of deadlines, and what can be counted from that. Pure.

The log is what the evaluation of offices and provider is counted from (M3): it outlives requests, restarts and every cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from govcloud.audit.records import (
    Action,
    Entry,
    Outcome,
    Phase,
    Reason,
    Record,
    Target,
    escape_invisible,
)
from govcloud.core.deadline_news import News
from govcloud.core.deadline_words import announcement
from govcloud.core.evidence import BY_CONTROLLER
from govcloud.core.facts import Facts

DECISION = "deadline"
ENDS = ("OnTime", "Late", "Withdrawn")


def entry(facts: Facts, told: News) -> Entry:
    """The record of something about a deadline. A crash may have it written twice: written again, it says the same."""
    deadline, key = told.deadline, facts.request.key
    said = {
        "decision": DECISION,
        "said": told.said,
        "jurisdiction": facts.jurisdiction.name if facts.jurisdiction else "",
        "step": deadline.step,
        "office": deadline.office,
        "workingDays": "" if deadline.months else str(deadline.working_days),
        "months": str(deadline.months or ""),
        "startedAt": deadline.started_at.isoformat(),
        "due": _written(deadline.due),
        "endedAt": _written(deadline.ended_at),
    }
    return Entry(
        phase=Phase.EVENT,
        action=Action.EVALUATE,
        outcome=Outcome.FAILURE if told.said in ("Missed", "Late") else Outcome.SUCCESS,
        initiator=BY_CONTROLLER,
        target=Target(kind="CloudServiceRequest", id=key.uid, name=f"{key.namespace}/{key.name}"),
        request=key.uid,
        unit=facts.unit.name if facts.unit else "",
        reason=Reason(plan_number=deadline.plan, rule=DECISION, article=escape_invisible(deadline.article)[:256]),
        message=announcement(told)[:1000],
        attributes={name: value for name, value in said.items() if value},
    )


@dataclass(frozen=True)
class Punctuality:
    """How one office, or the provider, kept the limits of one step in one jurisdiction. Numbers of deadlines."""

    jurisdiction: str
    step: str
    office: str
    on_time: int
    late: int
    withdrawn: int
    overdue: int

    @property
    def percent(self) -> float | None:
        """Share of those that ended and counted which ended in time; None where there is none."""
        ended = self.on_time + self.late
        return round(100 * self.on_time / ended, 1) if ended else None


def on_time(records: Iterable[Record]) -> tuple[Punctuality, ...]:
    """Count deadlines by jurisdiction, step and office; what was written twice counts once.

    A deadline that was missed and has not ended is overdue; one that was withdrawn counts neither as kept nor as missed.
    """
    last: dict[tuple[str, ...], tuple[tuple[str, str, str], str]] = {}
    for record in records:
        said = record.attributes
        if said.get("decision") != DECISION or said.get("said") == "Approaching":
            continue
        identity = (record.request, str(record.reason.plan_number), said["step"], said["startedAt"])
        if identity not in last or last[identity][1] not in ENDS:
            last[identity] = (said.get("jurisdiction", ""), said["step"], said.get("office", "")), said["said"]
    counts = Counter(last.values())
    return tuple(
        Punctuality(*whose, *(counts[whose, result] for result in ("OnTime", "Late", "Withdrawn", "Missed")))
        for whose in sorted({whose for whose, _ in counts})
    )


def _written(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
