"""A file share on a network of the request, by Manila: machines of that network mount it over NFS. It grows in place and never shrinks.

Nothing shows the bytes of a share, so no backup of one can be proven: its data is not backed up by the platform, and ends only by a waiver of the unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from stacks import network
from stacks.address_ranges import AddressRange, Range, parsed_range, range_problems
from stacks.kind import DataPart, Endpoint, Layout, Model, Name, Parameters, Problem, Quota, Scope, ServiceKind
from stacks.naming import named, owner_note
from stacks.offerings import offering_problems, storage
from stacks.program import Program, Ref, Resource, Value

KIND_NAME = "fileStorage"
SHARE = "openstack:sharedfilesystem/share:Share"

_NETWORK = "openstack:sharedfilesystem/shareNetwork:ShareNetwork"
_ACCESS = "openstack:sharedfilesystem/shareAccess:ShareAccess"


class Access(Model):
    """Who may mount the share."""

    addresses: AddressRange = Field(description="range of addresses of the share's network, for instance 10.20.0.0/24, or 10.20.0.7/32 for one machine")
    read_only: bool = Field(False, description="whether nothing may be written")


class FileStorage(Parameters):
    """One file share. Its data is not backed up by the platform."""

    protocol: Literal["NFS"] = Field("NFS", description="how it is mounted")
    size_gib: Annotated[int, Field(ge=1, le=16384)] = Field(description="size in GiB, 1 to 16384; can grow, never shrink")
    offering: Name = Field(description="offering of the catalog: the share type")
    network: Name | None = Field(None, description="network service of this request that it is on; none: the only one")
    access: Annotated[tuple[Access, ...], Field(min_length=1, max_length=32)] = Field(
        description="who may mount it: addresses of its own network; 1 to 32"
    )


def _problems(parameters: FileStorage, scope: Scope) -> tuple[Problem, ...]:
    has_type = ("shareType", lambda offering: offering.share_type is not None)
    return (
        *offering_problems(parameters.offering, KIND_NAME, scope, has_type),
        *network.choice_problems(parameters.network, scope),
        *_network_problems(scope),
        *_access_problems(parameters, scope),
    )


def _network_problems(scope: Scope) -> Iterator[Problem]:
    if not network.networks_of(scope):
        yield Problem(
            "network",
            "a file share needs a network of the request; add a network service",
            "文件存储须使用本申请中的网络；请增加 network 服务",
        )


def _access_problems(parameters: FileStorage, scope: Scope) -> Iterator[Problem]:
    inside = _addresses_of(network.chosen(parameters.network, scope), scope)
    used = Counter(access.addresses for access in parameters.access)
    for index, access in enumerate(parameters.access):
        field = f"access[{index}].addresses"
        yield from range_problems(field, access.addresses, "10.20.0.0/24")
        asked = parsed_range(access.addresses)
        if asked is not None and inside is not None and not _within(asked, inside):
            yield Problem(
                field,
                f"{access.addresses} is not within the share's own network, {inside}; nobody else may mount it",
                f"{access.addresses} 不在文件存储所在网络 {inside} 之内；其他网络不得挂载",
            )
        if used[access.addresses] > 1:
            yield Problem(
                field, f"{access.addresses} is named more than once; keep one", f"{access.addresses} 重复；请只保留一项"
            )


def _within(asked: Range, inside: Range) -> bool:
    return isinstance(asked, IPv4Network) and isinstance(inside, IPv4Network) and asked.subnet_of(inside)


def _addresses_of(chosen: str | None, scope: Scope) -> Range | None:
    """None where the network itself has a problem, which is told there."""
    parameters = network.networks_of(scope).get(chosen or "")
    return parsed_range(parameters.cidr) if parameters else None


def _layout(parameters: FileStorage, scope: Scope) -> Layout:
    return Layout(
        program=Program(tuple(_resources(parameters, scope))),
        quota=Quota(ports=1, shares=1, share_gigabytes=parameters.size_gib, share_networks=1),
        prices=(storage(scope.offerings[parameters.offering], parameters.size_gib),),
        data=(DataPart(scope.service, scope.service, "NotBackedUp"),),
        endpoints=(Endpoint("export", Ref(scope.service, "export_locations.0.path")),),
    )


def _resources(parameters: FileStorage, scope: Scope) -> Iterator[Resource]:
    on, lies_on = str(network.chosen(parameters.network, scope)), named(scope.service, "network")
    between: dict[str, Value] = {
        "name": lies_on,
        "description": owner_note(scope.owner),
        "neutron_net_id": Ref(on),
        "neutron_subnet_id": Ref(named(on, "subnet")),
    }
    yield _resource(_NETWORK, lies_on, between, scope)
    share: dict[str, Value] = {
        "name": scope.service,
        "share_proto": parameters.protocol,
        "size": parameters.size_gib,
        "share_type": scope.offerings[parameters.offering].share_type,
        "share_network_id": Ref(lies_on),
        "metadata": scope.marks(),
    }
    yield Resource(SHARE, scope.service, share, holds_data=True, service=scope.service)
    yield from (_access(access, scope) for access in parameters.access)


def _access(access: Access, scope: Scope) -> Resource:
    """A rule is named after whom it lets in, so that another order of the rules changes nothing."""
    name = named(scope.service, "access", access.addresses.replace(".", "-").replace("/", "-"))
    inputs: dict[str, Value] = {
        "share_id": Ref(scope.service),
        "access_type": "ip",
        "access_to": access.addresses,
        "access_level": "ro" if access.read_only else "rw",
    }
    return _resource(_ACCESS, name, inputs, scope)


def _resource(type_token: str, name: str, inputs: dict[str, Value], scope: Scope) -> Resource:
    return Resource(type_token, name, inputs, service=scope.service)


KIND = ServiceKind(
    name=KIND_NAME,
    title="文件存储 file storage",
    parameters=FileStorage,
    problems=_problems,
    layout=_layout,
    needs=("shared-file-system", "network"),
)
