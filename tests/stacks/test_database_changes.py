"""What becomes of each parameter of a database that runs: it is changed in place, or refused with the parameter's name. Never nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from stacks_kit import DATABASE, NETWORK, wanted

from stacks.database import Database
from stacks.database_changes import lasting, on_other_networks
from stacks.diff import ResourceChange, diff, losses, rebuilds, shrinks
from stacks.kind import Problem
from stacks.request import Wanted, lay_out, problems_of

NETWORKS = {"lan": {"network": NETWORK}, "dmz": {"network": {"cidr": "10.30.0.0/24"}}}
BASE: dict[str, Any] = {**DATABASE, "network": "lan", "version": "15"}
OTHER: dict[str, Any] = {
    "engine": "mysql",
    "version": "16",
    "offering": "pg-large",
    "storageGib": 30,
    "databaseName": "invoices",
    "network": "dmz",
    "replicas": 1,
    "settings": {"maxConnections": 50},
}
IN_PLACE = {
    "pg": {"offering": {"update"}, "storageGib": {"update"}, "replicas": {"create"}},
    "pg-machine": {"offering": {"update"}, "storageGib": {"update"}},
}
"""What happens, by who carries the database and parameter; all others are refused."""


def asked(carrier: str, **changes: Any) -> Wanted:
    """A request with one database, in a catalog that has a larger flavor of both carriers."""
    database = {**BASE, "offering": carrier, **changes}
    if changes.get("offering") == "pg-large":
        database["offering"] = f"{carrier}-large"
    made = wanted({**NETWORKS, "orders": {"database": database}})
    larger = {f"{name}-large": made.offerings[name].model_copy(update={"name": f"{name}-large", "flavor": "m1.large"}) for name in IN_PLACE}
    return wanted({**NETWORKS, "orders": {"database": database}}, offerings={**made.offerings, **larger})


def outcome(before: Wanted, now: Wanted) -> tuple[list[Problem], tuple[ResourceChange, ...]]:
    """What the planner says of an edit, and what it would do."""
    if found := problems_of(now):
        return list(found), ()
    old, new = lay_out(before).program, lay_out(now).program
    parameters = [{name: parsed for name, (_, parsed) in each.services.items()} for each in (before, now)]
    refused = [
        *lasting(*parameters),
        *rebuilds(old, new),
        *losses(old, new),
        *shrinks(old, new),
        *on_other_networks(old, new, {"orders"}),
    ]
    return refused, diff(old, new)


@pytest.mark.parametrize("carrier", sorted(IN_PLACE))
@pytest.mark.parametrize("field", sorted(OTHER))
def test_every_parameter_changes_in_place_or_is_refused(carrier: str, field: str) -> None:
    refused, changes = outcome(asked(carrier), asked(carrier, **{field: OTHER[field]}))
    operations = IN_PLACE[carrier].get(field)
    if operations is None:
        assert refused
        assert any(f".{field}" in each.field or each.field == "services[orders]" for each in refused)
        assert all(each.en and each.zh for each in refused)
    else:
        assert not refused
        assert {each.operation for each in changes} == operations


def test_no_parameter_is_forgotten_here() -> None:
    assert set(OTHER) == {field.alias for field in Database.model_fields.values()}


@pytest.mark.parametrize("carrier", sorted(IN_PLACE))
@pytest.mark.parametrize(("before", "now"), [(None, "15"), ("15", None), ("15", "15.4")])
def test_a_version_stays_as_it_was_written(carrier: str, before: str | None, now: str | None) -> None:
    """Years later an offering may name another version than the one the database was made with: writing it down must not pass for it."""
    refused, _ = outcome(asked(carrier, version=before), asked(carrier, version=now))
    assert "services[orders].database.version" in [each.field for each in refused]


@pytest.mark.parametrize("carrier", sorted(IN_PLACE))
def test_another_years_version_in_the_catalog_changes_nothing(carrier: str) -> None:
    before = asked(carrier, version=None)
    newer = {name: each.model_copy(update={"datastore_version": "17"}) for name, each in before.offerings.items()}
    now = wanted({**NETWORKS, "orders": {"database": {**BASE, "offering": carrier, "version": None}}}, offerings=newer)
    assert outcome(before, now) == ([], ())


def test_a_database_on_a_machine_refuses_another_range_of_its_network() -> None:
    """Whom it lets in stands in what it did at its first start."""
    before, now = asked("pg-machine"), wanted({**NETWORKS, "lan": {"network": {"cidr": "10.40.0.0/24"}}, "orders": {"database": {**BASE, "offering": "pg-machine"}}})
    refused, _ = outcome(before, now)
    assert "services[orders].database.network" in [each.field for each in refused]


def test_naming_the_network_that_it_is_on_changes_nothing() -> None:
    for carrier in IN_PLACE:
        assert outcome(asked(carrier, network=None), asked(carrier, network="lan")) == ([], ())


@pytest.mark.parametrize(("before", "now"), [("pg", "pg-machine"), ("pg-machine", "pg")])
def test_a_database_stays_with_who_carries_it(before: str, now: str) -> None:
    refused, _ = outcome(asked(before), asked(now))
    assert any("holds data" in each.en for each in refused)
