"""A change that stands still half way: what it reached already does not keep the request from ending."""

from __future__ import annotations

import pytest
from reconcile.test_walks import come_to_an_end
from reconcile.world import World

from govcloud.reasons import Reason


@pytest.mark.parametrize("reached", [{}, {"dnsServers": ["223.5.5.5"]}], ids=["nothing", "an input that was not there before"])
def test_a_change_that_named_a_flavor_that_is_gone_can_be_ended(world: World, reached: dict[str, object]) -> None:
    world.to_trial()
    world.edit_service("inner", **reached)
    world.edit_service("web", offering="vm-gone")
    world.run()
    world.decide("authority")
    world.run()
    assert world.condition("Stalled").reason == Reason.FLAVOR_OR_IMAGE_MISSING
    come_to_an_end(world)
    assert (world.status().phase, world.things()) == ("Terminated", {})
