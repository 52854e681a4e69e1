"""Rounds over units: each unit once, and one that fails keeps no other one waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from reconcile.world import NAME, NAMESPACE, SUPERIOR, UNIT, World

from govcloud.api.pause import PausedRequest, PauseSpec
from govcloud.api.request import RequestKey
from govcloud.core.objects import UnitObject
from govcloud.failures import Retry
from govcloud.reasons import Reason
from govcloud.rounds import Rounds


class Visited:
    """Stacks that remember who was visited; the units named fail."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.units: list[tuple[str, list[str]]] = []

    def look_for_drift(self, unit: UnitObject, keys: Sequence[RequestKey]) -> None:
        self.units.append((unit.name, [key.name for key in keys]))
        if unit.name in self.failing:
            raise Retry(Reason.CLOUD_UNREACHABLE, f"{unit.name} does not answer")

    def drift(self, _: RequestKey) -> None:
        """Nothing is known of any stack."""

    def rotate_credential(self, unit: UnitObject) -> None:
        self.look_for_drift(unit, ())


def rounds(world: World, stacks: Visited) -> Rounds:
    return Rounds(replace(world.ports, stacks=stacks))  # type: ignore[arg-type]


def test_the_requests_of_a_unit_are_looked_at_together(world: World) -> None:
    world.to_trial()
    world.to_trial("second")
    world.apply("only-asked-for")
    stacks = Visited()
    rounds(world, stacks).look_for_drift()
    ((_, names),) = stacks.units
    assert sorted(names) == sorted([NAME, "second"])


def test_credentials_are_rotated_where_there_is_a_project(world: World) -> None:
    stacks = Visited()
    world.apply()
    rounds(world, stacks).rotate_credentials()
    assert stacks.units == []
    world.to_trial()
    rounds(world, stacks).rotate_credentials()
    assert len(stacks.units) == 1


def test_the_credential_of_a_paused_request_stays_as_it_is(world: World) -> None:
    world.to_trial()
    world.to_trial("second")
    stacks = Visited()
    world.cluster.pause("night", PauseSpec(by="li.na", reason="storage is replaced", request=PausedRequest(namespace=NAMESPACE, name=NAME)))
    rounds(world, stacks).rotate_credentials()
    assert stacks.units == []
    rounds(world, stacks).look_for_drift()
    assert len(stacks.units) == 1  # which only reads


def test_a_unit_that_fails_keeps_no_other_one_waiting_and_is_told_after_the_round(world: World) -> None:
    world.to_trial()
    world.cluster.apply_request("health", "theirs", world.first_wish() | {"unit": SUPERIOR})
    for name in (UNIT, SUPERIOR):
        unit = world.cluster.unit(name)
        assert unit is not None
        world.ports.cluster.write_unit_status(unit, unit.status.model_copy(update={"project_id": f"project-{name}"}))
    stacks = Visited(UNIT, SUPERIOR)
    with pytest.raises(Retry, match=f"{UNIT} does not answer|{SUPERIOR} does not answer"):
        rounds(world, stacks).rotate_credentials()
    assert {name for name, _ in stacks.units} == {UNIT, SUPERIOR}
