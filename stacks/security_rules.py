"""Who may connect to machines: the rules of a service's security group. Shared by the kinds that have one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field

from stacks.address_ranges import AddressRange, range_problems
from stacks.kind import Model, Problem, Scope
from stacks.naming import named, owner_note, tags
from stacks.program import Ref, Resource, Value

RULE = "openstack:networking/secGroupRule:SecGroupRule"
DEFAULT_RULES = 2
"""Neutron gives every new group two rules of its own: everything may go out, over IPv4 and over IPv6."""

Port = Annotated[int, Field(ge=1, le=65535)]


class SecurityRule(Model):
    """Who may connect to the machines, on which ports."""

    protocol: Literal["tcp", "udp", "icmp"] = Field(description="protocol; icmp has no ports")
    port_min: Port | None = Field(None, description="first port, 1 to 65535; for tcp and udp")
    port_max: Port | None = Field(None, description="last port, 1 to 65535; the first one where it is left out")
    remote_prefix: AddressRange = Field(description="addresses that may connect, for instance 10.0.0.0/8")


def group_of(service: str) -> str:
    """Logical name of a service's security group."""
    return named(service, "group")


def rules_problems(rules: Sequence[SecurityRule]) -> Iterator[Problem]:
    """What is wrong with the rules of a service."""
    for index, rule in enumerate(rules):
        yield from _rule_problems(f"securityRules[{index}]", rule)
        if _says(rule) in map(_says, rules[:index]):
            yield Problem(
                f"securityRules[{index}]",
                "the rule is there twice; take one away",
                "该规则重复；请删除其中一条",
            )


def _says(rule: SecurityRule) -> SecurityRule:
    """The rule with its only port written as a range."""
    return rule.model_copy(update={"port_max": rule.port_max or rule.port_min})


def _rule_problems(field: str, rule: SecurityRule) -> Iterator[Problem]:
    yield from range_problems(f"{field}.remotePrefix", rule.remote_prefix)
    if rule.protocol == "icmp" and (rule.port_min is not None or rule.port_max is not None):
        yield Problem(
            f"{field}.portMin",
            "icmp has no ports; leave portMin and portMax out",
            "icmp 没有端口；请去掉 portMin 和 portMax",
        )
    if rule.protocol != "icmp" and rule.port_min is None:
        yield Problem(f"{field}.portMin", f"{rule.protocol} needs portMin", f"{rule.protocol} 规则应写明 portMin")
    if rule.port_min is not None and rule.port_max is not None and rule.port_max < rule.port_min:
        yield Problem(
            f"{field}.portMax",
            f"portMax {rule.port_max} is below portMin {rule.port_min}; swap them",
            f"portMax {rule.port_max} 小于 portMin {rule.port_min}；请对调",
        )


def security_group(rules: Sequence[SecurityRule], scope: Scope) -> Iterator[Resource]:
    """The service's group with these rules."""
    group = group_of(scope.service)
    yield Resource(
        "openstack:networking/secGroup:SecGroup",
        group,
        {"name": group, "tags": tags(scope.marks())},
        service=scope.service,
    )
    for rule in rules:
        yield _security_rule(rule, group, scope)


def _security_rule(rule: SecurityRule, group: str, scope: Scope) -> Resource:
    version = ip_network(rule.remote_prefix).version
    inputs: dict[str, Value] = {
        "security_group_id": Ref(group),
        "direction": "ingress",
        "ethertype": f"IPv{version}",
        # Neutron's name of it, which it also puts in the place of any other.
        "protocol": "ipv6-icmp" if rule.protocol == "icmp" and version == 6 else rule.protocol,
        "remote_ip_prefix": rule.remote_prefix,
        "description": owner_note(scope.owner),
    }
    if rule.port_min is not None:
        inputs |= {"port_range_min": rule.port_min, "port_range_max": rule.port_max or rule.port_min}
    return Resource(
        RULE, _rule_name(rule, scope), inputs, service=scope.service
    )


def _rule_name(rule: SecurityRule, scope: Scope) -> str:
    """A rule is named after what it says, so that another order of the rules changes nothing."""
    ports = [] if rule.port_min is None else [rule.port_min, rule.port_max or rule.port_min]
    remote = rule.remote_prefix.replace("/", "-").replace(":", ".")
    return named(scope.service, "rule", rule.protocol, *ports, remote)
