"""The year of an annual plan ends: what runs goes on and is told of, what waits does not start on last year's money (ZY 5–7), nothing is paid twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from packs.conftest import Open
from packs.places import Place
from reconcile.world import ANNUAL_PLAN, NAME, Crash, annual_plan_spec, catalog_spec

from govcloud.api.reservation import ItemReservation
from govcloud.failures import Retry
from govcloud.reasons import Reason
from govcloud.reservations import look_after_accounts
from policies.shelf import shipped

ZY = shipped().pack("zunyi")
NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
"""In China."""
NEXT_ITEM = {"plan": "next", "item": "orders"}


@pytest.fixture
def here(place: Open) -> Place:
    """In Zunyi, with a catalog that holds in the next year too."""
    made = place(ZY)
    made.cluster.put_catalog("catalog", catalog_spec(validUntil="2027-12-31"))
    agreement = made.cluster.agreement("health-center-2026")
    assert agreement is not None
    made.cluster.put_agreement(agreement.name, agreement.spec.model_copy(update={"valid_until": agreement.spec.valid_until.replace(year=2027)}))
    return made


def until(here: Place, moment: datetime) -> None:
    here.clock.advance(moment - here.clock.now())


def reserved(here: Place, plan: str = ANNUAL_PLAN) -> tuple[ItemReservation, ...]:
    found = here.cluster.annual_plan(plan)
    assert found is not None
    return found.status.reservations


def year_ended(here: Place) -> tuple[str, str, str]:
    look_after_accounts(here.ports)
    plan = here.cluster.annual_plan(ANNUAL_PLAN)
    assert plan is not None
    found = next(each for each in plan.status.conditions if each.type == "YearEnded")
    return found.status, found.reason, found.message


def conditions(here: Place) -> set[str]:
    return {condition.type for condition in here.status().conditions}


# What runs


def test_what_runs_goes_on_and_is_told_of_from_the_first_moment_of_the_year(here: Place) -> None:
    here.go_live()
    before = reserved(here)
    until(here, NEW_YEAR - timedelta(seconds=1))
    here.run()
    assert "Funded" not in conditions(here)
    assert here.step().again_after == timedelta(seconds=1), "nobody has to wake it"

    with here.nothing_touched():
        here.clock.advance(timedelta(seconds=1))
        here.run()
    told = here.condition("Funded")
    assert (told.status, told.reason) == ("False", Reason.YEAR_ENDED)
    assert "the plan of 2027" in told.message and "[ZY 5–7]" in told.message
    assert (here.next_action().waiting_for, here.next_action().article) == ("applicant", "ZY 5–7")
    assert here.condition("Ready").status == "True"
    assert reserved(here) == before, "what was set aside stays as the record of its year"


def test_the_plan_names_what_still_rests_on_it(here: Place) -> None:
    here.go_live()
    until(here, NEW_YEAR - timedelta(seconds=1))
    assert year_ended(here) == ("False", Reason.NOTHING_TO_DO, "")
    here.clock.advance(timedelta(seconds=1))
    status, reason, message = year_ended(here)

    assert (status, reason) == ("True", Reason.YEAR_ENDED)
    assert f"health-center/{NAME}" in message and "1 项服务" in message


def test_an_item_of_the_next_plan_takes_over_by_an_approved_change_and_the_former_is_free(here: Place) -> None:
    here.go_live()
    until(here, NEW_YEAR)
    here.cluster.put_annual_plan("next", annual_plan_spec(jurisdiction=ZY.id, year=2027))
    here.carry_out(annualPlanItemRef=NEXT_ITEM, adjustment=here.adjustment("列入 2027 年度计划"))

    assert [(each.name, Decimal(each.yearly)) for each in reserved(here, "next")] == [(NAME, Decimal(360))]
    assert reserved(here) == ()
    assert "Funded" not in conditions(here)
    assert year_ended(here) == ("True", Reason.YEAR_ENDED, "")


def test_it_may_end_without_an_item_of_the_next_plan(here: Place) -> None:
    here.go_live()
    until(here, NEW_YEAR)
    here.terminate()
    here.run()
    here.approve()

    assert here.status().phase == "Terminated"
    assert reserved(here) == ()
    assert "Funded" not in conditions(here)


# What waits


def refusal(here: Place) -> tuple[str, str | None]:
    (found,) = here.decided().violations
    return found.rule, found.article


def test_what_was_planned_and_not_approved_in_time_is_refused(here: Place) -> None:
    here.ask("Provision")
    until(here, NEW_YEAR)
    for step in here.plan(1).steps:
        here.decide(step.step)
    with here.nothing_touched():
        here.run()

    assert refusal(here) == ("annual-plan", "ZY 5–7")
    assert "for 2026, not for 2027" in here.condition("Stalled").message


def test_what_was_set_aside_and_did_not_start_in_time_is_free_again(here: Place) -> None:
    here.ask("Provision")
    here.approve(*(step.step for step in here.plan(1).steps[:-1]))
    here.decide(here.plan(1).steps[-1].step)
    here.wire.fail_next("cluster.annual-plan-status", Crash(), after=True)
    with pytest.raises(Crash):
        here.run()
    here.restart_controller()
    assert reserved(here)

    until(here, NEW_YEAR)
    here.run()
    assert reserved(here) == ()
    assert refusal(here) == ("annual-plan", "ZY 5–7")


def test_what_started_in_time_is_finished_under_its_own_plan(here: Place) -> None:
    here.ask("Provision")
    here.wire.fail_next("cloud.create", Retry(Reason.CLOUD_UNREACHABLE, "away"))
    here.approve()
    assert here.status().progress.operation is not None
    until(here, NEW_YEAR)
    here.run_patiently()

    assert here.status().phase == "Trial"
    assert [Decimal(each.yearly) for each in reserved(here)] == [Decimal(360)]
    assert here.condition("Funded").reason == Reason.YEAR_ENDED



@pytest.mark.parametrize("transition", ["Promote", "Change"])
def test_no_money_is_committed_on_last_years_item(here: Place, transition: Any) -> None:
    here.begin() if transition == "Promote" else here.go_live()
    until(here, NEW_YEAR)
    here.apply(**here.wish(transition))
    with here.nothing_touched():
        here.run()
    assert refusal(here) == ("annual-plan", "ZY 5–7")

    here.cluster.put_annual_plan("next", annual_plan_spec(jurisdiction=ZY.id, year=2027))
    here.apply(annualPlanItemRef=NEXT_ITEM)
    here.run()
    assert here.shown_plan().transition == transition
