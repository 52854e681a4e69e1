"""Who pays for a plan, under which agreement, at whose prices. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from govcloud.api.request import RequestSpec
from govcloud.core.accounts import items_of
from govcloud.core.agreements import at_agreed_prices
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan, PlannedAgreement, PlannedItem, PlannedPrice
from policies.steps import UrgentTask


def priced_as_agreed(facts: Facts, spec: RequestSpec, prices: tuple[PlannedPrice, ...]) -> tuple[PlannedPrice, ...]:
    """The same items at the prices of the agreement that the spec names; those of the catalog where it names none."""
    agreement = facts.agreements.get(spec.agreement_ref.name) if spec.agreement_ref else None
    return at_agreed_prices(prices, agreement.spec) if agreement else prices


def planned_agreement(facts: Facts, spec: RequestSpec) -> PlannedAgreement | None:
    """The agreement as the plan keeps it."""
    agreement = facts.agreements.get(spec.agreement_ref.name) if spec.agreement_ref else None
    if agreement is None:
        return None
    said = agreement.spec
    return PlannedAgreement(name=agreement.name, number=said.number, amount=said.amount, valid_until=said.valid_until)


def planned_item(facts: Facts, spec: RequestSpec) -> PlannedItem | None:
    """The item of an annual plan as the plan keeps it."""
    named = spec.annual_plan_item_ref
    plan = facts.annual_plans.get(named.plan) if named else None
    item = items_of(plan).get(named.item) if named and plan else None
    if named is None or item is None:
        return None
    return PlannedItem(plan=named.plan, item=named.item, title=item.title, budget=item.budget)


def urgent_task_of(facts: Facts, spec: RequestSpec) -> UrgentTask | None:
    """Whether an urgent task outside the annual plan pays, and whether it paid for what runs already (XH-B 8)."""
    named = spec.annual_plan_item_ref
    plan = facts.annual_plans.get(named.plan) if named else None
    if named is None or plan is None or named.item not in {task.name for task in plan.spec.urgent}:
        return None
    paid_already = facts.completed is not None and facts.completed.wanted().annual_plan_item_ref == named
    return "named" if paid_already else "newlyNamed"


@dataclass(frozen=True)
class Payers:
    """Who pays, as the end of a sentence about the cost; empty where nobody is named."""

    zh: str
    en: str


def payers_of(plan: Plan) -> Payers:
    """What an official reads of the agreement and of the item that a plan names."""
    agreement, item = plan.values.agreement, plan.values.annual_plan_item
    zh = [f"服务协议 {agreement.number}"] if agreement else []
    en = [f"agreement {agreement.number}"] if agreement else []
    if item is not None:
        zh.append(f"年度计划 {item.plan} 的项目 {item.title}")
        en.append(f"item {item.item} of the annual plan {item.plan}")
    return Payers("".join(f",{each}" for each in zh), "".join(f", {each}" for each in en))
