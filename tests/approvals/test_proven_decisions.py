"""Stories of decisions whose maker is in doubt, and of signatures that take the doubt away. Nothing that is not proven touches anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from approvals.offices import Ed25519Office
from reconcile.world import AUTHORITY, NAMESPACE, SUPERIOR_TITLE, Crash, World, jurisdiction_spec

from govcloud.api.common import as_written
from govcloud.api.progress import Operation
from govcloud.core.objects import ApprovalObject
from govcloud.core.signatures import key_id
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

SUPERIOR, AUTHORITY_OFFICE = Ed25519Office(3, SUPERIOR_TITLE), Ed25519Office(4, AUTHORITY)
SIGNERS = {"superior-unit": SUPERIOR, "authority": AUTHORITY_OFFICE}


def keys_are(world: World, *offices: Ed25519Office, required: bool = False, **changes: object) -> None:
    """The jurisdiction knows these offices' keys."""
    keys = [as_written(office.entry(**changes)) for office in offices]
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(approvals={"signaturesRequired": required, "keys": keys}))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "audit")
    yield made
    made.wire.restart()
    made.audit.close()


@pytest.fixture
def planned(world: World) -> World:
    """The request waits for its first office; both offices' keys are known."""
    keys_are(world, SUPERIOR, AUTHORITY_OFFICE)
    world.apply()
    world.run()
    return world


def altered_for_a_while(world: World, step: str = "superior-unit", **decision: object) -> ApprovalObject:
    """Nobody looks: a policy is taken away, somebody decides, the policy is put back."""
    world.clock.advance(timedelta(minutes=1))
    world.cluster.fault = "a policy is gone"
    made = world.decide(step, **decision)  # type: ignore[arg-type]
    world.clock.advance(timedelta(minutes=1))
    world.cluster.fault = None
    return made


# The window that nobody saw


def test_a_decision_made_while_the_policies_were_away_for_a_moment_never_counts(planned: World) -> None:
    with planned.nothing_touched():
        suspicious = altered_for_a_while(planned)
        planned.restart_controller()
        planned.run()
        assert planned.judged(suspicious) == "MadeWhileUnguarded"
        planned.clock.advance(timedelta(days=30))
        planned.restart_controller()
        planned.run()

    assert planned.next_action().waiting_for == "superior-unit"


def test_a_signed_one_does(planned: World) -> None:
    signed = altered_for_a_while(planned, signed_by=SUPERIOR)
    planned.run_patiently()

    assert planned.judged(signed) == "Counted"
    assert planned.next_action().waiting_for == "authority"
    told = next(r for r in planned.audit.records() if r.attributes.get("approval") == signed.name)
    assert told.attributes["keyId"] == key_id(SUPERIOR.public_key)


def test_what_counted_before_goes_on_counting(planned: World) -> None:
    before = planned.decide("superior-unit")
    planned.run()
    altered_for_a_while(planned, "authority")
    planned.restart_controller()
    planned.run_patiently()

    assert planned.judged(before) == "Counted"
    assert planned.next_action().waiting_for == "authority"
    planned.approve("authority")
    assert planned.status().phase == "Trial"


def test_no_office_is_asked_before_its_decision_counts(planned: World) -> None:
    altered_for_a_while(planned)
    planned.run()

    waits = planned.condition("Reconciling")
    assert (waits.reason, planned.next_action().waiting_for) == ("AdmissionSettling", None)
    assert "decides from 2026-03-02T02:03:06Z on" in waits.message
    assert "起的审批决定方为有效" in planned.next_action().zh
    planned.run_patiently()
    assert planned.next_action().waiting_for == "superior-unit"
    planned.approve("superior-unit")
    assert planned.next_action().waiting_for == "authority"


def test_policies_that_are_there_and_refuse_nothing_let_nothing_count(planned: World) -> None:
    """As on an API server that was started without its admission plugin: nothing of the policies changes."""
    planned.cluster.enforced = False
    with planned.nothing_touched():
        forged = [planned.decide(step) for step in planned.shown_plan().steps]
        planned.run()
        assert planned.condition("Stalled").reason == "AdmissionPolicyMissing"
        assert "lets in a decision that nobody may make" in planned.condition("Stalled").message
        planned.cluster.enforced = True
        planned.clock.advance(timedelta(minutes=1))
        planned.run_patiently()

    assert [planned.judged(each) for each in forged] == ["MadeWhileUnguarded"] * 2
    assert planned.next_action().waiting_for == "superior-unit"


