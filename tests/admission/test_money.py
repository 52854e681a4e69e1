"""Annual plans and agreements on a real API server: who writes them, which terms stay, and that nothing goes while money is reserved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from admission.people import EXAMPLES, Manifest, People, Person, Town, request

pytestmark = pytest.mark.cluster

Reservation = dict[str, str | int]


def example(file: str, name: str, **changes: Any) -> Manifest:
    document: Manifest = yaml.safe_load((EXAMPLES / "money" / file).read_text(encoding="utf-8"))
    document["metadata"]["name"] = name
    document["spec"] |= changes
    return document


@pytest.fixture(scope="module")
def authority(people: People) -> Person:
    return people("authority")


@pytest.fixture(scope="module")
def reservation(people: People, town: Town) -> Iterator[Reservation]:
    """Of a request that is there, or the controller would free the money; and that is paused, or it would set its own aside."""
    asked, name = request(town, "reserving"), f"reserving-{town.unit}"
    spec = {"by": "operations", "reason": "money", "request": {"namespace": town.namespace, "name": "reserving"}}
    paused = {"apiVersion": "govcloud.dev/v1alpha1", "kind": "Pause", "metadata": {"name": name}, "spec": spec}
    applicant, operations = people("applicant"), people("operations")
    for answer in (operations.create(paused), applicant.create(asked)):
        assert answer.accepted, answer.said
    uid = applicant.get("csreq/reserving", town.namespace)["metadata"]["uid"]
    yield {"uid": uid, "namespace": town.namespace, "name": "reserving", "plan": 1, "yearly": "1.00", "since": "2026-11-22T00:00:00Z"}
    for answer in (applicant.delete("csreq/reserving", town.namespace), operations.delete(f"cspause/{name}")):
        assert answer.accepted, answer.said


@pytest.fixture(scope="module")
def plan(authority: Person, controller: Person, town: Town, reservation: Reservation) -> Iterator[str]:
    """A plan in which money is reserved."""
    reserved = reservation | {"item": "hospital-registration"}
    yield from _with_a_reservation("aplan", example("annual-plan.yaml", town.unit), reserved, authority, controller)


@pytest.fixture(scope="module")
def agreement(authority: Person, controller: Person, town: Town, reservation: Reservation) -> Iterator[str]:
    """An agreement under which money is reserved."""
    yield from _with_a_reservation("csagr", example("agreement.yaml", town.unit), reservation, authority, controller)


def _with_a_reservation(
    kind: str, manifest: Manifest, reservation: Reservation, authority: Person, controller: Person
) -> Iterator[str]:
    made = authority.create(manifest)
    assert made.accepted, made.said
    name = f"{kind}/{manifest['metadata']['name']}"
    told = controller.patch(name, None, {"status": {"reservations": [reservation]}}, "--subresource=status")
    assert told.accepted, told.said
    yield name
    controller.patch(name, None, {"status": {"reservations": []}}, "--subresource=status")
    gone = authority.delete(name)
    assert gone.accepted, gone.said


def test_the_authority_keeps_them_and_whoever_configures_the_platform_does_not(
    people: People, authority: Person, town: Town
) -> None:
    manifests = example("annual-plan.yaml", f"other-{town.unit}"), example("agreement.yaml", f"other-{town.unit}")
    assert authority.tries().create(*manifests).accepted
    for persona in ("platform-engineer", "applicant", "provider"):
        for manifest in manifests:
            assert people(persona).tries().create(manifest).refused_because("cannot create resource")
        assert people(persona).may("list", "annualplans") and people(persona).may("get", "serviceagreements")


def test_what_is_reserved_is_written_by_the_controller_only(administrator: Person, plan: str, agreement: str) -> None:
    for name in (plan, agreement):
        answer = administrator.tries().patch(name, None, {"status": {"reservations": []}}, "--subresource=status")
        assert answer.refused_because("the status is written by the controller only")


def test_nothing_goes_while_money_is_reserved(
    administrator: Person, authority: Person, town: Town, plan: str, agreement: str
) -> None:
    for person in (administrator, authority):
        for name in (plan, agreement):
            answer = person.tries().delete(name)
            assert answer.refused_because("money reserved for 1 requests", f"{town.namespace}/reserving", "尚有预留资金")


def test_an_item_with_reserved_money_stays_in_its_plan(authority: Person, plan: str) -> None:
    items = authority.get(plan)["spec"]["items"]
    kept = [item for item in items if item["name"] != "hospital-registration"]
    assert authority.tries().patch(plan, None, {"spec": {"items": kept}}).refused_because("stays in the plan")
    others = [item for item in items if item["name"] == "hospital-registration"]
    assert authority.tries().patch(plan, None, {"spec": {"items": others}}).accepted


def test_a_budget_changes_by_another_decision_only(authority: Person, plan: str) -> None:
    items = authority.get(plan)["spec"]["items"]
    budget = items[0]["budget"]
    more = [items[0] | {"budget": budget | {"yearly": "9000.00"}}, *items[1:]]
    assert (
        authority.tries()
        .patch(plan, None, {"spec": {"items": more}})
        .refused_because("changed by another decision only")
    )
    decided = [items[0] | {"budget": {"yearly": "9000.00", "documentNumber": "九财预〔2026〕88号"}}, *items[1:]]
    assert authority.tries().patch(plan, None, {"spec": {"items": decided}}).accepted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"year": 2027}, "a plan is for one year"),
        ({"jurisdiction": "elsewhere"}, "stays with its jurisdiction"),
        ({"items": [{"name": "health-survey", "title": "t", "unit": "health-commission"}]}, "stays as it was approved"),
        ({"items": [{"name": "epidemic-reports", "title": "t", "unit": "u"}]}, "share one list of names"),
    ],
)  # fmt: skip
def test_what_was_approved_stays(authority: Person, plan: str, change: Manifest, words: str) -> None:
    assert authority.tries().patch(plan, None, {"spec": change}).refused_because(words)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "9999999.00"},
        {"validUntil": "2031-12-31"},
        {"services": [{"offering": "vm-1c-2g", "unitPrice": "1"}]},
        {"signedOn": None, "filing": None},
    ],
    ids=["amount", "term", "prices", "signature"],
)
def test_the_terms_of_a_signed_agreement_stay(authority: Person, agreement: str, change: Manifest) -> None:
    assert (
        authority.tries()
        .patch(agreement, None, {"spec": change})
        .refused_because("a signed agreement cannot be edited")
    )


def test_an_agreement_is_drafted_then_signed_then_filed(authority: Person, town: Town) -> None:
    name = f"drafted-{town.unit}"
    filing = {"number": "九信办备〔2026〕3号", "filedOn": "2026-01-08"}
    draft = example("agreement.yaml", name)
    del draft["spec"]["signedOn"]
    assert authority.tries().create(draft).refused_because("what is filed is signed")
    del draft["spec"]["filing"]
    assert authority.create(draft).accepted
    for change in ({"amount": "7000.00"}, {"signedOn": "2026-01-05"}, {"filing": filing}):
        answer = authority.patch(f"csagr/{name}", None, {"spec": change})
        assert answer.accepted, answer.said
    again = authority.tries().patch(f"csagr/{name}", None, {"spec": {"filing": filing | {"number": "another"}}})
    assert again.refused_because("a filing cannot be edited")
    assert authority.delete(f"csagr/{name}").accepted
