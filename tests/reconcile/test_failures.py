"""What goes wrong on the way: waiting where waiting helps, stopping where someone must act, and always a way out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from reconcile.world import NAME, NAMESPACE, UNIT, World

from govcloud.audit.usage import ledger
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

PROJECT = f"project-{UNIT}"
UNREACHABLE = Retry(Reason.CLOUD_UNREACHABLE, "OpenStack does not answer (compute, 503)")


@pytest.fixture
def trial(world: World) -> World:
    return world.to_trial()


@pytest.fixture
def production(world: World) -> World:
    return world.to_production()


@pytest.fixture
def stuck(world: World) -> World:
    """A provisioning that cannot finish: the catalog names a flavor that the cloud does not have."""
    world.apply()
    world.edit_service("web", offering="vm-gone")
    world.run()
    world.approve()
    assert world.condition("Stalled").reason == "FlavorOrImageMissing"
    return world


def approve_change(world: World) -> None:
    world.run()
    world.approve()


# Waiting helps


def test_a_failure_that_passes_is_tried_again_later_and_later(world: World) -> None:
    world.apply()
    world.run()
    world.decide("superior-unit")
    world.run()
    world.wire.fail_next("cloud.create db", UNREACHABLE, times=3)
    world.decide("authority")
    world.run()

    waits = []
    for _ in range(3):
        done = world.step()
        assert done.action == "Backoff" and done.again_after is not None
        waits.append(done.again_after)
        world.clock.advance(done.again_after)
        world.run()
    assert waits == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert world.status().phase == "Trial"
    assert len(world.things()) == 18
    assert world.status().progress.failure is None


def test_while_it_waits_the_status_says_why_and_that_it_comes_back(world: World) -> None:
    world.apply()
    world.run()
    world.wire.fail_next("cloud.create db", UNREACHABLE, times=5)
    world.approve()

    condition = world.condition("Reconciling")
    assert (condition.status, condition.reason) == ("True", "CloudUnreachable")
    assert "503" in condition.message
    assert world.condition("Stalled").status == "False"


def test_waking_up_early_does_not_try_early(world: World) -> None:
    world.apply()
    world.run()
    world.wire.fail_next("cloud.create db", UNREACHABLE)
    world.approve()
    with world.nothing_touched():
        assert [world.step().action for _ in range(5)] == ["Backoff"] * 5


def test_a_used_up_quota_waits_long_and_goes_on_when_there_is_room(trial: World) -> None:
    trial.cloud.quotas[PROJECT] = trial.cloud.quotas[PROJECT]
    filler = [trial.cloud.make("openstack:blockstorage/volume:Volume", "elsewhere", "x", "", "", {"size": 1})]
    trial.edit_service("data", sizeGib=3)
    trial.run()
    trial.wire.fail_next(
        "cloud.update data", Retry(Reason.QUOTA_EXCEEDED, "the quota is used up", timedelta(minutes=5))
    )
    trial.approve()
    assert trial.condition("Reconciling").reason == "QuotaExceeded"
    assert trial.step().again_after == timedelta(minutes=5)

    trial.run_patiently()
    assert trial.things()["data"].inputs["size"] == 3
    assert filler


def test_the_quota_that_a_plan_asks_for_suffices_for_all_that_it_makes(world: World) -> None:
    """The twin enforces quotas as OpenStack does; the layout's figures leave no room to spare."""
    world.to_trial()
    world.edit_service("web", count=3)
    approve_change(world)

    assert len(world.servers()) == 3


def test_what_is_new_has_room_beside_what_it_takes_the_place_of(production: World) -> None:
    """The engine makes first what is new and deletes last what is gone; for a moment there are both."""
    rules = [{"protocol": "tcp", "portMin": port, "remotePrefix": "10.0.0.0/8"} for port in range(8000, 8060)]
    production.edit_service("web", securityRules=rules[:30])
    approve_change(production)
    production.edit_service("web", securityRules=rules[30:])
    approve_change(production)

    assert "web-rule-tcp-8030-8030-10.0.0.0-8" in production.things()
    assert "web-rule-tcp-8000-8000-10.0.0.0-8" not in production.things()
    assert production.status().progress.allocated == production.plan(production.status().progress.completed_plan or 0).quota


