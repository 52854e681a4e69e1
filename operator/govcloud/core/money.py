"""The rules about money, each a small function named after what is wrong: annual plan, budget, agreement, prices, amount.

They are asked where a transition commits money. What a request names has to be right even where its pack asks for nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from govcloud.api.agreement import AgreedService
from govcloud.api.annual_plan import Item, PlannedItem, UrgentTask
from govcloud.core.accounts import AccountRef, items_of
from govcloud.core.agreements import faults_of
from govcloud.core.calendar import official_day
from govcloud.core.case import Case, Check
from govcloud.core.document_numbers import folded
from govcloud.core.objects import AgreementObject, AnnualPlanObject
from govcloud.core.offices import office_named
from govcloud.core.violations import Violation
from govcloud.reasons import Reason
from stacks.kind import Offering

ITEM, AGREEMENT = "spec.annualPlanItemRef", "spec.agreementRef"


# The annual plan


def item_is_not_named(case: Case) -> Iterator[Violation]:
    """A2: outside the approved annual plan nothing is approved; where the pack lets urgent tasks in, its offices decide on that."""
    rule = case.edition.annual_plan
    if rule is None or case.spec.annual_plan_item_ref is not None:
        return
    way_out_en, way_out_zh = "", ""
    if rule.urgent is not None:
        way_out_en = f", or the urgent task that {rule.urgent.en} let in [{rule.urgent.source.cite()}]"
        way_out_zh = f";紧急任务经{rule.urgent.zh}批准后列入"
    yield Violation("annual-plan", ITEM, f"only what stands in the approved annual plan is approved: name its plan and item{way_out_en}",
                    f"未纳入年度计划的项目不予审批,请写明计划项目{way_out_zh}", rule.source.cite())  # fmt: skip


def plan_does_not_fit(case: Case) -> Iterator[Violation]:
    """A2: the plan is there, and it is that of this jurisdiction and this year."""
    named, plan = case.spec.annual_plan_item_ref, _plan(case)
    if named is None:
        return
    if plan is None:
        yield _about_plan(case, f"there is no AnnualPlan {named.plan!r}", f"没有年度计划 {named.plan}")
        return
    if case.facts.unit and plan.spec.jurisdiction != case.facts.unit.spec.jurisdiction:
        yield _about_plan(case, f"the plan {plan.name} is that of {plan.spec.jurisdiction}; name one of {case.facts.unit.spec.jurisdiction}",
                          f"年度计划 {plan.name} 属于辖区 {plan.spec.jurisdiction}")  # fmt: skip
    if plan.spec.year != (year := official_day(case.facts.now).year):
        yield _about_plan(case, f"the plan {plan.name} is for {plan.spec.year}, not for {year}", f"年度计划 {plan.name} 为 {plan.spec.year} 年度,现为 {year} 年度")


def item_does_not_fit(case: Case) -> Iterator[Violation]:
    """A2: the item is there, approved, and this unit's."""
    named, plan = case.spec.annual_plan_item_ref, _plan(case)
    if named is None or plan is None:
        return
    item = items_of(plan).get(named.item)
    if item is None:
        yield _about_plan(case, f"the plan {plan.name} has no item {named.item!r}", f"年度计划 {plan.name} 中没有项目 {named.item}")
        return
    if item.unit != case.spec.unit:
        yield _about_plan(case, f"the item {item.name} is a project of {item.unit}", f"计划项目 {item.name} 属于单位 {item.unit}")
    if isinstance(item, PlannedItem) and item.document_number is None:
        yield _about_plan(case, f"the item {item.name} is a draft: nobody approved it yet", f"计划项目 {item.name} 尚未批准")
    if isinstance(item, UrgentTask):
        yield from _let_in_wrongly(case, item)


