"""Virtual machines: so many of one offering, each with a boot volume of its own, a port, further volumes if wanted, and one security
group for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from stacks import cloud_init, machines, network
from stacks.cloud_init import UserData
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
from stacks.naming import named, owned, tags
from stacks.offerings import monthly, offering_problems, storage, storage_beside, volume_offering_problems
from stacks.program import Program, Ref, Resource, Value
from stacks.security_rules import DEFAULT_RULES, SecurityRule, rules_problems, security_group
from stacks.ssh_keys import PublicKey, key_problems

KIND_NAME = "virtualMachine"

_KEY_PAIRS = 2
"""One, and room for another: a machine made with the next key needs it before the former one goes."""


class ExtraVolume(Model):
    """A further volume that each of the machines has."""

    name: Name = Field(description="name of the volume, unique in the service")
    size_gib: Annotated[int, Field(ge=1, le=16384)] = Field(
        description="size in GiB, 1 to 16384; can grow, never shrink"
    )
    offering: Name = Field(description="blockStorage offering of the catalog: the volume type")


class VirtualMachine(Parameters):
    """Virtual machines of one offering."""

    count: Annotated[int, Field(ge=1, le=50)] = Field(1, description="number of machines, 1 to 50")
    offering: Name = Field(description="offering of the catalog: virtual CPUs and memory")
    image: Name = Field(description="system image, by its name in the catalog; counts when a machine is made")
    boot_volume_gib: Annotated[int, Field(ge=1, le=2048)] = Field(
        description="size of each boot volume in GiB, 1 to 2048; can grow"
    )
    boot_volume_offering: Name | None = Field(
        None,
        description="blockStorage offering of the catalog for the boot volumes; none: what the offering names",
    )
    extra_volumes: Annotated[tuple[ExtraVolume, ...], Field(max_length=8)] = Field(
        (), description="further volumes of each machine, attached to it; at most 8"
    )
    ssh_public_key: PublicKey | None = Field(
        None,
        description="public key (ssh-ed25519, ecdsa, or RSA of 3072 bits and more) of the image's own user, counts when a machine is made",
    )
    user_data: UserData | None = Field(None, description="what each machine sets up at its first start")
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
        *machines.image_problems(parameters.image, parameters.boot_volume_gib, scope),
        *_volume_problems(parameters, scope),
        *network.choice_problems(parameters.network, scope),
        *_address_problems(parameters, scope),
        *rules_problems(parameters.security_rules),
        *_first_start_problems(parameters),
    )


def _volume_problems(parameters: VirtualMachine, scope: Scope) -> Iterator[Problem]:
    if parameters.boot_volume_offering is not None:
        yield from volume_offering_problems("bootVolumeOffering", parameters.boot_volume_offering, scope)
    names = Counter(extra.name for extra in parameters.extra_volumes)
    for index, extra in enumerate(parameters.extra_volumes):
        field = f"extraVolumes[{index}]"
        yield from volume_offering_problems(f"{field}.offering", extra.offering, scope)
        if names[extra.name] > 1:
            yield Problem(
                f"{field}.name",
                f"{names[extra.name]} volumes are called {extra.name}; each has its own name",
                f"有 {names[extra.name]} 个卷名为 {extra.name}；名称不得重复",
            )


def _first_start_problems(parameters: VirtualMachine) -> Iterator[Problem]:
    if parameters.ssh_public_key is not None:
        yield from key_problems("sshPublicKey", parameters.ssh_public_key)
    if parameters.user_data is not None:
        yield from cloud_init.problems_of("userData", parameters.user_data)


def _address_problems(parameters: VirtualMachine, scope: Scope) -> Iterator[Problem]:
    chosen = network.networks_of(scope).get(network.chosen(parameters.network, scope) or "")
    if parameters.floating_address and chosen is not None and not chosen.router:
        yield Problem(
            "floatingAddress",
            "the network has no router, so an address of the provider's network cannot reach the machines; set its router to true",
            "所选网络没有路由器，无法绑定浮动地址；请将该网络的 router 设为 true",
        )


def _layout(parameters: VirtualMachine, scope: Scope) -> Layout:
    resources = tuple(_resources(parameters, scope))
    return Layout(
        program=Program(resources),
        quota=_quota(parameters, scope.offerings[parameters.offering]),
        prices=tuple(_prices(parameters, scope)),
        data=tuple(DataPart(each.name, each.name, "Volume") for each in resources if each.holds_data),
        endpoints=tuple(_endpoint(parameters, scope.service, index) for index in range(parameters.count)),
    )


def _resources(parameters: VirtualMachine, scope: Scope) -> Iterator[Resource]:
    yield from security_group(parameters.security_rules, scope)
    if parameters.anti_affinity:
        yield _server_group(scope)
    if parameters.ssh_public_key is not None:
        yield machines.key_pair(parameters.ssh_public_key, scope)
    for index in range(parameters.count):
        yield from _machine(parameters, scope, index)
        if parameters.floating_address:
            yield _floating_address(parameters, scope, index)


def _server_group(scope: Scope) -> Resource:
    spread = named(scope.service, "spread")
    return Resource(
        "openstack:compute/serverGroup:ServerGroup",
        spread,
        {"name": owned(scope, spread), "policies": "anti-affinity"},
        service=scope.service,
    )


def _machine(parameters: VirtualMachine, scope: Scope, index: int) -> Iterator[Resource]:
    name, offering = named(scope.service, index), scope.offerings[parameters.offering]
    image = scope.images[parameters.image]
    yield machines.port(name, network.chosen(parameters.network, scope), scope)
    yield machines.boot_volume(name, parameters.boot_volume_gib, image, _boot_type(parameters, scope), scope)
    yield machines.server(name, offering.flavor, scope, _chosen_inputs(parameters, scope, index))
    for extra in parameters.extra_volumes:
        volume = named(name, "volume", extra.name)
        yield machines.volume(volume, extra.size_gib, scope.offerings[extra.offering].volume_type, scope)
        yield machines.attachment(named(volume, "attachment"), name, volume, scope)


def _boot_type(parameters: VirtualMachine, scope: Scope) -> str | None:
    return scope.offerings[parameters.boot_volume_offering or parameters.offering].volume_type


def _chosen_inputs(parameters: VirtualMachine, scope: Scope, index: int) -> dict[str, Value]:
    """The inputs of a machine that only some requests ask for."""
    inputs: dict[str, Value] = {}
    if parameters.anti_affinity:
        inputs["scheduler_hints"] = ({"group": Ref(named(scope.service, "spread"))},)
    if parameters.ssh_public_key is not None:
        inputs["key_pair"] = Ref(machines.key_pair_name(parameters.ssh_public_key, scope), "name")
    if parameters.user_data is not None:
        document = cloud_init.document_of(parameters.user_data, _hostname(parameters, index))
        inputs["user_data"] = cloud_init.render(document)
    return inputs


def _hostname(parameters: VirtualMachine, index: int) -> str | None:
    wanted = parameters.user_data.hostname if parameters.user_data else None
    return wanted if wanted is None or parameters.count == 1 else f"{wanted}-{index}"


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
    extra_gib = sum(extra.size_gib for extra in parameters.extra_volumes)
    return Quota(
        instances=count,
        cores=count * offering.vcpus,
        ram=count * offering.ram_mib,
        volumes=count * (1 + len(parameters.extra_volumes)),
        gigabytes=count * (parameters.boot_volume_gib + extra_gib),
        ports=count,
        security_groups=1,
        security_group_rules=len(parameters.security_rules) + DEFAULT_RULES,
        floating_ips=count if parameters.floating_address else 0,
        server_groups=1 if parameters.anti_affinity else 0,
        key_pairs=_KEY_PAIRS if parameters.ssh_public_key is not None else 0,
    )


def _prices(parameters: VirtualMachine, scope: Scope) -> Iterator[PriceItem]:
    offering, count = scope.offerings[parameters.offering], parameters.count
    boot_gib = count * parameters.boot_volume_gib
    yield monthly(offering, count)
    if parameters.boot_volume_offering is None:
        yield from storage_beside(offering, boot_gib)
    else:
        yield storage(scope.offerings[parameters.boot_volume_offering], boot_gib)
    for extra in parameters.extra_volumes:
        yield storage(scope.offerings[extra.offering], count * extra.size_gib)


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
