"""Half a million divided by two stays half a million (LY 7.3): parts of one project are added up, other projects are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from packs.conftest import Open
from packs.places import Place
from reconcile.world import ANNUAL_PLAN, ITEM, NAMESPACE, SUPERIOR, annual_plan_spec, catalog_spec, material

from govcloud.core.replay import replay
from govcloud.core.sentences import division
from policies.shelf import shipped

LY = shipped().pack("liyang")
BOTH_STEPS = ("authority", "development-reform")
FIRST, SECOND = "first", "second"
ANOTHER_SYSTEM = {"name": "考勤系统", "classified": False, "governmentFunded": True, "protectionLevel": 2}
ANOTHER_PAPER = [{**material("project-proposal"), "number": "溧经〔2026〕77号", "sha256": "ef" * 32}]
APART = {"system": ANOTHER_SYSTEM, "application": ANOTHER_PAPER}


def item(name: str) -> dict[str, Any]:
    return {"annualPlanItemRef": {"plan": ANNUAL_PLAN, "item": name}}


@pytest.fixture
def here(place: Open) -> Place:
    """In Liyang, with a plan of two items, and a request of 300,000 yuan a year that nobody but the bureau decides on."""
    made = place(LY)
    one = annual_plan_spec().items[0].model_dump(by_alias=True)
    made.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec(jurisdiction=LY.id, items=[one, {**one, "name": "other"}]))
    made.apply(FIRST, budget="300000")
    made.run(FIRST)
    assert made.shown_plan(FIRST).steps == ("authority",)
    return made


def planned(here: Place, name: str = SECOND, **changes: Any) -> tuple[str, ...]:
    here.apply(name, **changes)
    here.run(name)
    return here.shown_plan(name).steps


ONE_PROJECT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the same wish twice": ({}, {}),
    "one item of the plan": (item(ITEM), item(ITEM)),
    "one item, whatever the systems are called": (item(ITEM), item(ITEM) | APART),
    "one system, another paper": ({}, {"application": ANOTHER_PAPER}),
    "one system, written otherwise": ({}, {"system": ANOTHER_SYSTEM | {"name": " 档 案系统"}, "application": ANOTHER_PAPER}),
    "one paper, another system": ({}, {"system": ANOTHER_SYSTEM}),
    "one paper under another number": ({}, {"system": ANOTHER_SYSTEM, "application": [{**ANOTHER_PAPER[0], "sha256": "ab" * 32}]}),
    "only one of them names its item": (item(ITEM), {}),
}
OTHER_PROJECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another system by another paper": ({}, APART),
    "two items of the plan": (item(ITEM), item("other")),
    "an item here, another system there": (item(ITEM), APART),
}


@pytest.mark.parametrize(("one", "other"), ONE_PROJECT.values(), ids=ONE_PROJECT.keys())
def test_parts_of_one_project_reach_the_threshold_together(here: Place, one: dict[str, Any], other: dict[str, Any]) -> None:
    here.apply(FIRST, **one)
    assert planned(here, budget="200000", **other) == BOTH_STEPS
    plan = here.plan(1, SECOND)

    assert plan.circumstances is not None
    assert (plan.circumstances.project_budget, plan.circumstances.other_parts) == ("500000.00", (f"{NAMESPACE}/{FIRST}",))
    assert [step.article for step in plan.steps] == ["LY 7.3", "LY 7.3"]
    assert replay(plan, shipped()).differences == ()


@pytest.mark.parametrize(("one", "other"), OTHER_PROJECTS.values(), ids=OTHER_PROJECTS.keys())
def test_other_projects_are_not_added_up(here: Place, one: dict[str, Any], other: dict[str, Any]) -> None:
    here.apply(FIRST, **one)
    assert planned(here, budget="499999.99", **other) == ("authority",)


@pytest.mark.parametrize(("budget", "steps"), [("199999.99", ("authority",)), ("200000", BOTH_STEPS)])
def test_the_sum_counts_from_the_same_amount_on(here: Place, budget: str, steps: tuple[str, ...]) -> None:
    assert planned(here, budget=budget) == steps


def test_a_third_part_is_added_to_both(here: Place) -> None:
    planned(here, budget="100000")
    assert planned(here, "third", budget="100000") == BOTH_STEPS


def test_what_grows_later_is_added_to_the_parts_there_are(here: Place) -> None:
    here.approve(name=FIRST)
    assert planned(here, budget="150000") == ("authority",)
    here.approve(name=SECOND)
    wish = here.wish("Change") | {"annualPlanItemRef": None}
    assert planned(here, FIRST, **wish | {"budget": "350000"}) == BOTH_STEPS


def test_nothing_starts_before_the_commission_has_decided(here: Place) -> None:
    planned(here, budget="200000")
    here.decide("authority", name=SECOND)
    with here.nothing_touched():
        here.run(SECOND)
        wrong = here.decide("development-reform", name=SECOND, office="某不相干单位")
        late = here.decide("development-reform", name=SECOND, valid_until=here.clock.now())
        here.run(SECOND)
    assert (here.judged(wrong), here.judged(late)) == ("WrongOffice", "Expired")
    asked = here.next_action(SECOND)
    assert (asked.waiting_for, asked.article) == ("development-reform", "LY 7.3")


def test_officials_read_what_was_added_up(here: Place) -> None:
    planned(here, budget="200000")
    (said,) = division(here.plan(1, SECOND))
    assert f"{NAMESPACE}/{FIRST}" in said.zh and "500000.00 元" in said.zh
    assert "500000.00 yuan a year together" in said.en
    assert division(here.plan(1, FIRST)) == ()


def _refused(here: Place) -> None:
    here.decide("authority", "Rejected", name=FIRST, comment="不予立项")
    here.run(FIRST)


def _asked_for_anew(here: Place) -> None:
    _refused(here)
    here.apply(FIRST, budget="300001")


def _planned_anew(here: Place) -> None:
    _asked_for_anew(here)
    here.run(FIRST)


def _ended(here: Place) -> None:
    here.approve(name=FIRST)
    here.terminate(FIRST)
    here.run(FIRST)
    here.approve(name=FIRST)
    assert here.status(FIRST).phase == "Terminated"


def _ended_last_year(here: Place) -> None:
    _ended(here)
    here.cluster.put_catalog("catalog", catalog_spec(validUntil="2027-12-31"))
    agreement = here.cluster.agreement("health-center-2026")
    assert agreement is not None
    here.cluster.put_agreement(agreement.name, agreement.spec.model_copy(update={"valid_until": agreement.spec.valid_until.replace(year=2027)}))
    here.clock.advance(timedelta(days=305))


HISTORIES: dict[str, tuple[Callable[[Place], object], tuple[str, ...]]] = {
    "waits": (lambda here: None, BOTH_STEPS),
    "runs": (lambda here: here.approve(name=FIRST), BOTH_STEPS),
    "was refused": (_refused, ("authority",)),
    "was refused and asked for anew, and nobody looked yet": (_asked_for_anew, BOTH_STEPS),
    "was refused and planned anew": (_planned_anew, BOTH_STEPS),
    "ended this year": (_ended, BOTH_STEPS),
    "ended last year": (_ended_last_year, ("authority",)),
    "is another unit's": (lambda here: here.apply(FIRST, unit=SUPERIOR), ("authority",)),
}


@pytest.mark.parametrize(("history", "steps"), HISTORIES.values(), ids=HISTORIES.keys())
def test_which_other_requests_spend_this_years_money(here: Place, history: Callable[[Place], object], steps: tuple[str, ...]) -> None:
    history(here)
    assert planned(here, budget="200000") == steps


def test_where_no_step_depends_on_the_budget_nobody_looks_at_other_requests(place: Open) -> None:
    elsewhere = place(shipped().pack("jiujiang"))
    elsewhere.begin()
    elsewhere.apply("second")
    assert elsewhere.facts("second").others_of_the_unit == ()
