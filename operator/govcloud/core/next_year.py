"""Whether the units have handed in what they plan for the next year, by the day that the regulation names (ZY 5: end of June; XH-B 8: end of July). Pure.

Software knows of the units whose services this year's plan pays for: those go on, so they stand in the next year's plan as well (ZY-R 6). What is
handed in is entered as an item of the next year's plan, a draft until it is approved. Of plans that nobody began to carry out it knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from govcloud.core.accounts import items_of
from govcloud.core.calendar import beginning_of, official_day
from govcloud.core.objects import AnnualPlanObject
from govcloud.reasons import Reason
from policies.money import AnnualPlanRule

WARNED = timedelta(days=30)
HANDING_IN = "annual-plan"
"""In place of a step's name: the limit of the using units."""


@dataclass(frozen=True)
class NextYear:
    """How a jurisdiction stands with the plan of the next year. `owing`: names of the units that have to hand something in and did not."""

    reason: Reason
    message: str
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
    if not owing:
        return NextYear(Reason.NOTHING_TO_DO, "")
    last = rule.due.within(year)
    over = beginning_of(last + timedelta(days=1))
    reason = Reason.DEADLINE_MISSED if now >= over else Reason.DEADLINE_APPROACHING if now >= over - WARNED else Reason.DEADLINE_RUNNING
    names = ", ".join(owing)
    return NextYear(
        reason,
        f"the plan of {year + 1} is handed in by {last}; nothing is there of {names}, whose services this year's plan pays for: enter what they hand in "
        f"as items of an AnnualPlan of {year + 1} / 应于 {last} 前提交 {year + 1} 年度计划,尚缺 {names} [{rule.due.source.cite()}]",
        owing,
    )


def _units_that_spend(plan: AnnualPlanObject) -> Sequence[str]:
    """Units for whose services money is reserved in a plan."""
    items = items_of(plan)
    return [items[reservation.item].unit for reservation in plan.status.reservations if reservation.item in items]
