"""An object container with a quota, versioned if wanted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.kind import DataPart, Endpoint, Layout, Name, Parameters, Problem, Quota, Scope, ServiceKind
from stacks.naming import owned
from stacks.offerings import offering_problems, storage
from stacks.program import Program, Ref, Resource

KIND_NAME = "objectStorage"
CONTAINER = "openstack:objectstorage/container:Container"

_GIB = 2**30


class ObjectStorage(Parameters):
    """One container."""

    quota_gib: Annotated[int, Field(ge=1, le=1048576)] = Field(
        description="most that it may hold in GiB, 1 to 1048576; can change"
    )
    versioning: bool = Field(False, description="whether older versions of an object are kept")
    offering: Name | None = Field(None, description="offering of the catalog, for the price; none: it costs nothing")


def _problems(parameters: ObjectStorage, scope: Scope) -> tuple[Problem, ...]:
    if parameters.offering is None:
        return ()
    return tuple(offering_problems(parameters.offering, KIND_NAME, scope))


def _layout(parameters: ObjectStorage, scope: Scope) -> Layout:
    offering = scope.offerings[parameters.offering] if parameters.offering else None
    return Layout(
        program=Program((_container(parameters, scope),)),
        quota=Quota(),
        prices=(storage(offering, parameters.quota_gib),) if offering else (),
        data=(DataPart(scope.service, scope.service, "Container"),),
        endpoints=(Endpoint("container", Ref(scope.service)),),
    )


def _container(parameters: ObjectStorage, scope: Scope) -> Resource:
    return Resource(
        CONTAINER,
        scope.service,
        {
            # A container is its name, and a unit's requests share one account.
            "name": owned(scope, scope.service),
            # Swift's own way to set a quota is this piece of metadata, in bytes.
            "metadata": {**scope.marks(), "quota-bytes": str(parameters.quota_gib * _GIB)},
            "versioning": parameters.versioning,
        },
        holds_data=True,
        service=scope.service,
    )


KIND = ServiceKind(
    name=KIND_NAME,
    title="对象存储 object storage",
    parameters=ObjectStorage,
    problems=_problems,
    layout=_layout,
    needs=("object-store",),
)
