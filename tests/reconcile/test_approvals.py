"""Planning and deciding: who is asked, what counts, what does not, and why. Nothing is touched before the last office has approved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from reconcile.world import (
    APPLICANT,
    AUTHORITY,
    NAME,
    NAMESPACE,
    SUPERIOR,
    SUPERIOR_TITLE,
    UNIT_TITLE,
    World,
    request_spec,
)

from govcloud.api.approval import RequestRef


@pytest.fixture
def planned(world: World) -> World:
    """The request is planned and waits for its first office."""
    world.apply()
    world.run()
    return world


@pytest.fixture
def provisioned(world: World) -> World:
    return world.to_trial()


def test_a_new_request_is_planned_and_waits_for_the_superior_unit(planned: World) -> None:
    status = planned.status()

    assert status.phase == "AwaitingApproval"
    assert status.plan is not None
    assert (status.plan.number, status.plan.transition) == (1, "Provision")
    assert {change.operation for change in status.plan.diff} == {"Create"}
    assert status.plan.monthly_cost == "503.30"
    assert status.plan.digest == planned.plan(1).digest
    assert status.plan.steps == ("superior-unit", "authority")


def test_the_next_action_names_the_office_the_step_and_the_article(planned: World) -> None:
    action = planned.status().next_action

    assert action is not None
    assert (action.waiting_for, action.office, action.article) == ("superior-unit", SUPERIOR_TITLE, "JJ 14")
    assert SUPERIOR_TITLE in action.zh and SUPERIOR_TITLE in action.en
    assert planned.request().labels == {"govcloud.dev/waiting-for": "superior-unit"}


def test_the_authority_is_asked_next_and_has_three_working_days(planned: World) -> None:
    planned.decide("superior-unit")
    planned.run()
    action = planned.status().next_action

    assert action is not None
    assert (action.waiting_for, action.office, action.article) == ("authority", AUTHORITY, "JJ 15")
    # Asked on Monday 2 March: the third working day after it is Thursday, which ends at midnight in Shanghai.
    assert action.deadline is not None and action.deadline.isoformat() == "2026-03-05T16:00:00+00:00"


def test_a_primary_unit_needs_no_superior(world: World) -> None:
    spec = request_spec(unit=SUPERIOR)
    world.cluster.apply_request("health", NAME, spec)
    world.reconciler.reconcile("health", NAME)
    found = world.cluster.request("health", NAME)

    assert found is not None
    assert found.status["plan"]["steps"] == ["authority"]


def test_before_the_last_approval_nothing_is_touched(planned: World) -> None:
    with planned.nothing_touched():
        planned.decide("superior-unit")
        planned.run()
    assert planned.cloud.things() == ()
    assert not planned.request().has_finalizer


def test_the_last_approval_starts_the_provisioning(planned: World) -> None:
    planned.approve()

    assert planned.status().phase == "Trial"
    assert planned.condition("Ready").status == "True"
    assert planned.request().has_finalizer
    assert len(planned.things()) == 18


def _other_request(world: World) -> RequestRef:
    return RequestRef(name=NAME, uid="00000000-0000-0000-0000-00000000ffff")


REFUSED = {
    "another office": ({"office": "九江市财政局"}, "WrongOffice"),
    "another plan": ({"plan_digest": "sha256:" + "1" * 64}, "DigestMismatch"),
    "the applicant": ({"approver": APPLICANT}, "SelfApproval"),
    "an unknown step": ({"step": "provider-consent"}, "UnknownStep"),
    "another uid": ({"request": _other_request(None)}, "WrongRequest"),
}


@pytest.mark.parametrize(("changes", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_decision_that_is_not_right_is_refused_with_its_reason_and_starts_nothing(
    planned: World, changes: dict[str, object], reason: str
) -> None:
    with planned.nothing_touched():
        decision = planned.decide("superior-unit", **changes)
        planned.run()
    verdict = planned.verdict(decision)

    assert verdict is not None
    assert (verdict.status, verdict.reason) == ("False", reason)
    assert verdict.message
    assert planned.next_action().waiting_for == "superior-unit"


def test_an_expired_decision_is_refused(planned: World) -> None:
    decision = planned.decide("superior-unit", valid_until=planned.clock.now())
    planned.run()

    assert planned.judged(decision) == "Expired"


def test_a_decision_that_expires_while_others_are_asked_counts_no_more(planned: World) -> None:
    decision = planned.decide("superior-unit", valid_until=planned.clock.now() + timedelta(days=1))
    planned.run()
    assert planned.judged(decision) == "Counted"

    planned.clock.advance(timedelta(days=2))
    with planned.nothing_touched():
        late = planned.decide("authority")
        planned.run()
    assert planned.judged(decision) == "Expired"
    assert planned.judged(late) == "OutOfOrder"


def test_an_office_that_comes_too_early_is_asked_again_in_its_turn(planned: World) -> None:
    early = planned.decide("authority")
    planned.run()
    assert planned.judged(early) == "OutOfOrder"

    planned.approve("superior-unit")
    assert planned.next_action().waiting_for == "authority"
    planned.approve("authority")
    assert planned.status().phase == "Trial"


def test_a_decision_refused_as_too_early_does_not_count_when_its_turn_comes_within_the_same_second(planned: World) -> None:
    early = planned.decide("authority")
    planned.run()
    refused = planned.verdict(early)
    right = planned.decide("superior-unit", after=timedelta(0))
    planned.run()

    assert right.created_at == early.created_at
    assert planned.judged(right) == "Counted"
    assert planned.verdict(early) == refused
    assert planned.next_action().waiting_for == "authority"


def test_decisions_of_the_same_second_count_whichever_was_stored_first(planned: World) -> None:
    later_step = planned.decide("authority")
    earlier_step = planned.decide("superior-unit", after=timedelta(0))
    planned.run()

    assert (planned.judged(earlier_step), planned.judged(later_step)) == ("Counted", "Counted")


def test_one_person_speaks_for_one_office_only(planned: World) -> None:
    planned.decide("superior-unit", approver="zhao.gang")
    second = planned.decide("authority", approver="zhao.gang")
    planned.run()

    assert planned.judged(second) == "OnePersonTwoOffices"
    assert planned.status().phase == "AwaitingApproval"


LOOK_ALIKES = {
    "the same": "九卫〔2026〕12号",
    "full-width digits": "九卫〔２０２６〕１２号",
    "other brackets": "九卫[2026]12号",
    "lenticular brackets": "九卫【2026】12号",
    "full-width brackets": "九卫［2026］12号",
    "round brackets": "九卫（2026）12号",
    "small brackets": "九卫﹝2026﹞12号",
    "spaces": "九卫〔2026〕 12 号",
    "an ideographic space": "九卫〔2026〕12\u3000号",
    "a zero-width space": "九卫〔2026〕12\u200b号",
    "a word joiner": "九卫〔2026〕1\u20602号",
    "a soft hyphen": "九卫〔2026〕12\u00ad号",
    "a variation selector": "九卫〔2026〕12号\ufe00",
    "a radical for a character": "九卫〔2026〕12号".replace("九", "九"),
}


@pytest.mark.parametrize("again", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_a_document_number_is_used_once_however_it_is_written(planned: World, again: str) -> None:
    planned.decide("superior-unit", document_number="九卫〔2026〕12号")
    second = planned.decide("authority", document_number=again)
    planned.run()

    assert planned.judged(second) == "DocumentNumberUsed"
    assert planned.status().phase == "AwaitingApproval"


def test_dashes_of_every_length_are_one_dash(planned: World) -> None:
    planned.decide("superior-unit", document_number="JJ-2026-12")
    second = planned.decide("authority", document_number="jj—2026–12")
    planned.run()

    assert planned.judged(second) == "DocumentNumberUsed"


def test_a_document_number_of_another_request_is_used_too(planned: World) -> None:
    planned.apply("second")
    planned.run("second")
    planned.decide("superior-unit", document_number="九卫〔2026〕12号", name="second")
    again = planned.decide("superior-unit", document_number="九卫〔2026〕12号")
    planned.run()

    assert planned.judged(again) == "DocumentNumberUsed"


def test_a_rejection_ends_the_plan_and_a_corrected_spec_makes_the_next(planned: World) -> None:
    with planned.nothing_touched():
        planned.decide("superior-unit", "Rejected", comment="规模过大")
        planned.run()
        assert planned.status().phase == "Rejected"
        assert planned.condition("Approved").reason == "Rejected"
        assert planned.next_action().waiting_for == "applicant"
        planned.decide("superior-unit")  # too late: the plan is over
        planned.run()
        assert planned.status().phase == "Rejected"

    planned.edit_service("web", count=1)
    planned.run()
    assert (planned.status().phase, planned.shown_plan().number) == ("AwaitingApproval", 2)
    planned.approve()
    assert list(planned.servers()) == ["web-0"]


def test_an_approval_taken_back_before_the_start_is_missing_again(planned: World) -> None:
    first = planned.decide("superior-unit")
    planned.run()
    with planned.nothing_touched():
        planned.decide("superior-unit", "Revoked")
        planned.run()
        planned.decide("authority")
        planned.run()
    assert planned.judged(first) == "Withdrawn"
    assert planned.next_action().waiting_for == "superior-unit"


def test_an_office_may_take_back_and_approve_again(planned: World) -> None:
    """What was revoked before the start and approved again is approved: nothing of it freezes the operation."""
    planned.approve("superior-unit")
    planned.decide("superior-unit", "Revoked")
    planned.run()
    planned.approve("superior-unit", "authority")

    assert planned.status().phase == "Trial"


def test_somebody_elses_revocation_takes_nothing_back(planned: World) -> None:
    planned.approve("superior-unit")
    stranger = planned.decide("superior-unit", "Revoked", office="九江市财政局")
    planned.approve("authority")

    assert planned.judged(stranger) == "WrongOffice"
    assert planned.status().phase == "Trial"


def test_an_edit_and_its_undoing_make_a_new_plan_and_old_approvals_do_not_count(provisioned: World) -> None:
    a, b = 2, 3
    for size in (b, a, b):
        provisioned.edit_service("data", sizeGib=size)
        provisioned.run()
        if provisioned.shown_plan().number == 2 and size == b:
            provisioned.decide(
                "authority", valid_until=None
            )  # made for plan 2, and withdrawn with it before it is read

    assert provisioned.shown_plan().number == 3
    assert provisioned.plan(2).spec == provisioned.plan(3).spec
    assert provisioned.plan(2).digest != provisioned.plan(3).digest
    assert provisioned.next_action().waiting_for == "authority"
    with provisioned.nothing_touched():
        provisioned.run()


def test_an_approval_of_an_older_plan_is_left_as_it_was_judged(planned: World) -> None:
    counted = planned.decide("superior-unit")
    planned.run()
    planned.edit_service("web", count=1)
    planned.run()

    assert planned.judged(counted) == "Counted"
    assert planned.next_action().waiting_for == "superior-unit"


def test_a_decision_made_while_nobody_guarded_admission_never_counts(planned: World) -> None:
    planned.cluster.fault = "the policy govcloud-approval-by-its-office is gone"
    planned.run()
    suspicious = planned.decide("superior-unit")
    planned.run()
    planned.cluster.fault = None
    planned.run_patiently()

    assert planned.judged(suspicious) == "MadeWhileUnguarded"
    assert planned.next_action().waiting_for == "superior-unit"
    planned.approve()
    assert planned.status().phase == "Trial"


def test_a_decision_of_the_unit_itself_is_its_own_step(provisioned: World) -> None:
    provisioned.apply(stage="Production")
    provisioned.run()
    assert provisioned.next_action().office == UNIT_TITLE

    by_applicant = provisioned.decide("unit-consent", approver=APPLICANT)
    provisioned.run()
    assert provisioned.verdict(by_applicant).reason == "SelfApproval"


def test_every_decision_is_in_the_log_with_the_person_who_made_it(planned: World) -> None:
    planned.decide("superior-unit", office="九江市财政局", approver="mou.ren")
    planned.approve("superior-unit")
    judged = [r for r in planned.audit.records() if "approval" in r.attributes]

    assert [(r.initiator.id, r.reason.rule) for r in judged] == [("mou.ren", "WrongOffice"), ("zhao.gang", "Counted")]
    assert all(r.attributes["documentNumber"] for r in judged)


def test_a_request_in_a_namespace_that_is_gone_is_gone(planned: World) -> None:
    planned.cluster.delete_request(NAMESPACE, NAME)
    assert planned.step().action == "gone"
