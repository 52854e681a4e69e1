"""A termination is final once destruction has begun: until then whoever asked for it takes it back, and everything runs again as before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from reconcile.world import World, jurisdiction_spec

from govcloud.failures import Stop
from govcloud.reasons import Reason

A_WEEK = 7


@pytest.fixture
def ending(world: World) -> World:
    """A termination that has saved everything and lets a week pass before it destroys."""
    world.to_production()
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(tightened={"coolingOffDays": A_WEEK}))
    world.run()
    _end(world)
    assert world.termination_record().backup_verified_at is not None
    assert world.termination_record().destroyed_at is None
    return world


def _end(world: World) -> None:
    world.terminate()
    world.run()
    world.approve()
    world.run_patiently()


def _ids(world: World) -> dict[str, str]:
    return {name: thing.id for name, thing in world.things().items()}


def test_in_its_cooling_off_it_is_taken_back_and_everything_runs_as_before(ending: World) -> None:
    before = _ids(ending)
    assert set(ending.servers().values()) == {"shutoff"}
    assert "the termination is taken back by setting spec.stage back" in ending.next_action().en
    ending.apply(stage="Production")
    ending.run()
    plan = ending.plan(ending.status().progress.last_plan)
    assert plan.transition == "Resume"
    assert {change.operation for change in plan.diff} == {"update"}
    assert set(ending.servers().values()) == {"shutoff"}, "it is approved like any resumption"

    ending.approve()
    ending.run()

    assert _ids(ending) == before
    assert set(ending.servers().values()) == {"active"}
    assert ending.things()["files-user"].inputs["enabled"] is True
    assert not ending.things()["files"].inputs.get("force_destroy")
    status = ending.status()
    assert (status.phase, status.progress.operation, status.progress.termination) == ("Production", None, None)
    assert ending.condition("Ready").status == "True"


def test_while_that_waits_for_its_approval_nothing_is_destroyed(ending: World) -> None:
    before = _ids(ending)
    ending.apply(stage="Production")
    ending.run()
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    ending.run_patiently()
    assert _ids(ending) == before


def test_an_office_that_refuses_leaves_it_to_the_applicant_what_is_next(ending: World) -> None:
    ending.apply(stage="Production")
    ending.run()
    ending.decide("unit-consent", "Rejected")
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    ending.run_patiently()
    assert ending.things()
    assert "was rejected: the applicant corrects the spec" in ending.next_action().en


def test_it_goes_on_where_that_is_taken_back_too(ending: World) -> None:
    ending.apply(stage="Production")
    ending.run()
    ending.terminate()
    ending.run()
    assert ending.things()
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    ending.run_patiently()
    assert (ending.status().phase, ending.things()) == ("Terminated", {})


def test_afterwards_it_is_asked_for_and_proven_anew(ending: World) -> None:
    first = ending.termination_record().backup
    ending.apply(stage="Production")
    ending.run()
    ending.approve()
    ending.run()
    _end(ending)
    assert ending.termination_record().backup not in (None, first)
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    ending.run_patiently()
    assert (ending.status().phase, ending.things()) == ("Terminated", {})


def test_a_backup_that_was_under_way_lets_its_snapshots_go(world: World) -> None:
    world.to_production()
    world.wire.fail_next("backup.SourceRead data", Stop(Reason.RESOURCE_FAILED, "in error"), times=50)
    world.terminate()
    world.run()
    world.approve()
    (left,) = world.cluster.backups_of(world.request().key.uid)
    assert left.status.verified_at is None
    world.apply(stage="Production")
    world.run()
    world.approve()
    world.run_patiently()
    (left,) = world.cluster.backups_of(world.request().key.uid)
    assert left.status.cleared_at is not None
    assert (world.status().phase, set(world.servers().values())) == ("Production", {"active"})


def test_a_frozen_one_is_taken_back_as_well(ending: World) -> None:
    ending.decide("authority", "Revoked")
    ending.run()
    assert "is frozen in the middle" in ending.condition("Stalled").message
    ending.apply(stage="Production")
    ending.run()
    ending.approve()
    ending.run()
    assert set(ending.servers().values()) == {"active"}


def test_nothing_else_is_asked_for_in_the_same_edit(ending: World) -> None:
    ending.apply(stage="Production", purpose="Migration")
    ending.run()
    assert "the termination is taken back first" in ending.condition("Stalled").message


def test_once_destruction_has_begun_it_is_final(ending: World) -> None:
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    while "cooling-off" not in ending.status().progress.operation.done:  # type: ignore[union-attr]
        ending.step()
    ending.apply(stage="Production")
    ending.run_patiently()
    assert (ending.status().phase, ending.things()) == ("Terminated", {})


def test_a_trial_that_is_over_is_not_resumed_by_it(world: World) -> None:
    world.to_trial()
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(tightened={"coolingOffDays": A_WEEK}))
    world.clock.advance(timedelta(days=16))
    world.run()
    _end(world)
    world.apply(stage="Trial")
    world.run()
    assert "the trial is over: extend it" in world.condition("Stalled").message
    world.apply(trial={"extensionDays": 5})
    world.run()
    world.approve()
    world.run()
    assert set(world.servers().values()) == {"active"}


def test_what_somebody_writes_in_the_cooling_off_is_not_destroyed(ending: World) -> None:
    """An administrator let the machine run once more, because the unit had forgotten something."""
    before = _ids(ending)
    ending.cloud.contents[before["data"]] += b" and what was forgotten"
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    ending.run_patiently()
    assert _ids(ending) == before
    assert ending.condition("Stalled").reason == Reason.BACKUP_MISMATCH
    assert "the backup of data differs from its source; nothing is destroyed" in ending.condition("Stalled").message
    (unlike,) = ending.cluster.backups_of(ending.request().key.uid)
    assert unlike.status.state == "Mismatch"

    ending.apply(stage="Production")
    ending.run()
    ending.approve()
    ending.run()
    assert _ids(ending) == before
    _end(ending)
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    ending.run_patiently()
    assert (ending.status().phase, ending.things()) == ("Terminated", {})
    assert {one.status.state for one in ending.cluster.backups_of(ending.request().key.uid)} == {"Mismatch", "Verified"}


def test_what_is_gone_by_then_is_in_the_backup(ending: World) -> None:
    ending.cloud.remove(_ids(ending)["data"])
    ending.clock.advance(timedelta(days=A_WEEK + 1))
    ending.run_patiently()
    assert (ending.status().phase, ending.things()) == ("Terminated", {})
