"""A whole request: all its services laid out together, or all that is wrong with them. Pure.

What a plan pins is the program alone, so the program also says where the services are reached (outputs `endpoint/<service>/<name>`),
with which credentials (`credential/<service>/<key>`), and which resources hold data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from stacks.catalog import kind_named
from stacks.database_replicas import INSTANCE as DATABASE
from stacks.file_storage import SHARE
from stacks.kind import (
    DataPart,
    Endpoint,
    How,
    Image,
    Layout,
    Offering,
    Parameters,
    PriceItem,
    Problem,
    Quota,
    Scope,
    Stage,
)
from stacks.machines import VOLUME
from stacks.object_storage import CONTAINER
from stacks.order import in_order
from stacks.program import Program, Resource, Value

_BACKED_UP_AS: Mapping[str, How] = {
    VOLUME: "Volume",
    CONTAINER: "Container",
    DATABASE: "DatabaseVolume",
    SHARE: "NotBackedUp",
}


@dataclass(frozen=True)
class Wanted:
    """All that the layout of a request depends on. The fields mean what they mean in `stacks.kind.Scope`."""

    owner: str
    unit: str
    stage: Stage
    running: bool
    protection_level: int
    external_network: str
    offerings: Mapping[str, Offering]
    images: Mapping[str, Image]
    services: Mapping[str, tuple[str, Parameters]]

    def scope(self, service: str) -> Scope:
        """What the kind of this service may know."""
        return Scope(service=service, **vars(self))


@dataclass(frozen=True)
class RequestLayout:
    """What a request amounts to: one program for its stack, and the layout of each service for the plan's reader."""

    program: Program
    services: Mapping[str, Layout]

    @property
    def quota(self) -> Quota:
        """What the whole request needs of the project's quota."""
        return reduce(add, (layout.quota for layout in self.services.values()), Quota())

    @property
    def prices(self) -> tuple[tuple[str, PriceItem], ...]:
        """The lines of the monthly cost, each with its service."""
        return tuple((name, item) for name, layout in self.services.items() for item in layout.prices)

    @property
    def data(self) -> tuple[tuple[str, DataPart], ...]:
        """What holds data, each with its service."""
        return tuple((name, part) for name, layout in self.services.items() for part in layout.data)

    @property
    def endpoints(self) -> tuple[tuple[str, Endpoint], ...]:
        """Where the services are reached, each with its service."""
        return tuple((name, endpoint) for name, layout in self.services.items() for endpoint in layout.endpoints)

    @property
    def credentials(self) -> tuple[tuple[str, str, Value], ...]:
        """Service, key and value of everything that goes into the request's Secret."""
        return tuple(
            (name, key, value) for name, layout in self.services.items() for key, value in layout.credentials.items()
        )


def problems_of(wanted: Wanted) -> tuple[Problem, ...]:
    """All that is wrong with the services of a request in this catalog; empty when it can be laid out.

    A problem's field is a path in the request: `services[web].virtualMachine.image`.
    """
    found = tuple(_service_problems(wanted))
    return found or tuple(_name_problems(wanted))


def _service_problems(wanted: Wanted) -> Iterator[Problem]:
    for name, (kind_name, parameters) in wanted.services.items():
        for problem in kind_named(kind_name).problems(parameters, wanted.scope(name)):
            yield replace(problem, field=f"services[{name}].{kind_name}.{problem.field}")


def _name_problems(wanted: Wanted) -> Iterator[Problem]:
    """Parts that would bear the same name: `web` has a machine `web-0`, and another service is called `web-0`. Told once of each service."""
    told = {_to_rename(part, services): (part, services) for part, services in _borne_twice(_layouts(wanted)).items()}
    for service, (part, services) in told.items():
        whose = " and ".join(dict.fromkeys(services))
        yield Problem(
            f"services[{service}].name",
            f"{len(services)} parts of {whose} would be called {part}; choose another name",
            f"{'、'.join(dict.fromkeys(services))} 有 {len(services)} 个组成部分同名：{part}；请另取名称",
        )


def _borne_twice(layouts: Mapping[str, Layout]) -> dict[str, list[str]]:
    """Names of parts that several have, each with the services that those belong to."""
    bearers: dict[str, list[str]] = {}
    for service, layout in layouts.items():
        for resource in layout.program.resources:
            bearers.setdefault(resource.name, []).append(service)
    return {part: services for part, services in bearers.items() if len(services) > 1}


def _to_rename(part: str, services: Sequence[str]) -> str:
    """The service that is called like another one's part, or else the last one."""
    return part if part in services else services[-1]


def lay_out(wanted: Wanted) -> RequestLayout:
    """The request's services as one program, in an order in which it can be made.

    Call it only when `problems_of` found nothing.

    Raises:
        ProgramFault: the kinds' programs do not fit together.
    """
    layouts = _layouts(wanted)
    resources = in_order(resource for layout in layouts.values() for resource in layout.program.resources)
    return RequestLayout(Program(resources, _outputs(layouts)), layouts)


def _layouts(wanted: Wanted) -> dict[str, Layout]:
    return {
        name: kind_named(kind_name).layout(parameters, wanted.scope(name))
        for name, (kind_name, parameters) in wanted.services.items()
    }


def _outputs(layouts: Mapping[str, Layout]) -> dict[str, Value]:
    outputs: dict[str, Value] = {}
    for service, layout in layouts.items():
        for endpoint in layout.endpoints:
            outputs[f"endpoint/{service}/{endpoint.name}"] = {"address": endpoint.address, "port": endpoint.port}
        for key, value in layout.credentials.items():
            outputs[f"credential/{service}/{key}"] = value
    return outputs


@dataclass(frozen=True)
class ReachedAt:
    """Where a service is reached, as a run of the stack found it. `port` 0 where the address says it all."""

    service: str
    name: str
    address: str
    port: int


def endpoints_in(outputs: Mapping[str, Any]) -> tuple[ReachedAt, ...]:
    """The endpoints among the outputs of a request's stack."""
    found = ((key.split("/", 2), value) for key, value in sorted(outputs.items()) if key.startswith("endpoint/"))
    return tuple(
        ReachedAt(service, name, str(value["address"]), int(value["port"])) for (_, service, name), value in found
    )


def credentials_in(outputs: Mapping[str, Any]) -> dict[str, str]:
    """The credentials among the outputs of a request's stack, as `<service>.<key>`. They are secrets: only a Secret may hold them."""
    found = ((key.split("/", 2), value) for key, value in sorted(outputs.items()) if key.startswith("credential/"))
    return {f"{service}.{key}": str(value) for (_, service, key), value in found}


def data_of(program: Program) -> tuple[tuple[str, DataPart], ...]:
    """What a pinned program holds data in, each with its service: the same as the layout said that it was made from."""
    return tuple((part.service, _data_part(part)) for part in program.resources if part.holds_data)


def _data_part(resource: Resource) -> DataPart:
    return DataPart(resource.name, resource.name, _BACKED_UP_AS[resource.type])


def service_of(program: Program, resource: str) -> str:
    """Name of the service that a resource of the program belongs to; empty where there is no such resource."""
    return next((known.service for known in program.resources if known.name == resource), "")