def test_a_plan_that_cannot_be_pinned_now_is_pinned_later_and_not_in_a_hurry(world: World) -> None:
    world.wire.fail_next("cluster.plan", Retry(Reason.CLUSTER_UNREACHABLE, "the Kubernetes API does not answer"))
    world.apply()
    world.run()
    assert world.condition("Reconciling").reason == "ClusterUnreachable"
    assert world.step().action == "Backoff"

    world.run_patiently()
    assert world.status().phase == "AwaitingApproval"
    assert world.status().progress.failure is None


def test_a_failure_that_nobody_wants_overcome_any_more_is_forgotten(production: World) -> None:
    production.wire.fail_next("cluster.plan", Retry(Reason.CLUSTER_UNREACHABLE, "no answer"))
    production.edit_service("data", sizeGib=3)
    production.run()
    production.edit_service("data", sizeGib=2)

    assert production.run() == ["Rest"]
    assert production.status().progress.failure is None
    assert production.condition("Reconciling").status == "False"


def test_somebody_elses_write_in_between_is_no_loss(world: World) -> None:
    """The status belongs to another version of the object: nothing is written over it, and the next pass sees what is new."""
    world.apply()
    world.wire.fail_next("cluster.request-status", Retry(Reason.CONFLICT, "request was changed meanwhile"))
    with pytest.raises(Retry):
        world.step()
    world.run()

    assert world.shown_plan().number == 1


def test_a_failure_of_one_request_leaves_the_others_alone(world: World) -> None:
    world.apply()
    world.run()
    world.wire.fail_next("cloud.create db", Stop(Reason.RESOURCE_FAILED, "the database went into its failure state"))
    world.approve()
    world.to_trial("second")

    assert world.condition("Stalled").reason == "ResourceFailed"
    assert world.status("second").phase == "Trial"


def test_a_state_that_cannot_be_read_is_told_and_nothing_is_decided_without_it(production: World) -> None:
    class Unreadable:
        def outcome(self, key: object) -> None:
            raise Stop(Reason.ENGINE_FAILED, "the state is no JSON")

    production.terminate()
    production.ports = production.ports.__class__(**{**vars(production.ports), "stacks": Unreadable()})
    production.reconciler = production.reconciler.__class__(production.ports)

    assert production.run() == ["Block"]
    assert "the state is no JSON" in production.condition("Stalled").message


# Someone must act


def test_a_missing_flavor_is_named_and_what_was_made_stays(stuck: World) -> None:
    condition = stuck.condition("Stalled")

    assert condition.reason == "FlavorOrImageMissing" and "m9.gone" in condition.message
    assert stuck.condition("Ready").status == "False"
    assert "inner" in stuck.things() and "web-0" not in stuck.things()


def test_a_flavor_that_is_added_is_found_without_an_edit(stuck: World) -> None:
    stuck.cloud.flavors.add("m9.gone")
    stuck.run_patiently()

    assert stuck.status().phase == "Trial"
    assert len(stuck.things()) == 18


def test_a_corrected_spec_takes_the_place_of_a_stuck_provisioning_once_it_is_approved(stuck: World) -> None:
    made = {name: thing.id for name, thing in stuck.things().items()}
    with stuck.nothing_touched():
        stuck.edit_service("web", offering="vm-small")
        stuck.run()
        assert (stuck.shown_plan().number, stuck.plan(2).replaces) == (2, (1,))
        assert stuck.next_action().waiting_for == "superior-unit"
    stuck.approve()

    assert stuck.status().phase == "Trial"
    assert len(stuck.things()) == 18
    assert {name: thing.id for name, thing in stuck.things().items() if name in made} == made


def test_while_the_correction_waits_the_old_plan_is_not_tried_again(stuck: World) -> None:
    stuck.edit_service("web", offering="vm-small")
    with stuck.nothing_touched():
        for _ in range(3):
            stuck.clock.advance(timedelta(hours=1))
            stuck.run()


