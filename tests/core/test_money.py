"""The rules about money, one by one: what is missing, foreign, too late, too dear, used up; and that it is said with its article."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest
from reconcile.world import AGREEMENT, ANNUAL_PLAN, ITEM, SUPERIOR, World, agreement_spec, annual_plan_spec

from govcloud.api.agreement import AgreementSpec
from govcloud.api.request import RequestSpec
from govcloud.core.agreements import faults_of, last_day, warned_from
from govcloud.core.facts import Facts
from govcloud.core.planning import make_plan, transition_and_violations
from govcloud.core.violations import Violation
from govcloud.reasons import Reason
from policies.rules import Edition
from policies.shelf import shipped

NAMED = {"annualPlanItemRef": {"plan": ANNUAL_PLAN, "item": ITEM}, "agreementRef": {"name": AGREEMENT}}
DOCUMENT = {"documentNumber": "九府办字〔2025〕96号"}
BUDGET = {"yearly": "1000000", "documentNumber": "九财预〔2026〕14号"}
YEARLY = "6039.60"
"""Of the default request: 503.30 a month."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all questions: nothing here writes but `put_…`, and each question puts what it needs."""
    world = World(tmp_path_factory.mktemp("money"))
    world.apply()
    yield world
    world.audit.close()


@dataclass(frozen=True)
class Question:
    """What is asked under which pack's rules about money, and what else is different."""

    pack: str = "zunyi"
    spec: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    agreement: dict[str, Any] = field(default_factory=dict)


def facts_for(city: World, question: Question) -> tuple[Facts, RequestSpec, Edition]:
    city.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec(**question.plan))
    city.cluster.put_agreement(AGREEMENT, agreement_spec(**question.agreement))
    city.apply(**{"annualPlanItemRef": None, "agreementRef": None, **NAMED, **question.spec})
    facts = city.facts()
    rules = shipped().pack(question.pack).editions[0]
    assert facts.spec is not None and facts.edition is not None
    update = {"annual_plan": rules.annual_plan, "agreement": rules.agreement, "prices": rules.prices}
    edition = facts.edition.model_copy(update=update)
    return replace(facts, edition=edition), facts.spec, edition


def against(city: World, question: Question) -> tuple[Violation, ...]:
    return transition_and_violations(*facts_for(city, question))[1]


def item(**changes: Any) -> dict[str, Any]:
    """The plan with its one item changed; None leaves a field out."""
    said = {"name": ITEM, "title": "急救订单系统", "unit": "jj-health-center", **DOCUMENT, "budget": BUDGET, **changes}
    return {"items": [{key: value for key, value in said.items() if value is not None}]}


def urgent(**changes: Any) -> dict[str, Any]:
    approval = {"office": "新华区人民政府", "documentNumber": "平新政〔2026〕3号", "reason": "防汛应急"}
    return {
        "items": [],
        "urgent": [
            {
                "name": ITEM,
                "title": "防汛系统",
                "unit": "jj-health-center",
                "budget": BUDGET,
                "approval": approval,
                **changes,
            }
        ],
    }


def prices(**changes: Any) -> dict[str, Any]:
    return {
        "services": [
            {"offering": name, "unitPrice": price}
            for name, price in (ALL_PRICES | changes).items()
            if price is not None
        ]
    }


THREE = {"unit": "jj-health-center", "provider": "浔云科技有限公司", "authority": "溧阳市经信局"}
ALL_PRICES: dict[str, Any] = {"vm-small": "100", "pg-small": "300", "disk": "0.5", "objects": "0.3"}

