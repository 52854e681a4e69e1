"""What decisions rest on in a status is what the controller wrote last, whoever writes what into it: with the policies away, or past them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconcile.world import UNIT, Crash, World

from govcloud.adapters.remembering_cluster import statuses_shown
from govcloud.adapters.status_book import StatusBook
from govcloud.api.backup import BackupSpec, BackupStatus, PartStatus
from govcloud.api.progress import Progress
from govcloud.api.unit import UnitStatus
from govcloud.audit.records import Outcome, Phase
from govcloud.core.ending_steps import backup_name
from govcloud.core.objects import BackupObject, UnitObject
from govcloud.core.remembered import NOTHING, Remembered, altered, is_of_the_past


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "audit")
    yield made
    made.wire.restart()
    made.audit.close()


def told(world: World) -> list[str]:
    """What the log says of altered statuses."""
    return [record.message for record in world.audit.records() if record.reason.rule == "StatusAltered"]


def test_a_trial_ends_when_it_ends(world: World) -> None:
    world.to_trial()
    honest = world.status().progress
    assert honest.trial is not None
    later = honest.trial.model_copy(update={"ends_at": honest.trial.ends_at + timedelta(days=90)})
    world.forge_progress(honest.model_copy(update={"trial": later}))
    world.run()

    assert world.status().progress == honest
    assert told(world) == ["status.progress was not as this controller wrote it last (trial); it goes by its own record, and has put that back"]
    assert ("orders", "StatusAltered", told(world)[0]) in world.cluster.events
    world.clock.advance(timedelta(days=15))
    world.run()
    assert world.status().phase == "Suspended"


def test_nobody_is_in_production_because_the_status_says_so(world: World) -> None:
    world.to_trial()
    world.forge_progress(world.status().progress.model_copy(update={"production_since": world.clock.now()}))
    world.clock.advance(timedelta(days=16))
    world.run()

    assert world.status().phase == "Suspended"
    assert len(told(world)) == 1


@pytest.mark.parametrize("wiped", [{}, {"phase": "Trial"}, {"progress": 5}, {"progress": {"completedPlan": "two"}}], ids=str)
def test_what_was_done_is_not_forgotten_with_the_status(world: World, wiped: Mapping[str, Any]) -> None:
    world.to_production()
    honest = world.status().progress
    world.cluster.damage_status(world.request(), wiped)
    with world.nothing_touched():
        world.run_patiently()

    assert world.status().progress == honest
    assert len(told(world)) == 1


def test_a_new_request_has_done_nothing_whatever_its_status_says(world: World) -> None:
    world.apply()
    claimed = Progress(last_plan=1, completed_plan=1, production_since=world.clock.now(), allocated={"instances": 99})
    world.cluster.damage_status(world.request(), {"progress": claimed.model_dump(mode="json", by_alias=True, exclude_none=True)})
    world.run()

    assert world.status().progress.completed_plan is None
    assert world.status().phase == "AwaitingApproval"
    assert len(told(world)) == 1


@pytest.mark.parametrize("restarted", [False, True], ids=["under its eyes", "while it is down"])
def test_no_former_status_that_is_put_back_does_anything_again(world: World, restarted: bool) -> None:
    """Among them the one before the trial began: carried out once more, it would begin anew."""
    former = statuses_of_a_provisioning(world)
    honest = world.status().progress
    world.clock.advance(timedelta(days=3))
    for old in former:
        world.cluster.damage_status(world.request(), old)
        if restarted:
            world.restart_controller()
        with world.nothing_touched():
            world.run_patiently()
        assert world.status().progress == honest
    assert len(told(world)) == len(former)


def statuses_of_a_provisioning(world: World) -> list[Mapping[str, Any]]:
    """Every status with another progress than the last one has."""
    seen: list[Mapping[str, Any]] = []

    def run() -> None:
        while world.step().again_after == timedelta(0):
            seen.append(world.request().status)

    world.apply()
    run()
    for step in world.shown_plan().steps:
        world.decide(step)
        run()
    assert world.status().phase == "Trial"
    return [status for status in seen if status["progress"] != world.request().status["progress"]]


def test_another_ones_quota_is_what_it_was_given(world: World) -> None:
    world.to_trial("neighbour")
    alone = dict(world.cloud.quotas)
    world.forge_progress(world.status("neighbour").progress.model_copy(update={"allocated": {"instances": 500}}), "neighbour")
    world.to_trial()

    assert world.cloud.quotas.keys() == alone.keys()
    assert all(vars(quota)["instances"] < 50 for quota in world.cloud.quotas.values())


def unit_of(world: World) -> UnitObject:
    found = world.cluster.unit(UNIT)
    assert found is not None
    return found


def test_that_nothing_is_left_is_proven_in_the_units_own_project(world: World) -> None:
    """Whoever makes the controller look into an empty project has it believe nothing."""
    in_backup(world)
    stray = world.cloud.make("openstack:networking/port:Port", str(unit_of(world).status.project_id), "stray", world.request().key.uid, "", {})
    world.cluster.write_unit_status(unit_of(world), UnitStatus(project_id="an-empty-one"))
    world.run()

    assert stray.id in world.condition("Reconciling").message
    assert world.request().has_finalizer


# The evidence of a backup


def in_backup(world: World) -> World:
    """A termination under way, with its backup set opened."""
    world.to_production()
    world.terminate()
    world.run()
    world.decide("unit-consent")
    world.run()
    world.decide("authority")
    while world.status().progress.termination is None or world.termination_record().backup is None:
        world.step()
    return world


def backup_of(world: World) -> BackupObject:
    found = world.cluster.backup(str(world.termination_record().backup))
    assert found is not None
    return found


def test_a_backup_that_is_claimed_is_made_all_the_same(world: World) -> None:
    backup = backup_of(in_backup(world))
    lies = tuple(
        PartStatus(name=part.name, state="Cleaned", source_sha256="0" * 64, restored_sha256="0" * 64, source_bytes=1, restored_bytes=1)
        for part in backup.spec.parts
    )
    claimed = BackupStatus(parts=lies, manifest_sha256="0" * 64, manifest_location="x/y", verified_at=world.clock.now())
    world.cluster.write_backup_status(backup, claimed)
    world.run_patiently()

    assert world.status().phase == "Terminated"
    proven = backup_of(world)
    assert {part.source_sha256 for part in proven.status.parts} != {"0" * 64}
    assert world.backups.manifests


def test_a_mismatch_that_is_made_a_match_destroys_nothing(world: World) -> None:
    world.backups.corrupt.add("data")
    in_backup(world).run_patiently()
    assert world.condition("Stalled").reason == "BackupMismatch"
    backup = backup_of(world)
    mended = tuple(
        part.model_copy(update={"state": "Cleaned", "restored_sha256": part.source_sha256, "restored_bytes": part.source_bytes}) for part in backup.status.parts
    )
    world.cluster.write_backup_status(backup, backup.status.model_copy(update={"parts": mended}))
    world.clock.advance(timedelta(minutes=10))
    world.run_patiently()

    assert world.condition("Stalled").reason == "BackupMismatch"
    assert world.things()


def test_a_backup_set_of_somebody_elses_making_gets_no_data(world: World) -> None:
    """It waits under the name that ours will have, and names a project of theirs."""
    world.to_production()
    world.terminate()
    world.run()
    plan = world.plan(3)
    honest = backup_spec_of(world)
    theirs = honest.model_copy(update={"backup_project": "theirs", "quarantine_project": "theirs", "plan": plan.number, "plan_digest": plan.digest})
    world.cluster.create_backup(backup_name(plan), theirs)
    world.decide("unit-consent")
    world.decide("authority")
    world.run()

    assert "exists with another content" in world.condition("Stalled").message
    assert [write for write in world.cloud_writes() if write.startswith("backup.")] == []
    assert world.things()


def backup_spec_of(world: World) -> BackupSpec:
    """Such a backup set as another request's termination has."""
    other = World(world.audit.directory.with_name("other"))
    try:
        return backup_of(in_backup(other)).spec
    finally:
        other.audit.close()


