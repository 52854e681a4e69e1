"""The end of an annual plan's year, for services that go on. Pure.

A plan and its budgets are one year's (ZY 5, 8, 9; XH-B 8; XH-C 6), and a service that goes on stands in the next year's as well (ZY-R 6: works that
are paid on, and operation, are handed in anew). So what is reserved in a plan whose year has ended stays there as that year's record, and pays
for nothing that starts now. No regulation ends a service for it: it goes on, and people are told until it names an item of the plan of this year.
"""

from __future__ import annotations

from datetime import date, datetime

from govcloud.api.progress import Progress
from govcloud.api.request_status import NextAction
from govcloud.core.calendar import beginning_of, official_day
from govcloud.core.facts import Facts


def plan_ends_at(facts: Facts, progress: Progress) -> datetime | None:
    """The first moment after the year of the annual plan that pays for what runs; None where none does."""
    completed = facts.plans.get(progress.completed_plan or 0)
    item = completed.values.annual_plan_item if completed and progress.terminated_at is None else None
    plan = facts.annual_plans.get(item.plan) if item else None
    return beginning_of(date(plan.spec.year + 1, 1, 1)).astimezone(facts.now.tzinfo) if plan else None


def unpaid_since_the_year_ended(facts: Facts, progress: Progress) -> NextAction | None:
    """What the applicant has to do where a service goes on after the year of its annual plan; None while that year lasts."""
    end = plan_ends_at(facts, progress)
    if end is None or facts.now < end:
        return None
    year, rule = official_day(facts.now).year, facts.edition.annual_plan if facts.edition else None
    article = rule.source.cite() if rule else None
    cited = f" [{article}]" if article else ""
    return NextAction(
        zh=f"年度计划所属年度已结束,服务继续运行;请申请人在 annualPlanItemRef 中写明 {year} 年度计划项目{cited}",
        en=f"The year of the annual plan has ended, and the service goes on: the applicant names an item of the plan of {year} (spec.annualPlanItemRef){cited}",
        waiting_for="applicant",
        article=article,
    )
