"""What an application brings, under every pack: each material, each answer, each reason, the budget. All of it by the pack's own data."""

from __future__ import annotations

from typing import Any

import pytest
from packs.conftest import Open
from packs.places import YEARLY_COST, Place

from govcloud.core.violations import Violation
from policies.rules import Pack
from policies.shelf import shipped
from policies.steps import Transition

PACKS = [pytest.param(pack, id=name) for name, pack in sorted(shipped().packs.items())]
XH, ZY, LY, SD, JJ = (shipped().pack(name) for name in ("xinhua", "zunyi", "liyang", "shandong", "jiujiang"))


def refusals(here: Place, **changes: Any) -> tuple[Violation, ...]:
    """What the controller has against a request, which it leaves alone otherwise."""
    here.apply(**changes)
    action = here.decided()
    found: tuple[Violation, ...] = getattr(action, "violations", ())
    return found


# Materials


MATERIALS = [
    pytest.param(pack, purpose, rule, id=f"{name}-{purpose}-{rule.kind}")
    for name, pack in sorted(shipped().packs.items())
    for purpose, rules in pack.editions[-1].materials.items()
    for rule in rules
    if "Provision" in rule.transitions
]


@pytest.mark.parametrize(("pack", "purpose", "rule"), MATERIALS)
def test_each_material_is_asked_for_by_its_article(place: Open, pack: Pack, purpose: str, rule: Any) -> None:
    here = place(pack)
    given = [each for each in here.materials("Provision", purpose=purpose) if each["kind"] != rule.kind]
    (found,) = refusals(here, purpose=purpose, application=given)

    assert (found.rule, found.field, found.article) == ("materials", "spec.application", rule.source.cite())
    assert rule.zh in found.zh and rule.en in found.en and repr(rule.kind) in found.en


ACCEPTANCE = [
    pytest.param(pack, rule, id=f"{name}-{rule.kind}")
    for name, pack in sorted(shipped().packs.items())
    for rule in pack.editions[-1].materials["New"]
    if "Promote" in rule.transitions
]


@pytest.mark.parametrize(("pack", "rule"), ACCEPTANCE)
def test_each_requirement_of_the_acceptance_is_asked_for_when_it_goes_live_and_not_before(place: Open, pack: Pack, rule: Any) -> None:
    here = place(pack)
    here.begin()
    here.wait_for_acceptance()
    given = [each for each in here.materials("Provision", "Promote") if each["kind"] != rule.kind]
    (found,) = refusals(here, stage="Production", application=given)

    assert (found.rule, found.article) == ("materials", rule.source.cite())
    assert repr(rule.kind) in found.en


# Declarations


DECLARATIONS = [
    pytest.param(pack, rule, id=f"{name}-{rule.kind}")
    for name, pack in sorted(shipped().packs.items())
    for rule in pack.editions[-1].declarations
]


@pytest.mark.parametrize(("pack", "rule"), DECLARATIONS)
def test_each_question_has_to_be_answered_with_yes(place: Open, pack: Pack, rule: Any) -> None:
    here = place(pack)
    purpose = rule.purposes[0]
    answers = {each["kind"]: each for each in here.declarations()}
    around = {"purpose": purpose, "application": here.materials("Provision", purpose=purpose)}

    def said(**answer: str) -> tuple[Violation, ...]:
        others = [each for kind, each in answers.items() if kind != rule.kind]
        mine = [{"kind": rule.kind, "evidence": "见附件", **answer}] if answer else []
        return refusals(here, **around, declarations=[*others, *mine])

    (missing,) = said()
    assert (missing.rule, missing.field, missing.article) == ("declarations", f"spec.declarations[{rule.kind}]", rule.source.cite())
    assert "missing" in missing.en and rule.zh in missing.zh
    assert bool(said(answer="NotMet")) == (rule.strength == "hard")
    assert bool(said(answer="NotRequired")) == (rule.strength == "hard" and not rule.where_required)
    assert said(answer="Met") == ()


def test_the_seven_grounds_of_zunyi_are_all_found_at_once(place: Open) -> None:
    here = place(ZY)
    denied = [{**each, "answer": "NotMet"} for each in here.declarations()]

    assert [found.article for found in refusals(here, declarations=denied)] == ["ZY 13"] * 7


def test_a_departure_in_principle_is_planned_and_the_approval_says_why(place: Open) -> None:
    """JJ 23: the original is kept for two months, in principle."""
    here = place(JJ)
    answers = [{**each, "answer": "NotMet" if each["kind"] == "original-kept" else "Met"} for each in here.declarations()]
    here.apply(purpose="Migration", application=here.materials("Provision", purpose="Migration"), declarations=answers)
    here.run()
    (departure,) = here.shown_plan().departures
    assert "[JJ 23]" in departure and "保留原应用系统" in departure

    silent = here.decide("authority", comment=" ")
    with here.nothing_touched():
        here.run()
    assert here.judged(silent) == "ReasonMissing"
    said = here.verdict(silent)
    assert said is not None and "[JJ 23]" in said.message
    here.decide("authority", comment="原机房已关停,数据已另行备份")
    here.run()
    assert here.status().phase == "Trial"


# Adjustments


