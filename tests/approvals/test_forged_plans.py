"""Whoever writes what only the controller may write, while the policies are away, gets no effect that was not approved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from reconcile.world import World

from govcloud.api.common import as_written
from govcloud.api.request import Operation
from govcloud.core.plan import Plan


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
def test_a_status_that_makes_something_else_of_an_approved_plan_is_not_believed(production: World, operation: Operation) -> None:
    status = production.status()
    lie = status.progress.model_copy(update={"operation": operation})
    production.cluster.damage_status(production.request(), as_written(status.model_copy(update={"progress": lie})))
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
