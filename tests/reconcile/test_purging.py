"""Backups go when their retention is over by the machine's own clock, and not while anything asks for them; a crash anywhere changes nothing."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from reconcile.backing_up import ENOUGH, BackingUp, lies_in, purge, regular_backups
from reconcile.world import NAME, NAMESPACE, UNIT, Crash, World, services

from govcloud.api.pause import PausedRequest, PauseSpec
from govcloud.audit.holds import BadOrder, Hold
from govcloud.audit.records import Action, Phase
from govcloud.audit.verify import Result
from govcloud.core.remembered import is_of_the_past
from govcloud.failures import Retry
from govcloud.reasons import Reason

A_YEAR = timedelta(days=366)


@pytest.fixture
def backed_up(world: World) -> World:
    """A service with three weekly backups."""
    world.to_production()
    BackingUp(world).each_week(3)
    return world


def states(world: World) -> list[tuple[int, str | None]]:
    return [(backup.spec.number, backup.status.state) for backup in regular_backups(world)]


def test_what_is_over_goes_with_its_record_and_the_newest_verified_one_stays(backed_up: World) -> None:
    manifests = dict(backed_up.backups.manifests)
    purge(backed_up, backed_up.clock.now() + ENOUGH)
    assert states(backed_up) == [(3, "Verified")]
    assert len(lies_in(backed_up, "govcloud-backups")) == 5
    assert backed_up.backups.manifests == manifests
    done = [r for r in backed_up.audit.records() if r.attributes.get("effect") == "PurgeBackup"]
    assert [(r.action, r.phase) for r in done] == [(Action.SANITISE, phase) for phase in (Phase.INTENT, Phase.OUTCOME)] * 2
    assert {r.reason.rule for r in done} == {"backup-retention"} and all(r.attributes["manifestSha256"] for r in done)


def test_a_jump_of_the_development_clock_ends_no_retention(backed_up: World) -> None:
    machine = backed_up.clock.now()
    backed_up.clock.advance(10 * A_YEAR)
    assert backed_up.writes_in(lambda: purge(backed_up, machine)) == []
    assert len(states(backed_up)) == 3


@pytest.mark.parametrize("on", ["request", "unit"])
def test_a_legal_hold_keeps_them(backed_up: World, on: str) -> None:
    uid = backed_up.request().key.uid
    hold = Hold("case-7", uid if on == "request" else "", UNIT if on == "unit" else "", "a lawsuit", "li.na", 1)
    with backed_up.nothing_touched():
        purge(backed_up, backed_up.clock.now() + A_YEAR, lambda: [hold])
    assert len(states(backed_up)) == 3


def test_where_nobody_can_say_what_is_held_nothing_goes(backed_up: World) -> None:
    def unreadable() -> list[Hold]:
        raise BadOrder("an order cannot be read")

    with backed_up.nothing_touched(), pytest.raises(BadOrder):
        purge(backed_up, backed_up.clock.now() + A_YEAR, unreadable)


def test_evidence_of_a_mismatch_stays(backed_up: World) -> None:
    backed_up.backups.corrupt.add("data")
    BackingUp(backed_up).each_week(1)
    purge(backed_up, backed_up.clock.now() + A_YEAR)
    assert states(backed_up) == [(3, "Verified"), (4, "Mismatch")]
    assert lies_in(backed_up, "govcloud-quarantine") == ["data-restored"]


@pytest.mark.parametrize("stop", ["pause of all", "pause of it", "no policies"])
def test_a_pause_and_missing_policies_stop_it(backed_up: World, stop: str) -> None:
    mine = PausedRequest(namespace=NAMESPACE, name=NAME) if stop == "pause of it" else None
    if stop == "no policies":
        backed_up.cluster.fault = "a policy is gone"
    else:
        backed_up.cluster.pause("night", PauseSpec(by="li.na", reason="storage", request=mine))
    with backed_up.nothing_touched():
        purge(backed_up, backed_up.clock.now() + A_YEAR)


def test_one_that_cannot_be_removed_now_keeps_no_other_one_and_is_tried_again(backed_up: World) -> None:
    backed_up.wire.fail_next("backup.purge", Retry(Reason.CLOUD_UNREACHABLE, "no answer"))
    later = backed_up.clock.now() + A_YEAR
    with pytest.raises(Retry, match="no answer"):
        purge(backed_up, later)
    assert states(backed_up) == [(1, "Verified"), (2, "Purged"), (3, "Verified")]
    purge(backed_up, later)
    assert states(backed_up) == [(3, "Verified")]


def test_the_backup_of_a_termination_goes_after_the_packs_retention_and_its_record_stays(backed_up: World) -> None:
    backed_up.terminate()
    backed_up.run()
    backed_up.approve()
    backed_up.run_patiently()
    name = backed_up.termination_record().backup
    purge(backed_up, backed_up.clock.now() + ENOUGH)
    assert states(backed_up) == []
    assert len(lies_in(backed_up, "govcloud-backups")) == 5, "the termination's own"
    purge(backed_up, backed_up.clock.now() + A_YEAR)
    assert lies_in(backed_up, "govcloud-backups") == []
    record = backed_up.cluster.backup(str(name))
    assert record is not None and record.status.state == "Purged" and record.status.purged_at is not None
    assert all(part.source_sha256 == part.restored_sha256 for part in record.status.parts)
    assert backed_up.writes_in(lambda: purge(backed_up, backed_up.clock.now() + 2 * A_YEAR)) == []


def test_what_a_request_leaves_behind_that_was_let_go_by_force_is_removed(backed_up: World) -> None:
    making = BackingUp(backed_up)
    backed_up.clock.advance(timedelta(days=7))
    making.step()
    making.step()
    backed_up.cluster.delete_request(NAMESPACE, NAME)
    backed_up.cluster.remove_finalizer(backed_up.request())
    purge(backed_up, backed_up.clock.now())
    assert [name for name in lies_in(backed_up, "govcloud-backups") if not name.endswith("-backup")] == []
    assert states(backed_up)[-1] == (4, "Failed")


def test_what_is_done_beside_the_request_does_not_make_the_next_start_take_its_record_for_an_old_one(world: World) -> None:
    world.to_production()
    before = len(world.audit.records())
    BackingUp(world).each_week(3)
    purge(world, world.clock.now() + ENOUGH)
    beside = world.audit.records()[before:]
    assert {record.attributes["effect"] for record in beside} >= {"TakeBackup", "StoreManifest", "PurgeBackup", "ForgetBackup"}
    assert not is_of_the_past(beside)


@pytest.mark.timeout(120)
def test_a_crash_after_any_write_changes_nothing_in_the_end(tmp_path: Path) -> None:
    beginning = World(tmp_path / "0")
    beginning.to_trial(services=[service for service in services() if service["name"] in ("inner", "web", "data")])
    BackingUp(beginning).each_week(3)
    beginning.audit.close()
    expected, writes = _purged(beginning, tmp_path, None)
    assert expected[0] == [(3, "Verified")]
    for number in range(1, writes + 1):
        assert _purged(beginning, tmp_path, number)[0] == expected, f"after write {number} of {writes}"


def _purged(beginning: World, directory: Path, crash: int | None) -> tuple[tuple[object, object], int]:
    home = directory / f"purged-{crash}"
    shutil.copytree(directory / "0", home)
    world, crashed = beginning.copied(home), True
    start = len(world.wire.writes)
    if crash is not None:
        world.wire.fail_at(start + crash, Crash(), after=True)
    while crashed:
        try:
            purge(world, world.clock.now() + ENOUGH)
            crashed = False
        except Crash:
            world.restart_controller()
    assert world.audit.open_intents() == ()
    assert world.audit.verified().result is Result.OK
    world.audit.close()
    shutil.rmtree(home)
    return (states(world), lies_in(world, "govcloud-backups")), len(world.wire.writes) - start