def test_a_correction_that_takes_a_service_away_removes_what_was_made_of_it(stuck: World) -> None:
    assert "web-group" in stuck.things()
    services = [s for s in stuck.request().spec["services"] if s["name"] not in ("web", "data")]
    stuck.apply(services=services)
    stuck.run()
    stuck.approve()

    assert stuck.status().phase == "Trial"
    assert not any(name.startswith("web") for name in stuck.things())


def test_two_corrections_in_a_row_leave_nothing_behind(stuck: World) -> None:
    """What the first plan made and neither the second nor the third wants is deleted all the same."""
    stuck.cloud.flavors.discard("m1.medium")
    stuck.edit_service("web", offering="vm-medium", securityRules=[])
    stuck.run()
    stuck.approve()
    assert stuck.condition("Stalled").reason == "FlavorOrImageMissing"
    services = [s for s in stuck.request().spec["services"] if s["name"] not in ("web", "data")]
    stuck.apply(services=services)
    stuck.run()
    assert stuck.plan(3).replaces == (1, 2)
    stuck.approve()

    assert stuck.status().phase == "Trial"
    assert not any(name.startswith("web") for name in stuck.things())


def test_the_quota_held_for_a_plan_that_was_replaced_is_given_back(stuck: World) -> None:
    stuck.edit_service("web", offering="vm-small", count=1)
    stuck.run()
    stuck.approve()

    assert stuck.cloud.quotas[PROJECT].instances == 2
    assert stuck.status().progress.allocated == stuck.plan(2).quota


def test_a_stuck_provisioning_can_be_ended_with_what_it_made_backed_up(stuck: World) -> None:
    stuck.terminate()
    stuck.run()
    stuck.approve()

    assert stuck.status().phase == "Terminated"
    assert stuck.things() == {}


def test_a_provisioning_stuck_after_its_servers_ran_stops_them_before_the_backup(world: World) -> None:
    """The twin refuses to freeze a volume while a server of the request is on."""
    world.apply()
    world.run()
    world.wire.fail_next("cloud.create data-attachment", Stop(Reason.INVALID_INPUT, "the machine refuses it"), times=9)
    world.approve()
    assert set(world.servers().values()) == {"active"}
    world.terminate()
    world.run()
    world.approve()

    assert world.status().phase == "Terminated"
    assert world.things() == {}


def test_a_stuck_change_can_be_ended_whatever_it_did_half_way(production: World) -> None:
    production.edit_service("data", sizeGib=4)
    production.edit_service("web", count=3, offering="vm-gone")
    approve_change(production)
    assert production.condition("Stalled").reason == "FlavorOrImageMissing"
    assert "web-2-boot" in production.things()  # half way
    production.terminate()
    production.run()
    production.approve()

    assert production.status().phase == "Terminated"
    assert production.things() == {}
    backup = production.cluster.backup(str(production.termination_record().backup))
    assert backup is not None and "web-2-boot" in {part.name for part in backup.spec.parts}


def test_a_stuck_change_can_be_taken_back(production: World) -> None:
    before = {name: thing.id for name, thing in production.things().items()}
    spec = production.request().spec
    production.edit_service("web", offering="vm-gone", count=3)
    approve_change(production)
    assert "web-2-boot" in production.things()
    production.apply(**spec)
    production.run()
    assert production.shown_plan().transition == "Change"
    production.approve()

    assert {name: thing.id for name, thing in production.things().items()} == before
    assert production.condition("Stalled").status == "False"
    assert production.run() == ["Rest"]


def _stuck_after_a_resize(world: World) -> None:
    """Nova gave the server its new flavor, and the engine, to which that was a failure, still remembers the old one."""
    failed = Stop(Reason.RESOURCE_FAILED, "the flavor is another one, the rest failed")
    world.wire.fail_next("cloud.update web-0", failed, times=99, after=True)
    world.edit_service("web", offering="vm-medium")
    approve_change(world)
    assert world.condition("Stalled").reason == "ResourceFailed"
    assert world.things()["web-0"].inputs["flavor_name"] == "m1.medium"
    world.wire.forgive()