def test_each_reason_of_zunyi_allows_a_change_and_no_other_does(place: Open) -> None:
    assert ZY.editions[-1].adjustment is not None
    reasons = [reason.kind for reason in ZY.editions[-1].adjustment.reasons]
    here = place(ZY)
    here.go_live()
    bigger = here.wish("Change") | {"adjustment": None}

    (found,) = refusals(here, **bigger)
    assert (found.field, found.article) == ("spec.adjustment.reason", "ZY 16")
    assert all(reason in found.en for reason in reasons) and len(reasons) == 3
    (found,) = refusals(here, **bigger | {"adjustment": {"reason": "convenience", "explanation": "方便"}})
    assert "'convenience'" in found.en
    for reason in reasons:
        assert refusals(here, **bigger | {"adjustment": {"reason": reason, "explanation": "黔府发〔2026〕3号"}}) == ()


def test_a_reason_is_good_for_one_adjustment(place: Open) -> None:
    here = place(ZY)
    here.go_live()
    here.carry_out(**here.wish("Change"))
    again = refusals(here, services=here.wish("MajorChange")["services"])

    assert [(found.field, found.article) for found in again] == [("spec.adjustment.explanation", "ZY 16")]


# Budgets


BUDGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "just below": ("499999.99", ("authority",)),
    "exactly": ("500000", ("authority", "development-reform")),
    "exactly, with decimals": ("500000.00", ("authority", "development-reform")),
    "above": ("500000.01", ("authority", "development-reform")),
}


@pytest.mark.parametrize(("budget", "steps"), BUDGETS.values(), ids=BUDGETS.keys())
@pytest.mark.parametrize("transition", ["Provision", "Change", "MajorChange"])
def test_half_a_million_needs_the_development_and_reform_commission(
    place: Open, transition: Transition, budget: str, steps: tuple[str, ...]
) -> None:
    here = place(LY)
    if transition != "Provision":
        here.go_live()
    here.apply(**here.wish(transition) | {"budget": budget})
    here.run()

    assert here.shown_plan().steps == steps
    assert [step.article for step in here.plan(here.shown_plan().number).steps] == ["LY 7.3"] * len(steps)


def test_where_steps_depend_on_it_the_budget_is_asked_for(place: Open) -> None:
    here = place(LY)
    (found,) = refusals(here, budget=None)

    assert (found.field, found.article) == ("spec.budget", "LY 7.3")
    assert "500000" in found.en and "500000" in found.zh


@pytest.mark.parametrize("pack", PACKS)
def test_no_budget_is_smaller_than_the_cost_of_a_year(place: Open, pack: Pack) -> None:
    here = place(pack)
    (found,) = refusals(here, budget=f"{YEARLY_COST - 0.01:.2f}")

    assert found.field == "spec.budget"
    assert "30.00 yuan a month are 360.00" in found.en and "全年 360.00 元" in found.zh
    assert refusals(here, budget=str(YEARLY_COST)) == ()


def test_a_budget_goes_with_what_is_asked_for_later_too(place: Open) -> None:
    """A change that the budget does not pay for: else half a million would be reached in small steps."""
    here = place(LY)
    here.go_live()
    (found,) = refusals(here, services=here.wish("Change")["services"])

    assert found.field == "spec.budget" and "432.00" in found.en


# Who may come, and where


@pytest.mark.parametrize("pack", PACKS)
def test_classified_systems_and_such_as_are_not_paid_by_the_government_are_refused(place: Open, pack: Pack) -> None:
    here = place(pack)
    cited = {refusal.ground: refusal.source.cite() for refusal in pack.editions[-1].refusals}
    system = {"name": "x", "classified": True, "governmentFunded": False, "protectionLevel": 2}

    assert {found.rule: found.article for found in refusals(here, system=system)} == cited
    assert set(cited) == {"classified", "notGovernmentFunded"}


def test_in_principle_counties_run_no_platform(place: Open) -> None:
    here = place(SD)
    here.put_jurisdiction(level="County")
    here.apply()
    here.run()
    (departure,) = here.shown_plan().departures
    assert "[SD 3.2]" in departure and "UsingUnit.spec.county" in departure

    here.put_jurisdiction(level="City")
    here.apply(budget="1000")
    here.run()
    assert here.shown_plan().departures == ()


def test_a_jurisdiction_says_its_level_where_the_pack_asks_for_it(place: Open) -> None:
    here = place(SD)
    here.put_jurisdiction(level=None)

    assert [(found.field, found.article) for found in refusals(here)] == [("Jurisdiction.spec.level", "SD 3.2")]


# Reviews that are asked for


def test_an_expert_review_is_added_where_it_is_asked_for(place: Open) -> None:
    here = place(JJ)
    here.apply(expertReview=True)
    here.run()
    assert here.shown_plan().steps == ("expert-review", "authority")


def test_a_jurisdiction_may_want_experts_always(place: Open) -> None:
    here = place(JJ)
    here.put_jurisdiction(tightened={"expertReview": "Always"})
    here.apply()
    here.run()
    assert here.shown_plan().steps == ("expert-review", "authority")
    assert here.plan(1).steps[0].article == "JJ 15, tightened by the jurisdiction"


def test_a_review_that_the_pack_does_not_know_is_not_promised(place: Open) -> None:
    (found,) = refusals(place(LY), expertReview=True)
    assert found.field == "spec.expertReview"
