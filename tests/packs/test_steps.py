"""Under every pack, in every transition, at every step: what is missing, wrong, late or from the wrong office performs nothing, and is refused with
the article of that step. Made of the packs' own data, so that a new pack is covered by being there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from packs.conftest import Open
from packs.places import Place, possible

from govcloud.core.objects import ApprovalObject
from govcloud.core.plan import PlannedStep
from policies.rules import Edition, Pack
from policies.shelf import shipped
from policies.steps import Transition

CASES = [
    pytest.param(pack, transition, id=f"{name}-{transition}")
    for name, pack in sorted(shipped().packs.items())
    for transition in possible(pack.editions[-1])
]


@pytest.mark.parametrize(("pack", "transition"), CASES)
def test_nothing_happens_before_the_last_step_and_every_wrong_decision_is_refused(place: Open, pack: Pack, transition: Transition) -> None:
    here = place(pack, everything=True)
    here.ask(transition)
    number = here.shown_plan().number
    steps = here.plan(number).steps
    for step in steps:
        with here.nothing_touched():
            waits_for(here, step)
            refuses_what_is_wrong(here, step)
            refuses_what_comes_too_early(here, steps[steps.index(step) + 1 :])
            waits_for(here, step)
        here.decide(step.step)
        here.run()

    assert here.status().progress.completed_plan == number, here.next_action()


@pytest.mark.parametrize(("pack", "transition"), CASES)
def test_a_deadline_that_passes_decides_nothing(place: Open, pack: Pack, transition: Transition) -> None:
    """An office that is late is waited for; what it did not decide is not taken for decided."""
    here = place(pack, everything=True)
    here.ask(transition)
    for step in here.plan(here.shown_plan().number).steps:
        with here.nothing_touched():
            here.clock.advance(timedelta(days=6))  # longer than any limit, and two of them shorter than any trial
            here.run()
            waits_for(here, step)
            is_told_that_it_is_late(here, step)
            ended = here.decide(step.step, valid_until=here.clock.now())
            here.run()
            assert here.judged(ended) == "Expired" and cites(here, ended, step)
            waits_for(here, step)
        here.decide(step.step)
        here.run()


def is_told_that_it_is_late(here: Place, step: PlannedStep) -> None:
    """Where the regulation gives the office a number of days."""
    if step.working_days is not None:
        overdue = here.condition("Overdue")
        assert (overdue.status, overdue.reason) == ("True", "DeadlineMissed")
        assert f"[{step.article}]" in overdue.message and step.office in overdue.message


def cites(here: Place, decision: ApprovalObject, step: PlannedStep) -> bool:
    """Whether the refusal names the article that asks for the step."""
    said = here.verdict(decision)
    return said is not None and f"[{step.article}]" in said.message


def waits_for(here: Place, step: PlannedStep) -> None:
    """The status says which office is missing, for which step, by which article."""
    action = here.next_action()
    assert (action.waiting_for, action.office, action.article) == (step.step, step.office, step.article)
    assert step.zh in action.zh and step.en in action.en
    rule = next(rule for rule in here.edition.steps[here.shown_plan().transition] if rule.step == step.step)  # type: ignore[index]
    assert step.article == rule.source.cite()


def refuses_what_is_wrong(here: Place, step: PlannedStep) -> None:
    other_office = here.decide(step.step, office="某不相干单位")
    other_plan = here.decide(step.step, plan_digest="sha256:" + "1" * 64)
    applicant = here.decide(step.step, approver="li.na")
    unknown = here.decide("no-such-step", office=step.office)
    here.run()

    assert here.judged(other_office) == "WrongOffice" and cites(here, other_office, step)
    assert here.judged(other_plan) == "DigestMismatch"
    assert here.judged(applicant) == "SelfApproval" and cites(here, applicant, step)
    assert here.judged(unknown) == "UnknownStep"


def refuses_what_comes_too_early(here: Place, later: tuple[PlannedStep, ...]) -> None:
    for step in later:
        early = here.decide(step.step)
        here.run()
        assert here.judged(early) == "OutOfOrder" and cites(here, early, step)


# Steps that have to differ


APART = [
    pytest.param(pack, transition, rule.step, other, id=f"{name}-{transition}-{rule.step}-{other}")
    for name, pack in sorted(shipped().packs.items())
    for transition, rules in pack.editions[-1].steps.items()
    for rule in rules
    for other in (*rule.other_office_than, *rule.other_person_than)
]


@pytest.mark.parametrize(("pack", "transition", "step", "other"), APART)
def test_a_person_does_not_decide_two_steps_that_are_for_two(
    place: Open, pack: Pack, transition: Transition, step: str, other: str
) -> None:
    here = place(pack, everything=True)
    here.ask(transition)
    steps = here.shown_plan().steps
    here.approve(*steps[: steps.index(step)])
    with here.nothing_touched():
        same = here.decide(step, approver=here.officials[other][1])
        here.run()

    assert here.judged(same) in ("OnePersonTwoOffices", "OnePersonTwoSteps")
    assert here.next_action().waiting_for == step


def _double(edition: Edition) -> list[tuple[str, str]]:
    return [(rule.step, other) for rules in edition.steps.values() for rule in rules for other in rule.other_office_than]


@pytest.mark.parametrize(
    "pack", [pytest.param(pack, id=name) for name, pack in sorted(shipped().packs.items()) if _double(pack.editions[-1])]
)
def test_two_reviews_by_one_office_are_refused_before_anybody_decides(place: Open, pack: Pack) -> None:
    here = place(pack, everything=True)
    step, other = _double(here.edition)[0]
    offices = [{"step": office.step, "office": office.office} for office in here.jurisdiction().offices if office.step != other]
    one_of_them = next(office["office"] for office in offices if office["step"] == step)
    here.put_jurisdiction(offices=[*offices, {"step": other, "office": f" {one_of_them}"}])
    here.apply()
    with here.nothing_touched():
        assert here.run() == ["Refuse"]

    stalled = here.condition("Stalled").message
    rule = next(rule for rule in here.edition.steps["Provision"] if rule.step == step)
    assert repr(step) in stalled and repr(other) in stalled and f"[{rule.source.cite()}]" in stalled


def test_the_double_acceptance_of_xinhua_wants_two_people_of_one_office_too(place: Open) -> None:
    here = place(shipped().pack("xinhua"))
    bureau = {"security-acceptance", "quality-acceptance"}
    offices = [{"step": o.step, "office": "区政务服务和大数据管理局" if o.step in bureau else o.office} for o in here.jurisdiction().offices]
    here.put_jurisdiction(offices=offices)
    here.officials = {**here.officials, **{step: ("区政务服务和大数据管理局", f"official.{step}") for step in bureau}}
    here.ask("Promote")
    here.approve("unit-consent", "security-acceptance")
    same = here.decide("quality-acceptance", approver="official.security-acceptance")
    here.run()
    assert here.judged(same) == "OnePersonTwoSteps"
    said = here.verdict(same)
    assert said is not None and "[XH-A 7]" in said.message

    here.approve("quality-acceptance")
    assert here.status().phase == "Production"
