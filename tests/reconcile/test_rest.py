"""At rest nothing is written: not to the cloud, not to the cluster, not to the log, however often the controller looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from reconcile.world import NAME, NAMESPACE, World

from govcloud.audit.records import Phase
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason


def _refused(world: World) -> None:
    world.apply(application=[])


def _awaiting(world: World) -> None:
    world.apply()


def _half_approved(world: World) -> None:
    world.apply()
    world.run()
    world.decide("authority")  # too early
    world.decide("superior-unit")


def _rejected(world: World) -> None:
    world.apply()
    world.run()
    world.decide("superior-unit", "Rejected")
    world.run()
    world.decide("superior-unit")


def _expired(world: World) -> None:
    world.to_trial()
    world.clock.advance(timedelta(days=16))


def _change_pending(world: World) -> None:
    world.to_production()
    world.edit_service("data", sizeGib=9)


def _suspended(world: World) -> None:
    world.to_production()
    world.apply(suspended=True)
    world.run()
    world.approve()


def _backing_off(world: World) -> None:
    world.apply()
    world.run()
    world.wire.fail_next("cloud.create db", Retry(Reason.CLOUD_UNREACHABLE, "no answer"), times=99)
    world.approve()


def _stalled(world: World) -> None:
    world.apply()
    world.run()
    world.wire.fail_next("cloud.create db", Stop(Reason.RESOURCE_FAILED, "in error"), times=99)
    world.approve()


def _frozen(world: World) -> None:
    world.apply()
    world.run()
    world.decide("superior-unit")
    world.run()
    last = world.decide("authority")
    world.step()
    world.step()
    world.cluster.delete_approval(NAMESPACE, last.name)


def _mismatch(world: World) -> None:
    world.to_production()
    world.backups.corrupt.add("db")
    world.terminate()
    world.run()
    world.approve()


def _terminated(world: World) -> None:
    world.to_trial()
    world.terminate()
    world.run()
    world.approve()


def _catalog_gone(world: World) -> None:
    world.to_production()
    world.cluster.delete_catalog("jiujiang-2026")


def _unguarded(world: World) -> None:
    world.to_production()
    world.cluster.fault = "a policy is gone"
    world.decide("authority")


def _deleted(world: World) -> None:
    world.to_production()
    world.cluster.delete_request(NAMESPACE, NAME)


def _late_decision(world: World) -> None:
    world.to_production()
    world.decide("authority")


RESTS: dict[str, Callable[[World], object]] = {
    "refused": _refused,
    "awaiting": _awaiting,
    "half approved": _half_approved,
    "rejected": _rejected,
    "trial": World.to_trial,
    "expired": _expired,
    "production": World.to_production,
    "change pending": _change_pending,
    "suspended": _suspended,
    "backing off": _backing_off,
    "stalled": _stalled,
    "frozen": _frozen,
    "backup mismatch": _mismatch,
    "terminated": _terminated,
    "catalog gone": _catalog_gone,
    "unguarded": _unguarded,
    "deleted": _deleted,
    "a decision nobody asked for": _late_decision,
}


@pytest.mark.parametrize("come_to", RESTS.values(), ids=RESTS.keys())
def test_at_rest_nothing_is_written(world: World, come_to: Callable[[World], object]) -> None:
    come_to(world)
    world.run()
    before = world.request()

    assert world.writes_in(lambda: [world.step() for _ in range(5)]) == []
    assert world.request() == before


@pytest.mark.parametrize("come_to", RESTS.values(), ids=RESTS.keys())
def test_time_that_passes_at_rest_writes_nothing_by_itself(world: World, come_to: Callable[[World], object]) -> None:
    """No status holds a moment that moves with the clock."""
    come_to(world)
    done = world.run()
    wait = world.step().again_after
    if wait is None or wait > timedelta(hours=1):
        world.clock.advance(timedelta(hours=1))
        assert world.writes_in(world.step) == [], done


@pytest.mark.parametrize("come_to", RESTS.values(), ids=RESTS.keys())
def test_a_new_process_at_rest_writes_nothing_either(world: World, come_to: Callable[[World], object]) -> None:
    come_to(world)
    world.run()
    world.start_controller()

    assert world.writes_in(world.step) == []


def test_a_story_is_told_once(world: World) -> None:
    """Events: each phase and each stall once, in order."""
    world.to_trial()
    world.terminate()
    world.run()
    world.approve()

    assert [reason for _, reason, _ in world.cluster.events] == [
        "AwaitingApproval",
        "Provisioning",
        "Trial",
        "Terminating",
        "Terminated",
    ]


def test_a_refusal_is_recorded_and_told_once(world: World) -> None:
    world.apply(application=[])
    world.run()
    world.run()
    refusals = [r for r in world.audit.records() if r.reason.rule == "materials"]

    assert len(refusals) == 1
    assert refusals[0].reason.article == "JJ 14"
    assert [reason for _, reason, _ in world.cluster.events] == ["RuleViolated"]


def test_every_action_has_an_intent_before_it_and_an_outcome_after_it(world: World) -> None:
    world.to_production()
    writes = world.wire.writes

    for place, name in enumerate(writes):
        if name.startswith(("cloud.", "stacks.", "cluster.plan", "cluster.finalizer", "cluster.secret")):
            before = [w for w in writes[:place] if w.startswith("audit.")]
            after = [w for w in writes[place:] if w.startswith("audit.")]
            assert before[-1] == "audit.intent" and after[0] == "audit.outcome", name
    assert world.audit.open_intents() == ()


def test_if_nothing_can_be_recorded_nothing_is_done(world: World) -> None:
    from govcloud.audit.errors import AuditUnavailable

    world.apply()
    world.run()
    world.decide("superior-unit")
    world.run()
    world.decide("authority")
    world.wire.fail_next("audit.", AuditUnavailable("the disk is full"), times=99)
    for _ in range(4):
        with pytest.raises(AuditUnavailable):
            world.step()

    assert world.cloud.things() == ()
    assert not world.request().has_finalizer


def test_after_an_hour_without_a_log_it_goes_on_and_every_effect_is_recorded_once(world: World) -> None:
    from govcloud.audit.errors import AuditUnavailable

    world.apply()
    world.wire.fail_next("audit.", AuditUnavailable("the disk is full"), times=999)
    for _ in range(12):
        with pytest.raises(AuditUnavailable):
            world.step()
        world.clock.advance(timedelta(minutes=5))
    assert world.cloud.things() == ()
    world.wire.forgive()
    world.to_trial()

    assert world.servers()
    assert world.audit.open_intents() == ()
    settled = [record.intent for record in world.audit.records() if record.settles]
    assert len(settled) == len(set(settled)) == sum(record.phase is Phase.INTENT for record in world.audit.records())
