"""What cannot change about a network that is used. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.diff import diff
from stacks.kind import Problem
from stacks.network import KIND_NAME, SUBNET
from stacks.order import references
from stacks.program import Program, Ref, Resource


def on_other_addresses(old: Program, new: Program) -> Iterator[Problem]:
    """Networks whose range would be another one under what has addresses of it.

    Neutron keeps a subnet as long as anything has an address of it, and the router is unplugged before it says so.
    """
    made_anew = {change.resource for change in diff(old, new) if change.operation == "replace"}
    before = {resource.name: resource for resource in old.resources}
    for subnet in new.resources:
        if subnet.type == SUBNET and subnet.name in made_anew and (stay := _services_on(_network_of(subnet), old, made_anew)):
            there, services = before[subnet.name].inputs["cidr"], ", ".join(stay)
            yield Problem(
                f"services[{subnet.service}].{KIND_NAME}.cidr",
                f"{services} would keep their addresses of {there}; keep the range, or add a network with the other one and move them there first",
                f"{services} 仍在使用 {there} 的地址；请保留原网段，或另增一个新网段的 network 服务并先行迁移",
            )


def _services_on(network: str, program: Program, made_anew: set[str]) -> list[str]:
    """Services with something on the network that is not made anew, by name."""
    return sorted({each.service for each in program.resources if each.name not in made_anew and network in references(dict(each.inputs))})


def _network_of(subnet: Resource) -> str:
    network = subnet.inputs["network_id"]
    assert isinstance(network, Ref)  # noqa: S101  a subnet of ours is always of a network of the same program
    return network.resource
