"""A pause: nothing is done from the next action on, nothing is lost, and it goes on as if nothing had been."""

from __future__ import annotations

import pytest
from reconcile.world import NAME, NAMESPACE, World

from govcloud.api.pause import PausedRequest, PauseSpec
from govcloud.reasons import Reason

EVERYTHING = PauseSpec(by="li.na", reason="the storage cluster rebalances")
THIS_ONE = PauseSpec(by="li.na", reason="look first", request=PausedRequest(namespace=NAMESPACE, name=NAME))
ANOTHER = PauseSpec(by="li.na", reason="look first", request=PausedRequest(namespace=NAMESPACE, name="another"))


def said(world: World) -> list[str]:
    return [record.message for record in world.audit.records() if record.reason.rule == Reason.PAUSED]


def approved(world: World) -> World:
    """A request whose approvals are there, and not yet looked at."""
    world.apply()
    world.run()
    for step in ("superior-unit", "authority"):
        world.decide(step)
    return world


@pytest.mark.parametrize("pause", [EVERYTHING, THIS_ONE])
def test_nothing_is_done_until_it_is_taken_back(world: World, pause: PauseSpec) -> None:
    approved(world).cluster.pause("night", pause)
    with world.nothing_touched():
        assert world.run() == ["Block"]
    stalled = world.condition("Stalled")
    assert (stalled.status, stalled.reason) == ("True", "Paused")
    assert "li.na paused" in stalled.message and pause.reason in stalled.message
    action = world.next_action()
    assert action.en.startswith("Paused by operations") and action.zh.startswith("运维人员已暂停") and action.waiting_for is None

    world.cluster.resume("night")
    world.run()
    assert world.status().phase == "Trial"
    assert world.condition("Stalled").status == "False"


@pytest.mark.parametrize("passes", range(1, 9))
def test_an_operation_stops_between_two_actions_and_goes_on_where_it_was(world: World, passes: int) -> None:
    approved(world)
    for _ in range(passes):
        world.step()
    world.cluster.pause("night", EVERYTHING)
    with world.nothing_touched():
        world.run()
    world.cluster.resume("night")
    world.run()
    assert world.status().phase == "Trial"
    assert len(world.things()) == len({thing.key for thing in world.things().values()})


def test_a_pause_of_another_request_is_none_of_this_one(world: World) -> None:
    world.cluster.pause("night", ANOTHER)
    world.to_trial()


def test_the_oldest_order_is_the_one_that_is_told(world: World) -> None:
    world.apply()
    world.cluster.pause("b", THIS_ONE)
    world.cluster.pause("a", EVERYTHING)
    world.run()
    assert "Pause a is deleted" in world.condition("Stalled").message


def test_decisions_that_arrive_meanwhile_are_judged_afterwards(world: World) -> None:
    world.apply()
    world.run()
    world.cluster.pause("night", EVERYTHING)
    decisions = [world.decide(step) for step in ("superior-unit", "authority")]
    world.run()
    assert [world.verdict(decision) for decision in decisions] == [None, None]
    world.cluster.resume("night")
    world.run()
    assert [world.judged(decision) for decision in decisions] == ["Counted", "Counted"]


def test_the_log_holds_who_paused_it_and_that_it_goes_on_before_anything_is_done(world: World) -> None:
    approved(world).cluster.pause("night", EVERYTHING)
    world.run()
    world.run()
    assert len(said(world)) == 1 and "li.na paused every request" in said(world)[0]

    at = len(world.audit.records())
    world.cluster.resume("night")
    world.step()
    assert world.audit.records()[at].message.startswith("resumed: no pause holds any more")
    assert "li.na" in said(world)[1]


def test_what_runs_runs_on(world: World) -> None:
    approved(world).run()
    world.cluster.pause("night", EVERYTHING)
    world.run()
    assert world.status().phase == "Trial"  # it runs on
    assert world.condition("Ready").status == "True"
