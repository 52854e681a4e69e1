"""A load balancer in front of machines of the same request, by Octavia: one address, some ports, all the machines of one service behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from stacks import network
from stacks.address_ranges import AddressRange, range_problems
from stacks.kind import Endpoint, Layout, Model, Name, Parameters, PriceItem, Problem, Quota, Scope, ServiceKind
from stacks.naming import named, owned, tags
from stacks.offerings import monthly, offering_problems
from stacks.program import Program, Ref, Resource, Value
from stacks.security_rules import Port
from stacks.virtual_machine import VirtualMachine

KIND_NAME = "loadBalancer"

_BALANCER = "openstack:loadbalancer/loadBalancer:LoadBalancer"
_LISTENER = "openstack:loadbalancer/listener:Listener"
_POOL = "openstack:loadbalancer/pool:Pool"
_MEMBERS = "openstack:loadbalancer/members:Members"
_MONITOR = "openstack:loadbalancer/monitor:Monitor"

_CHECK_SECONDS, _ANSWER_SECONDS, _TRIES = 5, 3, 3
"""A machine is asked every five seconds and has three to answer; three answers missed, and nothing is sent to it any more."""


class Listening(Model):
    """One port that is listened on, and where what comes in goes."""

    protocol: Literal["TCP", "HTTP", "UDP"] = Field("TCP", description="protocol; HTTP lets the balancer see requests")
    port: Port = Field(description="port of the load balancer, 1 to 65535")
    target_port: Port | None = Field(None, description="port of the machines, 1 to 65535; none: the same")


class LoadBalancer(Parameters):
    """One load balancer."""

    offering: Name | None = Field(None, description="offering of the catalog, for the price; none: it costs nothing")
    target: Name = Field(description="virtualMachine service of this request that it sends to")
    listeners: Annotated[tuple[Listening, ...], Field(min_length=1, max_length=16)] = Field(
        description="ports that it listens on; 1 to 16"
    )
    method: Literal["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"] = Field(
        "ROUND_ROBIN", description="how the next machine is chosen; SOURCE_IP sends a client to the same machine"
    )
    allowed_from: Annotated[tuple[AddressRange, ...], Field(max_length=64)] = Field(
        (), description="addresses that may connect, for instance 10.0.0.0/8; none: all that reach it"
    )
    network: Name | None = Field(None, description="network service of this request that its address is on")


def _problems(parameters: LoadBalancer, scope: Scope) -> tuple[Problem, ...]:
    return (
        *(offering_problems(parameters.offering, KIND_NAME, scope) if parameters.offering else ()),
        *_target_problems(parameters.target, scope),
        *_listener_problems(parameters.listeners),
        *_range_problems(parameters.allowed_from),
        *network.choice_problems(parameters.network, scope),
        *_network_problems(scope),
    )


def _range_problems(ranges: tuple[str, ...]) -> Iterator[Problem]:
    for index, prefix in enumerate(ranges):
        yield from range_problems(f"allowedFrom[{index}]", prefix)


def _target_problems(target: str, scope: Scope) -> Iterator[Problem]:
    machines = [name for name, (_, value) in scope.services.items() if isinstance(value, VirtualMachine)]
    if target not in machines:
        listed = ", ".join(sorted(machines)) or "-"
        yield Problem(
            "target",
            f"there is no virtualMachine service called {target} in this request; there are: {listed}",
            f"本申请中没有名为 {target} 的云服务器；现有：{listed}",
        )


def _listener_problems(listeners: tuple[Listening, ...]) -> Iterator[Problem]:
    used = Counter(map(_socket, listeners))
    for index, listening in enumerate(listeners):
        if used[_socket(listening)] > 1:
            yield Problem(
                f"listeners[{index}].port",
                f"port {listening.port} is listened on more than once; keep one",
                f"端口 {listening.port} 重复监听；请只保留一项",
            )


def _socket(listening: Listening) -> tuple[bool, int]:
    return listening.protocol == "UDP", listening.port


def _network_problems(scope: Scope) -> Iterator[Problem]:
    if not network.networks_of(scope):
        yield Problem(
            "network",
            "a load balancer needs a network of the request; add a network service",
            "负载均衡须使用本申请中的网络；请增加 network 服务",
        )


def _layout(parameters: LoadBalancer, scope: Scope) -> Layout:
    return Layout(
        program=Program(tuple(_resources(parameters, scope))),
        quota=Quota(ports=1),
        prices=_prices(parameters, scope),
        endpoints=tuple(
            Endpoint(_part(each), Ref(scope.service, "vip_address"), each.port) for each in parameters.listeners
        ),
    )


def _prices(parameters: LoadBalancer, scope: Scope) -> tuple[PriceItem, ...]:
    return (monthly(scope.offerings[parameters.offering], 1),) if parameters.offering else ()


def _resources(parameters: LoadBalancer, scope: Scope) -> Iterator[Resource]:
    chosen = str(network.chosen(parameters.network, scope))
    yield _resource(
        _BALANCER,
        scope.service,
        {"vip_subnet_id": Ref(named(chosen, "subnet")), "tags": tags(scope.marks())},
        scope,
        after=network.reachable(chosen, scope),
    )
    for listening in parameters.listeners:
        yield from _listener(listening, parameters, scope)


def _listener(listening: Listening, parameters: LoadBalancer, scope: Scope) -> Iterator[Resource]:
    name = named(scope.service, _part(listening))
    pool = named(name, "pool")
    listener: dict[str, Value] = {
        "loadbalancer_id": Ref(scope.service),
        "protocol": listening.protocol,
        "protocol_port": listening.port,
        "tags": tags(scope.marks()),
    }
    if parameters.allowed_from:
        listener["allowed_cidrs"] = parameters.allowed_from
    yield _resource(_LISTENER, name, listener, scope)
    yield _resource(
        _POOL,
        pool,
        {
            "listener_id": Ref(name),
            "protocol": listening.protocol,
            "lb_method": parameters.method,
            "tags": tags(scope.marks()),
        },
        scope,
    )
    members = tuple(_members(listening, parameters, scope))
    yield Resource(
        _MEMBERS,
        named(name, "members"),
        {"pool_id": Ref(pool), "members": members},
        service=scope.service,
    )
    yield _monitor(named(name, "monitor"), pool, listening, scope)


def _members(listening: Listening, parameters: LoadBalancer, scope: Scope) -> Iterator[Value]:
    _, machines = scope.services[parameters.target]
    assert isinstance(machines, VirtualMachine)  # noqa: S101  `problems` has found nothing wrong
    for index in range(machines.count):
        port = named(parameters.target, index, "port")
        yield {"address": Ref(port, "all_fixed_ips.0"), "protocol_port": listening.target_port or listening.port}


def _monitor(name: str, pool: str, listening: Listening, scope: Scope) -> Resource:
    inputs: dict[str, Value] = {
        "name": owned(scope, name),
        "pool_id": Ref(pool),
        "type": {"TCP": "TCP", "HTTP": "HTTP", "UDP": "UDP-CONNECT"}[listening.protocol],
        "delay": _CHECK_SECONDS,
        "timeout": _ANSWER_SECONDS,
        "max_retries": _TRIES,
    }
    # After the members: Octavia changes one part of a load balancer at a time.
    after = (named(scope.service, _part(listening), "members"),)
    return Resource(_MONITOR, name, inputs, after=after, service=scope.service)


def _part(listening: Listening) -> str:
    """A listener is named after what it listens on, so that another order of the listeners changes nothing."""
    return f"{'udp' if listening.protocol == 'UDP' else 'tcp'}-{listening.port}"


def _resource(
    type_token: str, name: str, inputs: dict[str, Value], scope: Scope, after: tuple[str, ...] = ()
) -> Resource:
    return Resource(type_token, name, {"name": name, **inputs}, after=after, service=scope.service)


KIND = ServiceKind(
    name=KIND_NAME,
    title="负载均衡 load balancer",
    parameters=LoadBalancer,
    problems=_problems,
    layout=_layout,
    needs=("load-balancer", "network", "compute"),
)