def test_what_a_stuck_change_did_to_a_resource_is_undone_when_it_is_taken_back(production: World) -> None:
    _stuck_after_a_resize(production)
    production.edit_service("web", offering="vm-small")
    approve_change(production)

    assert production.things()["web-0"].inputs["flavor_name"] == "m1.small"
    assert production.condition("Stalled").status == "False"
    production.look_for_drift()
    assert production.condition("Drifted").status == "False"


@pytest.mark.parametrize("by_hand", ["deleted", "renamed"])
def test_what_somebody_else_did_to_it_meanwhile_is_not_put_back_with_it(production: World, by_hand: str) -> None:
    _stuck_after_a_resize(production)
    thing = production.things()["web-0"]
    if by_hand == "deleted":
        production.delete_by_hand("web-0")
    else:
        production.cloud.change(thing.id, {**thing.inputs, "name": "mine"})
    production.look_for_drift()
    production.edit_service("web", offering="vm-small")
    approve_change(production)

    assert production.condition("Stalled").status == "False"
    production.look_for_drift()
    assert production.condition("Drifted").status == "True"


def test_a_quota_that_is_never_granted_does_not_hold_a_request_for_ever(production: World) -> None:
    production.edit_service("web", count=4)
    production.run()
    refused = Retry(Reason.QUOTA_EXCEEDED, "the cloud has no room", timedelta(minutes=5))
    production.wire.fail_next("cloud.create web-3", refused, times=100)
    production.approve()
    production.edit_service("web", count=3)
    production.run_patiently()
    assert production.shown_plan().number == 4
    assert production.next_action().waiting_for == "authority"
    production.approve()

    assert list(production.servers()) == ["web-0", "web-1", "web-2"]
    assert not any(name.startswith("web-3") for name in production.things())


def test_a_volume_that_a_stuck_change_may_have_grown_does_not_shrink_on_the_way_back(production: World) -> None:
    production.edit_service("data", sizeGib=5)
    production.edit_service("web", offering="vm-gone")
    approve_change(production)
    production.edit_service("data", sizeGib=3)
    production.edit_service("web", offering="vm-small")
    assert production.run() == ["Refuse"]
    assert "keep 5 or more" in production.condition("Stalled").message

    production.edit_service("data", sizeGib=5)
    approve_change(production)
    assert production.things()["data"].inputs["size"] == 5


def test_the_end_of_a_trial_waits_for_a_change_that_is_under_way(trial: World) -> None:
    trial.edit_service("web", offering="vm-gone", count=3)
    approve_change(trial)
    trial.clock.advance(timedelta(days=16))
    trial.run()
    assert trial.status().progress.operation.transition == "Change"
    trial.cloud.flavors.add("m9.gone")
    trial.run_patiently()

    assert set(trial.servers().values()) == {"shutoff"}
    assert len(trial.servers()) == 3


def test_what_the_engine_wants_beyond_the_plan_is_refused(production: World) -> None:
    """The state lost a volume: a change may not quietly make an empty one in its place."""
    production.edit_service("web", offering="vm-medium")
    production.run()
    production.stacks.forget(production.request().key, "data")
    production.approve()

    assert production.condition("Stalled").reason == "PlanMismatch"
    assert "create data" in production.condition("Stalled").message


# Frozen in the middle


def freeze_by(world: World, decision: str) -> None:
    """Start a provisioning, and take the approval away in its middle."""
    world.apply()
    world.run()
    world.decide("superior-unit")
    world.run()
    last = world.decide("authority")
    assert [world.step().action for _ in range(3)] == ["AddFinalizer", "Begin", "EnsureUnit"]
    if decision == "deleted":
        world.cluster.delete_approval(NAMESPACE, last.name)
    else:
        world.decide("authority", "Revoked")


