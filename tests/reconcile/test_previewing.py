"""Which program the engine is asked about, and what of its answer the plan shows."""

from __future__ import annotations

import pytest
from reconcile.world import World

from govcloud.core.previewing import NothingToPreview, compared, plan_in_force, question


def test_before_anything_runs_the_newest_plan_is_in_force(world: World) -> None:
    world.apply()
    world.run()
    assert plan_in_force(world.status().progress) == 1
    asked = question(world.plan(1), world.status().progress)
    assert asked.allowed == {(resource.name, "create") for resource in asked.program.resources}


def test_a_completed_plan_leaves_nothing_to_do(world: World) -> None:
    world.to_trial()
    assert question(world.plan(1), world.status().progress).allowed == frozenset()


def test_what_waits_beside_a_completed_plan_is_asked_for_by_its_number(world: World) -> None:
    world.to_trial()
    world.edit_service("data", sizeGib=5)
    world.run()
    progress = world.status().progress
    assert plan_in_force(progress) == 1
    assert question(world.plan(progress.last_plan), progress).allowed == {("data", "update")}


def test_what_is_over_is_not_asked_about(world: World) -> None:
    world.to_production()
    with pytest.raises(NothingToPreview, match="plan 1 is over; the completed plan is 2, the newest 2"):
        question(world.plan(1), world.status().progress)


def test_whatever_the_plan_does_not_show_is_told(world: World) -> None:
    world.to_trial()
    world.edit_service("data", sizeGib=5)
    world.run()
    progress = world.status().progress
    asked = question(world.plan(progress.last_plan), progress)
    answer = compared(asked, [("web-0", "same"), ("data", "update"), ("web-1", "replace"), ("web-1", "replace")])
    assert (answer.shown, answer.beyond) == ((("data", "update"),), (("web-1", "replace"),))
