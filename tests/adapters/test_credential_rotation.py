"""A unit's credential is replaced before it is old: first there are two, and the older one goes when nothing uses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from adapters.test_pulumi_stacks import KEY, REQUEST_STACK, UNIT, UNIT_STACK, World
from hypothesis import given
from hypothesis import strategies as st

from govcloud.core.rotation import generation
from govcloud.failures import Retry
from stacks.engine.failures import EngineError
from stacks.engine.state import Remembered
from stacks.kind import Quota

NEW = 20_000


@pytest.fixture
def old() -> World:
    """A unit whose credential was made before there were generations."""
    world = World()
    world.ensure()
    world.engine.made.clear()
    world.generation = NEW
    return world


def generations(world: World) -> list[object]:
    """Of the credentials in each run of the unit's stack."""
    return [
        made.program.outputs["credentials"] for made in world.engine.made if made.stack == UNIT_STACK and made.program
    ]


def rotate(world: World) -> None:
    world.stacks.rotate_credential(UNIT)


def test_the_newer_one_is_made_first_and_the_older_one_goes_in_a_later_step(old: World) -> None:
    rotate(old)
    assert generations(old) == [(0, NEW)]
    rotate(old)
    assert generations(old) == [(0, NEW), (NEW,)]
    rotate(old)
    assert len(generations(old)) == 2


def test_what_begins_after_the_first_step_uses_the_newer_one(old: World) -> None:
    rotate(old)
    old.up()
    assert old.engine.made[-1].run.clouds["unit"].application_credential_id == f"c{NEW}"


def test_an_older_one_is_not_withdrawn_from_under_a_run(old: World) -> None:
    def in_the_middle() -> None:
        old.engine.during = lambda: None
        rotate(old)
        rotate(old)
        rotate(old)

    old.engine.during = in_the_middle
    old.up()
    assert generations(old) == [(0, NEW)]
    rotate(old)
    assert generations(old) == [(0, NEW), (NEW,)]


@pytest.mark.parametrize("steps", [0, 1])
def test_a_process_that_dies_at_any_step_is_followed_by_one_that_goes_on(old: World, steps: int) -> None:
    for _ in range(steps):
        rotate(old)
    old.engine.failures = [EngineError("killed")]
    with pytest.raises(Retry):
        rotate(old)
    old.restart()
    for _ in range(4):
        rotate(old)
    assert generations(old)[-1] == (NEW,)
    assert old.stacks.outcome(KEY) is None


def test_what_a_run_that_died_before_its_deletion_left_is_withdrawn(old: World) -> None:
    rotate(old)
    rotate(old)
    old.engine.resources = (remembered("credential"), remembered(f"credential-{NEW}"))
    old.restart()
    rotate(old)
    assert generations(old) == [(0, NEW), (NEW,), (NEW,)]
    rotate(old)
    assert len(generations(old)) == 3


def remembered(name: str) -> Remembered:
    kind = "openstack:identity/applicationCredential:ApplicationCredential"
    return Remembered(f"urn:pulumi:unit::govcloud-units::{kind}::{name}", kind, f"id of {name}", {}, {}, "service-user", False)


def test_another_run_of_the_units_stack_in_between_keeps_both(old: World) -> None:
    rotate(old)
    old.restart()
    old.ensure(Quota(cores=8))
    assert generations(old)[-1] == (0, NEW)


def test_a_new_unit_begins_with_the_credential_of_the_day() -> None:
    world = World(generation=NEW)
    world.ensure()
    rotate(world)
    assert generations(world) == [(NEW,)]


def test_a_unit_without_a_project_has_none_to_rotate() -> None:
    world = World(generation=NEW)
    rotate(world)
    assert world.engine.made == []
    assert REQUEST_STACK not in world.engine.states


days = st.integers(7, 365)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


@given(moments, days, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_no_credential_gets_older_than_the_period_and_none_is_followed_by_an_older_one(
    now: datetime, period: int, later: timedelta
) -> None:
    first, then = generation(now, period), generation(now + later, period)
    assert first <= then
    age = now - datetime(1970, 1, 1, tzinfo=UTC) - timedelta(days=first)
    assert timedelta(0) <= age < timedelta(days=period)