ALLOWED = {
    "all in order": Question(),
    "nothing is asked for": Question("shandong", {"annualPlanItemRef": None, "agreementRef": None}),
    "a trial needs no agreement yet": Question("jiujiang", {"annualPlanItemRef": None, "agreementRef": None}),
    "units of Xinhua sign no agreements": Question("xinhua", {"agreementRef": None}),
    "an urgent task beside the plan": Question("xinhua", {"agreementRef": None}, urgent()),
    "an agreement of three parties": Question("liyang", {"annualPlanItemRef": None}, agreement={"parties": THREE}),
    "exactly the budget": Question(plan=item(budget=BUDGET | {"yearly": YEARLY})),
    "exactly the amount": Question(agreement={"amount": YEARLY}),
    "lower prices": Question(agreement=prices(**{"vm-small": "80.5"})),
    "its first day": Question(agreement={"validFrom": "2026-03-02"}),
    "its last day": Question(agreement={"validUntil": "2026-03-02"}),
    "exactly three years": Question(agreement={"validUntil": "2028-12-31"}),
    "longer than in principle": Question(agreement={"validUntil": "2029-01-01"}),
}  # fmt: skip


@pytest.mark.parametrize("question", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_in_order_is_not_refused(city: World, question: Question) -> None:
    assert against(city, question) == ()


REFUSED: dict[str, tuple[Question, str, str, str]] = {
    "no item": (Question(spec={"annualPlanItemRef": None}), "annual-plan", "name its plan and item", "ZY 5–7"),
    "no item, urgent or not": (Question("xinhua", {"annualPlanItemRef": None}), "annual-plan", "the urgent task that the district government let in", "XH-B 8"),
    "no such plan": (Question(spec={"annualPlanItemRef": {"plan": "gone", "item": ITEM}}), "annual-plan", "no AnnualPlan 'gone'", "ZY 5–7"),
    "no such item": (Question(spec={"annualPlanItemRef": {"plan": ANNUAL_PLAN, "item": "gone"}}), "annual-plan", "no item 'gone'", "ZY 5–7"),
    "another unit's item": (Question(plan=item(unit=SUPERIOR)), "annual-plan", f"a project of {SUPERIOR}", "ZY 5–7"),
    "a draft": (Question(plan=item(documentNumber=None)), "annual-plan", "nobody approved it yet", "ZY 5–7"),
    "last year's plan": (Question(plan={"year": 2025}), "annual-plan", "for 2025, not for 2026", "ZY 5–7"),
    "another city's plan": (Question(plan={"jurisdiction": "nanchang"}), "annual-plan", "that of nanchang", "ZY 5–7"),
    "urgent where nothing is": (Question(plan=urgent()), "annual-plan", "which this regulation does not know", "ZY 5–7"),
    "in the plan, without money": (Question(plan=item(budget=None)), "budget", "has no budget", "ZY 8, 9"),
    "too little money": (Question(plan=item(budget=BUDGET | {"yearly": "6039.59"})), "budget", "6039.59 left of 6039.59", "ZY 8, 9"),
    "no agreement": (Question("liyang", {"agreementRef": None}), "agreement", "name the ServiceAgreement", "LY 7.4"),
    "no such agreement": (Question(spec={"agreementRef": {"name": "gone"}}), "agreement", "no ServiceAgreement 'gone'", "ZY 18"),
    "another unit's agreement": (Question(agreement={"parties": {"unit": SUPERIOR, "provider": "p"}}), "agreement", f"one of {SUPERIOR}", "ZY 18"),
    "two parties where three are asked for": (Question("liyang"), "agreement", "not a party", "LY 7.4"),
    "not signed": (Question(agreement={"signedOn": None, "filing": None}), "agreement", "it is a draft", "ZY 18"),
    "not filed": (Question("jiujiang", agreement={"filing": None}), "agreement", "not filed", "JJ 22"),
    "not yet in force": (Question(agreement={"validFrom": "2026-03-03"}), "agreement", "begins on 2026-03-03", ""),
    "expired": (Question(agreement={"validUntil": "2026-03-01"}), "agreement", "ended on 2026-03-01", ""),
    "a service that it does not name": (Question(agreement=prices(disk=None)), "agreement", "has no disk; it has: objects, pg-small, vm-small", "ZY 18"),
    "a price above the ceiling": (Question("jiujiang", agreement=prices(**{"vm-small": "100.01"})), "unit-price", "the catalog's ceiling is 100", "JJ 5"),
    "too small an amount": (Question(agreement={"amount": "6039.59"}), "agreement-amount", "6039.59 left of 6039.59", "ZY 18"),
}  # fmt: skip


@pytest.mark.parametrize(("question", "rule", "words", "article"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_is_refused_with_its_article(
    city: World, question: Question, rule: str, words: str, article: str
) -> None:
    found = against(city, question)
    assert [violation.rule for violation in found] == [rule]
    assert words in found[0].en
    assert found[0].zh and (found[0].article or "") == article
    assert found[0].field.startswith("spec.annualPlanItemRef" if rule in ("annual-plan", "budget") else "spec.")


def test_everything_is_said_at_once(city: World) -> None:
    question = Question(
        plan=item(unit=SUPERIOR, budget=None), agreement={"signedOn": None, "filing": None, "amount": "1"}
    )
    assert [violation.rule for violation in against(city, question)] == [
        "annual-plan",
        "budget",
        "agreement",
        "agreement-amount",
    ]


def test_what_departs_from_a_rule_in_principle_stands_in_the_plan(city: World) -> None:
    facts, spec, edition = facts_for(city, Question(agreement={"validUntil": "2029-01-01"}))
    departures = make_plan(facts, spec, "Provision", edition).departures
    assert [(departure.rule, departure.article) for departure in departures] == [("agreement", "ZY 18")]


def test_a_plan_keeps_who_pays_and_at_which_prices(city: World) -> None:
    facts, spec, edition = facts_for(city, Question(agreement=prices(**{"vm-small": "80.5"})))
    plan = make_plan(facts, spec, "Provision", edition)
    assert plan.values.agreement is not None and plan.values.agreement.number == "JJ-XY-2026-017"
    assert plan.values.annual_plan_item is not None and plan.values.annual_plan_item.item == ITEM
    assert {price.unit_price for price in plan.prices if price.item == "vm-small"} == {"80.5"}
    assert plan.monthly_cost == "464.30"


def test_a_request_that_names_nobody_is_planned_as_before(city: World) -> None:
    facts, spec, edition = facts_for(city, Question("jiujiang", {"annualPlanItemRef": None, "agreementRef": None}))
    plan = make_plan(facts, spec, "Provision", edition)
    assert (plan.values.agreement, plan.values.annual_plan_item, plan.monthly_cost) == (None, None, "503.30")


# The agreement by itself


@pytest.mark.parametrize(
    ("start", "years", "end"),
    [
        (date(2026, 1, 1), 3, date(2028, 12, 31)),
        (date(2026, 3, 15), 1, date(2027, 3, 14)),
        (date(2028, 2, 29), 3, date(2031, 2, 28)),
        (date(2028, 2, 29), 4, date(2032, 2, 28)),
    ],
)
def test_the_last_day_of_a_term(start: date, years: int, end: date) -> None:
    assert last_day(start, years) == end


def test_people_are_warned_as_long_before_the_end_as_the_pack_says() -> None:
    rule = shipped().pack("jiujiang").editions[0].agreement
    assert warned_from(agreement_spec(), rule) == date(2026, 11, 1)
    assert warned_from(agreement_spec(), None) == date(2026, 12, 31)


FAULTS: dict[str, tuple[Callable[[], AgreementSpec], Reason]] = {
    "draft": (lambda: agreement_spec(signedOn=None, filing=None), Reason.NOT_SIGNED),
    "unfiled": (lambda: agreement_spec(filing=None), Reason.NOT_FILED),
    "early": (lambda: agreement_spec(validFrom="2026-06-01"), Reason.NOT_YET_VALID),
    "late": (lambda: agreement_spec(validUntil="2026-01-31"), Reason.EXPIRED),
}


@pytest.mark.parametrize(("made", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_why_an_agreement_is_not_in_force(made: Callable[[], AgreementSpec], reason: Reason) -> None:
    rule = shipped().pack("jiujiang").editions[0].agreement
    assert reason in {fault.reason for fault in faults_of(made(), rule, date(2026, 3, 2))}
