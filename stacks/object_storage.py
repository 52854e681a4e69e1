"""An object container with a quota, versioned if wanted, and a user of its own who can reach this container and nothing else.

The user has a role only in the unit's access project, which holds nothing and may hold nothing; the container's access list names it. Its
password is derived when the program runs and stands in the request's Secret only.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.kind import DataPart, Endpoint, Layout, Name, Parameters, Problem, Quota, Scope, ServiceKind
from stacks.naming import named, owned, owner_note
from stacks.offerings import offering_problems, storage
from stacks.program import External, Joined, Lookup, Program, Ref, Resource, Secret, Value

KIND_NAME = "objectStorage"
CONTAINER = "openstack:objectstorage/container:Container"
USER = "openstack:identity/user:User"

ACCESS_PROJECT = External("access_project_id")
ROLE = "reader"
"""Keystone gives a token to nobody without a role somewhere. This one cannot change anything, and where it counts there is nothing."""

_GIB = 2**30


class ObjectStorage(Parameters):
    """One container."""

    quota_gib: Annotated[int, Field(ge=1, le=1048576)] = Field(
        description="most that it may hold in GiB, 1 to 1048576; can change"
    )
    versioning: bool = Field(
        False, description="whether older versions of an object are kept; they count in the quota and are backed up too"
    )
    offering: Name | None = Field(None, description="offering of the catalog, for the price; none: it costs nothing")


def _problems(parameters: ObjectStorage, scope: Scope) -> tuple[Problem, ...]:
    if parameters.offering is None:
        return ()
    return tuple(offering_problems(parameters.offering, KIND_NAME, scope))


def _layout(parameters: ObjectStorage, scope: Scope) -> Layout:
    offering = scope.offerings[parameters.offering] if parameters.offering else None
    return Layout(
        program=Program((_user(scope), _role(scope), _container(parameters, scope))),
        quota=Quota(),
        prices=(storage(offering, parameters.quota_gib),) if offering else (),
        data=(DataPart(scope.service, scope.service, "Container"),),
        endpoints=(Endpoint("container", Ref(scope.service)),),
        credentials=_credentials(scope),
    )


def _user_name(scope: Scope) -> str:
    return named(scope.service, "user")


def _user(scope: Scope) -> Resource:
    inputs: dict[str, Value] = {
        "name": owned(scope, scope.service),
        "password": _password(scope),
        "default_project_id": ACCESS_PROJECT,
        "description": owner_note(scope.owner),
        # Suspended, and while it is backed up at the end, the container is not to change.
        "enabled": scope.running,
    }
    return Resource(USER, _user_name(scope), inputs, service=scope.service, login="admin")


def _role(scope: Scope) -> Resource:
    return Resource(
        "openstack:identity/roleAssignment:RoleAssignment",
        named(scope.service, "role"),
        {"project_id": ACCESS_PROJECT, "user_id": Ref(_user_name(scope)), "role_id": Lookup("role", ROLE)},
        service=scope.service,
        login="admin",
    )


def _password(scope: Scope) -> Secret:
    return Secret(f"objectStorage/{scope.service}/password")


def _container(parameters: ObjectStorage, scope: Scope) -> Resource:
    only_its_user = Joined((ACCESS_PROJECT, ":", Ref(_user_name(scope))))
    return Resource(
        CONTAINER,
        scope.service,
        {
            # A container is its name, and a unit's requests share one account.
            "name": owned(scope, scope.service),
            # Swift's own way to set a quota is this piece of metadata, in bytes.
            "metadata": {**scope.marks(), "quota-bytes": str(parameters.quota_gib * _GIB)},
            "versioning": parameters.versioning,
            "container_read": only_its_user,
            "container_write": only_its_user,
        },
        holds_data=True,
        service=scope.service,
    )


def _credentials(scope: Scope) -> dict[str, Value]:
    """All that a client needs. The storage URL has to be given: the user's own catalog leads to the empty access project."""
    return {
        "auth_url": External("auth_url"),
        "storage_url": External("object_store_url"),
        "region": External("region"),
        "container": owned(scope, scope.service),
        "project_id": ACCESS_PROJECT,
        "username": owned(scope, scope.service),
        "user_domain_id": Ref(_user_name(scope), "domain_id"),
        "password": _password(scope),
    }


KIND = ServiceKind(
    name=KIND_NAME,
    title="对象存储 object storage",
    parameters=ObjectStorage,
    problems=_problems,
    layout=_layout,
    needs=("object-store",),
)
