"""An urgent task outside the annual plan rests on the government's own decision (XH-B 8): its entry beside the plan alone opens nothing."""

from __future__ import annotations

from typing import Any

import pytest
from packs.conftest import Open
from packs.places import CONTAINER, Place
from pydantic import ValidationError
from reconcile.world import ANNUAL_PLAN, ITEM, annual_plan_spec

from govcloud.core.violations import Violation
from policies.rules import Edition
from policies.shelf import shipped

XH = shipped().pack("xinhua")
URGENT = {"annualPlanItemRef": {"plan": ANNUAL_PLAN, "item": "urgent-provision"}}
ANOTHER = {"annualPlanItemRef": {"plan": ANNUAL_PLAN, "item": "urgent-change"}}


@pytest.fixture
def here(place: Open) -> Place:
    return place(XH)


def planned(here: Place, **changes: Any) -> tuple[str, ...]:
    """The steps of the plan that is made for a wish."""
    here.apply(**changes)
    here.run()
    return here.shown_plan().steps


def refusals(here: Place, **changes: Any) -> list[Violation]:
    here.apply(**changes)
    return list(getattr(here.decided(), "violations", ()))


def test_what_stands_in_the_plan_does_not_ask_the_government(here: Place) -> None:
    assert "urgent-task" not in planned(here)


def test_an_urgent_task_is_the_governments_to_let_in_before_anybody_else_decides(here: Place) -> None:
    assert planned(here, **URGENT) == ("urgent-task", "technical-review", "cost-review", "expert-review", "authority")
    asked = here.next_action()
    assert (asked.waiting_for, asked.office, asked.article) == ("urgent-task", here.officials["urgent-task"][0], "XH-B 8")


def test_without_the_government_nothing_starts(here: Place) -> None:
    planned(here, **URGENT)
    with here.nothing_touched():
        for step in ("technical-review", "cost-review", "expert-review", "authority"):
            early = here.decide(step)
            here.run()
            assert here.judged(early) == "OutOfOrder"
    assert here.next_action().waiting_for == "urgent-task"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "the authority in place of the government": ({"office": "办理 authority 的单位"}, "WrongOffice"),
    "an office of a look-alike name": ({"office": "办理 urgent-task 的单位(代)"}, "WrongOffice"),
    "the applicant": ({"approver": "li.na"}, "SelfApproval"),
    "about another plan": ({"plan_digest": "sha256:" + "1" * 64}, "DigestMismatch"),
}


@pytest.mark.parametrize(("different", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_decision_lets_nothing_in(here: Place, different: dict[str, Any], reason: str) -> None:
    planned(here, **URGENT)
    with here.nothing_touched():
        wrong = here.decide("urgent-task", **different)
        here.run()
    assert here.judged(wrong) == reason
    assert (here.next_action().waiting_for, here.next_action().article) == ("urgent-task", "XH-B 8")


def test_a_decision_whose_time_is_over_lets_nothing_in(here: Place) -> None:
    planned(here, **URGENT)
    late = here.decide("urgent-task", valid_until=here.clock.now())
    with here.nothing_touched():
        here.run()
    assert here.judged(late) == "Expired"
    assert here.next_action().waiting_for == "urgent-task"


def test_a_refusal_of_the_government_ends_it(here: Place) -> None:
    planned(here, **URGENT)
    here.decide("urgent-task", "Rejected", comment="可列入下一年度计划")
    with here.nothing_touched():
        here.run()
    assert here.status().phase == "Rejected"


# What was let in once


def test_a_task_that_was_let_in_is_changed_without_the_government_and_grows_only_with_it(here: Place) -> None:
    here.carry_out(**URGENT)
    here.wait_for_acceptance()
    assert "urgent-task" not in planned(here, **here.wish("Promote") | URGENT)
    here.approve()
    assert planned(here, **here.wish("Change") | URGENT) == ("authority",)
    here.approve()
    bigger = [CONTAINER, {**CONTAINER, "name": "archive"}]
    assert planned(here, services=bigger, budget="10000")[0] == "urgent-task", "a major change takes the whole flow"


@pytest.mark.parametrize("transition", ["Promote", "Change"])
def test_nobody_moves_from_the_plan_to_an_urgent_task_without_the_government(here: Place, transition: Any) -> None:
    here.ask(transition)
    assert "urgent-task" not in here.shown_plan().steps
    assert planned(here, **ANOTHER)[0] == "urgent-task"
    with here.nothing_touched():
        early = here.decide(here.shown_plan().steps[1])
        here.run()
    assert here.judged(early) == "OutOfOrder"


# Its entry beside the plan


def test_an_entry_that_another_office_let_in_is_refused(here: Place) -> None:
    task = here.urgent_tasks()[0]
    task["approval"] = task["approval"] | {"office": "新华区政务服务和大数据管理局"}
    here.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec(jurisdiction=XH.id, urgent=[task]))
    (found,) = refusals(here, **URGENT)

    assert (found.rule, found.field, found.article) == ("annual-plan", "spec.annualPlanItemRef", "XH-B 8")
    assert "新华区政务服务和大数据管理局" in found.en and here.officials["urgent-task"][0] in found.zh


def test_without_an_office_that_could_decide_only_urgent_tasks_are_refused(here: Place) -> None:
    offices = [{"step": each.step, "office": each.office} for each in here.jurisdiction().offices if each.step != "urgent-task"]
    here.put_jurisdiction(offices=offices)
    (found,) = refusals(here, **URGENT)
    assert (found.rule, found.article) == ("offices", "XH-B 8")

    assert refusals(here, annualPlanItemRef={"plan": ANNUAL_PLAN, "item": ITEM}) == []


@pytest.mark.parametrize("transition", ["Provision", "Promote", "Change", "MajorChange"])
def test_a_pack_that_lets_tasks_in_has_the_step_wherever_money_is_committed(transition: Any) -> None:
    edition = XH.editions[-1]
    without = tuple(rule for rule in edition.steps[transition] if rule.step != "urgent-task")
    with pytest.raises(ValidationError, match=f"{transition} lacks the step urgent-task"):
        Edition.model_validate(edition.model_dump() | {"steps": {**edition.model_dump()["steps"], transition: without}})
