"""Legal clocks over whole stories: they start when somebody is asked, stand still while somebody else has to act, and are told of once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from reconcile.world import AUTHORITY, NAME, PROVIDER, START, Crash, World, catalog_spec, jurisdiction_spec

from govcloud.adapters.memory import FixedClock
from govcloud.api.deadline import Deadline
from govcloud.controller import Controller
from govcloud.core.punctuality import Punctuality, on_time
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from govcloud.reconcile import Reconciler

DAY = timedelta(days=1)
LIMIT = datetime(2026, 3, 5, 16, tzinfo=UTC)
"""End of Thursday in China: three working days after the Monday on which every story begins."""


@pytest.fixture
def asked(world: World) -> World:
    """The authority was asked on Monday, and has three working days (JJ 15)."""
    world.apply()
    world.run()
    world.approve("superior-unit")
    return world


def deadline(world: World, step: str = "authority") -> Deadline:
    """The newest of a step."""
    return [d for d in world.status().progress.deadlines if d.step == step][-1]


def told(world: World) -> list[str]:
    """Reasons of the Events about time."""
    reasons = [reason for _, reason, _ in world.cluster.events]
    return [reason for reason in reasons if reason.startswith("Deadline")]


def recorded(world: World) -> list[str]:
    return [r.attributes["said"] for r in world.audit.records() if r.attributes.get("decision") == "deadline"]


def until(world: World, moment: datetime) -> None:
    """Time passes, and the controller looks whenever it said it would."""
    for _ in range(40):
        pause = world.step().again_after
        if pause is None or world.clock.now() + pause > moment:
            break
        world.clock.advance(pause)
    world.clock.advance(moment - world.clock.now())
    world.run()


# Since when, until when


def test_an_offices_clock_runs_from_the_moment_it_is_asked(asked: World) -> None:
    found = deadline(asked)

    assert (found.started_at, found.due, found.article) == (START + timedelta(minutes=1), LIMIT, "JJ 15")
    assert (asked.status().due, asked.next_action().deadline, asked.next_action().article) == (LIMIT, LIMIT, "JJ 15")
    assert asked.condition("Overdue").reason == Reason.DEADLINE_RUNNING


def test_a_step_without_a_limit_has_no_clock(world: World) -> None:
    world.apply()
    world.run()

    assert world.next_action().waiting_for == "superior-unit"
    assert world.status().progress.deadlines == ()


def test_a_decision_in_time_ends_the_clock(asked: World) -> None:
    asked.clock.advance(2 * DAY)
    asked.approve("authority")
    found = deadline(asked)

    assert found.result == "OnTime"
    assert found.ended_at == START + 2 * DAY + timedelta(minutes=2)
    assert deadline(asked).result == "OnTime"  # the office, and then the provider
    assert told(asked) == []


def test_a_decision_counts_from_when_it_was_made_not_from_when_it_was_seen(asked: World) -> None:
    asked.clock.advance(LIMIT - asked.clock.now() - timedelta(minutes=2))
    asked.decide("authority")
    asked.clock.advance(10 * DAY)
    asked.run()

    assert deadline(asked).result == "OnTime"


def test_what_was_decided_late_is_late_even_if_nobody_looked_meanwhile(asked: World) -> None:
    asked.clock.advance(LIMIT - asked.clock.now())
    asked.decide("authority")
    asked.run()

    assert deadline(asked).result == "Late"
    assert told(asked) == ["DeadlineMissed"]
    assert recorded(asked)[:2] == ["Missed", "Late"]


def test_a_rejection_is_a_decision_too(asked: World) -> None:
    asked.decide("authority", "Rejected")
    asked.run()

    assert deadline(asked).result == "OnTime"


def test_the_providers_clock_runs_from_the_last_approval_though_the_controller_came_late(asked: World) -> None:
    asked.decide("authority")
    approved = asked.clock.now()
    asked.clock.advance(timedelta(hours=20))
    asked.run()
    found = deadline(asked, "provider")

    assert (found.started_at, found.office, found.article, found.working_days) == (approved, PROVIDER, "JJ 16", 2)
    assert (found.result, found.ended_at) == ("OnTime", approved + timedelta(hours=20))


def test_a_change_has_three_working_days(world: World) -> None:
    world.to_production()
    world.edit_service("data", sizeGib=9)
    world.run()
    world.approve()
    found = deadline(world, "provider")

    assert (found.plan, found.article, found.working_days, found.result) == (3, "JJ 18", 3, "OnTime")


def test_what_the_provider_cannot_do_becomes_late(asked: World) -> None:
    asked.wire.fail_next("cloud.create db", Stop(Reason.RESOURCE_FAILED, "in error"), times=10**6)
    asked.approve("authority")
    for _ in range(4):
        asked.clock.advance(DAY)
        asked.run()

    assert asked.condition("Overdue").status == "True"
    assert told(asked) == ["DeadlineApproaching", "DeadlineMissed"]
    asked.wire.forgive()
    asked.run_patiently()
    assert deadline(asked, "provider").result == "Late"


# Told once, at the right moment


def test_a_deadline_that_approaches_and_passes_is_told_once_each(asked: World) -> None:
    until(asked, LIMIT + 3 * DAY)
    asked.restart_controller()
    until(asked, LIMIT + 4 * DAY)

    assert told(asked) == ["DeadlineApproaching", "DeadlineMissed"]
    assert recorded(asked) == ["Approaching", "Missed"]
    assert (asked.condition("Overdue").status, asked.condition("Overdue").reason) == ("True", Reason.DEADLINE_MISSED)


def test_nothing_is_told_a_second_too_early(asked: World) -> None:
    last_day = LIMIT - DAY
    for moment, expected in (
        (last_day - timedelta(seconds=1), []),
        (last_day, ["DeadlineApproaching"]),
        (LIMIT - timedelta(seconds=1), ["DeadlineApproaching"]),
        (LIMIT, ["DeadlineApproaching", "DeadlineMissed"]),
    ):
        asked.clock.advance(moment - asked.clock.now())
        asked.run()
        assert told(asked) == expected


def test_the_next_look_comes_when_there_is_something_to_say(asked: World) -> None:
    assert asked.step().again_after == LIMIT - DAY - asked.clock.now()
    asked.clock.advance(LIMIT - DAY - asked.clock.now())
    asked.run()
    assert asked.step().again_after == DAY
    asked.clock.advance(DAY)
    asked.run()
    assert asked.step().again_after is None


def test_a_trial_that_ends_while_an_office_is_asked_is_noticed_in_time(world: World) -> None:
    end = world.to_trial().trial_record().ends_at
    world.apply(stage="Production")
    until(world, end - timedelta(seconds=1))
    assert world.step().again_after == timedelta(seconds=1)
    until(world, end)

    assert world.trial_record().expired_at == end


@pytest.mark.parametrize("number", range(1, 8))
def test_a_crash_when_it_is_told_neither_loses_nor_repeats_it(asked: World, number: int) -> None:
    asked.clock.advance(LIMIT - asked.clock.now())
    asked.wire.fail_at(len(asked.wire.writes) + number, Crash(), after=True)
    try:
        asked.run()
    except Crash:
        asked.restart_controller()
        asked.run()

    assert told(asked) == ["DeadlineMissed"]
    assert set(recorded(asked)) == {"Missed"}
    assert [each.overdue for each in on_time(asked.audit.records())] == [1]


class DevelopmentTime:
    """What `govcloud dev clock advance` makes of a clock."""

    def __init__(self, real: FixedClock, ahead: timedelta) -> None:
        self._real, self._ahead = real, ahead

    def now(self) -> datetime:
        return self._real.now() + self._ahead

    def ahead(self) -> timedelta:
        return self._ahead


def test_a_development_clock_does_not_make_late_what_the_api_server_dated(world: World) -> None:
    """Plans and approvals carry the real time, which is weeks behind."""
    ahead = 16 * DAY
    world.reconciler = Reconciler(replace(world.ports, clock=DevelopmentTime(world.clock, ahead)))
    world.apply()
    world.run()
    world.approve("superior-unit")
    found = deadline(world)
    assert (found.started_at, told(world)) == (world.clock.now() + ahead, [])
    world.clock.advance(DAY)
    world.approve("authority")

    assert [d.result for d in world.status().progress.deadlines] == ["OnTime", "OnTime"]


# Whose turn it is


def test_the_clock_stands_still_while_something_else_has_to_be_mended(asked: World) -> None:
    asked.clock.advance(DAY)
    asked.cluster.delete_catalog("jiujiang-2026")
    asked.run()
    assert (deadline(asked).due, asked.status().due) == (None, None)
    asked.clock.advance(2 * DAY)
    asked.run()
    asked.cluster.put_catalog("jiujiang-2026", catalog_spec())
    asked.run()

    # Tuesday to Thursday do not count; Friday, Monday and Tuesday do.
    assert deadline(asked).due == LIMIT + 5 * DAY
    assert told(asked) == []


def test_the_clock_stands_still_while_an_approval_before_is_taken_back(asked: World) -> None:
    asked.decide("superior-unit", "Revoked")
    asked.run()
    assert deadline(asked).due is None
    asked.clock.advance(DAY)
    asked.approve("superior-unit")

    assert deadline(asked).due == LIMIT + DAY
    asked.approve("authority")
    assert deadline(asked).result == "OnTime"


def test_an_office_that_takes_its_approval_back_is_asked_anew(asked: World) -> None:
    asked.clock.advance(DAY)
    asked.decide("authority")
    asked.decide("authority", "Revoked")
    taken_back = asked.clock.now()
    asked.run()

    assert (deadline(asked).started_at, deadline(asked).ended_at) == (taken_back, None)
    assert recorded(asked) == ["OnTime"]


def test_it_is_asked_anew_also_where_it_takes_its_approval_back_within_the_second(asked: World) -> None:
    asked.clock.advance(DAY)
    asked.decide("authority")
    asked.decide("authority", "Revoked", after=timedelta(0))
    taken_back = asked.clock.now()
    asked.run()

    assert (deadline(asked).started_at, deadline(asked).ended_at) == (taken_back, None)
    with asked.nothing_touched():
        asked.run()
    assert len(asked.status().progress.deadlines) == 2
    asked.approve("authority")
    assert deadline(asked).result == "OnTime"


def test_an_edit_withdraws_what_was_asked_and_asks_anew(asked: World) -> None:
    asked.clock.advance(2 * DAY)
    asked.edit_service("data", sizeGib=3)
    asked.run()
    asked.approve("superior-unit")
    found = deadline(asked)

    assert recorded(asked) == ["Withdrawn"]
    assert (found.plan, found.due) == (2, LIMIT + 4 * DAY)  # from Wednesday on


def test_what_was_late_already_stays_late_when_it_is_withdrawn(asked: World) -> None:
    until(asked, LIMIT + DAY)
    asked.edit_service("data", sizeGib=3)
    asked.run()

    assert recorded(asked) == ["Approaching", "Missed", "Late"]


def test_while_the_applicant_must_act_nothing_is_due(asked: World) -> None:
    asked.apply(application=[])
    asked.run()

    assert asked.next_action().waiting_for == "applicant"
    assert asked.status().due is None
    assert not [c for c in asked.status().conditions if c.type == "Overdue"]


def test_a_frozen_operation_stops_the_providers_clock(asked: World) -> None:
    asked.wire.fail_next("cloud.create db", Retry(Reason.CLOUD_UNREACHABLE, "no answer"), times=10**6)
    asked.approve("authority")
    asked.decide("authority", "Revoked")
    asked.run()

    assert deadline(asked, "provider").due is None
    asked.wire.forgive()
    asked.clock.advance(DAY)
    asked.decide("authority")
    asked.run_patiently()
    assert deadline(asked, "provider").result == "OnTime"


# The calendar


def test_a_jurisdictions_own_holiday_counts(asked: World) -> None:
    days = [{"day": "2026-03-03", "kind": "Holiday", "document": "九府办发〔2026〕3号"}]
    asked.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(calendar={"days": days}))
    asked.run()

    assert deadline(asked).due == LIMIT + DAY


def test_a_limit_that_reaches_into_an_unpublished_year_says_so(world: World) -> None:
    world.clock.advance(datetime(2026, 12, 29, 2, tzinfo=UTC) - START)
    world.apply()
    world.run()
    world.approve("superior-unit")
    condition = world.condition("CalendarKnown")

    assert (condition.status, condition.reason) == ("False", Reason.CALENDAR_UNKNOWN)
    assert "2027" in condition.message and "spec.calendar" in condition.message
    assert deadline(world).due == datetime(2027, 1, 1, 16, tzinfo=UTC)  # weekends only: New Year's Day counts


# What is counted


def test_statistics_are_counted_from_the_log(asked: World, tmp_path: Path) -> None:
    until(asked, LIMIT)
    asked.decide("authority")
    asked.run()
    counted = on_time([*asked.audit.records(), *asked.audit.records()])

    assert counted == (
        Punctuality("jiujiang", "authority", AUTHORITY, on_time=0, late=1, withdrawn=0, overdue=0),
        Punctuality("jiujiang", "provider", PROVIDER, on_time=1, late=0, withdrawn=0, overdue=0),
    )
    assert [each.percent for each in counted] == [0.0, 100.0]


def test_metrics_count_what_ended_and_what_is_overdue(asked: World) -> None:
    controller = Controller(asked.ports, 1, timedelta(hours=1))
    sample = controller.metrics.registry.get_sample_value
    labels = {"jurisdiction": "jiujiang", "step": "authority", "office": AUTHORITY}
    asked.clock.advance(LIMIT - asked.clock.now())
    controller.look_at(("health-center", NAME))
    assert sample("govcloud_deadlines_overdue", labels) == 1.0

    asked.decide("authority")
    controller.decision_changed("health-center", NAME)
    while controller.look_at(("health-center", NAME)) == timedelta(0):
        pass
    assert sample("govcloud_deadlines_overdue", labels) is None
    assert sample("govcloud_deadlines_total", {**labels, "result": "Late"}) == 1.0


# The end of a trial


def reminders(world: World) -> list[str]:
    return [message for _, reason, message in world.cluster.events if reason == "TrialEnding"]


def test_people_are_reminded_three_days_and_one_day_before_a_trial_ends(world: World) -> None:
    end = world.to_trial().trial_record().ends_at
    until(world, end - timedelta(days=3, seconds=1))
    assert reminders(world) == []
    until(world, end - timedelta(days=3))
    assert len(reminders(world)) == 1 and "within 3 days" in reminders(world)[0]
    assert "within 3 days" in world.next_action().en
    until(world, end - DAY)
    assert len(reminders(world)) == 2 and "within 1 days" in reminders(world)[1]
    until(world, end + 5 * DAY)
    assert len(reminders(world)) == 2


def test_reminders_that_are_due_together_are_one(world: World) -> None:
    end = world.to_trial().trial_record().ends_at
    world.clock.advance(end - timedelta(hours=3) - world.clock.now())
    world.run()

    assert len(reminders(world)) == 1
    assert world.trial_record().reminded == (3, 1)


def test_a_longer_trial_is_reminded_of_anew(world: World) -> None:
    until(world, world.to_trial().trial_record().ends_at - 2 * DAY)
    world.apply(trial={"extensionDays": 10})
    world.run()
    world.approve()
    assert world.trial_record().reminded == ()
    until(world, world.trial_record().ends_at - DAY)

    assert len(reminders(world)) == 3


def test_who_is_in_production_is_not_reminded(world: World) -> None:
    world.to_production()
    world.clock.advance(14 * DAY)
    world.run()

    assert reminders(world) == []
