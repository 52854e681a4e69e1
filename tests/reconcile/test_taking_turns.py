"""While all places are taken by what is done in the cloud, officials are answered at once all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from reconcile.test_pause import EVERYTHING
from reconcile.world import NAME, NAMESPACE, World

from govcloud.controller import Controller
from govcloud.failures import Stop
from govcloud.reasons import Reason

KEY, BUSY = (NAMESPACE, NAME), (NAMESPACE, "busy")


@pytest.fixture
def controller(world: World) -> Controller:
    """It works on one request at a time. Its workers do not run: what is due stays due."""
    return Controller(world.ports, 1, timedelta(hours=1))


@contextmanager
def _while_another_is_worked_on(world: World, controller: Controller) -> Iterator[None]:
    """It has the only place; meanwhile ours is applied, and approved by everybody."""
    with controller.turns.visit(BUSY) as has_turn:
        assert has_turn()
        _apply_and_approve(world, controller)
        yield


def _looks(controller: Controller) -> None:
    while controller.look_at(KEY) == timedelta(0):
        pass


def _apply_and_approve(world: World, controller: Controller) -> None:
    world.apply()
    _looks(controller)
    for step in world.shown_plan().steps:
        world.decide(step)
        controller.reconciler.decisions_changed()
        _looks(controller)


def test_decisions_are_judged_and_plans_begin_while_another_is_worked_on(world: World, controller: Controller) -> None:
    with world.nothing_touched(), _while_another_is_worked_on(world, controller):
        assert [world.judged(approval) for approval in world.cluster.approvals()] == ["Counted", "Counted"]
        assert world.status().phase == "Provisioning"
        assert controller.turns.waiting == 1


def test_who_waited_goes_on_when_the_other_is_done(world: World, controller: Controller) -> None:
    with _while_another_is_worked_on(world, controller):
        assert len(controller.queue) == 0
    assert len(controller.queue) == 1

    _looks(controller)
    assert world.status().phase == "Trial"
    assert (controller.turns.taken, controller.turns.waiting) == (0, 0)


def test_who_waits_and_is_told_to_stay_as_it_is_gives_its_place_on(world: World, controller: Controller) -> None:
    with _while_another_is_worked_on(world, controller):
        world.cluster.pause("night", EVERYTHING)
    with world.nothing_touched():
        _looks(controller)
    assert (controller.turns.taken, controller.turns.waiting) == (0, 0)


def test_a_place_is_free_again_when_the_cloud_fails(world: World, controller: Controller) -> None:
    world.wire.fail_next("cloud.create db", Stop(Reason.RESOURCE_FAILED, "the database went into its failure state"))
    _apply_and_approve(world, controller)
    assert world.condition("Stalled").reason == Reason.RESOURCE_FAILED
    assert (controller.turns.taken, controller.turns.waiting) == (0, 0)


def test_the_end_of_a_pause_is_recorded_once_by_who_has_to_wait(world: World, controller: Controller) -> None:
    """A pass without a place writes no status, so that it must not record what the status is to note."""
    with _while_another_is_worked_on(world, controller):
        world.cluster.pause("night", EVERYTHING)
        controller.reconciler.decisions_changed()
        _looks(controller)
        world.cluster.resume("night")
        for _ in range(3):
            _looks(controller)
    _looks(controller)
    assert sum(record.message.startswith("resumed: ") for record in world.audit.records()) == 1
