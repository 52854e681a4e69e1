"""Who has nothing to do goes by a look at the decisions that another one took; who acts has looked himself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from reconcile.world import NAME, NAMESPACE, World

from govcloud.controller import Controller
from govcloud.core.guard import Admission, Guard, Window
from govcloud.core.objects import ApprovalObject
from govcloud.looks import Looks
from govcloud.ports import Cluster
from govcloud.reasons import Reason

LOOK = Admission((), None, Guard(), Guard())
KEY = (NAMESPACE, NAME)


class CountingCluster:
    """The twin, with a count of how often all decisions were read."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.looks = 0

    def approvals(self) -> Sequence[ApprovalObject]:
        self.looks += 1
        return self._cluster.approvals()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)


@pytest.fixture
def cluster(world: World) -> CountingCluster:
    return CountingCluster(world.cluster)


@pytest.fixture
def controller(world: World, cluster: CountingCluster) -> Controller:
    return Controller(replace(world.ports, cluster=cluster), 1, timedelta(hours=1))


def run(controller: Controller) -> None:
    """Until the request rests."""
    while controller.look_at(KEY) == timedelta(0):
        pass


def test_many_passes_over_requests_at_rest_look_once(world: World, controller: Controller, cluster: CountingCluster) -> None:
    world.apply()
    run(controller)
    controller.guarding.look()
    looks = cluster.looks
    for _ in range(20):
        controller.look_at(KEY)
    assert cluster.looks == looks


def test_a_decision_that_the_watch_tells_of_counts_at_once(world: World, controller: Controller) -> None:
    world.apply()
    run(controller)
    decision = world.decide("superior-unit")
    controller.decision_changed(*KEY)
    run(controller)
    verdict = world.verdict(decision)
    assert verdict is not None
    assert verdict.status == "True"


def test_an_effect_is_decided_by_a_look_of_its_own(world: World, controller: Controller) -> None:
    """A revocation that the watch did not tell of: what would begin by an earlier look does not."""
    world.to_trial()
    controller.guarding.look()
    world.apply(stage="Production")
    run(controller)
    world.decide("unit-consent")
    controller.decision_changed(*KEY)
    run(controller)
    world.decide("provider-consent")
    world.decide("unit-consent", "Revoked")
    writes = list(world.wire.writes)
    controller.decision_changed(*KEY)
    run(controller)
    assert not [write for write in world.wire.writes[len(writes) :] if write.startswith("cloud.")]


def test_policies_that_vanished_stop_an_effect_though_nobody_told(world: World, controller: Controller) -> None:
    world.apply()
    run(controller)
    controller.guarding.look()
    world.cluster.fault = "the policy approvals is missing"
    world.apply(services=[{"name": "inner", "network": {"cidr": "10.20.0.0/24"}}])
    run(controller)
    request = world.cluster.request(*KEY)
    assert request is not None
    stalled = next(c for c in request.status["conditions"] if c["type"] == "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", Reason.ADMISSION_POLICY_MISSING)


def test_what_is_told_while_a_look_is_taken_makes_it_good_for_nobody_else() -> None:
    def look() -> Admission:
        looks.forget()
        return LOOK

    looks = Looks(look)
    looks.fresh()
    assert looks.recent() is None


@pytest.mark.parametrize(
    "found",
    [
        Admission((), "the policy approvals is missing", Guard(), Guard()),
        Admission((), None, Guard(), Guard(windows=(Window(),))),
    ],
)
def test_a_look_that_tells_something_new_is_not_shared(found: Admission) -> None:
    looks = Looks(lambda: found)
    assert looks.fresh() == found
    assert looks.recent() is None


def test_a_shared_look_is_forgotten_when_something_is_told() -> None:
    looks = Looks(lambda: LOOK)
    assert looks.recent() is None
    looks.fresh()
    assert looks.recent() is LOOK
    looks.forget()
    assert looks.recent() is None
