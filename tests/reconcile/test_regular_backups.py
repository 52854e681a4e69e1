"""Regular backups beside a living request: made, proven, given up, withdrawn before an end; and a crash after every write of it."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from unittest.mock import ANY

import pytest
from reconcile.backing_up import WEEK, BackingUp, lies_in, regular_backups
from reconcile.world import Crash, World, services

from govcloud.api.backup import BackupStatus
from govcloud.api.pause import PauseSpec
from govcloud.audit.records import Phase
from govcloud.audit.verify import Result
from govcloud.core.actions import OpenBackup
from govcloud.core.objects import BackupObject
from govcloud.core.regular_backups import next_step
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

PARTS = ["data", "db", "files", "web-0-boot", "web-1-boot"]
FAULT = Stop(Reason.RESOURCE_FAILED, "the storage is on fire")


@pytest.fixture
def due(world: World) -> World:
    """A service in production whose first regular backup is due."""
    world.to_production()
    world.clock.advance(WEEK)
    world.run()
    return world


def test_everything_that_holds_data_is_backed_up_and_proven_while_it_runs_on(due: World) -> None:
    assert due.step().backup_is_due
    making = BackingUp(due)
    things, servers = due.things(), due.servers()
    making.run()
    (backup,) = regular_backups(due)
    assert (backup.status.state, sorted(part.name for part in backup.status.parts)) == ("Verified", PARTS)
    assert all(part.source_sha256 == part.restored_sha256 for part in backup.status.parts)
    assert backup.status.manifest_location in due.backups.manifests
    assert due.things() == things and due.servers() == servers and set(servers.values()) == {"active"}
    assert due.backups.quiesced == set()
    assert lies_in(due, "govcloud-backups") == sorted(f"{part}-backup" for part in PARTS)
    assert lies_in(due, "govcloud-quarantine") == []
    assert making.counted == ["Verified"]


def test_the_request_says_when_the_last_one_was_made_and_when_the_next_one_comes(due: World) -> None:
    begun = due.clock.now()
    BackingUp(due).run()
    assert not due.step().backup_is_due
    shown = due.status().regular_backups
    assert shown is not None and shown.newest is not None
    assert (shown.every_days, shown.next_at, shown.newest.begun_at) == (7, begun + WEEK, begun)
    assert shown.newest == shown.newest_verified and shown.newest.state == "Verified"
    assert due.condition("BackedUp").status == "True"
    assert due.writes_in(lambda: [due.step() for _ in range(3)]) == []
    assert due.writes_in(BackingUp(due).run) == []


def test_each_interval_has_its_own(due: World) -> None:
    making = BackingUp(due)
    making.run()
    making.each_week(2)
    assert [(backup.spec.number, backup.status.state) for backup in regular_backups(due)] == [(n, "Verified") for n in (1, 2, 3)]
    assert len(lies_in(due, "govcloud-backups")) == 3 * len(PARTS)


def test_every_step_stands_in_the_log_under_the_plan_that_names_it(due: World) -> None:
    BackingUp(due).run()
    plan = due.plan(due.status().progress.completed_plan or 0)
    mine = [record for record in due.audit.records() if record.attributes.get("backupKind") == "Regular"]
    intents, outcomes = ([r for r in mine if r.phase is phase] for phase in (Phase.INTENT, Phase.OUTCOME))
    assert [i.id for i in intents] == [o.intent for o in outcomes]
    assert {record.attributes["effect"] for record in mine} == {"OpenBackup", "TakeBackup", "StoreManifest"}
    assert {record.reason.plan_digest for record in mine} == {plan.digest}


# When it does not go well


def test_one_that_differs_is_told_and_kept_as_evidence_and_the_next_one_comes_at_its_own_time(due: World) -> None:
    due.backups.corrupt.add("data")
    making = BackingUp(due)
    making.run()
    (backup,) = regular_backups(due)
    assert backup.status.state == "Mismatch" and making.counted == ["Mismatch"]
    assert lies_in(due, "govcloud-quarantine") == ["data-restored"]
    assert [name for name in lies_in(due, "govcloud-backups") if not name.endswith("-backup")] == []
    due.run()
    assert (due.condition("BackedUp").status, due.condition("BackedUp").reason) == ("False", "BackupMismatch")
    assert (due.condition("Ready").status, due.condition("Stalled").status) == ("True", "False")
    assert any(reason == "BackupMismatch" for _, reason, _ in due.cluster.events)
    assert backup.name in due.next_action().en and backup.name in due.next_action().zh
    due.backups.corrupt.clear()
    making.each_week(1)
    assert [each.status.state for each in regular_backups(due)] == ["Mismatch", "Verified"]


@pytest.mark.parametrize("step", ["Frozen", "SourceRead", "BackedUp", "Restored", "RestoreRead", "Cleaned", "manifest"])
def test_one_that_fails_is_told_leaves_nothing_and_stalls_nothing(due: World, step: str) -> None:
    due.wire.fail_next("backup.manifest" if step == "manifest" else f"backup.{step} web-0-boot", FAULT)
    making = BackingUp(due)
    making.run()
    (backup,) = regular_backups(due)
    assert backup.status.state == "Failed" and making.counted == ["Failed"]
    assert backup.status.cleared_at is not None and backup.status.failure is not None
    assert "on fire" in backup.status.failure.message
    assert lies_in(due, "govcloud-backups") == lies_in(due, "govcloud-quarantine") == []
    due.run()
    assert due.condition("Stalled").status == "False" and "on fire" in due.condition("BackedUp").message
    making.each_week(1)
    assert regular_backups(due)[-1].status.state == "Verified"


def test_what_somebody_put_under_its_name_is_told_of_and_left_alone_and_the_backup_gets_another(due: World) -> None:
    opened = next_step(due.facts())
    assert isinstance(opened, OpenBackup)
    names = [opened.name, opened.name.removesuffix("1") + "2"]
    forged = opened.spec.model_copy(update={"unit": "somebody-elses", "kind": "Termination"})
    for name in names:
        due.cluster.create_backup(name, forged)
    BackingUp(due).run()
    made = [backup for backup in regular_backups(due) if backup.name not in names]
    assert [(backup.spec.number, backup.status.state) for backup in made] == [(3, "Verified")]
    assert [due.cluster.backup(name) for name in names] == [BackupObject(name, ANY, forged, BackupStatus()) for name in names]
    told = [message for _, reason, message in due.cluster.events if reason == "BackupMismatch"]
    assert all(any(name in message for message in told) for name in names)
    BackingUp(due).each_week(1)
    assert regular_backups(due)[-1].spec.number == 4


def test_what_waiting_cures_is_waited_for(due: World) -> None:
    due.wire.fail_next("backup.BackedUp", Retry(Reason.QUOTA_EXCEEDED, "the quota is full", timedelta(minutes=5)), times=7)
    making = BackingUp(due)
    making.run()
    (waiting,) = regular_backups(due)
    assert waiting.status.state == "Running" and waiting.status.failure is not None
    assert waiting.status.failure.reason == "QuotaExceeded"
    making.run_patiently()
    (done,) = regular_backups(due)
    assert (done.status.state, done.status.failure) == ("Verified", None)


def test_one_that_does_not_end_within_its_interval_makes_room_for_the_next(due: World) -> None:
    due.wire.fail_next("backup.Restored", Retry(Reason.CLOUD_UNREACHABLE, "no answer"), times=5)
    making = BackingUp(due)
    making.run()
    making.each_week(1)
    assert [each.status.state for each in regular_backups(due)] == ["Failed", "Verified"]
    assert len(lies_in(due, "govcloud-backups")) == len(PARTS)


def test_leftovers_that_cannot_be_removed_are_tried_again_and_keep_nothing_waiting(due: World) -> None:
    due.wire.fail_next("backup.Restored", FAULT)
    due.wire.fail_next("backup.clear", FAULT, times=3)
    making = BackingUp(due)
    making.run()
    first = regular_backups(due)[0]
    assert first.status.cleared_at is None and first.status.clearing is not None
    making.run_patiently()
    assert regular_backups(due)[0].status.cleared_at is not None
    assert lies_in(due, "govcloud-backups") == []


# What stops it


def test_a_pause_stops_it_between_two_steps(due: World) -> None:
    making = BackingUp(due)
    making.step()
    making.step()
    due.cluster.pause("night", PauseSpec(by="li.na", reason="storage is replaced"))
    with due.nothing_touched():
        making.run()
    due.cluster.resume("night")
    making.run()
    assert regular_backups(due)[0].status.state == "Verified"


def test_without_admission_policies_nothing_is_done(due: World) -> None:
    making = BackingUp(due)
    making.step()
    due.cluster.fault = "a policy is gone"
    with due.nothing_touched():
        making.run()


def test_what_somebody_else_writes_into_its_status_is_not_gone_by(due: World) -> None:
    making = BackingUp(due)
    making.step()
    (begun,) = regular_backups(due)
    due.cluster.write_backup_status(begun, BackupStatus(state="Verified", verified_at=due.clock.now(), manifest_sha256="0" * 64))
    making.run()
    (made,) = regular_backups(due)
    assert made.status.manifest_location in due.backups.manifests
    assert all(part.source_sha256 == part.restored_sha256 for part in made.status.parts) and len(made.status.parts) == len(PARTS)


def test_a_set_of_somebody_elses_making_gets_no_data(due: World) -> None:
    making = BackingUp(due)
    making.step()
    (honest,) = regular_backups(due)
    due.cluster.delete_backup(honest)
    theirs = honest.spec.model_copy(update={"backup_project": "theirs", "quarantine_project": "theirs"})
    due.cluster.create_backup(honest.name, theirs)
    making.run()
    assert lies_in(due, "theirs") == []
    assert [part.state for part in regular_backups(due)[0].status.parts] == []


# Beside the life of the request

STEPS_OF_ONE = 9


@pytest.mark.parametrize("steps", range(STEPS_OF_ONE + 1))
def test_a_termination_at_any_step_goes_through_with_its_own_proof_and_leaves_no_snapshot(due: World, steps: int) -> None:
    making = BackingUp(due)
    for _ in range(steps):
        making.step()
    due.terminate()
    due.run()
    due.approve()
    due.run()
    making.run()
    due.run_patiently()
    assert due.status().phase == "Terminated"
    assert due.termination_record().absence_proved_at is not None
    assert [name for name in lies_in(due, "govcloud-backups") if "snapshot" in name] == []
    assert regular_backups(due)[0].status.state in ("Verified", "Failed") if steps else regular_backups(due) == []
    assert making.counted in ([], ["Withdrawn"], ["Verified"])


def test_a_termination_says_what_it_waits_for(due: World) -> None:
    making = BackingUp(due)
    making.step()
    making.step()
    due.terminate()
    due.run()
    due.approve()
    done = due.step()
    assert done.action == "WaitForBackup" and done.backup_is_due
    reconciling = due.condition("Reconciling")
    assert (reconciling.status, reconciling.reason) == ("True", "BackupRunning")
    assert regular_backups(due)[0].name in reconciling.message and "快照" in due.next_action().zh


def test_a_change_goes_on_beside_it(due: World) -> None:
    making = BackingUp(due)
    making.step()
    making.step()
    due.edit_service("data", sizeGib=5)
    due.run()
    due.approve()
    assert due.things()["data"].inputs["size"] == 5
    making.run()
    assert regular_backups(due)[0].status.state == "Verified"


# Crashes


def _at_the_beginning(directory: Path) -> World:
    world = World(directory / "0")
    world.to_trial(services=[service for service in services() if service["name"] in ("inner", "web", "data")])
    world.clock.advance(WEEK)
    world.run()
    world.audit.close()
    return world


def _seen(world: World) -> object:
    ours = sorted((t.type, t.project, t.name) for t in world.cloud.things() if t.project.startswith("govcloud-"))
    sets = [(b.name, b.status.state, _parts(b), b.status.cleared_at is None) for b in regular_backups(world)]
    return ours, sets


@pytest.mark.timeout(120)
@pytest.mark.parametrize("ending", ["verified", "differs", "fails"])
def test_a_crash_after_any_write_changes_nothing_in_the_end(tmp_path: Path, ending: str) -> None:
    beginning = _at_the_beginning(tmp_path)
    expected, writes = _lived(beginning, tmp_path, ending, None)
    for number in range(1, writes + 1):
        assert _lived(beginning, tmp_path, ending, number)[0] == expected, f"after write {number} of {writes}"


def _parts(backup: BackupObject) -> list[tuple[str, str]]:
    """How far the others came when one failed or differs is chance."""
    return [(part.name, part.state) for part in backup.status.parts if backup.status.state == "Verified" or part.state == "Mismatch"]


def _lived(beginning: World, directory: Path, ending: str, crash: int | None) -> tuple[object, int]:
    home = directory / f"{ending}-{crash}"
    shutil.copytree(directory / "0", home)
    world = beginning.copied(home)
    start = len(world.wire.writes)
    if ending == "differs":
        world.backups.corrupt.add("data")
    if ending == "fails":
        world.wire.fail_next("backup.BackedUp data", FAULT, times=9)
    if crash is not None:
        world.wire.fail_at(start + crash, Crash(), after=True)
    BackingUp(world).survive()
    assert world.audit.open_intents() == ()
    assert world.audit.verified().result is Result.OK
    world.audit.close()
    shutil.rmtree(home)
    return _seen(world), len(world.wire.writes) - start