def _let_in_wrongly(case: Case, task: UrgentTask) -> Iterator[Violation]:
    """An urgent task is let in where the regulation knows such, by the office that decides on it, and by nobody else."""
    rule, jurisdiction = case.edition.annual_plan, case.facts.jurisdiction
    if rule is None or jurisdiction is None:
        return
    if rule.urgent is None:
        yield _about_plan(case, f"{task.name} was let in beside the plan, which this regulation does not know", "本办法不允许计划外项目")
        return
    office = office_named(jurisdiction.spec, rule.urgent.step)
    if office and folded(task.approval.office) != folded(office):
        yield Violation("annual-plan", ITEM, f"{task.name} was let in by {task.approval.office}; only {office} may let an urgent task in",
                        f"紧急任务 {task.name} 由 {task.approval.office} 批准,应由 {office} 批准", rule.urgent.source.cite())  # fmt: skip


def budget_does_not_cover_it(case: Case) -> Iterator[Violation]:
    """A3: that it stands in the plan does not mean that there is money, or enough of it."""
    named, item, rule = case.spec.annual_plan_item_ref, _item(case), case.edition.annual_plan
    if named is None or item is None:
        return
    article = rule.budget.source.cite() if rule and rule.budget else None
    if item.budget is None:
        if article is not None:
            yield Violation("budget", ITEM, f"the item {item.name} stands in the plan and has no budget; the finance office gives it one",
                            f"计划项目 {item.name} 尚未安排预算", article, Reason.BUDGET_EXHAUSTED)  # fmt: skip
        return
    yield from _exhausted(case, AccountRef("AnnualPlan", named.plan, named.item), "budget", ITEM, article)


# The agreement


def agreement_is_missing(case: Case) -> Iterator[Violation]:
    """L14: a service agreement exists before the service that costs money does."""
    rule = case.edition.agreement
    if rule and case.spec.agreement_ref is None and (rule.needed_from.transition == "Provision" or _goes_or_is_live(case)):
        yield Violation("agreement", AGREEMENT, "a service agreement with the provider is needed: name the ServiceAgreement",
                        "须先与云服务商签订服务协议,请写明服务协议", rule.source.cite())  # fmt: skip


def agreement_is_not_in_force(case: Case) -> Iterator[Violation]:
    """L5, L14, L15: it is the unit's own, signed, filed, and within its term."""
    named, agreement = case.spec.agreement_ref, _agreement(case)
    if named is None:
        return
    if agreement is None:
        yield _about_agreement(case, f"there is no ServiceAgreement {named.name!r}", f"没有服务协议 {named.name}")
        return
    if agreement.spec.parties.unit != case.spec.unit:
        yield _about_agreement(case, f"the agreement {agreement.name} is one of {agreement.spec.parties.unit}", f"服务协议 {agreement.name} 不是本单位签订的")
    for fault in faults_of(agreement.spec, case.edition.agreement, official_day(case.facts.now)):
        yield Violation("agreement", AGREEMENT, f"the agreement {agreement.name}: {fault.en}", f"服务协议 {agreement.name}:{fault.zh}",
                        fault.article, fault.reason, fault.strength)  # fmt: skip


def agreement_lacks_a_service(case: Case) -> Iterator[Violation]:
    """L5, L14: the agreement says which services."""
    agreement = _agreement(case)
    agreed = {service.offering for service in agreement.spec.services} if agreement else set()
    for index, offering in _offerings_used(case):
        if agreement and offering.name not in agreed:
            listed = ", ".join(sorted(agreed))
            yield _about_agreement(case, f"the agreement {agreement.name} has no {offering.name}; it has: {listed}",
                                   f"服务协议 {agreement.name} 不包含 {offering.name}", f"spec.services[{index}]")  # fmt: skip


