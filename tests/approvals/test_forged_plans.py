"""Whoever writes what only the controller may write, while the policies are away, gets no effect that was not approved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from reconcile.world import World

from govcloud.api.progress import Operation
from govcloud.audit.records import Record
from govcloud.core.plan import Plan
from govcloud.frozen import MOST_READ, FrozenPlans


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "audit")
    yield made
    made.wire.restart()
    made.audit.close()


@pytest.fixture
def planned(world: World) -> World:
    world.apply()
    world.run()
    return world


def while_the_policies_are_away(world: World, pin: Plan) -> None:
    """Nobody looks: somebody pins a plan of his own making, and puts the policies back."""
    world.clock.advance(timedelta(minutes=1))
    world.cluster.fault = "a policy is gone"
    world.cluster.pin_plan(world.request().key, pin.number, pin.text())
    world.clock.advance(timedelta(minutes=1))
    world.cluster.fault = None


def test_a_plan_that_somebody_else_pinned_is_not_carried_out(planned: World) -> None:
    """It asks for nobody's approval, and fits the request in everything else."""
    ours = planned.plan(1)
    while_the_policies_are_away(planned, ours.model_copy(update={"number": 2, "previous": ours.digest, "steps": ()}))
    with planned.nothing_touched():
        planned.run_patiently()

    stalled = planned.condition("Stalled")
    assert stalled.reason == "PlanDamaged"
    assert "pinned plan 2" in stalled.message
    assert "was not frozen by this controller" in stalled.message


def test_a_plan_of_ours_from_the_time_in_doubt_is_carried_out(planned: World) -> None:
    """The window reaches back to the last decision that was seen; a plan that was frozen in it is in the log."""
    planned.clock.advance(timedelta(minutes=1))
    planned.cluster.fault = "a policy is gone"
    planned.clock.advance(timedelta(minutes=1))
    planned.cluster.fault = None
    planned.restart_controller()
    planned.run_patiently()
    planned.approve()

    assert planned.status().phase == "Trial"


def test_a_plan_in_the_place_of_the_approved_one_is_not_carried_out(planned: World) -> None:
    """Under way, it would be checked against its approvals as well; here it is seen before that."""
    planned.approve("superior-unit")
    ours = planned.plan(1)
    planned.clock.advance(timedelta(minutes=1))
    planned.cluster.fault = "a policy is gone"
    planned.cluster.delete_plan(planned.request().key, 1)
    while_the_policies_are_away(planned, ours.model_copy(update={"steps": ours.steps[:1]}))
    with planned.nothing_touched():
        planned.run_patiently()

    assert planned.condition("Stalled").reason == "PlanDamaged"


STATUSES: list[Any] = [
    pytest.param(Operation(plan=2, transition="Terminate", started_at="2026-03-02T03:00:00Z"), id="a promotion as a termination"),  # type: ignore[arg-type]
    pytest.param(Operation(plan=1, transition="Provision", started_at="2026-03-02T03:00:00Z"), id="once more what is done"),  # type: ignore[arg-type]
    pytest.param(Operation(plan=0, transition="TrialEnd", started_at="2026-03-02T03:00:00Z"), id="the end of a trial that is production"),  # type: ignore[arg-type]
    pytest.param(Operation(plan=2, transition="TrialEnd", started_at="2026-03-02T03:00:00Z"), id="the end of a trial under a plan"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("operation", STATUSES)
def test_a_status_that_makes_something_else_of_an_approved_plan_is_no_good_though_it_was_taken_over(production: World, operation: Operation) -> None:
    production.forge_progress(production.status().progress.model_copy(update={"operation": operation}), believed=True)
    with production.nothing_touched():
        production.run_patiently()

    stalled = production.condition("Stalled")
    assert stalled.reason == "PlanMismatch"
    assert operation.transition in stalled.message


@pytest.fixture
def production(world: World) -> World:
    world.to_trial()
    world.apply(stage="Production")
    world.run()
    world.approve()
    assert world.status().phase == "Production"
    return world


# How often the log is read


class Readings:
    """A log that counts how often it is read."""

    def __init__(self, records: list[Record]) -> None:
        self.records, self.read = records, list[str]()

    def of(self, uid: str) -> list[Record]:
        self.read.append(uid)
        return self.records


def test_a_requests_log_is_read_once_however_many_plans_are_forged(planned: World) -> None:
    ours = planned.plan(1)
    readings = Readings(planned.audit.records())
    frozen = FrozenPlans(readings.of)
    forged = [ours.model_copy(update={"number": number}) for number in range(2, 30)]

    assert [frozen.knows(plan) for plan in (ours, *forged, ours)] == [True, *([False] * 28), True]
    assert readings.read == [ours.request.uid]


def test_what_is_frozen_after_the_log_was_read_is_known(planned: World) -> None:
    ours = planned.plan(1)
    readings = Readings([])
    frozen = FrozenPlans(readings.of)
    frozen.note(ours)
    assert not frozen.knows(ours), "of a request that nobody doubted the log tells later"
    frozen.note(ours)
    assert frozen.knows(ours)
    assert not frozen.knows(ours.model_copy(update={"steps": ()}))


def test_of_very_many_requests_the_first_is_read_again(planned: World) -> None:
    ours = planned.plan(1)
    others = [ours.model_copy(update={"request": ours.request.model_copy(update={"uid": str(UUID(int=10**9 + n))})}) for n in range(MOST_READ)]
    readings = Readings(planned.audit.records())
    frozen = FrozenPlans(readings.of)
    for plan in (ours, *others, ours):
        frozen.knows(plan)
    assert readings.read.count(ours.request.uid) == 2
    assert len(readings.read) == MOST_READ + 2


def test_the_controller_tells_of_what_it_freezes_itself(planned: World) -> None:
    assert not planned.ports.frozen.knows(planned.plan(1).model_copy(update={"steps": ()}))
    planned.apply(services=planned.request().spec["services"][:1])
    planned.run()

    assert planned.shown_plan().number == 2
    assert planned.ports.frozen.knows(planned.plan(2))
