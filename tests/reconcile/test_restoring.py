"""Getting data back: what a restore does to a request, from the wish to the last byte, and what it refuses."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from reconcile.backing_up import ENOUGH, BackingUp, lies_in, purge, regular_backups
from reconcile.world import NAME, UNIT, World, services

from govcloud.adapters.memory import Crash
from govcloud.api.progress import RestorationRecord
from govcloud.audit.query import Filter, search
from govcloud.audit.records import Action
from govcloud.audit.verify import Result
from govcloud.core import actions as act
from govcloud.core.backup_sets import state_of
from govcloud.failures import Stop
from govcloud.reasons import Reason

OLD, NEW = b"what was there", b"what came after"
VOLUMES = ("data", "web-0-boot", "web-1-boot")


def volume(world: World, name: str = "data") -> Any:
    """The unit's volume of that name; there is one."""
    (found,) = (thing for thing in world.cloud.things() if thing.name == name and thing.project == f"project-{UNIT}")
    return found


def held(world: World, name: str = "data") -> bytes:
    return world.cloud.contents[volume(world, name).id]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A trial that was backed up, and whose data was then spoilt."""
    world = World(tmp_path / "audit")
    return backed_up_and_spoilt(world)


def backed_up_and_spoilt(world: World) -> World:
    world.to_trial()
    for name in VOLUMES:
        world.cloud.contents[volume(world, name).id] = OLD + name.encode()
    BackingUp(world).each_week(1)
    for name in VOLUMES:
        world.cloud.contents[volume(world, name).id] = NEW
    return world


def newest_set(world: World) -> str:
    return regular_backups(world)[-1].name


def ask(world: World, *of: str, reason: str = "误删数据", **changes: Any) -> None:
    world.apply(restoreFrom={"backup": changes.pop("backup", newest_set(world)), "services": list(of), "reason": reason}, **changes)


def restore(world: World, *of: str, **changes: Any) -> RestorationRecord:
    """Asked, approved, done."""
    ask(world, *of, **changes)
    world.run()
    assert (plan := world.status().plan) is not None and plan.transition == "Restore", world.status().next_action
    world.approve()
    world.run_patiently()
    record = world.status().progress.restoration
    assert record is not None
    return record


def refused(world: World) -> str:
    """Why the wish is refused, in both languages."""
    action = world.decided()
    assert isinstance(action, act.Refuse)
    world.run()
    return "; ".join(violation.sentence() for violation in action.violations)


def test_the_data_of_a_volume_comes_back_and_what_was_there_is_kept(world: World) -> None:
    before = volume(world)
    record = restore(world, "data")
    assert held(world) == OLD + b"data" and volume(world).id != before.id
    assert held(world, "web-0-boot") == NEW, "what was not named stays"
    assert record.ended_at is not None and [each.state for each in record.volumes] == ["HandedOver"]
    safeguard = world.ports.cluster.backup(str(record.safeguard))
    assert safeguard is not None and safeguard.spec.kind == "BeforeRestore" and state_of(safeguard.status) == "Verified"
    assert world.cloud.contents[str(safeguard.status.parts[0].backup_id)] == NEW
    assert lies_in(world, "govcloud-quarantine") == []
    assert world.status().phase == "Trial" and world.status().progress.running


def test_a_machine_comes_back_on_its_volumes_and_at_its_address(world: World) -> None:
    ports = {thing.name: thing.id for thing in world.cloud.things() if thing.name.endswith("-port")}
    restore(world, "web")
    assert held(world, "web-0-boot") == OLD + b"web-0-boot" and held(world, "web-1-boot") == OLD + b"web-1-boot"
    assert {thing.name: thing.id for thing in world.cloud.things() if thing.name.endswith("-port")} == ports
    assert volume(world, "web-0").inputs["power_state"] == "active"


def test_afterwards_nothing_is_left_to_do_and_later_plans_keep_the_volume(world: World) -> None:
    restore(world, "data", "web")
    ids = {name: volume(world, name).id for name in VOLUMES}
    runs = len(world.stacks.runs)
    world.run()
    assert len(world.stacks.runs) == runs
    for edit in ({"sizeGib": 5}, {"sizeGib": 6}):
        world.edit_service("data", **edit)
        world.run()
        plan = world.status().plan
        assert plan is not None and {(c.resource, c.operation) for c in plan.diff} == {("data", "Update")}
        world.approve()
    assert {name: volume(world, name).id for name in VOLUMES} == ids
    assert held(world) == OLD + b"data"


def test_taking_the_wish_out_does_nothing_and_another_sentence_restores_again(world: World) -> None:
    restore(world, "data")
    world.cloud.contents[volume(world).id] = NEW
    spec = dict(world.request().spec)
    del spec["restoreFrom"]
    world.cluster.apply_request("health-center", NAME, spec)
    world.run()
    assert isinstance(world.decided(), act.Rest)
    restore(world, "data", reason="再次误删")
    assert held(world) == OLD + b"data"


def test_the_plan_shows_what_is_replaced_and_from_what(world: World) -> None:
    ask(world, "data")
    world.run()
    plan = world.facts().pending
    assert plan is not None and plan.restore is not None and plan.restore.backup == newest_set(world)
    assert ("data", "replace", ("backup_id",)) in {(c.resource, c.operation, c.fields) for c in plan.diff}
    assert [step.step for step in plan.steps] == ["unit-consent"]
    stopped = {(c.resource, c.fields) for c in plan.diff if c.operation == "update"}
    assert stopped == {("web-0", ("power_state",)), ("web-1", ("power_state",)), ("files-user", ("enabled",))}
    assert {c.resource for c in plan.diff if c.operation == "replace"} == {"data", "data-attachment"}


def test_every_step_stands_in_the_log(world: World) -> None:
    restore(world, "data")
    uid = world.request().key.uid
    records = list(search(world.audit.directory, Filter(request=uid)))
    restored = [r for r in records if r.action is Action.RESTORE]
    assert {r.attributes["effect"] for r in restored} == {"CopyBack", "HandOver"}
    assert {r.attributes["volume"] for r in restored} == {"data"}
    assert {r.attributes["backup"] for r in restored} == {newest_set(world)}
    assert world.audit.verified().result is Result.OK


def test_a_volume_that_somebody_deleted_comes_back(world: World) -> None:
    gone = volume(world)
    world.cloud.remove(gone.id)
    unit = world.facts().unit
    assert unit is not None
    world.stacks.look_for_drift(unit, [world.request().key])
    record = restore(world, "data")
    assert held(world) == OLD + b"data" and record.safeguard is None


def test_the_restored_volume_may_have_grown_since(world: World) -> None:
    world.edit_service("data", sizeGib=5)
    world.run()
    world.approve()
    restore(world, "data")
    assert (volume(world).inputs["size"], held(world)) == (5, OLD + b"data")


def test_the_quota_has_room_for_both_volumes_only_meanwhile(world: World) -> None:
    before = world.cloud.quotas[f"project-{UNIT}"]
    restore(world, "data")
    assert world.cloud.quotas[f"project-{UNIT}"] == before


@pytest.mark.parametrize("suspended", [False, True])
def test_the_servers_run_afterwards_exactly_if_they_ran_before(world: World, suspended: bool) -> None:
    if suspended:
        world.apply(suspended=True)
        world.run()
        world.approve()
    restore(world, "data")
    assert volume(world, "web-0").inputs["power_state"] == ("shutoff" if suspended else "active")
    assert world.status().progress.running is not suspended


def test_a_restore_is_undone_by_restoring_what_was_there_before(world: World) -> None:
    record = restore(world, "data")
    restore(world, "data", backup=record.safeguard, reason="恢复有误,退回")
    assert held(world) == NEW


def test_a_state_that_is_lost_while_volumes_are_replaced_is_not_guessed(world: World) -> None:
    world.wire.fail_next("cloud.delete data", Stop(Reason.RESOURCE_FAILED, "in error"), times=50)
    ask(world, "data")
    world.run()
    world.approve()
    assert [each.state for each in _record(world).volumes] == ["HandedOver"]
    world.stacks.lose_state(world.request().key)
    world.clock.advance(timedelta(minutes=5))
    world.run()
    action = world.decided()
    assert isinstance(action, act.Block) and action.reason is Reason.PLAN_MISMATCH and "restore the state from its backup" in action.message


def _record(world: World) -> RestorationRecord:
    found = world.status().progress.restoration
    assert found is not None
    return found


# What is refused


def test_a_set_that_is_not_there_or_of_another_unit_is_refused_in_the_same_words(world: World) -> None:
    ask(world, "data", backup="nothing-of-the-kind")
    assert "spec.restoreFrom.backup" in refused(world)
    text = refused(world)
    found = regular_backups(world)[-1]
    world.cluster.create_backup("foreign", found.spec.model_copy(update={"unit": "another"}))
    ask(world, "data", backup="foreign")
    assert refused(world) == text.replace("nothing-of-the-kind", "foreign") and "没有名为" in text


def test_a_forged_set_is_not_believed(world: World) -> None:
    """Made by somebody else than the controller, however well it looks."""
    found = regular_backups(world)[-1]
    forged = world.cluster.create_backup("forged", found.spec)
    world.cluster.write_backup_status(forged, found.status)
    ask(world, "data", backup="forged")
    assert "has no ServiceBackup" in refused(world)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verified_at": None}, "state Running"),
        ({"purged_at": "now"}, "state Purged"),
        ({"manifest_sha256": None}, "not a proven backup"),
        ({"parts": ()}, "not a proven backup"),
    ],
)
def test_a_set_that_is_not_proven_is_refused(world: World, change: dict[str, Any], said: str) -> None:
    found = regular_backups(world)[-1]
    changes = {key: world.clock.now() if value == "now" else value for key, value in change.items()}
    world.ports.cluster.write_backup_status(found, found.status.model_copy(update=changes))
    ask(world, "data")
    assert said in refused(world)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (("files",), "leave files out of services"),
        (("db",), "leave db out of services"),
        ((), "leave"),
        (("nothing",), "holds no data of nothing"),
    ],
)
def test_what_cannot_be_restored_is_refused_with_the_way_out(world: World, of: tuple[str, ...], said: str) -> None:
    ask(world, *of)
    told = refused(world)
    assert said in told and "spec.restoreFrom.services" in told


def test_a_volume_that_is_not_there_any_more_is_refused(world: World) -> None:
    wanted = [dict(each) for each in services()]
    world.cluster.apply_request("health-center", "second", {**world.request().spec, "services": [each for each in wanted if each["name"] != "data"]})
    found = regular_backups(world)[-1]
    part = found.spec.parts[0].model_copy(update={"name": "web-9-boot", "service": "web"})
    status = found.status.model_copy(update={"parts": (found.status.parts[0].model_copy(update={"name": "web-9-boot"}),)})
    other = world.ports.cluster.create_backup("other", found.spec.model_copy(update={"parts": (part,), "number": 7}))
    world.ports.cluster.write_backup_status(other, status)
    ask(world, backup="other")
    assert "no volume web-9-boot" in refused(world)


def test_a_larger_backup_than_the_volume_is_refused(world: World) -> None:
    found = regular_backups(world)[-1]
    huge = 3 << 30
    parts = tuple(each.model_copy(update={"source_bytes": huge, "restored_bytes": huge}) for each in found.status.parts)
    world.ports.cluster.write_backup_status(found, found.status.model_copy(update={"parts": parts}))
    ask(world, "data")
    assert "has 3 GiB and the volume 2" in refused(world)


def test_it_is_one_wish_by_itself(world: World) -> None:
    ask(world, "data", suspended=True)
    assert "one edit asks for 2 things" in refused(world)


def test_a_new_request_is_there_before_data_comes_back(world: World) -> None:
    spec = {**world.request().spec, "restoreFrom": {"backup": newest_set(world), "services": ["data"], "reason": "x"}}
    world.cluster.apply_request("health-center", "second", spec)
    action = world.decided("second")
    assert isinstance(action, act.Refuse) and "nothing yet to restore data into" in action.violations[0].en


# Another request


def test_a_new_request_gets_what_a_terminated_one_left_and_nothing_of_one_that_lives(world: World) -> None:
    world.cluster.apply_request("health-center", "second", {**world.request().spec})
    world.run("second")
    world.approve(name="second")
    world.apply("second", restoreFrom={"backup": newest_set(world), "services": ["data"], "reason": "搬迁"})
    action = world.decided("second")
    assert isinstance(action, act.Refuse) and "only the set counts that its termination left" in action.violations[0].en

    world.cloud.contents[volume_of(world, NAME)] = OLD
    world.terminate()
    world.run()
    world.approve()
    world.run_patiently()
    termination = world.status().progress.termination
    assert termination is not None and termination.backup is not None
    world.apply("second", restoreFrom={"backup": termination.backup, "services": ["data"], "reason": "搬迁"})
    world.run("second")
    world.approve(name="second")
    world.run_patiently("second")
    assert world.cloud.contents[volume_of(world, "second")] == OLD
    assert volume(world).owner == world.request("second").key.uid


def volume_of(world: World, name: str) -> str:
    uid = world.request(name).key.uid
    (found,) = (thing for thing in world.cloud.things(f"project-{UNIT}") if thing.name == "data" and thing.owner == uid)
    return str(found.id)


# What goes wrong


def test_a_set_that_was_spoilt_touches_nothing_and_can_be_given_up(world: World) -> None:
    before, running = volume(world).id, world.status().progress.running
    world.restores.corrupt.add("data")
    ask(world, "data")
    world.run()
    world.approve()
    assert world.status().progress.failure is not None
    assert world.status().progress.failure.reason == Reason.BACKUP_MISMATCH
    assert (volume(world).id, held(world), world.status().progress.running) == (before, NEW, running)
    give_up(world)
    assert (volume(world).id, held(world)) == (before, NEW)
    assert lies_in(world, "govcloud-quarantine") == []


def give_up(world: World) -> None:
    """The applicant takes the wish out, and the unit agrees that everything runs as before."""
    spec = dict(world.request().spec)
    del spec["restoreFrom"]
    world.cluster.apply_request("health-center", NAME, spec)
    world.run()
    plan = world.status().plan
    assert plan is not None and plan.transition == "Resume", world.status().next_action
    assert {field for c in plan.diff for field in c.fields} == {"power_state", "enabled"}
    world.approve()
    world.run_patiently()
    assert world.status().progress.operation is None and world.status().progress.running


def test_a_present_state_that_cannot_be_proven_is_not_replaced(world: World) -> None:
    before = volume(world).id
    world.backups.corrupt.add("data")
    ask(world, "data")
    world.run()
    world.approve()
    world.run_patiently()
    assert (volume(world).id, held(world)) == (before, NEW)
    assert volume(world, "web-0").inputs["power_state"] == "shutoff"
    give_up(world)
    assert volume(world, "web-0").inputs["power_state"] == "active" and held(world) == NEW
    left = lies_in(world, "govcloud-quarantine")
    assert left == ["data-restored"], "the copy that differs is evidence"
    world.terminate()
    world.run()


@pytest.mark.parametrize("instead", ["another set", "a change"])
def test_whatever_takes_the_place_of_a_restore_that_was_given_up_starts_what_it_stopped(world: World, instead: str) -> None:
    world.backups.corrupt.add("data")
    ask(world, "data")
    world.run()
    world.approve()
    world.run_patiently()
    assert volume(world, "web-0").inputs["power_state"] == "shutoff"
    world.backups.corrupt.clear()
    if instead == "another set":
        restore(world, "data", reason="换一次")
    else:
        world.apply(restoreFrom=None)
        world.edit_service("data", sizeGib=5)
        world.run()
        world.approve()
        world.run_patiently()
    assert volume(world, "web-0").inputs["power_state"] == "active" and world.status().progress.running
    assert world.status().progress.operation is None
    assert held(world) == (OLD + b"data" if instead == "another set" else NEW)


def test_a_backup_that_cannot_be_finished_lets_its_snapshots_go_when_the_restore_is_given_up(world: World) -> None:
    world.wire.fail_next("backup.SourceRead data", Stop(Reason.RESOURCE_FAILED, "in error"), times=50)
    ask(world, "data")
    world.run()
    world.approve()
    assert "data-snapshot" in lies_in(world, "govcloud-backups")
    give_up(world)
    assert "data-snapshot" not in lies_in(world, "govcloud-backups") and lies_in(world, "govcloud-quarantine") == []


def test_a_regular_backup_lets_go_of_what_is_replaced(world: World) -> None:
    world.clock.advance(timedelta(days=7))
    backing_up = BackingUp(world)
    for _ in range(3):
        backing_up.step()
    assert "data-snapshot" in lies_in(world, "govcloud-backups")
    ask(world, "data", backup=regular_backups(world)[0].name)
    world.run()
    world.approve()
    assert world.run()[-1] == "WaitForBackup"
    backing_up.run_patiently()
    world.run_patiently()
    assert held(world) == OLD + b"data"


def test_a_set_that_is_asked_for_is_not_purged(world: World) -> None:
    BackingUp(world).each_week(1)
    first = regular_backups(world)[0].name
    world.cloud.contents[volume(world).id] = NEW
    ask(world, "data", backup=first)
    world.run()
    purge(world, world.clock.now() + ENOUGH)
    assert first in {backup.name for backup in regular_backups(world)}
    world.approve()
    world.run_patiently()
    assert held(world) == OLD + b"data"
    purge(world, world.clock.now() + ENOUGH)
    assert first not in {backup.name for backup in regular_backups(world)}


# Whoever dies


def small() -> list[dict[str, Any]]:
    found = [dict(each) for each in services() if each["name"] in ("inner", "web", "data")]
    found[1]["virtualMachine"] = {**found[1]["virtualMachine"], "count": 1, "securityRules": []}
    return found


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A restore that was approved and has not begun."""
    world = World(tmp_path_factory.mktemp("approved") / "audit")
    world.to_trial(services=small())
    world.cloud.contents[volume(world).id] = OLD
    BackingUp(world).each_week(1)
    world.cloud.contents[volume(world).id] = NEW
    ask(world, "data")
    world.run()
    world.decide("unit-consent")
    world.audit.close()
    return world