def test_the_office_decides_again_under_the_same_document_number(planned: World) -> None:
    altered_for_a_while(planned, document_number="九卫〔2026〕12号")
    planned.run()
    again = planned.decide("superior-unit", document_number="九卫〔2026〕12号")
    planned.run()

    assert planned.judged(again) == "Counted"


def test_an_unsigned_rejection_or_revocation_of_that_time_does_not_count_either(planned: World) -> None:
    planned.approve("superior-unit")
    for decision in ("Rejected", "Revoked"):
        planned.clock.advance(timedelta(minutes=1))
        planned.cluster.fault = "a policy is gone"
        forged = planned.decide("superior-unit", decision)
        planned.cluster.fault = None
        planned.run_patiently()
        assert planned.judged(forged) == "MadeWhileUnguarded"

    assert planned.next_action().waiting_for == "authority"


def test_without_the_record_all_that_came_before_is_in_doubt(planned: World) -> None:
    """It was deleted, or forged by somebody without the key: both look like this."""
    planned.approve("superior-unit")
    planned.cluster.forget_guard()
    planned.clock.advance(timedelta(minutes=1))
    planned.restart_controller()
    with planned.nothing_touched():
        planned.decide("authority")
        planned.run_patiently()

    assert planned.next_action().waiting_for == "superior-unit"
    planned.approve()
    assert planned.status().phase == "Trial"


def test_an_operation_under_way_freezes_when_its_approvals_are_in_doubt_and_says_which(planned: World) -> None:
    planned.wire.fail_next("cloud.create db", Stop(Reason.FLAVOR_OR_IMAGE_MISSING, "no flavor"))
    planned.approve()
    planned.cluster.forget_guard()
    planned.clock.advance(timedelta(hours=1))
    with planned.nothing_touched():
        planned.run()

    stalled = planned.condition("Stalled")
    assert stalled.reason == "ApprovalRevoked"
    assert "policies were not intact" in stalled.message


def test_both_ends_of_a_window_are_in_the_log(planned: World) -> None:
    planned.approve("superior-unit")
    planned.cluster.fault = "the policy govcloud-approval-by-its-office is missing"
    planned.run()
    planned.clock.advance(timedelta(hours=1))
    planned.cluster.fault = None
    planned.run()
    told = [r for r in planned.audit.records() if r.target.kind == "ValidatingAdmissionPolicy"]

    assert [(str(r.outcome), str(r.action)) for r in told] == [("failure", "monitor"), ("success", "monitor")]
    assert "the policy govcloud-approval-by-its-office is missing" in told[0].message
    assert "from 2026-03-02T02:00:58Z to 2026-03-02T03:01:05Z" in told[1].message


def test_admission_is_watched_where_there_is_no_request_yet(world: World) -> None:
    world.cluster.fault = "a policy is gone"
    world.reconciler.watch_admission()
    assert world.cluster.guard().is_open
    assert [r.target.kind for r in world.audit.records()] == ["ValidatingAdmissionPolicy"]

    writes = world.writes_in(world.reconciler.watch_admission)
    assert writes == [], "it is told once"


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_while_it_is_written_down_changes_nothing(planned: World, after: bool) -> None:
    suspicious = altered_for_a_while(planned)
    planned.wire.fail_next("cluster.guard", Crash(), after=after)
    with pytest.raises(Crash):
        planned.run()
    planned.restart_controller()
    planned.run()

    assert planned.judged(suspicious) == "MadeWhileUnguarded"


# Decisions that are not as they were made, or not there any more


def test_an_edited_decision_does_not_count(planned: World) -> None:
    rejected = planned.decide("superior-unit", "Rejected", plan_digest="sha256:" + "1" * 64)
    planned.cluster.edit_approval(NAMESPACE, rejected.name, decision="Approved", plan_digest=planned.shown_plan().digest)
    with planned.nothing_touched():
        planned.run()

    assert planned.judged(rejected) == "Edited"
    assert planned.next_action().waiting_for == "superior-unit"


