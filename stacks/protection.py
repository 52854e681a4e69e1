"""What a program must not hold under a level of classified protection: found in the program itself, whatever kind it comes from. Pure.

Containers are not judged: nothing that Swift shows says whether its disks are encrypted. What runs already is not judged again: `approved`
is the program that runs, and what is against a demand in it may stay so. What was not may not become so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from ipaddress import ip_network

from stacks.database_replicas import INSTANCE as DATABASE
from stacks.file_storage import SHARE
from stacks.kind import Offering, Problem
from stacks.machines import VOLUME
from stacks.network import DEFAULT_NETWORK
from stacks.order import leaves
from stacks.program import Program, Resource
from stacks.security_rules import RULE

_ON_VOLUMES = (VOLUME, DATABASE)


def unencrypted(program: Program, approved: Program, offerings: Mapping[str, Offering]) -> Iterator[Problem]:
    """Volumes of a type that does not encrypt."""
    encrypting = {offering.volume_type for offering in offerings.values() if offering.encrypted}
    listed = ", ".join(sorted(offering.name for offering in offerings.values() if offering.encrypted)) or "-"

    def in_plain(resource: Resource) -> bool:
        return resource.type in _ON_VOLUMES and resource.inputs.get("volume_type") not in encrypting

    for resource in _newly(in_plain, program, approved):
        yield Problem(
            f"services[{resource.service}]",
            f"{resource.name} must be on an encrypted volume; encrypted offerings of the catalog: {listed}",
            f"{resource.name} 须使用加密卷；目录中的加密规格：{listed}",
        )


def on_a_shared_network(program: Program, approved: Program) -> Iterator[Problem]:
    """What would be on the unit's default network, where its other systems are too."""

    def shares(resource: Resource) -> bool:
        return DEFAULT_NETWORK in leaves(dict(resource.inputs))

    for service in sorted({resource.service for resource in _newly(shares, program, approved)}):
        yield Problem(
            f"services[{service}]",
            "the system must have a network of its own; add a network service to the request",
            "系统须使用独立网络；请在申请中增加 network 服务",
        )


def not_backed_up(program: Program, approved: Program) -> Iterator[Problem]:
    """What holds data of which no backup can be proven."""
    for resource in _newly(lambda resource: resource.type == SHARE, program, approved):
        yield Problem(
            f"services[{resource.service}]",
            "its data cannot be backed up by the platform, which the level asks for; keep them on a volume of a machine, or in a container",
            "平台无法备份其数据，而该等级要求备份；请改用云服务器的云硬盘或对象存储",
        )


def open_to_everybody(
    program: Program, approved: Program, everybody: int, never: Collection[int]
) -> Iterator[Problem]:
    """Rules that let everybody in, unless through a single port that is not one of management.

    Args:
        everybody: an IPv4 range with a shorter prefix counts as everybody; for IPv6 four times as many bits.
    """

    def too_open(resource: Resource) -> bool:
        return resource.type == RULE and _lets_everybody_in(resource, everybody) and not _one_port(resource, never)

    for resource in _newly(too_open, program, approved):
        yield _too_open(resource, never)


def _lets_everybody_in(rule: Resource, everybody: int) -> bool:
    network = ip_network(str(rule.inputs["remote_ip_prefix"]))
    return network.prefixlen < (everybody if network.version == 4 else 4 * everybody)


def _one_port(rule: Resource, never: Collection[int]) -> bool:
    port = rule.inputs.get("port_range_min")
    return port is not None and port == rule.inputs.get("port_range_max") and port not in never


def _too_open(rule: Resource, never: Collection[int]) -> Problem:
    ports = ", ".join(map(str, sorted(never)))
    said = f"{rule.inputs['protocol']} from {rule.inputs['remote_ip_prefix']}"
    return Problem(
        f"services[{rule.service}].securityRules",
        f"{said}: to everybody only single ports may be open, and none of {ports}; name the ports, or the ranges that may connect",
        f"{said}：对所有来源只能逐一开放端口，且不得开放 {ports}；请写明端口，或限定来源网段",
    )


def _newly(offends: Callable[[Resource], bool], program: Program, approved: Program) -> Iterator[Resource]:
    """What is against a demand now and was not where it was approved."""
    tolerated = {resource.name for resource in approved.resources if offends(resource)}
    return (resource for resource in program.resources if offends(resource) and resource.name not in tolerated)
