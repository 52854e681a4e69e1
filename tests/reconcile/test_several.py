"""Several requests at once: the same unit, the same controller, several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from reconcile.world import SUPERIOR, UNIT, World, request_spec

from govcloud.failures import Stop
from govcloud.reasons import Reason

NAMES = [f"request-{n}" for n in range(6)]


@pytest.fixture
def approved(world: World) -> World:
    """Six requests, all approved and none begun."""
    for name in NAMES:
        world.apply(name)
        world.run(name)
        for step in ("superior-unit", "authority"):
            world.decide(step, name=name)
    return world


def test_requests_of_one_unit_at_the_same_time_get_the_quota_of_all(approved: World) -> None:
    """Whoever sets the unit's quota last has seen what all others hold: nobody is left without room, and no quota is left over."""
    with ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(approved.run, NAMES))

    assert [approved.status(name).phase for name in NAMES] == ["Trial"] * len(NAMES)
    assert approved.cloud.quotas[f"project-{UNIT}"].instances == 3 * len(NAMES)


def test_one_that_ends_gives_back_only_what_it_held(approved: World) -> None:
    for name in NAMES:
        approved.run(name)
    approved.terminate(NAMES[0])
    approved.run(NAMES[0])
    approved.approve(name=NAMES[0])

    assert approved.cloud.quotas[f"project-{UNIT}"].instances == 3 * (len(NAMES) - 1)
    assert len(approved.things(NAMES[1])) == 18


def test_units_are_apart(world: World) -> None:
    world.to_trial()
    world.cluster.apply_request("health", "other", request_spec(unit=SUPERIOR))
    world.reconciler.reconcile("health", "other")

    assert world.cloud.quotas.keys() == {f"project-{UNIT}"}


def test_a_request_whose_status_is_damaged_stands_still_and_forgets_nothing(world: World) -> None:
    before = world.to_production().request()
    damaged = world.cluster.damage_status(before, {**before.status, "observedGeneration": "two"})
    with world.nothing_touched(), pytest.raises(Stop, match="observedGeneration") as told:
        world.step()

    assert told.value.reason is Reason.PROGRAM_FAULT
    assert world.request() == damaged


def test_a_neighbour_whose_status_is_damaged_is_named_where_it_matters(world: World) -> None:
    """How much quota it holds is not known, so nobody's quota is set on a guess."""
    before = world.to_trial("neighbour").request("neighbour")
    world.cluster.damage_status(before, {"phase": 5})
    world.apply()
    world.run()
    world.approve()
    assert "health-center/neighbour" in world.condition("Stalled").message

    world.cluster.damage_status(before, before.status)
    world.run_patiently()
    assert world.status().phase == "Trial"