def agreed_price_is_too_high(case: Case) -> Iterator[Violation]:
    """A9: the catalog's unit prices are ceilings."""
    agreement, rule = _agreement(case), case.edition.prices
    if agreement is None or rule is None:
        return
    agreed = {service.offering: service for service in agreement.spec.services}
    for offering in {offering.name: offering for _, offering in _offerings_used(case)}.values():
        if offering.name in agreed and (found := _above_ceiling(agreed[offering.name], offering)):
            price, ceiling = found
            yield Violation("unit-price", AGREEMENT,
                            f"the agreement {agreement.name} has {offering.name} at {price} yuan, and the catalog's ceiling is {ceiling}; sign another one",
                            f"服务协议 {agreement.name} 中 {offering.name} 的单价 {price} 元高于目录限价 {ceiling} 元", rule.source.cite())  # fmt: skip


def amount_does_not_cover_it(case: Case) -> Iterator[Violation]:
    """L5: the agreement's amount is a ceiling for everything under it."""
    if (agreement := _agreement(case)) is not None:
        rule = case.edition.agreement
        ref = AccountRef("ServiceAgreement", agreement.name)
        yield from _exhausted(case, ref, "agreement-amount", AGREEMENT, rule.source.cite() if rule else None)


MONEY_CHECKS: Sequence[Check] = (
    item_is_not_named,
    plan_does_not_fit,
    item_does_not_fit,
    budget_does_not_cover_it,
    agreement_is_missing,
    agreement_is_not_in_force,
    agreement_lacks_a_service,
    agreed_price_is_too_high,
    amount_does_not_cover_it,
)


# What they look at


def _plan(case: Case) -> AnnualPlanObject | None:
    named = case.spec.annual_plan_item_ref
    return case.facts.annual_plans.get(named.plan) if named else None


def _item(case: Case) -> Item | None:
    plan, named = _plan(case), case.spec.annual_plan_item_ref
    return items_of(plan).get(named.item) if plan and named else None


def _agreement(case: Case) -> AgreementObject | None:
    named = case.spec.agreement_ref
    return case.facts.agreements.get(named.name) if named else None


def _goes_or_is_live(case: Case) -> bool:
    return case.spec.stage == "Production" or case.facts.progress.production_since is not None


def _offerings_used(case: Case) -> Iterator[tuple[int, Offering]]:
    """Place in the request, and the catalog's offering, of every service that has one."""
    catalog = {offering.name: offering for offering in case.facts.catalog.spec.offerings} if case.facts.catalog else {}
    for index, service in enumerate(case.spec.services):
        if (offering := catalog.get(getattr(service.parameters, "offering", ""))) is not None:
            yield index, offering


def _above_ceiling(agreed: AgreedService, offering: Offering) -> tuple[str, str] | None:
    """The first price that is too high, and its ceiling. Storage that the catalog has in the price costs nothing beside it."""
    pairs = ((agreed.unit_price, offering.unit_price), (agreed.storage_unit_price or "0", offering.storage_unit_price or "0"))
    return next(((price, ceiling) for price, ceiling in pairs if Decimal(price) > Decimal(ceiling)), None)


def _exhausted(case: Case, ref: AccountRef, rule: str, field: str, article: str | None) -> Iterator[Violation]:
    """What is left of an account, where it is too little."""
    account, uid = case.facts.account(ref), case.facts.request.key.uid
    if account is None or case.monthly_cost is None or account.admits(uid, yearly := case.monthly_cost * 12):
        return
    left = max(Decimal(0), account.left_for(uid))
    yield Violation(rule, field, f"a year costs {yearly} yuan, and {ref} has {left} left of {account.ceiling}; ask for less, or for more money",
                    f"年费用 {yearly} 元,而可用额度为 {left} 元(总额 {account.ceiling} 元)", article, Reason.BUDGET_EXHAUSTED)  # fmt: skip


def _about_plan(case: Case, en: str, zh: str) -> Violation:
    rule = case.edition.annual_plan
    return Violation("annual-plan", ITEM, en, zh, rule.source.cite() if rule else None)


def _about_agreement(case: Case, en: str, zh: str, field: str = AGREEMENT) -> Violation:
    rule = case.edition.agreement
    return Violation("agreement", field, en, zh, rule.source.cite() if rule else None)