def test_a_termination_that_was_taken_over_goes_on_with_its_evidence(world: World) -> None:
    """The first start of a controller that remembers."""
    in_backup(world)
    world.step()
    shown = statuses_shown(world.cluster)
    assert shown.keys() == {world.request().key.uid, unit_of(world).uid, backup_of(world).uid}
    world.status_book = StatusBook({uid: Remembered(said) for uid, said in shown.items()})
    world.start_controller()
    world.run_patiently()

    assert world.status().phase == "Terminated"
    assert told(world) == []


def test_one_that_cannot_be_read_keeps_no_other_from_being_taken_over(world: World) -> None:
    world.to_trial()
    world.to_trial("second")
    broken = world.cluster.damage_status(world.request("second"), {"phase": 5, "progress": {"lastPlan": 1}})
    shown = statuses_shown(world.cluster)
    assert shown[broken.key.uid] == {"lastPlan": 1}
    assert shown.keys() == {world.request().key.uid, broken.key.uid, unit_of(world).uid}


# What is believed

SAID = st.dictionaries(st.sampled_from(["trial", "productionSince", "operation"]), st.integers(0, 2))


@given(SAID, SAID, st.none() | SAID)
def test_what_is_called_altered_is_neither_of_the_last_two(shown: dict[str, int], now: dict[str, int], before: dict[str, int] | None) -> None:
    fields = altered(shown, Remembered(now, before))
    assert bool(fields) == (shown not in (now, before))
    assert all(shown.get(name) != now.get(name) for name in fields)


def test_what_is_remembered_is_of_the_past_when_more_was_done_than_a_crash_leaves_untold(world: World) -> None:
    world.to_trial()
    records = world.audit.records()
    ended = [n for n, record in enumerate(records) if record.phase is Phase.OUTCOME and record.attributes.get("effect") not in ("AddFinalizer", "Reserve")]

    assert is_of_the_past(records)
    assert is_of_the_past(records[ended[-2] :])
    assert not is_of_the_past(records[ended[-2] + 1 :])
    assert not is_of_the_past([])
    assert not is_of_the_past(record.model_copy(update={"outcome": Outcome.UNKNOWN}) for record in records), "killed again and again"


def test_a_crash_anywhere_leaves_at_most_one_effect_untold(tmp_path: Path) -> None:
    """Or else a start after it would be refused."""
    for number in range(1, 60, 4):
        here = World(tmp_path / str(number))
        kept = Kept(here)
        here.wire.fail_at(number, Crash())
        try:
            here.to_trial()
        except Crash:
            assert not is_of_the_past(record for record in here.audit.records() if record.sequence >= kept.records), number
        finally:
            here.wire.restart()
            here.audit.close()


class Kept(StatusBook):
    """Notes how many records there were when something was kept last."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.records = world, 0
        world.status_book = self
        world.start_controller()

    def _store(self, uid: str, then: Remembered) -> None:
        self.records = len(self.world.audit.records())


def test_of_a_new_object_nothing_is_believed() -> None:
    assert altered({}, NOTHING) == ()
    assert altered({"lastPlan": 1}, NOTHING) == ("lastPlan",)
