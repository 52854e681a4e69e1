"""Virtual machines: so many of one offering, each with a boot volume of its own, a port, and one security group for all of them.

A machine boots from a volume that we make ourselves, never from a disk that the hypervisor makes on the side: every byte of data is a
volume and can be backed up, encrypted and verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from stacks import network
from stacks.kind import (
    DataPart,
    Endpoint,
    Layout,
    Model,
    Name,
    Offering,
    Parameters,
    PriceItem,
    Problem,
    Quota,
    Scope,
    ServiceKind,
)
from stacks.naming import named, owned, owner_note, tags
from stacks.offerings import monthly, offering_problems, storage_beside
from stacks.program import Lookup, Program, Ref, Resource, Value

KIND_NAME = "virtualMachine"
INSTANCE = "openstack:compute/instance:Instance"
VOLUME = "openstack:blockstorage/volume:Volume"

_DEFAULT_RULES = 2
"""Neutron gives every new group two rules of its own: everything may go out, over IPv4 and over IPv6."""

Port = Annotated[int, Field(ge=1, le=65535)]


class SecurityRule(Model):
    """Who may connect to the machines, on which ports."""

    protocol: Literal["tcp", "udp", "icmp"] = Field(description="protocol; icmp has no ports")
    port_min: Port | None = Field(None, description="first port, 1 to 65535; for tcp and udp")
    port_max: Port | None = Field(None, description="last port, 1 to 65535; the first one where it is left out")
    remote_prefix: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]{2,39}/[0-9]{1,3}$", max_length=43)] = (
        Field(description="addresses that may connect, for instance 10.0.0.0/8")
    )


class VirtualMachine(Parameters):
    """Virtual machines of one offering."""

    count: Annotated[int, Field(ge=1, le=50)] = Field(1, description="number of machines, 1 to 50")
    offering: Name = Field(description="offering of the catalog: virtual CPUs and memory")
    image: Name = Field(description="system image, by its name in the catalog; counts when a machine is made")
    boot_volume_gib: Annotated[int, Field(ge=1, le=2048)] = Field(
        description="size of each boot volume in GiB, 1 to 2048; can grow"
    )
    network: Name | None = Field(None, description="network service of this request that the machines are on")
    security_rules: Annotated[tuple[SecurityRule, ...], Field(max_length=64)] = Field(
        (), description="who may connect; without a rule nobody may; at most 64"
    )
    anti_affinity: bool = Field(False, description="every machine on another host; needs as many hosts as machines")
    floating_address: bool = Field(False, description="an address of the provider's network for each machine")


def _problems(parameters: VirtualMachine, scope: Scope) -> tuple[Problem, ...]:
    return (
        *offering_problems(
            parameters.offering, KIND_NAME, scope, ("flavor", lambda offering: offering.flavor is not None)
        ),
        *_image_problems(parameters, scope),
        *network.choice_problems(parameters.network, scope),
        *_address_problems(parameters, scope),
        *_rules_problems(parameters.security_rules),
    )


def _image_problems(parameters: VirtualMachine, scope: Scope) -> Iterator[Problem]:
    image = scope.images.get(parameters.image)
    if image is None:
        listed = ", ".join(sorted(scope.images)) or "-"
        yield Problem(
            "image",
            f"the catalog has no image {parameters.image}; it has: {listed}",
            f"目录中没有镜像 {parameters.image}；现有：{listed}",
        )
    elif parameters.boot_volume_gib < image.min_disk_gib:
        yield Problem(
            "bootVolumeGib",
            f"the image {image.name} needs at least {image.min_disk_gib} GiB, {parameters.boot_volume_gib} were asked for",
            f"镜像 {image.name} 至少需要 {image.min_disk_gib} GiB，申请为 {parameters.boot_volume_gib} GiB",
        )


def _address_problems(parameters: VirtualMachine, scope: Scope) -> Iterator[Problem]:
    chosen = network.networks_of(scope).get(network.chosen(parameters.network, scope) or "")
    if parameters.floating_address and chosen is not None and not chosen.router:
        yield Problem(
            "floatingAddress",
            "the network has no router, so an address of the provider's network cannot reach the machines; set its router to true",
            "所选网络没有路由器，无法绑定浮动地址；请将该网络的 router 设为 true",
        )


def _rules_problems(rules: tuple[SecurityRule, ...]) -> Iterator[Problem]:
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
    try:
        ip_network(rule.remote_prefix)
    except ValueError as error:
        yield Problem(
            f"{field}.remotePrefix",
            f"{rule.remote_prefix} is not an address range ({error}); write for instance 10.0.0.0/8",
            f"{rule.remote_prefix} 不是有效的网段；例如可写 10.0.0.0/8",
        )
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


def _layout(parameters: VirtualMachine, scope: Scope) -> Layout:
    machines = range(parameters.count)
    return Layout(
        program=Program(tuple(_resources(parameters, scope))),
        quota=_quota(parameters, scope.offerings[parameters.offering]),
        prices=_prices(parameters, scope.offerings[parameters.offering]),
        data=tuple(DataPart(boot := named(scope.service, index, "boot"), boot, "Volume") for index in machines),
        endpoints=tuple(_endpoint(parameters, scope.service, index) for index in machines),
    )


def _resources(parameters: VirtualMachine, scope: Scope) -> Iterator[Resource]:
    yield from _security_group(parameters, scope)
    if parameters.anti_affinity:
        yield _server_group(scope)
    for index in range(parameters.count):
        yield _port(parameters, scope, index)
        yield _boot_volume(parameters, scope, index)
        yield _machine(parameters, scope, index)
        if parameters.floating_address:
            yield _floating_address(parameters, scope, index)


def _security_group(parameters: VirtualMachine, scope: Scope) -> Iterator[Resource]:
    group = named(scope.service, "group")
    yield Resource(
        "openstack:networking/secGroup:SecGroup",
        group,
        {"name": group, "tags": tags(scope.marks())},
        service=scope.service,
    )
    for rule in parameters.security_rules:
        yield _security_rule(rule, group, scope)


def _security_rule(rule: SecurityRule, group: str, scope: Scope) -> Resource:
    inputs: dict[str, Value] = {
        "security_group_id": Ref(group),
        "direction": "ingress",
        "ethertype": f"IPv{ip_network(rule.remote_prefix).version}",
        "protocol": rule.protocol,
        "remote_ip_prefix": rule.remote_prefix,
        "description": owner_note(scope.owner),
    }
    if rule.port_min is not None:
        inputs |= {"port_range_min": rule.port_min, "port_range_max": rule.port_max or rule.port_min}
    return Resource(
        "openstack:networking/secGroupRule:SecGroupRule", _rule_name(rule, scope), inputs, service=scope.service
    )


def _rule_name(rule: SecurityRule, scope: Scope) -> str:
    """A rule is named after what it says, so that another order of the rules changes nothing."""
    ports = [] if rule.port_min is None else [rule.port_min, rule.port_max or rule.port_min]
    remote = rule.remote_prefix.replace("/", "-").replace(":", ".")
    return named(scope.service, "rule", rule.protocol, *ports, remote)


def _server_group(scope: Scope) -> Resource:
    spread = named(scope.service, "spread")
    return Resource(
        "openstack:compute/serverGroup:ServerGroup",
        spread,
        {"name": owned(scope, spread), "policies": "anti-affinity"},
        service=scope.service,
    )


def _port(parameters: VirtualMachine, scope: Scope, index: int) -> Resource:
    chosen = network.chosen(parameters.network, scope)
    name = named(scope.service, index, "port")
    return Resource(
        "openstack:networking/port:Port",
        name,
        {
            "name": name,
            "network_id": network.network_id(chosen),
            "security_group_ids": (Ref(named(scope.service, "group")),),
            "tags": tags(scope.marks()),
        },
        after=network.reachable(chosen, scope),
        service=scope.service,
    )


def _boot_volume(parameters: VirtualMachine, scope: Scope, index: int) -> Resource:
    name = named(scope.service, index, "boot")
    inputs: dict[str, Value] = {
        "name": name,
        "size": parameters.boot_volume_gib,
        "image_id": Lookup("image", scope.images[parameters.image].image),
        "enable_online_resize": True,
        "metadata": scope.marks(),
    }
    if (volume_type := scope.offerings[parameters.offering].volume_type) is not None:
        inputs["volume_type"] = volume_type
    # The image is copied once, and the type chosen once: neither a newer image of the same name nor another offering may rebuild what
    # holds data.
    once = ("image_id", "volume_type")
    return Resource(VOLUME, name, inputs, ignore_changes=once, holds_data=True, service=scope.service)


def _machine(parameters: VirtualMachine, scope: Scope, index: int) -> Resource:
    name = named(scope.service, index)
    boot: dict[str, Value] = {
        "uuid": Ref(named(name, "boot")),
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": 0,
        "delete_on_termination": False,
    }
    inputs: dict[str, Value] = {
        "name": name,
        "flavor_name": scope.offerings[parameters.offering].flavor,
        "block_devices": (boot,),
        "networks": ({"port": Ref(named(name, "port"))},),
        "power_state": "active" if scope.running else "shutoff",
        "metadata": scope.marks(),
    }
    if parameters.anti_affinity:
        inputs["scheduler_hints"] = ({"group": Ref(named(scope.service, "spread"))},)
    return Resource(INSTANCE, name, inputs, service=scope.service)


def _floating_address(parameters: VirtualMachine, scope: Scope, index: int) -> Resource:
    name = named(scope.service, index, "address")
    return Resource(
        "openstack:networking/floatingIp:FloatingIp",
        name,
        {
            "pool": scope.external_network,
            "port_id": Ref(named(scope.service, index, "port")),
            "tags": tags(scope.marks()),
        },
        after=network.reachable(network.chosen(parameters.network, scope), scope),
        service=scope.service,
    )


def _quota(parameters: VirtualMachine, offering: Offering) -> Quota:
    count = parameters.count
    return Quota(
        instances=count,
        cores=count * offering.vcpus,
        ram=count * offering.ram_mib,
        volumes=count,
        gigabytes=count * parameters.boot_volume_gib,
        ports=count,
        security_groups=1,
        security_group_rules=len(parameters.security_rules) + _DEFAULT_RULES,
        floating_ips=count if parameters.floating_address else 0,
        server_groups=1 if parameters.anti_affinity else 0,
    )


def _prices(parameters: VirtualMachine, offering: Offering) -> tuple[PriceItem, ...]:
    return (
        monthly(offering, parameters.count),
        *storage_beside(offering, parameters.count * parameters.boot_volume_gib),
    )


def _endpoint(parameters: VirtualMachine, service: str, index: int) -> Endpoint:
    name = named(service, index)
    if parameters.floating_address:
        return Endpoint(name, Ref(named(name, "address"), "address"))
    return Endpoint(name, Ref(named(name, "port"), "all_fixed_ips.0"))


KIND = ServiceKind(
    name=KIND_NAME,
    title="云服务器 virtual machines",
    parameters=VirtualMachine,
    problems=_problems,
    layout=_layout,
    needs=("compute", "block-storage", "network", "image"),
)
