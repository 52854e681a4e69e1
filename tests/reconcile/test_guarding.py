"""Whether decisions count now is known without looking into a request, and somebody looks again while they do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from reconcile.world import World

from govcloud.controller import Controller
from govcloud.failures import Retry
from govcloud.guarding import NOT_YET, Guarding
from govcloud.reasons import Reason


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "audit")
    yield made
    made.wire.restart()
    made.audit.close()


@pytest.fixture
def back() -> list[str]:
    return []


@pytest.fixture
def guarding(world: World, back: list[str]) -> Guarding:
    return Guarding(world.reconciler, world.clock, lambda: back.append("back"))


def test_before_the_first_look_nothing_is_promised(guarding: Guarding) -> None:
    assert guarding.hindrance() == guarding.hint() == NOT_YET
    guarding.look()
    assert (guarding.hindrance(), guarding.hint()) == (None, "")


def test_while_a_policy_is_missing_it_is_looked_for_and_its_return_wakes_everybody_once(world: World, guarding: Guarding, back: list[str]) -> None:
    guarding.look()
    world.cluster.fault = "the policy is missing"
    guarding.look()
    assert guarding.hindrance() == "decisions do not count: the policy is missing"
    guarding.look_again()
    world.cluster.fault, world.cluster.enforced = None, False
    guarding.look_again()
    assert "lets in a decision that nobody may make" in (guarding.hindrance() or "")
    assert back == []

    world.cluster.enforced = True
    guarding.look_again()
    guarding.look_again()
    assert back == ["back"]
    assert guarding.hindrance() is None


def test_work_goes_on_before_decisions_count_again(world: World, guarding: Guarding) -> None:
    world.cluster.forget_guard()
    guarding.look()
    assert guarding.hindrance() is None
    opens = world.clock.now() + timedelta(seconds=6)
    assert guarding.hint().startswith(f"decisions count from {opens:%Y-%m-%dT%H:%M:%SZ} on")
    world.clock.advance(timedelta(seconds=5))
    assert guarding.hint() != ""
    world.clock.advance(timedelta(seconds=1))
    assert guarding.hint() == ""


def test_what_cannot_be_written_down_is_said_with_the_reason(world: World, guarding: Guarding) -> None:
    world.cluster.forget_guard()
    world.wire.fail_next("cluster.guard", Retry(Reason.CLUSTER_REFUSED, "there is no ConfigMap"))
    guarding.look()
    assert guarding.hindrance() == "the admission policies could not be looked at: there is no ConfigMap"
    guarding.look_again()
    assert guarding.hindrance() is None


def test_the_controller_shows_it(world: World) -> None:
    controller = Controller(world.ports, 1, timedelta(hours=1))
    assert controller.hints() == [NOT_YET]
    assert b"govcloud_admission_guarded 0.0" in generate_latest(controller.metrics.registry)
    controller.guarding.look()
    assert controller.hints() == []
    assert b"govcloud_admission_guarded 1.0" in generate_latest(controller.metrics.registry)