def test_a_rejection_stands_though_it_is_deleted(planned: World) -> None:
    planned.decide("superior-unit", "Approved")
    planned.decide("authority", "Approved", valid_until=planned.clock.now())
    rejected = planned.decide("authority", "Rejected")
    planned.run()
    planned.cluster.delete_approval(NAMESPACE, rejected.name)
    with planned.nothing_touched():
        planned.decide("authority", "Approved")
        planned.run()

    assert planned.status().phase == "Rejected"


def test_what_was_taken_back_stays_so_though_the_revocation_is_deleted(planned: World) -> None:
    approved = planned.decide("superior-unit")
    planned.run()
    revoked = planned.decide("superior-unit", "Revoked")
    planned.run()
    planned.cluster.delete_approval(NAMESPACE, revoked.name)
    with planned.nothing_touched():
        planned.decide("authority")
        planned.run()

    assert planned.judged(approved) == "Withdrawn"
    assert planned.next_action().waiting_for == "superior-unit"


def test_what_is_carried_out_is_what_was_approved_though_the_spec_is_swapped(planned: World) -> None:
    planned.wire.fail_next("cloud.create db", Retry(Reason.CLOUD_UNREACHABLE, "no answer"))
    planned.approve()
    planned.edit_service("web", count=5)
    planned.run_patiently()

    assert planned.status().progress.completed_plan == 1
    assert sorted(planned.servers()) == ["web-0", "web-1"]
    assert planned.shown_plan().number == 2
    assert planned.status().progress.operation is None


def test_a_status_that_says_all_is_approved_is_no_good_though_it_was_taken_over(planned: World) -> None:
    approvals = [planned.decide("superior-unit", office="另一单位").uid, "00000000-0000-0000-0000-0000000000bb"]
    forged = planned.status().progress.model_copy(
        update={"operation": Operation(plan=1, transition="Provision", started_at=planned.clock.now(), approvals=approvals)}
    )
    planned.forge_progress(forged, believed=True)
    with planned.nothing_touched():
        planned.run()

    stalled = planned.condition("Stalled")
    assert stalled.reason == "ApprovalRevoked"
    assert "superior-unit, authority is approved again" in stalled.message


def test_a_second_extension_needs_a_consent_of_its_own(world: World) -> None:
    world.to_trial()
    world.apply(trial={"extensionDays": 5})
    world.run()
    first = world.decide("authority")
    world.run()
    ends_at = world.trial_record().ends_at
    world.apply(trial={"extensionDays": 10})
    world.run()
    with world.nothing_touched():
        replayed = world.decide("authority", plan_digest=first.spec.plan_digest)
        world.run()

    assert world.judged(replayed) == "DigestMismatch"
    assert world.trial_record().ends_at == ends_at
    assert world.next_action().waiting_for == "authority"


# Signatures


def test_where_signatures_are_demanded_only_signed_decisions_count(planned: World) -> None:
    keys_are(planned, SUPERIOR, AUTHORITY_OFFICE, required=True)
    with planned.nothing_touched():
        unsigned = planned.decide("superior-unit")
        wrong = planned.decide("superior-unit", signed_by=AUTHORITY_OFFICE)
        planned.run()
    assert (planned.judged(unsigned), planned.judged(wrong)) == ("SignatureMissing", "SigningKeyForeign")

    for step in planned.shown_plan().steps:
        planned.decide(step, signed_by=SIGNERS[step])
        planned.run()
    assert planned.status().phase == "Trial"


def test_a_signature_that_is_there_is_verified_though_none_is_demanded(planned: World) -> None:
    stranger = planned.decide("superior-unit", signed_by=Ed25519Office(9, SUPERIOR_TITLE))
    planned.run()

    assert planned.judged(stranger) == "SigningKeyUnknown"
    verdict = planned.verdict(stranger)
    assert verdict is not None
    assert "签名公钥未在本辖区登记" in verdict.message


def test_a_key_that_turns_out_to_be_stolen_freezes_what_it_approved(planned: World) -> None:
    planned.wire.fail_next("cloud.create db", Stop(Reason.FLAVOR_OR_IMAGE_MISSING, "no flavor"))
    stolen_at = planned.clock.now()
    planned.decide("superior-unit", signed_by=SUPERIOR)
    planned.run()
    planned.approve("authority")
    keys_are(planned, SUPERIOR, revoked_at=stolen_at, revocation_reason="stolen")
    planned.clock.advance(timedelta(hours=1))
    with planned.nothing_touched():
        planned.run()

    stalled = planned.condition("Stalled")
    assert stalled.reason == "ApprovalRevoked"
    assert "(stolen)" in stalled.message


