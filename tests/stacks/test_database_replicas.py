"""Replicas of a database: what they consist of, what they cost, what refuses them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stacks_kit import DATABASE, NETWORK, ON_A_MACHINE, services, wanted

from stacks.diff import diff, losses, rebuilds
from stacks.kind import Offering
from stacks.program import Ref
from stacks.request import Wanted, lay_out, problems_of


def with_replicas(count: int) -> Wanted:
    return wanted({"lan": {"network": NETWORK}, "orders": {"database": {**DATABASE, "replicas": count}}})


def test_replicas_follow_one_after_the_other_and_hold_no_data_of_their_own() -> None:
    layout = lay_out(with_replicas(2))
    named = {item.name: item for item in layout.program.resources}
    primary, first, second = (named[name] for name in ("orders", "orders-replica-1", "orders-replica-2"))
    assert first.inputs["replica_of"] == second.inputs["replica_of"] == Ref("orders")
    assert "orders-replica-1" in second.after
    assert not {"users", "databases", "locality"} & first.inputs.keys()
    assert [each.inputs["size"] for each in (primary, first, second)] == [20, 20, 20]
    assert (primary.holds_data, first.holds_data, second.holds_data) == (True, False, False)
    assert [part.name for _, part in layout.data] == ["orders"]
    assert [(end.name, end.address) for _, end in layout.endpoints] == [
        ("postgresql", Ref("orders", "addresses.0")),
        ("postgresql-replica-1", Ref("orders-replica-1", "addresses.0")),
        ("postgresql-replica-2", Ref("orders-replica-2", "addresses.0")),
    ]
    credentials = {key: value for _, key, value in layout.credentials}
    assert credentials["replica-2-host"] == Ref("orders-replica-2", "addresses.0")
    assert credentials["host"] == Ref("orders", "addresses.0")


def test_each_replica_costs_and_needs_what_the_first_instance_does() -> None:
    one, three = (
        lay_out(with_replicas(count)) for count in (0, 2)
    )
    assert [3 * item.monthly for _, item in one.prices] == [item.monthly for _, item in three.prices]
    needed = (one.services["orders"].quota, three.services["orders"].quota)
    assert all(3 * value == getattr(needed[1], name) for name, value in vars(needed[0]).items() if name != "server_groups")
    assert (needed[0].server_groups, needed[1].server_groups) == (0, 1)


@given(before=st.integers(0, 3), now=st.integers(0, 3))
def test_another_number_of_replicas_touches_no_other_instance(before: int, now: int) -> None:
    old, new = (
        lay_out(with_replicas(count)).program for count in (before, now)
    )
    changes = [(change.resource, change.operation) for change in diff(old, new)]
    assert changes == [
        *((f"orders-replica-{number}", "create") for number in range(before + 1, now + 1)),
        *((f"orders-replica-{number}", "delete") for number in range(before, now, -1)),
    ]
    assert losses(old, new) == rebuilds(old, new) == ()


@pytest.mark.parametrize("count", [-1, 4])
def test_a_number_of_replicas_that_trove_does_not_make_is_refused_by_the_model(count: int) -> None:
    with pytest.raises(ValidationError, match="replicas"):
        services({"orders": {"database": {**DATABASE, "replicas": count}}})


MYSQL = Offering(name="mysql", kind="database", flavor="m1.medium", datastore="mysql", datastore_version="8.4", unit_price="300")


@pytest.mark.parametrize(
    ("offering", "engine", "told"),
    [(ON_A_MACHINE.name, "postgresql", "choose an offering of the cloud's database service"), ("mysql", "mysql", "choose postgresql")],
)
def test_who_cannot_have_replicas_is_told_why_and_what_would_be_right(offering: str, engine: str, told: str) -> None:
    database = {**DATABASE, "offering": offering, "engine": engine}
    offerings = {MYSQL.name: MYSQL, ON_A_MACHINE.name: ON_A_MACHINE}
    (problem,) = problems_of(wanted({"lan": {"network": NETWORK}, "orders": {"database": {**database, "replicas": 1}}}, offerings=offerings))
    assert problem.field == "services[orders].database.replicas"
    assert told in problem.en
    assert "去掉 replicas" in problem.zh
    assert problems_of(wanted({"lan": {"network": NETWORK}, "orders": {"database": database}}, offerings=offerings)) == ()
