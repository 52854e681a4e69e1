"""Orders of legal holds name who writes them, are added and never changed."""

from __future__ import annotations

import secrets

import pytest
from admission.people import People, Person

from govcloud.audit.holds import RELEASED, Order

pytestmark = pytest.mark.cluster

WHERE = ("configmap/govcloud-audit-holds", "govcloud-system")
NAME = f"case-{secrets.token_hex(3)}"


def order(name: str, by: str) -> dict[str, dict[str, str | None]]:
    return {"data": {name: Order(by, "inspection", unit="no-such-unit").text()}}


@pytest.fixture(scope="module")
def auditor(people: People) -> Person:
    return people("auditor")


def test_who_has_the_role_orders_in_his_own_name_only(auditor: Person, people: People) -> None:
    refused = auditor.tries().patch(*WHERE, order(NAME, "somebody-else"))
    assert refused.refused_because("begins with the name of who writes it")
    assert not people("applicant").tries().patch(*WHERE, order(NAME, "applicant")).accepted
    done = auditor.patch(*WHERE, order(NAME, "auditor"))
    assert done.accepted, done.said


def test_an_order_stays_as_it_was_written_even_for_the_administrator(auditor: Person, administrator: Person) -> None:
    assert auditor.patch(*WHERE, order(NAME, "auditor")).accepted
    for change in ({"data": {NAME: None}}, {"data": None}, {"data": {NAME: '{"by":"auditor","reason":"another"}'}}):
        assert auditor.tries().patch(*WHERE, change).refused_because("neither changed nor taken away")
    assert administrator.tries().delete(*WHERE).refused_because("neither changed nor taken away")


def test_a_release_is_an_order_of_its_own(auditor: Person) -> None:
    release = {"data": {NAME + RELEASED: Order("auditor", "it ended").text()}}
    done = auditor.patch(*WHERE, release)
    assert done.accepted, done.said