def test_a_signed_approval_that_was_taken_back_is_not_revived_by_filing_it_again(planned: World) -> None:
    """With the policies away, the original and the trace of its withdrawal are wiped out, and the signed words are filed once more."""
    original = planned.decide("superior-unit", signed_by=SUPERIOR)
    planned.run()
    planned.decide("superior-unit", "Revoked", signed_by=SUPERIOR)
    planned.run()
    planned.clock.advance(timedelta(minutes=1))
    planned.cluster.fault = "a policy is gone"
    planned.cluster.delete_approval(NAMESPACE, original.name)
    replayed = planned.cluster.create_approval(NAMESPACE, "replayed", original.spec)
    planned.clock.advance(timedelta(minutes=1))
    planned.cluster.fault = None
    with planned.nothing_touched():
        planned.decide("authority", signed_by=AUTHORITY_OFFICE)
        planned.run_patiently()

    assert planned.judged(replayed) == "Withdrawn"
    assert planned.next_action().waiting_for == "superior-unit"


def test_a_signed_approval_that_is_still_there_is_not_revived_either(planned: World) -> None:
    original = planned.decide("superior-unit", signed_by=SUPERIOR)
    planned.run()
    planned.decide("superior-unit", "Revoked", signed_by=SUPERIOR)
    planned.clock.advance(timedelta(minutes=1))
    replayed = planned.cluster.create_approval(NAMESPACE, "replayed", original.spec)
    planned.run()

    assert planned.judged(replayed) == "Withdrawn"


def test_nor_is_one_that_was_signed_within_the_second_of_the_revocation(planned: World) -> None:
    """The API server dates the revocation to the second, whatever part of it the signature names."""
    original = planned.decide("superior-unit", signed_by=SUPERIOR)
    planned.run()
    revoked = planned.decide("superior-unit", "Revoked", signed_by=SUPERIOR)
    fresh = original.spec.model_copy(update={"document_number": "九信办〔2026〕41号"})
    signed = SUPERIOR.signs(fresh, NAMESPACE, revoked.created_at + timedelta(milliseconds=200))
    planned.clock.advance(timedelta(minutes=1))
    filed = planned.cluster.create_approval(NAMESPACE, "filed-later", signed)
    planned.run()

    assert planned.judged(filed) == "Withdrawn"


def test_nor_is_one_that_was_signed_by_a_clock_that_is_ahead(planned: World) -> None:
    """Its time says that it was signed after the revocation."""
    template = planned.decide("superior-unit", valid_until=planned.clock.now()).spec.model_copy(update={"valid_until": None, "document_number": "九卫〔2026〕9号"})
    ahead = planned.clock.now() + timedelta(minutes=4)
    original = planned.cluster.create_approval(NAMESPACE, "original", SUPERIOR.signs(template, NAMESPACE, ahead))
    planned.run()
    assert planned.judged(original) == "Counted"
    planned.decide("superior-unit", "Revoked", signed_by=SUPERIOR)
    planned.run()
    planned.clock.advance(timedelta(minutes=1))
    replayed = planned.cluster.create_approval(NAMESPACE, "replayed", original.spec)
    planned.run()

    assert planned.judged(replayed) == "Withdrawn"
    assert planned.next_action().waiting_for == "superior-unit"


def test_a_decision_that_came_too_early_is_filed_again_under_its_own_document_number(planned: World) -> None:
    number = "九信办〔2026〕40号"
    early = planned.decide("authority", document_number=number)
    planned.approve("superior-unit")
    again = planned.decide("authority", document_number=number)
    planned.run()

    assert (planned.judged(early), planned.judged(again)) == ("OutOfOrder", "Counted")
    assert planned.status().phase == "Trial"


# Validity


def test_the_end_of_a_validity_is_noticed_at_its_moment(planned: World) -> None:
    planned.decide("superior-unit", valid_until=planned.clock.now() + timedelta(hours=30))
    planned.run()
    again_after = planned.step().again_after
    assert again_after == timedelta(hours=30) - timedelta(minutes=1)

    planned.clock.advance(again_after)
    planned.run()
    assert planned.next_action().waiting_for == "superior-unit"
