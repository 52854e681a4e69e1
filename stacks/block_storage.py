"""A block volume, attached to a machine of the same request or to none. It grows in place and never shrinks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from stacks import machines
from stacks.kind import DataPart, Layout, Model, Name, Parameters, Problem, Quota, Scope, ServiceKind
from stacks.naming import named
from stacks.offerings import storage, volume_offering_problems
from stacks.program import Program, Resource
from stacks.virtual_machine import VirtualMachine

KIND_NAME = "blockStorage"


class Attachment(Model):
    """Which machine has the volume."""

    service: Name = Field(description="name of a virtualMachine service of this request")
    index: Annotated[int, Field(ge=0, le=49)] = Field(0, description="which of its machines, counted from 0")


class BlockStorage(Parameters):
    """One block volume."""

    size_gib: Annotated[int, Field(ge=1, le=16384)] = Field(
        description="size in GiB, 1 to 16384; can grow, never shrink"
    )
    offering: Name = Field(description="offering of the catalog: the volume type; changes in place")
    attach_to: Attachment | None = Field(None, description="machine that has the volume; none: it is kept unattached")


def _problems(parameters: BlockStorage, scope: Scope) -> tuple[Problem, ...]:
    return (
        *volume_offering_problems("offering", parameters.offering, scope),
        *_attachment_problems(parameters, scope),
    )


def _attachment_problems(parameters: BlockStorage, scope: Scope) -> Iterator[Problem]:
    if (wanted := parameters.attach_to) is None:
        return
    machines = {name: value for name, (_, value) in scope.services.items() if isinstance(value, VirtualMachine)}
    if wanted.service not in machines:
        listed = ", ".join(sorted(machines)) or "-"
        yield Problem(
            "attachTo.service",
            f"there is no virtualMachine service called {wanted.service} in this request; there are: {listed}",
            f"本申请中没有名为 {wanted.service} 的云服务器；现有：{listed}",
        )
    elif wanted.index >= (count := machines[wanted.service].count):
        yield Problem(
            "attachTo.index",
            f"{wanted.service} has {count} machines, counted from 0; there is no machine {wanted.index}",
            f"{wanted.service} 共有 {count} 台，从 0 起编号；没有第 {wanted.index} 号",
        )


def _layout(parameters: BlockStorage, scope: Scope) -> Layout:
    return Layout(
        program=Program(tuple(_resources(parameters, scope))),
        quota=Quota(volumes=1, gigabytes=parameters.size_gib),
        prices=(storage(scope.offerings[parameters.offering], parameters.size_gib),),
        data=(DataPart(scope.service, scope.service, "Volume"),),
    )


def _resources(parameters: BlockStorage, scope: Scope) -> Iterator[Resource]:
    volume_type = scope.offerings[parameters.offering].volume_type
    yield machines.volume(scope.service, parameters.size_gib, volume_type, scope)
    if (wanted := parameters.attach_to) is not None:
        machine = named(wanted.service, wanted.index)
        yield machines.attachment(named(scope.service, "attachment"), machine, scope.service, scope)


KIND = ServiceKind(
    name=KIND_NAME,
    title="块存储 block storage",
    parameters=BlockStorage,
    problems=_problems,
    layout=_layout,
    needs=("block-storage", "compute"),
)
