"""Whether the units have handed in what they plan for the next year, by the day that the regulation names (ZY 5: end of June; XH-B 8: end of July). Pure.

Software knows of the units whose services this year's plan pays for: those go on, so they stand in the next year's plan as well (ZY-R 6). What is
handed in is entered as an item of the next year's plan, a draft until it is approved. Of plans that nobody began to carry out it knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from govcloud.api.common import Condition
from govcloud.audit.records import Action, Entry, Outcome, Phase, Target
from govcloud.audit.records import Reason as Why
from govcloud.core.accounts import items_of
from govcloud.core.calendar import beginning_of, official_day
from govcloud.core.evidence import BY_CONTROLLER
from govcloud.core.objects import AnnualPlanObject, JurisdictionObject
from govcloud.reasons import Reason
from policies.money import AnnualPlanRule

WARNED = timedelta(days=30)
HANDING_IN = "annual-plan"
"""In place of a step's name: the limit of the using units."""
CONDITION = "NextYearPlanned"


@dataclass(frozen=True)
class NextYear:
    """How a jurisdiction stands with the plan of the next year. `owing`: names of the units that have to hand something in and did not."""

    reason: Reason
    message: str
    article: str
    owing: tuple[str, ...] = ()

    @property
    def late(self) -> tuple[str, ...]:
        """The units whose time is over."""
        return self.owing if self.reason is Reason.DEADLINE_MISSED else ()


def next_year(jurisdiction: str, rule: AnnualPlanRule | None, plans: Iterable[AnnualPlanObject], now: datetime) -> NextYear | None:
    """What is to be said in this jurisdiction today; None where the regulation names no day."""
    if rule is None or rule.due is None:
        return None
    mine, year = [plan for plan in plans if plan.spec.jurisdiction == jurisdiction], official_day(now).year
    running = {unit for plan in mine if plan.spec.year == year for unit in _units_that_spend(plan)}
    handed_in = {item.unit for plan in mine if plan.spec.year == year + 1 for item in plan.spec.items}
    owing = tuple(sorted(running - handed_in))
    article = rule.due.source.cite()
    if not owing:
        return NextYear(Reason.NOTHING_TO_DO, "", article)
    last = rule.due.within(year)
    over = beginning_of(last + timedelta(days=1))
    reason = Reason.DEADLINE_MISSED if now >= over else Reason.DEADLINE_APPROACHING if now >= over - WARNED else Reason.DEADLINE_RUNNING
    names = ", ".join(owing)
    return NextYear(
        reason,
        f"the plan of {year + 1} is handed in by {last}; nothing is there of {names}, whose services this year's plan pays for: enter what they hand in "
        f"as items of an AnnualPlan of {year + 1} / 应于 {last} 前提交 {year + 1} 年度计划,尚缺 {names} [{article}]",
        article,
        owing,
    )


def is_news(planned: NextYear | None, before: Sequence[Condition]) -> bool:
    """Whether people have to be told: that the time is nearly or quite over, and for whom; and that nobody is waited for any more."""
    if planned is None:
        return False
    last = next((each for each in before if each.type == CONDITION), None)
    if not planned.owing:
        return last is not None and last.status == "False"
    said_already = last is not None and (last.reason, last.message) == (planned.reason, planned.message)
    return planned.reason is not Reason.DEADLINE_RUNNING and not said_already


def announcement(planned: NextYear) -> str:
    """The sentence for people."""
    nobody = f"no unit is waited for any more with what it plans for the next year / 下一年度计划已无待提交单位 [{planned.article}]"
    return planned.message or nobody


def entry(jurisdiction: JurisdictionObject, planned: NextYear) -> Entry:
    """What the audit log hears of it. A crash may have it written twice: written again, it says the same."""
    return Entry(
        phase=Phase.EVENT,
        action=Action.EVALUATE,
        outcome=Outcome.FAILURE if planned.late else Outcome.SUCCESS,
        initiator=BY_CONTROLLER,
        target=Target(kind="Jurisdiction", id=jurisdiction.uid, name=jurisdiction.name),
        reason=Why(rule=HANDING_IN, article=planned.article),
        message=announcement(planned)[:1000],
        attributes={"said": str(planned.reason), "owing": ", ".join(planned.owing)[:256]},
    )


def _units_that_spend(plan: AnnualPlanObject) -> Sequence[str]:
    """Units for whose services money is reserved in a plan."""
    items = items_of(plan)
    return [items[reservation.item].unit for reservation in plan.status.reservations if reservation.item in items]
