"""The life of a service, from the first wish to the record that stays: each story over the whole controller and a world in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from reconcile.world import NAME, NAMESPACE, UNIT, World, catalog_spec, jurisdiction_spec

from govcloud.adapters.memory import Thing
from stacks.naming import STAGE_MARK

PROJECT = f"project-{UNIT}"


@pytest.fixture
def trial(world: World) -> World:
    return world.to_trial()


@pytest.fixture
def production(world: World) -> World:
    return world.to_production()


def ids(things: Mapping[str, Thing]) -> dict[str, str]:
    return {name: thing.id for name, thing in things.items()}


def operations(world: World) -> set[str]:
    """What the runs of the engine did since this was asked last."""
    done = {operation for _, _, operation in world.stacks.runs}
    world.stacks.runs.clear()
    return done


# Trial


def test_a_trial_lasts_fifteen_days_and_costs_nothing(trial: World) -> None:
    record = trial.status().progress.trial

    assert record is not None
    assert record.ends_at - record.started_at == timedelta(days=15)
    assert trial.status().monthly_cost == "0.00"
    assert trial.status().due == record.ends_at
    assert trial.step().again_after == record.ends_at - timedelta(days=3) - trial.clock.now()  # the first reminder


def test_a_jurisdiction_may_shorten_the_trial(world: World) -> None:
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(tightened={"trialDays": 10}))
    record = world.to_trial().trial_record()

    assert record.ends_at - record.started_at == timedelta(days=10)


def test_the_quota_of_the_unit_is_what_was_approved(trial: World) -> None:
    quota = trial.cloud.quotas[PROJECT]

    assert (quota.instances, quota.volumes, quota.gigabytes) == (3, 4, 6)
    unit = trial.cluster.unit(UNIT)
    assert unit is not None and unit.status.quota == vars(quota)


def test_the_quota_of_the_unit_is_the_sum_over_its_requests(trial: World) -> None:
    trial.to_trial("second")

    assert trial.cloud.quotas[PROJECT].instances == 6


def test_credentials_lie_in_the_secret_and_nowhere_else(trial: World) -> None:
    secret = trial.cluster.secrets[NAMESPACE, f"{NAME}-credentials"]
    password = secret["db.password"]

    assert password.startswith("derived-")
    assert trial.status().credentials_secret == f"{NAME}-credentials"
    assert password not in str(trial.request()) + str(trial.cluster.events)
    assert all(password not in plan.text for plan in trial.cluster.plans(trial.request().key))
    assert all(password not in record.model_dump_json() for record in trial.audit.records())


def test_a_trial_that_ends_is_stopped_and_nothing_is_lost(trial: World) -> None:
    before = ids(trial.things())
    trial.clock.advance(timedelta(days=15))
    trial.run()

    assert set(trial.servers().values()) == {"shutoff"}
    assert ids(trial.things()) == before
    assert (trial.status().phase, trial.condition("Ready").reason) == ("Suspended", "TrialExpired")
    assert "JJ 16" in trial.next_action().en
    assert trial.run() == ["Rest"]


def test_an_extension_by_approval_counts_from_the_old_end(trial: World) -> None:
    end = trial.trial_record().ends_at
    trial.apply(trial={"extensionDays": 10})
    trial.run()
    with trial.nothing_touched():
        assert trial.trial_record().ends_at == end
    trial.approve("authority")

    assert trial.trial_record().ends_at == end + timedelta(days=10)


def test_an_extension_after_the_end_starts_the_servers_again_and_counts_from_now(trial: World) -> None:
    trial.clock.advance(timedelta(days=20))
    trial.run()
    trial.apply(trial={"extensionDays": 10})
    trial.run()
    trial.approve("authority")

    assert set(trial.servers().values()) == {"active"}
    assert trial.trial_record().ends_at == trial.clock.now() + timedelta(days=10)
    assert trial.status().phase == "Trial"


def test_a_second_extension_adds_only_the_days_beyond_the_first(trial: World) -> None:
    end = trial.trial_record().ends_at
    for days in (5, 12):
        trial.apply(trial={"extensionDays": days})
        trial.run()
        trial.approve("authority")

    assert trial.trial_record().ends_at == end + timedelta(days=12)


def test_an_ended_trial_can_still_go_live(trial: World) -> None:
    before = ids(trial.things())
    trial.clock.advance(timedelta(days=16))
    trial.run()
    trial.apply(stage="Production")
    trial.run()
    trial.approve()

    assert trial.status().phase == "Production"
    assert set(trial.servers().values()) == {"active"}
    assert ids(trial.things()) == before


# Promotion


def test_a_promotion_keeps_every_id_and_changes_the_mark_of_the_stage_only(trial: World) -> None:
    before = trial.things()
    operations(trial)
    trial.apply(stage="Production")
    trial.run()
    with trial.nothing_touched():
        trial.approve("unit-consent")
    trial.approve("provider-consent")
    after = trial.things()

    assert trial.status().phase == "Production"
    assert ids(after) == ids(before)
    assert operations(trial) == {"update"}
    for name, thing in after.items():
        assert _without_stage(thing) == _without_stage(before[name])


def _without_stage(thing: Thing) -> dict[str, object]:
    inputs = dict(thing.inputs)
    if isinstance(metadata := inputs.get("metadata"), Mapping):
        inputs["metadata"] = {key: value for key, value in metadata.items() if key != STAGE_MARK}
    if isinstance(tags := inputs.get("tags"), tuple):
        inputs["tags"] = tuple(tag for tag in tags if not str(tag).startswith(f"{STAGE_MARK}="))
    return dict(inputs)


def test_production_has_its_price_and_no_end(production: World) -> None:
    assert production.status().monthly_cost == "503.30"
    assert production.status().due is None
    assert production.condition("Ready").reason == "InProduction"
    assert production.step().again_after is None


# Changes


def test_an_approved_change_happens_in_place(production: World) -> None:
    before = ids(production.things())
    operations(production)
    production.edit_service("data", sizeGib=5)
    production.run()
    production.approve()
    production.edit_service("web", offering="vm-medium")
    production.run()
    production.approve()

    things = production.things()
    assert ids(things) == before
    assert operations(production) == {"update"}
    assert things["data"].inputs["size"] == 5
    assert things["web-0"].inputs["flavor_name"] == "m1.medium"
    assert production.cloud.quotas[PROJECT].gigabytes == 9
    assert production.status().phase == "Production"


def test_an_unapproved_change_does_nothing_and_production_stays_ready(production: World) -> None:
    before = production.things()
    with production.nothing_touched():
        production.edit_service("data", sizeGib=5)
        production.run()

    assert production.things() == before
    assert production.condition("Ready").status == "True"
    assert production.condition("ChangePending").status == "True"
    assert production.condition("Reconciling").reason == "AwaitingApproval"
    assert production.status().phase == "Production"


def test_a_small_change_needs_the_authority_and_a_major_one_the_whole_flow(production: World) -> None:
    production.edit_service("data", sizeGib=5)
    production.run()
    assert (production.shown_plan().transition, production.shown_plan().steps) == ("Change", ("authority",))

    production.edit_service("data", sizeGib=2000)
    production.run()
    assert production.shown_plan().transition == "MajorChange"
    assert production.shown_plan().steps == ("superior-unit", "authority")


def test_a_service_that_is_added_is_a_major_change(production: World) -> None:
    spec = production.request().spec
    production.apply(services=[*spec["services"], {"name": "archive", "objectStorage": {"quotaGib": 1}}])
    production.run()
    assert production.shown_plan().transition == "MajorChange"
    created = ("archive-user", "archive-role", "archive")
    assert [(c.resource, c.operation) for c in production.shown_plan().diff] == [(name, "Create") for name in created]


def test_a_change_that_cannot_happen_in_place_says_replace_in_the_plan(production: World) -> None:
    production.edit_service("web", antiAffinity=True)
    production.run()

    found = {(c.resource, c.operation) for c in production.shown_plan().diff}
    assert {("web-0", "Replace"), ("web-1", "Replace")} <= found


def test_an_edit_of_the_materials_alone_asks_for_nothing(production: World) -> None:
    application = [
        *production.request().spec["application"],
        {"kind": "letter", "number": "1", "sha256": "cd" * 32, "location": "档案室"},
    ]
    production.apply(application=application)

    assert production.run() == ["Rest"]


def test_services_in_another_order_are_no_change(production: World) -> None:
    production.apply(services=list(reversed(production.request().spec["services"])))

    assert production.run() == ["Rest"]


def test_a_default_that_is_written_out_is_no_change(production: World) -> None:
    production.apply(suspended=False, trial={"extensionDays": 0}, stage="Production")
    production.edit_service("inner", router=True)

    assert production.run() == ["Rest"]


def test_new_prices_do_not_touch_what_runs(production: World) -> None:
    dearer = catalog_spec()
    offerings = tuple(o.model_copy(update={"unit_price": "999"}) for o in dearer.offerings)
    production.cluster.put_catalog("jiujiang-2026", dearer.model_copy(update={"offerings": offerings}))

    assert production.run() == ["Rest"]
    assert production.status().monthly_cost == "503.30"


# Suspension


def test_suspending_stops_the_servers_and_resuming_starts_them(production: World) -> None:
    before = ids(production.things())
    production.apply(suspended=True)
    production.run()
    production.approve("unit-consent")
    assert set(production.servers().values()) == {"shutoff"}
    assert production.status().phase == "Suspended"
    assert production.condition("Ready").status == "True"

    production.apply(suspended=False)
    production.run()
    production.approve("unit-consent")
    assert set(production.servers().values()) == {"active"}
    assert ids(production.things()) == before
    assert production.status().progress.suspended_since is None


def test_a_change_of_a_suspended_service_leaves_it_off(production: World) -> None:
    production.apply(suspended=True)
    production.run()
    production.approve()
    production.edit_service("data", sizeGib=5)
    production.run()
    production.approve()

    assert set(production.servers().values()) == {"shutoff"}
    assert production.things()["data"].inputs["size"] == 5


@pytest.mark.parametrize(
    "wish", [{"trial": {"extensionDays": 5}}, {"stage": "Production"}], ids=["extension", "promotion"]
)
def test_a_suspended_trial_stays_suspended_whatever_else_becomes_of_it(trial: World, wish: dict[str, object]) -> None:
    trial.apply(suspended=True)
    trial.run()
    trial.approve()
    trial.apply(**wish)
    trial.run()
    trial.approve()

    assert set(trial.servers().values()) == {"shutoff"}
    assert trial.status().phase == "Suspended"
    trial.apply(suspended=False)
    trial.run()
    trial.approve()
    assert set(trial.servers().values()) == {"active"}


def test_a_trial_that_ends_while_suspended_remembers_since_when_it_is_off(trial: World) -> None:
    trial.apply(suspended=True)
    trial.run()
    trial.approve()
    since = trial.status().progress.suspended_since
    trial.clock.advance(timedelta(days=16))
    trial.run()

    assert trial.trial_record().expired_at is not None
    assert trial.status().progress.suspended_since == since


# Termination


def test_a_termination_backs_up_proves_destroys_and_leaves_the_record(production: World) -> None:
    uid = production.request().key.uid
    production.terminate()
    production.run()
    with production.nothing_touched():
        production.approve("unit-consent")
    production.approve("authority")
    progress = production.status().progress

    assert production.status().phase == "Terminated"
    assert production.cloud.marked(PROJECT, uid) == ()
    assert progress.termination is not None
    assert progress.termination.sanitisation == "api-deleted"
    assert progress.termination.backup_verified_at and progress.termination.destroyed_at
    assert progress.termination.absence_proved_at
    assert not production.request().has_finalizer
    assert production.condition("Ready").reason == "Terminated"
    assert production.run() == ["Rest"]


def test_every_part_that_holds_data_is_in_the_backup_and_was_compared(production: World) -> None:
    production.terminate()
    production.run()
    production.approve()
    name = production.termination_record().backup
    assert name is not None
    backup = production.cluster.backup(name)
    assert backup is not None

    assert {(part.name, part.how) for part in backup.spec.parts} == {
        ("web-0-boot", "Volume"),
        ("web-1-boot", "Volume"),
        ("data", "Volume"),
        ("db", "DatabaseVolume"),
        ("files", "Container"),
    }
    assert {part.state for part in backup.status.parts} == {"Cleaned"}
    assert all(part.source_sha256 == part.restored_sha256 for part in backup.status.parts)
    assert production.backups.quiesced == {"db"}
    assert backup.status.manifest_location in production.backups.manifests


def test_backups_stay_and_helpers_go(production: World) -> None:
    production.terminate()
    production.run()
    production.approve()

    kept = [thing.type for thing in production.cloud.things()]
    assert kept == ["memory:backup"] * 5


def test_the_quota_is_given_back_at_the_end(production: World) -> None:
    production.terminate()
    production.run()
    production.approve()

    assert set(vars(production.cloud.quotas[PROJECT]).values()) == {0}


def test_servers_are_off_before_anything_is_read(production: World) -> None:
    production.terminate()
    production.run()
    production.approve()
    writes = production.cloud_writes()
    last_stop = max(i for i, name in enumerate(writes) if name.startswith("cloud.update web-"))
    first_read = min(i for i, name in enumerate(writes) if name.startswith("backup."))

    assert last_stop < first_read


def test_a_backup_that_differs_from_its_source_blocks_the_destruction_for_ever(production: World) -> None:
    before = ids(production.things())
    production.backups.corrupt.add("data")
    production.terminate()
    production.run()
    production.approve()

    assert production.condition("Stalled").reason == "BackupMismatch"
    assert "data" in production.condition("Stalled").message
    for _ in range(3):
        production.clock.advance(timedelta(days=400))
        assert production.run() == ["Block"]
    assert ids(production.things()) == before


def test_termination_can_be_withdrawn_before_it_was_approved(production: World) -> None:
    production.terminate()
    production.run()
    production.apply(stage="Production", termination=None)

    assert production.run() == ["Rest"]
    assert production.status().phase == "Production"


def test_after_the_end_the_record_can_be_deleted(production: World) -> None:
    production.terminate()
    production.run()
    production.approve()
    production.cluster.delete_request(NAMESPACE, NAME)

    assert production.step().action == "gone"
    assert len(production.cloud.things()) == 5  # the backups


def test_a_trial_can_be_terminated_too(trial: World) -> None:
    trial.terminate()
    trial.run()
    trial.approve()

    assert trial.status().phase == "Terminated"


def test_what_hides_in_the_project_keeps_the_request_from_ending(production: World) -> None:
    key = production.request().key
    production.terminate()
    production.run()
    stray = production.cloud.make("openstack:networking/port:Port", PROJECT, "stray", key.uid, "", {})
    production.decide("unit-consent")
    production.run()
    production.decide("authority")
    production.run()
    assert production.condition("Reconciling").reason == "ResourceFailed"
    assert stray.id in production.condition("Reconciling").message
    assert production.request().has_finalizer

    production.cloud.remove(stray.id)
    production.run_patiently()
    assert production.status().phase == "Terminated"


# Deletion


def test_a_request_that_never_held_anything_can_simply_be_deleted(world: World) -> None:
    world.apply()
    world.run()
    world.cluster.delete_request(NAMESPACE, NAME)

    assert world.step().action == "gone"


def test_a_request_deleted_between_approval_and_start_lets_go(world: World) -> None:
    world.apply()
    world.run()
    for step in ("superior-unit", "authority"):
        world.decide(step)
    assert world.step().action == "AddFinalizer"
    world.cluster.delete_request(NAMESPACE, NAME)

    assert world.step().action == "RemoveFinalizer"
    assert world.step().action == "gone"


def test_a_live_request_that_is_deleted_all_the_same_keeps_everything(production: World) -> None:
    before = ids(production.things())
    production.cluster.delete_request(NAMESPACE, NAME)

    assert production.run() == ["Block"]
    assert production.condition("Stalled").reason == "DeletionBlocked"
    assert ids(production.things()) == before
    assert production.request().has_finalizer


def test_a_deleted_live_request_can_still_be_terminated_properly(production: World) -> None:
    production.cluster.delete_request(NAMESPACE, NAME)
    production.run()
    production.terminate()
    production.run()
    for step in ("unit-consent", "authority"):
        production.decide(step)
        production.run()

    assert production.cluster.request(NAMESPACE, NAME) is None
    assert [thing.type for thing in production.cloud.things()] == ["memory:backup"] * 5
