"""A private network with one subnet, and a router to the provider's network; and how other kinds choose the network they are on.

A service that names no network is on the only network of its request; where the request has none, on the unit's default network.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import Field, StringConstraints

from stacks.address_ranges import range_problems
from stacks.kind import Layout, Parameters, Problem, Quota, Scope, ServiceKind
from stacks.naming import named, tags
from stacks.program import External, Lookup, Program, Ref, Resource, Value

KIND_NAME = "network"
SUBNET = "openstack:networking/subnet:Subnet"
DEFAULT_NETWORK = External("default_network_id")

_SMALLEST_PREFIX, _LARGEST_PREFIX = 8, 29
_TECHNICAL_PORTS = 1
"""Address service (DHCP, or OVN's metadata port): Neutron counts it in the project's quota."""


class Network(Parameters):
    """A private network of the request."""

    cidr: Annotated[str, StringConstraints(pattern=r"^[0-9.]{7,15}/[0-9]{1,2}$", max_length=18)] = Field(
        description="IPv4 address range of the subnet, for instance 10.20.0.0/24; prefix length 8 to 29"
    )
    dns_servers: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]+$", max_length=39)], ...], Field(max_length=5)
    ] = Field((), description="addresses of the name servers that machines are told, in order; at most 5")
    router: bool = Field(True, description="whether a router connects the subnet to the provider's network")


def _problems(parameters: Network, scope: Scope) -> tuple[Problem, ...]:
    return (*_cidr_problems(parameters.cidr), *_dns_problems(parameters.dns_servers))


def _cidr_problems(cidr: str) -> Iterator[Problem]:
    if problems := tuple(range_problems("cidr", cidr, "10.20.0.0/24")):
        yield from problems
    elif not _SMALLEST_PREFIX <= ip_network(cidr).prefixlen <= _LARGEST_PREFIX:
        yield Problem(
            "cidr",
            f"the prefix length of {cidr} must lie between {_SMALLEST_PREFIX} and {_LARGEST_PREFIX}",
            f"{cidr} 的前缀长度应在 {_SMALLEST_PREFIX} 与 {_LARGEST_PREFIX} 之间",
        )


def _dns_problems(servers: tuple[str, ...]) -> Iterator[Problem]:
    for index, server in enumerate(servers):
        if not _is_address(server):
            yield Problem(
                f"dnsServers[{index}]",
                f"{server} is not an IP address; write one address, for instance 223.5.5.5",
                f"{server} 不是有效的 IP 地址；请写一个地址，例如 223.5.5.5",
            )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _layout(parameters: Network, scope: Scope) -> Layout:
    routed = 1 if parameters.router else 0
    return Layout(
        program=Program(tuple(_resources(parameters, scope))),
        quota=Quota(networks=1, subnets=1, routers=routed, ports=_TECHNICAL_PORTS + routed),
        prices=(),
    )


def _resources(parameters: Network, scope: Scope) -> Iterator[Resource]:
    service = scope.service
    marks = tags(scope.marks())
    yield from network_with_subnet(service, scope.service, marks, parameters.cidr, parameters.dns_servers)
    if parameters.router:
        yield from router_for(service, scope.service, marks, scope.external_network)


def network_with_subnet(
    name: str, service: str, marks: tuple[Value, ...], cidr: str, dns_servers: tuple[str, ...]
) -> Iterator[Resource]:
    """A network called `name`, and its subnet."""
    yield Resource("openstack:networking/network:Network", name, {"name": name, "tags": marks}, service=service)
    subnet = named(name, "subnet")
    inputs: dict[str, Value] = {
        "name": subnet,
        "network_id": Ref(name),
        "cidr": cidr,
        "ip_version": 4,
        "tags": marks,
    }
    if dns_servers:
        inputs["dns_nameservers"] = dns_servers
    yield Resource(SUBNET, subnet, inputs, service=service)


def router_for(name: str, service: str, marks: tuple[Value, ...], external_network: str) -> Iterator[Resource]:
    """A router to the external network for the subnet of the network called `name`."""
    router = named(name, "router")
    yield Resource(
        "openstack:networking/router:Router",
        router,
        {"name": router, "external_network_id": Lookup("network", external_network), "tags": marks},
        service=service,
    )
    yield Resource(
        "openstack:networking/routerInterface:RouterInterface",
        named(name, "interface"),
        {"router_id": Ref(router), "subnet_id": Ref(named(name, "subnet"))},
        service=service,
    )


def networks_of(scope: Scope) -> dict[str, Network]:
    """The private networks of the request, by name."""
    return {name: value for name, (_, value) in scope.services.items() if isinstance(value, Network)}


def chosen(wanted: str | None, scope: Scope) -> str | None:
    """Name of the network service that a service is on; None for the unit's default network.

    `choice_problems` has found nothing wrong before.
    """
    if wanted is not None:
        return wanted
    return next(iter(networks_of(scope)), None)


def network_id(chosen_name: str | None) -> Value:
    """The id of the chosen network."""
    return DEFAULT_NETWORK if chosen_name is None else Ref(chosen_name)


def reachable(chosen_name: str | None, scope: Scope) -> tuple[str, ...]:
    """Logical names of what must exist before something on the network has an address and a way out."""
    if chosen_name is None:
        return ()
    routed = networks_of(scope)[chosen_name].router
    return (named(chosen_name, "interface" if routed else "subnet"),)


def choice_problems(wanted: str | None, scope: Scope) -> Iterator[Problem]:
    """What is wrong with the choice of a network."""
    known = networks_of(scope)
    listed = ", ".join(sorted(known)) or "-"
    if wanted is not None and wanted not in known:
        yield Problem(
            "network",
            f"there is no network service called {wanted} in this request; there are: {listed}",
            f"本申请中没有名为 {wanted} 的网络服务；现有：{listed}",
        )
    if wanted is None and len(known) > 1:
        yield Problem(
            "network",
            f"the request has several networks ({listed}); name the one that this service is on",
            f"本申请有多个网络（{listed}）；请写明该服务使用哪一个",
        )


KIND = ServiceKind(
    name=KIND_NAME,
    title="私有网络 private network",
    parameters=Network,
    problems=_problems,
    layout=_layout,
    needs=("network",),
)
