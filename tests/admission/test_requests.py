"""A request is written by its applicant, in a namespace of its own unit, and is ended by termination, never by deletion."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from admission.people import People, Person, Town, granting, request
from stillness import controller_standing_still

pytestmark = pytest.mark.cluster

FINALIZER = "govcloud.dev/resources"


@pytest.fixture
def live(people: People, administrator: Person, controller: Person, town: Town) -> Iterator[str]:
    """A request that holds resources: it has our finalizer."""
    name = "live"
    made = people("applicant").create(request(town, name))
    assert made.accepted, made.said
    marked = controller.patch(f"csreq/{name}", town.namespace, {"metadata": {"finalizers": [FINALIZER]}})
    assert marked.accepted, marked.said
    yield f"csreq/{name}"
    administrator.patch(f"csreq/{name}", town.namespace, {"metadata": {"finalizers": None}})
    administrator.delete(f"csreq/{name}", town.namespace)


def test_an_applicant_applies_in_his_own_name(people: People, town: Town) -> None:
    answer = people("applicant").tries().create(request(town))
    assert answer.accepted, answer.said


def test_nobody_applies_in_anothers_name(people: People, town: Town) -> None:
    answer = people("applicant").tries().create(request(town, applicant="mayor"))
    assert answer.refused_because('spec.applicant is "mayor" but you are "applicant"', "申请人必须是本人")


def test_a_request_without_an_applicant_is_refused_by_its_field(people: People, town: Town) -> None:
    document = request(town)
    del document["spec"]["applicant"]
    assert people("applicant").tries().create(document).refused_because("spec.applicant: Required value")


def test_the_approval_system_applies_as_the_applicant(people: People, town: Town) -> None:
    answer = people("approval-system").tries().acting_as("applicant").create(request(town))
    assert answer.accepted, answer.said


def test_nobody_applies_for_a_unit_in_anothers_namespace(people: People, town: Town) -> None:
    answer = people("applicant").tries().create(request(town, unit="some-other-unit"))
    assert answer.refused_because('spec.unit is "some-other-unit"', f'belongs to "{town.unit}"', "不一致")


def test_a_namespace_of_nobody_takes_no_request(people: People, town: Town) -> None:
    document = request(town)
    document["metadata"]["namespace"] = town.nowhere
    answer = people("applicant").tries().create(document)
    assert answer.refused_because("belongs to no using unit", f"govcloud.dev/unit={town.unit}")


def test_whoever_edits_a_request_becomes_its_applicant(
    people: People, administrator: Person, town: Town, live: str
) -> None:
    grant = administrator.apply(granting("govcloud-applicant", "unit-consent", town.namespace))
    assert grant.accepted, grant.said
    people("unit-consent").is_granted("patch", "csreq", town.namespace)
    colleague = people("unit-consent").tries()
    wish = {"trial": {"extensionDays": 5}}
    refused = colleague.patch(live, town.namespace, {"spec": wish})
    assert refused.refused_because('spec.applicant is "applicant" but you are "unit-consent"')
    accepted = colleague.patch(live, town.namespace, {"spec": {**wish, "applicant": "unit-consent"}})
    assert accepted.accepted, accepted.said


def test_a_label_of_ones_own_is_no_application(deleter: Person, town: Town, live: str) -> None:
    answer = deleter.tries().patch(live, town.namespace, {"metadata": {"labels": {"team": "two"}}})
    assert answer.accepted, answer.said


def test_the_unit_of_a_request_never_changes(people: People, town: Town, live: str) -> None:
    answer = people("applicant").tries().patch(live, town.namespace, {"spec": {"unit": "another"}})
    assert not answer.accepted
    assert "stays with its unit" in answer.said or "belongs to" in answer.said


def test_a_live_request_is_not_deleted_but_terminated(people: People, town: Town, live: str) -> None:
    answer = people("applicant").delete(live, town.namespace)
    assert answer.refused_because(
        "is live; terminate it first", "spec.stage to Terminated", "JJ 19", "请先申请终止服务"
    )


def test_not_even_the_administrator_deletes_a_live_request(administrator: Person, town: Town, live: str) -> None:
    assert administrator.delete(live, town.namespace).refused_because("is live; terminate it first")


def test_a_request_that_holds_nothing_is_simply_deleted(people: People, town: Town) -> None:
    applicant = people("applicant")
    assert applicant.create(request(town, "mistake")).accepted
    answer = applicant.delete("csreq/mistake", town.namespace)
    assert answer.accepted, answer.said


def test_a_terminated_request_is_a_record(
    people: People, administrator: Person, controller: Person, town: Town
) -> None:
    assert people("applicant").create(request(town, "ended")).accepted
    ended = {"status": {"progress": {"lastPlan": 1, "terminatedAt": "2026-11-22T00:00:00Z"}}}
    with controller_standing_still(people.environment):  # it would put right what it did not write itself
        told = controller.patch("csreq/ended", town.namespace, ended, "--subresource=status")
        assert told.accepted, told.said
        answer = people("applicant").tries().delete("csreq/ended", town.namespace)
        retention = administrator.tries().delete("csreq/ended", town.namespace)
    assert answer.refused_because("is the record", "govcloud-retention")
    assert retention.accepted, retention.said


def test_an_applicant_cannot_take_the_finalizer_off(people: People, town: Town, live: str) -> None:
    answer = people("applicant").tries().patch(live, town.namespace, {"metadata": {"finalizers": None}})
    assert answer.refused_because("finalizer govcloud.dev/resources stays", "govcloud-release", "终结器")


def test_the_holder_of_release_and_the_controller_can(
    people: People, administrator: Person, controller: Person, town: Town, live: str
) -> None:
    off = {"metadata": {"finalizers": None}}
    assert controller.tries().patch(live, town.namespace, off).accepted
    grant = administrator.apply(granting("govcloud-release", "operations", town.namespace))
    assert grant.accepted, grant.said
    people("operations").is_granted("release", "csreq", town.namespace)
    released = people("operations").tries().patch(live, town.namespace, off)
    assert released.accepted, released.said


def test_the_finalizer_of_others_is_not_ours_to_guard(deleter: Person, town: Town, live: str) -> None:
    more = {"metadata": {"finalizers": [FINALIZER, "example.com/other"]}}
    assert deleter.tries().patch(live, town.namespace, more).accepted
