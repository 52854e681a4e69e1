"""A network keeps its range while anything has addresses of it."""

from __future__ import annotations

from typing import Any

import pytest
from stacks_kit import DATABASE, MACHINES, wanted

from stacks.network_changes import on_other_addresses
from stacks.program import Program
from stacks.request import lay_out

BALANCER = {"loadBalancer": {"target": "web", "listeners": [{"port": 443}], "network": "lan"}}


def laid_out(range: str, **more: dict[str, Any]) -> Program:
    networks = {"lan": {"network": {"cidr": range}}, "other": {"network": {"cidr": "10.99.0.0/24"}}}
    return lay_out(wanted({**networks, **more})).program


def machines(network: str) -> dict[str, Any]:
    return {"virtualMachine": {**MACHINES, "network": network}}


@pytest.mark.parametrize(
    ("service", "name"), [(machines("lan"), "web"), ({"database": {**DATABASE, "network": "lan"}}, "orders")]
)
def test_what_is_on_a_network_keeps_its_range(service: dict[str, Any], name: str) -> None:
    """Neutron refuses to delete the subnet, when the router is already gone from it."""
    old, new = (laid_out(range, **{name: service}) for range in ("10.20.0.0/24", "10.30.0.0/24"))
    (problem,) = on_other_addresses(old, new)
    assert problem.field == "services[lan].network.cidr"
    assert all(f"{name} " in text and "10.20.0.0/24" in text for text in (problem.en, problem.zh))
    assert list(on_other_addresses(old, old)) == []


def test_a_network_that_nothing_is_on_may_have_another_range() -> None:
    old, new = (laid_out(range, web=machines("other")) for range in ("10.20.0.0/24", "10.30.0.0/24"))
    assert list(on_other_addresses(old, new)) == []


def test_what_moves_away_or_is_new_holds_no_range_fast() -> None:
    old, new = laid_out("10.20.0.0/24", web=machines("lan")), laid_out("10.30.0.0/24", web=machines("other"))
    assert list(on_other_addresses(old, new)) == []
    assert list(on_other_addresses(laid_out("10.20.0.0/24"), laid_out("10.30.0.0/24", web=machines("lan")))) == []


def test_what_goes_with_its_subnet_holds_no_range_fast() -> None:
    old, new = (laid_out(range, web=machines("other"), front=BALANCER) for range in ("10.20.0.0/24", "10.30.0.0/24"))
    assert list(on_other_addresses(old, new)) == []
