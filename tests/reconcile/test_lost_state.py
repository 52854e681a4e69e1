"""The engine's state of a stack is lost: it is made anew from the marks in the cloud, and whatever was under way goes on."""

from __future__ import annotations

import pytest
from reconcile.world import World

from govcloud.adapters.memory import Crash
from govcloud.failures import Stop
from govcloud.reasons import Reason


@pytest.fixture
def production(world: World) -> World:
    return world.to_production()


def ids(world: World) -> dict[str, str]:
    return {name: thing.id for name, thing in world.things().items()}


def lose(world: World) -> None:
    world.stacks.lose_state(world.request().key)


def test_at_rest_it_is_found_again_and_nothing_in_the_cloud_changes(production: World) -> None:
    before, known = dict(production.things()), production.stacks.outcome(production.request().key)
    lose(production)

    assert production.run() == ["BeginRebuild", "RebuildState", "Rest"]
    assert production.things() == before
    found = production.stacks.outcome(production.request().key)
    assert found is not None
    assert known is not None
    assert (found.resources, found.outputs) == (known.resources, known.outputs)
    assert not production.status().progress.rebuilding


def test_what_is_suspended_stays_so(production: World) -> None:
    production.apply(suspended=True)
    production.run()
    production.approve()
    before = dict(production.things())
    lose(production)
    production.run()

    assert production.things() == before
    assert production.status().phase == "Suspended"


def test_after_several_plans_each_thing_is_found_under_the_plan_that_made_it(production: World) -> None:
    production.edit_service("web", count=3)
    production.run()
    production.approve()
    before = ids(production)
    lose(production)
    production.run()
    production.terminate()
    production.run()
    production.approve()
    production.run_patiently()

    assert len(before) == len(set(before.values()))
    assert production.status().phase == "Terminated"
    assert production.things() == {}


def test_a_termination_under_way_backs_up_everything_all_the_same(production: World) -> None:
    production.terminate()
    production.run()
    lose(production)
    production.approve()
    production.run_patiently()

    record = production.status().progress.termination
    assert record is not None
    assert record.backup is not None
    backup = production.cluster.backup(record.backup)
    assert backup is not None
    assert {part.name for part in backup.spec.parts} >= {"data", "db", "files"}
    assert production.status().phase == "Terminated"


def test_a_change_that_had_come_half_way_goes_on(production: World) -> None:
    before = ids(production)
    production.wire.fail_next("cloud.update data", Stop(Reason.RESOURCE_FAILED, "in error"))
    production.edit_service("web", count=3)
    production.edit_service("data", sizeGib=9)
    production.run()
    production.approve()
    lose(production)
    production.run_patiently()

    assert before.items() <= ids(production).items()
    assert production.status().conditions[0].status == "True"
    assert len(ids(production)) > len(before)


def test_what_the_cloud_does_not_have_is_said_and_nothing_is_made_in_its_place(production: World) -> None:
    production.cloud.remove(ids(production)["data"])
    before = ids(production)
    lose(production)
    production.run()

    assert production.condition("Stalled").reason == "ResourceFailed"
    assert "data" in production.condition("Stalled").message
    assert ids(production) == before
    assert production.stacks.outcome(production.request().key) is None


@pytest.mark.parametrize("moment", ["stacks.rebuild", "cluster.request-status"])
@pytest.mark.parametrize("after", [False, True])
def test_a_process_that_dies_over_it_is_followed_by_one_that_finishes(production: World, moment: str, after: bool) -> None:
    before = dict(production.things())
    lose(production)
    production.wire.fail_next(moment, Crash(), after=after)
    with pytest.raises(Crash):
        production.run()
    production.restart_controller()
    production.run_patiently()

    assert production.things() == before
    assert not production.status().progress.rebuilding
    assert production.status().phase == "Production"


def test_a_provisioning_that_never_completed_finds_its_own(world: World) -> None:
    """There the plan that is carried out is the only one that made anything: its creates look first."""
    world.apply()
    world.run()
    world.wire.fail_next("cloud.create db", Stop(Reason.RESOURCE_FAILED, "in error"))
    world.approve()
    before = ids(world)
    lose(world)
    world.run_patiently()

    assert before.items() <= ids(world).items()
    assert world.status().phase == "Trial"


def test_the_log_says_it(production: World) -> None:
    lose(production)
    production.run()

    steps = [record.attributes.get("step") for record in production.audit.records()]
    assert "BeginRebuild" in steps
    assert steps.count("RebuildState") == 2, "an intent and an outcome"


