"""Twelve months after the acceptance the post-evaluation is due (XH-B 19): told of, counted, and never a reason to stop anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from packs.conftest import Open
from packs.places import Place
from reconcile.world import ANNUAL_PLAN, NAMESPACE, annual_plan_spec, catalog_spec, material

from govcloud.api.deadline import Deadline
from govcloud.controller import Controller
from govcloud.core.calendar import months_after
from govcloud.core.evaluation import EVALUATION
from govcloud.core.punctuality import on_time
from govcloud.reasons import Reason
from policies.shelf import shipped

SECOND = timedelta(seconds=1)


@pytest.fixture
def live(place: Open) -> Place:
    """Accepted in Xinhua in September 2026, in a catalog that goes on."""
    here = place(shipped().pack("xinhua"))
    here.cluster.put_catalog("catalog", catalog_spec(validUntil="2028-12-31"))
    here.go_live()
    return here


def clock(here: Place) -> Deadline:
    (found,) = [each for each in here.status().progress.deadlines if each.step == EVALUATION]
    return found


def due(here: Place) -> datetime:
    since = here.status().progress.production_since
    assert since is not None
    return months_after(since, 12)


def hand_in(here: Place, kind: str = EVALUATION) -> None:
    here.apply(application=[*here.request().spec["application"], material(kind)])
    here.run()


def until(here: Place, moment: datetime) -> None:
    here.clock.advance(moment - here.clock.now())
    here.run()


def told(here: Place) -> list[str]:
    return [reason for _, reason, message in here.cluster.events if reason.startswith("Deadline") and EVALUATION in message]


def test_it_runs_from_the_acceptance_for_twelve_months(live: Place) -> None:
    found = clock(live)
    assert (found.months, found.article, found.office) == (12, "XH-B 19", "使用单位")
    assert found.due == due(live) == datetime(2027, 9, 3, 16, tzinfo=UTC)
    asked = live.next_action()
    assert (asked.waiting_for, asked.article, asked.deadline) == ("applicant", "XH-B 19", found.due)
    assert "2027-09-03" in asked.zh and "kind post-evaluation" in asked.en
    assert live.condition("Overdue").reason == Reason.DEADLINE_RUNNING
    assert "CalendarKnown" not in {condition.type for condition in live.status().conditions}, "months need no holidays"


def test_people_are_told_a_month_before_and_when_it_is_over_and_nothing_stops(live: Place) -> None:
    with live.nothing_touched():
        until(live, due(live) - timedelta(days=30) - SECOND)
        assert told(live) == []
        assert live.step().again_after == SECOND, "nobody has to wake it"
        until(live, due(live) - timedelta(days=30))
        assert told(live) == [Reason.DEADLINE_APPROACHING]
        until(live, due(live) - SECOND)
        assert live.condition("Overdue").status == "False"
        until(live, due(live))
    assert told(live) == [Reason.DEADLINE_APPROACHING, Reason.DEADLINE_MISSED]
    assert (live.condition("Overdue").status, live.status().phase) == ("True", "Production")


@pytest.mark.parametrize(("early", "result"), [(SECOND, "OnTime"), (timedelta(0), "Late")])
def test_it_ends_with_the_report_and_is_counted(live: Place, early: timedelta, result: str) -> None:
    until(live, due(live) - early)
    live.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec(jurisdiction="xinhua", year=2027))  # whose year it is, is another matter
    with live.nothing_touched():
        hand_in(live)
    assert clock(live).result == result
    assert live.next_action().en == "Nothing to do"
    (counted,) = [each for each in on_time(live.audit.records()) if each.step == EVALUATION]
    assert (counted.office, counted.on_time, counted.late) == ("使用单位", int(result == "OnTime"), int(result == "Late"))


@pytest.mark.parametrize("kind", ["operation-plan", "self-test-report"])
def test_another_paper_is_none(live: Place, kind: str) -> None:
    hand_in(live, kind)
    assert clock(live).ended_at is None


def test_a_report_of_before_the_acceptance_is_none(place: Open) -> None:
    here = place(shipped().pack("xinhua"))
    here.begin()
    here.wait_for_acceptance()
    wish = here.wish("Promote")
    here.carry_out(**wish | {"application": [*wish["application"], material(EVALUATION)]})
    assert clock(here).ended_at is None

    here.apply(application=[*wish["application"], {**material(EVALUATION), "number": "新评〔2026〕1号"}])
    here.run()
    assert clock(here).result == "OnTime"


def test_it_is_asked_for_once_whatever_changes_later(live: Place) -> None:
    hand_in(live)
    before = clock(live)
    live.carry_out(**live.wish("Change"))
    assert clock(live) == before


def test_metrics_count_it_while_it_is_late(live: Place) -> None:
    until(live, due(live))
    controller = Controller(live.ports, 1, timedelta(hours=1))
    controller.look_at((NAMESPACE, "orders"))
    labels = {"jurisdiction": "xinhua", "step": EVALUATION, "office": "使用单位"}
    assert controller.metrics.registry.get_sample_value("govcloud_deadlines_overdue", labels) == 1.0


def test_a_service_that_ends_before_owes_none(live: Place) -> None:
    live.terminate()
    live.run()
    live.approve()
    assert (live.status().phase, clock(live).result) == ("Terminated", "Withdrawn")


@pytest.mark.parametrize("pack", ["jiujiang", "zunyi"])
def test_elsewhere_nobody_owes_one(place: Open, pack: str) -> None:
    here = place(shipped().pack(pack))
    here.go_live()
    assert EVALUATION not in {each.step for each in here.status().progress.deadlines}