def died(approved: World, directory: Path, *writes: int) -> World:
    """The same, with a crash right after each of these writes, followed by the next process each time."""
    shutil.copytree(approved.audit.directory, directory)
    world = approved.copied(directory)
    start = len(world.wire.writes)
    for number in writes:
        world.wire.fail_at(start + number, Crash(), after=True)
    while True:
        try:
            world.run_patiently()
        except Crash:
            world.restart_controller()
        else:
            return world


@pytest.mark.timeout(300)
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.soak)], ids=["some", "each"])
def test_a_crash_after_any_write_changes_nothing_in_the_end(approved: World, tmp_path: Path, every: int) -> None:
    whole = died(approved, tmp_path / "uncrashed")
    writes = len(whole.wire.writes) - len(approved.wire.writes)
    assert writes > 60
    for number in range(1, writes + 1, every):
        directory = tmp_path / str(number)
        _is_restored(died(approved, directory, number), number)
        shutil.rmtree(directory)
    _is_restored(died(approved, tmp_path / "often", *range(11, 10 * writes, 11)), 0)


def _is_restored(world: World, number: int) -> None:
    said = f"after write {number}"
    assert held(world) == OLD, said
    assert lies_in(world, "govcloud-quarantine") == [], said
    assert [name for name in lies_in(world, "govcloud-backups") if not name.endswith("-backup")] == [], said
    progress = world.status().progress
    assert progress.operation is None and progress.restoration is not None and progress.restoration.ended_at is not None, said
    assert world.audit.open_intents() == (), said
    assert world.audit.verified().result is Result.OK, said
    assert world.writes_in(lambda: [world.step() for _ in range(3)]) == [], said
    world.things()  # looks for what was made twice