@pytest.mark.parametrize("decision", ["revoked", "deleted"])
def test_an_approval_taken_away_in_the_middle_freezes_and_reports(world: World, decision: str) -> None:
    freeze_by(world, decision)
    with world.nothing_touched():
        assert world.run() == ["Block"]
        world.clock.advance(timedelta(days=3))
        assert world.run() == ["Block"]

    assert world.condition("Stalled").reason == "ApprovalRevoked"
    assert "authority" in world.condition("Stalled").message


@pytest.mark.parametrize("decision", ["revoked", "deleted"])
def test_what_was_frozen_goes_on_once_the_office_approves_again(world: World, decision: str) -> None:
    freeze_by(world, decision)
    world.run()
    world.decide("authority")
    world.run()

    assert world.status().phase == "Trial"


def test_a_rejection_comes_too_late_once_the_plan_is_carried_out(world: World) -> None:
    freeze_by(world, "deleted")
    world.decide("authority")
    late = world.decide("authority", "Rejected")
    world.step()
    assert world.judged(late) == "OutOfOrder"

    world.run()
    assert world.status().phase == "Trial"


def test_a_revocation_in_the_middle_is_answered(world: World) -> None:
    freeze_by(world, "revoked")
    world.run()
    answers = {a.spec.decision: world.judged(a) for a in world.cluster.approvals() if a.spec.step == "authority"}

    assert answers == {"Approved": "Withdrawn", "Revoked": "Counted"}


def test_a_revocation_after_the_end_of_the_operation_changes_nothing(trial: World) -> None:
    with trial.nothing_touched():
        trial.decide("authority", "Revoked")
        assert trial.run() == ["Rest"]


# The usage ledger


def usage(world: World) -> dict[tuple[str, str], list[tuple[str, bool]]]:
    """Service and item -> quantities in order, and whether each still runs."""
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for interval in ledger(world.audit.records()):
        item = found.setdefault((interval.item.service, interval.item.offering), [])
        item.append((str(interval.rate.quantity), interval.until is None))
    return found


def test_the_trial_is_not_metered(trial: World) -> None:
    assert usage(trial) == {}


def test_use_is_metered_from_the_promotion_on(production: World) -> None:
    assert usage(production) == {
        ("web", "vm-small"): [("2", True)],
        ("db", "pg-small"): [("1", True)],
        ("db", "pg-small storage"): [("2", True)],
        ("data", "disk"): [("2", True)],
        ("files", "objects"): [("1", True)],
    }


def test_a_change_ends_one_quantity_and_begins_the_next(production: World) -> None:
    production.edit_service("data", sizeGib=5)
    approve_change(production)
    production.edit_service("web", offering="vm-medium")
    approve_change(production)

    assert usage(production)["data", "disk"] == [("2", False), ("5", True)]
    assert usage(production)["web", "vm-small"] == [("2", False)]
    assert usage(production)["web", "vm-medium"] == [("2", True)]
    assert usage(production)["db", "pg-small"] == [("1", True)]


def test_a_suspension_is_no_end_of_use(production: World) -> None:
    before = usage(production)
    production.apply(suspended=True)
    approve_change(production)

    assert usage(production) == before


def test_a_termination_ends_all_use(production: World) -> None:
    production.terminate()
    approve_change(production)

    assert {running for items in usage(production).values() for _, running in items} == {False}


def test_a_name_with_invisible_characters_stops_nobody(world: World) -> None:
    applicant = "li\u200b.na"
    world.apply(applicant=applicant)
    world.run()
    world.decide("superior-unit", approver="zhao\u202egang")
    world.run()

    assert world.next_action().waiting_for == "authority"
    assert all("\u200b" not in r.initiator.on_behalf_of for r in world.audit.records())


def test_the_name_of_a_request_that_ended_can_be_used_again(world: World) -> None:
    first = world.to_trial().request().key.uid
    world.terminate()
    approve_change(world)
    world.cluster.delete_request(NAMESPACE, NAME)
    world.to_trial()

    assert world.request().key.uid != first
    assert world.plan(1).request.uid != first
