"""What is said of jurisdictions and catalogs, and that a cloud which is away holds up nobody's plan."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from reconcile.world import World, catalog_spec, jurisdiction_spec

from govcloud.adapters.memory import FixedClock
from govcloud.api.common import Condition
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from govcloud.surroundings import WHEN_IT_ANSWERS, WHEN_IT_DOES_NOT, Surroundings

NAME, CATALOG = "jiujiang", "jiujiang-2026"


class Keystone:
    """A cloud that says one thing after another; an exception is raised."""

    def __init__(self, *answers: tuple[str, ...] | Exception) -> None:
        self._answers, self.asked = list(answers), 0

    def services(self) -> tuple[str, ...]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


AWAY = Retry(Reason.CLOUD_UNREACHABLE, "connection refused by <object at 0x7f>")


def looking(world: World, *answers: tuple[str, ...] | Exception, seconds_between_looks: float = 3600) -> Surroundings:
    ports = world.ports.__class__(**{**vars(world.ports), "cloud": Keystone(*answers)})
    ticks = count(0.0, seconds_between_looks)
    return Surroundings(ports, monotonic=lambda: next(ticks))


def condition(world: World, type_: str, name: str = NAME) -> Condition:
    found = world.cluster.jurisdiction(name)
    assert found is not None
    return next(each for each in found.status.conditions if each.type == type_)


def made_anew(world: World) -> None:
    """The jurisdiction as the platform engineer has just applied it: nobody has said anything of it yet."""
    world.cluster.delete_jurisdiction(NAME)
    world.cluster.put_jurisdiction(NAME, jurisdiction_spec())


def offered(world: World) -> tuple[str, ...]:
    found = world.cluster.jurisdiction(NAME)
    assert found is not None
    return found.status.cloud_services


def test_what_the_cloud_offers_is_shown(world: World) -> None:
    looking(world, ("compute", "network")).look()

    assert offered(world) == ("compute", "network")
    assert condition(world, "Ready").status == condition(world, "CloudReachable").status == "True"


def test_a_cloud_that_is_away_is_said_and_what_it_offered_before_still_stands(world: World) -> None:
    before = offered(world)
    looking(world, AWAY).look()

    assert offered(world) == before != ()
    assert condition(world, "CloudReachable").reason == condition(world, "Ready").reason == "CloudUnreachable"
    assert "0x" not in condition(world, "Ready").message, "what differs each time would be written each time"


def test_wrong_credentials_name_the_file_to_mend(world: World) -> None:
    looking(world, Stop(Reason.CLOUD_UNAUTHORIZED, "401")).look()

    assert "clouds.yaml" in condition(world, "CloudReachable").message


def test_a_cloud_that_never_answered_keeps_nobody_from_planning(world: World) -> None:
    made_anew(world)
    looking(world, AWAY).look()
    world.apply()

    assert world.run() == ["Freeze", "Await"]


def test_nothing_is_planned_before_the_cloud_was_asked(world: World) -> None:
    made_anew(world)
    world.apply()
    with pytest.raises(Retry, match="being looked up"):
        world.step()


def test_at_rest_nothing_is_written(world: World) -> None:
    surroundings = looking(world, AWAY)
    surroundings.look()
    before = len(world.wire.writes)
    surroundings.look()

    assert len(world.wire.writes) == before


@pytest.mark.parametrize(("answer", "pause"), [(("compute",), WHEN_IT_ANSWERS), (AWAY, WHEN_IT_DOES_NOT)])
def test_many_changes_ask_the_cloud_once(world: World, answer: tuple[str, ...] | Exception, pause: timedelta) -> None:
    surroundings = looking(world, answer, seconds_between_looks=pause.total_seconds() / 100)
    for _ in range(20):
        surroundings.look()

    assert surroundings.ports.cloud.asked == 1  # type: ignore[attr-defined]


def test_everything_that_a_platform_engineer_has_to_mend_is_said_at_once(world: World) -> None:
    world.cluster.put_jurisdiction(NAME, jurisdiction_spec(offices=[], catalog="gone"))
    looking(world, ("compute",)).look()

    ready = condition(world, "Ready")
    assert (ready.status, ready.reason) == ("False", "CatalogMissing")
    assert "authority, provider-consent" in ready.message
    assert ready.observed_generation == 2


def test_a_pack_that_does_not_exist_is_named(world: World) -> None:
    world.cluster.put_jurisdiction(NAME, jurisdiction_spec(pack="atlantis"))
    looking(world, ("compute",)).look()

    assert condition(world, "Ready").reason == "PackMissing"
    assert "atlantis" in condition(world, "Ready").message


def test_an_agreement_that_ran_out_is_said_of_catalog_and_jurisdiction(world: World) -> None:
    assert isinstance(world.clock, FixedClock)
    world.cluster.put_catalog(CATALOG, catalog_spec(validUntil="2026-01-02"))
    world.clock.advance(timedelta(days=400))
    looking(world, ("compute",)).look()

    found = world.cluster.catalog(CATALOG)
    assert found is not None
    assert [each.status for each in found.status.conditions] == ["False"]
    assert condition(world, "Ready").reason == "CatalogMissing"


def test_the_moment_of_a_condition_is_that_of_its_change(world: World) -> None:
    looking(world, ("compute",)).look()
    first = condition(world, "Ready").last_transition_time
    world.clock.advance(timedelta(hours=1))
    looking(world, ("compute",)).look()
    assert condition(world, "Ready").last_transition_time == first

    looking(world, AWAY).look()
    assert condition(world, "Ready").last_transition_time > first
