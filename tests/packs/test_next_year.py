"""What units plan for the next year is handed in by the end of June (ZY 5) or of July (XH-B 8): told of, counted, and no reason to stop anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from packs.conftest import Open
from packs.places import Place
from pydantic import ValidationError
from reconcile.world import SUPERIOR, UNIT, Crash, World, annual_plan_spec

from govcloud.api.common import Condition
from govcloud.controller import Controller
from govcloud.reasons import Reason
from policies.money import YearlyDay
from policies.shelf import shipped
from policies.sources import Source

DUE = {"zunyi": (datetime(2026, 6, 30, 16, tzinfo=UTC), "ZY 5"), "xinhua": (datetime(2026, 7, 31, 16, tzinfo=UTC), "XH-B 8")}
"""The first moment that is too late, and the article."""
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)

BOTH = pytest.mark.parametrize("pack", DUE)


Begun = Callable[[str], Place]


@pytest.fixture
def begun(place: Open) -> Begun:
    """A service under a pack that this year's plan pays for."""

    def begin(pack: str) -> Place:
        here = place(shipped().pack(pack))
        here.begin()
        return here

    return begin


def seen(here: World, pack: str) -> Condition | None:
    """What the jurisdiction says, having been looked after."""
    controller = Controller(here.ports, 1, timedelta(hours=1))
    controller.surroundings.look()
    found = here.cluster.jurisdiction(pack)
    assert found is not None
    return next((each for each in found.status.conditions if each.type == "NextYearPlanned"), None)


def at(here: Place, moment: datetime) -> Place:
    here.clock.advance(moment - here.clock.now())
    return here


def hand_in(here: Place, pack: str, **changes: Any) -> None:
    item = {"name": "orders", "title": "档案系统(续建)", "unit": UNIT} | changes
    here.cluster.put_annual_plan("next", annual_plan_spec(jurisdiction=pack, year=2027, items=[item]))


@BOTH
def test_it_is_told_a_month_before_and_when_it_is_over(begun: Begun, pack: str) -> None:
    here, (over, article) = begun(pack), DUE[pack]
    moments = {
        over - 30 * DAY - SECOND: Reason.DEADLINE_RUNNING,
        over - 30 * DAY: Reason.DEADLINE_APPROACHING,
        over - SECOND: Reason.DEADLINE_APPROACHING,
        over: Reason.DEADLINE_MISSED,
    }
    for moment, reason in moments.items():
        with here.nothing_touched():
            told = seen(at(here, moment), pack)
        assert told is not None
        assert (told.status, told.reason) == ("False", reason), moment
        assert f"[{article}]" in told.message and UNIT in told.message
    assert here.status().phase == "Trial"


def on_record(here: World) -> list[tuple[str, str, str]]:
    """What the log says of the next year's plan: how it stands, who owes, and by which article."""
    records = (record for record in here.audit.records() if record.reason.rule == "annual-plan")
    return [(record.attributes["said"], record.attributes["owing"], record.reason.article) for record in records]


@BOTH
def test_people_and_the_log_hear_of_each_change_once(begun: Begun, pack: str) -> None:
    here, (over, article) = begun(pack), DUE[pack]
    for moment in (over - 31 * DAY, over - 30 * DAY, over - DAY, over, over + DAY):
        seen(at(here, moment), pack)
    hand_in(here, pack)
    seen(here, pack)
    seen(here, pack)

    assert on_record(here) == [("DeadlineApproaching", UNIT, article), ("DeadlineMissed", UNIT, article), ("NothingToDo", "", article)]
    told = [(reason, message) for name, reason, message in here.cluster.events if name == pack]
    assert [reason for reason, _ in told] == ["DeadlineApproaching", "DeadlineMissed", "NothingToDo"]
    assert all(f"[{article}]" in message for _, message in told)


def test_a_crash_before_the_status_has_it_told_again_and_not_missed(begun: Begun) -> None:
    here = at(begun("zunyi"), DUE["zunyi"][0])
    here.wire.fail_next("cluster.jurisdiction-status", Crash())
    with pytest.raises(Crash):
        seen(here, "zunyi")
    here.restart_controller()
    seen(here, "zunyi")

    assert on_record(here) == [("DeadlineMissed", UNIT, "ZY 5")] * 2
    assert [reason for name, reason, _ in here.cluster.events if name == "zunyi"] == ["DeadlineMissed"]


@BOTH
def test_a_draft_is_handed_in(begun: Begun, pack: str) -> None:
    here = at(begun(pack), DUE[pack][0])
    hand_in(here, pack)
    told = seen(here, pack)
    assert told is not None and (told.status, told.reason, told.message) == ("True", Reason.NOTHING_TO_DO, "")


@pytest.mark.parametrize(
    "other",
    [{"year": 2028}, {"jurisdiction": "another"}, {"items": [{"name": "x", "title": "x", "unit": SUPERIOR}]}, {"items": []}],
    ids=["the year after", "another jurisdiction's", "another unit's", "nothing"],
)
def test_what_is_handed_in_for_something_else_does_not_count(begun: Begun, other: dict[str, Any]) -> None:
    here = at(begun("zunyi"), DUE["zunyi"][0])
    item = {"name": "orders", "title": "x", "unit": UNIT}
    here.cluster.put_annual_plan("next", annual_plan_spec(**{"jurisdiction": "zunyi", "year": 2027, "items": [item], **other}))
    told = seen(here, "zunyi")
    assert told is not None and told.reason == Reason.DEADLINE_MISSED


def test_who_has_nothing_running_owes_nothing(place: Open) -> None:
    here = at(place(shipped().pack("zunyi")), DUE["zunyi"][0])
    told = seen(here, "zunyi")
    assert told is not None and told.status == "True"


@pytest.mark.parametrize("pack", ["jiujiang", "liyang", "shandong"])
def test_where_no_day_is_named_nothing_is_said(place: Open, pack: str) -> None:
    assert seen(place(shipped().pack(pack)), pack) is None


def test_metrics_count_who_is_late(begun: Begun) -> None:
    here = at(begun("zunyi"), DUE["zunyi"][0])
    controller = Controller(here.ports, 1, timedelta(hours=1))
    labels = {"jurisdiction": "zunyi", "step": "annual-plan", "office": UNIT}

    def late() -> float | None:
        return controller.metrics.registry.get_sample_value("govcloud_deadlines_overdue", labels)

    assert late() is None
    controller.surroundings.look()
    assert late() == 1.0
    hand_in(here, "zunyi")
    controller.surroundings.look()
    assert late() is None


@pytest.mark.parametrize(("month", "day"), [(2, 29), (6, 31), (13, 1)])
def test_a_pack_names_a_day_of_every_year(month: int, day: int) -> None:
    with pytest.raises(ValidationError):
        YearlyDay(month=month, day=day, source=Source(kind="projectDefault", why="x"))
