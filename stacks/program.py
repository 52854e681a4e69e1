"""A program is a value: the resources that a stack consists of, before anything runs.

Programs are compared to make a plan, frozen into it, approved, and only then carried out by `stacks.engine`, which hands each
resource to the class of `pulumi_openstack` that its type names. Input names are those of that library's Python classes.
Nothing here knows a cloud, a cluster or a secret: what is known only later is a `Ref`, a `Lookup` or a `Secret`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Ref:
    """An output of another resource of the same program, for instance `Ref("web-0-port")` for its id.

    `output` is a name of `pulumi_openstack`'s Python class; a dot and a number pick from a list (`all_fixed_ips.0`).
    """

    resource: str
    output: str = "id"


@dataclass(frozen=True)
class Lookup:
    """The id of something the cloud offers, found by its exact name when the program runs; several matches are an error.

    `sha512` of an image: one whose content is another is refused.
    """

    kind: Literal["image", "network", "flavor", "role"]
    name: str
    sha512: str = ""


@dataclass(frozen=True)
class Secret:
    """A secret that the runner derives when the program runs, for instance `Secret("database/orders/password")`.

    It never stands in a plan, a digest or a log.
    """

    name: str


@dataclass(frozen=True)
class External:
    """A value of the unit's stack that the runner knows, for instance `External("project_id")`."""

    name: str


@dataclass(frozen=True)
class Joined:
    """A text put together when the program runs, because a part of it is known only then."""

    parts: tuple[Value, ...]


@dataclass(frozen=True)
class ScramVerifier:
    """What PostgreSQL keeps in place of a password (`stacks.scram`), made when the program runs."""

    password: Secret


@dataclass(frozen=True)
class CloudConfig:
    """A document for cloud-init (`stacks.cloud_init`), written when the program runs, because a part of it is known only then."""

    document: Mapping[str, Value]


Known = str | int | bool | None
Later = Ref | Lookup | Secret | External | Joined | ScramVerifier | CloudConfig
Value = Known | Later | tuple["Value", ...] | Mapping[str, "Value"]


@dataclass(frozen=True)
class Resource:
    """One resource of a program.

    Attributes:
        type: Pulumi type token, for instance `openstack:compute/instance:Instance`.
        name: logical name, unique in its program; part of the URN.
        inputs: arguments by the names of `pulumi_openstack`'s Python class.
        after: names of resources that must exist first although no input says so.
        ignore_changes: inputs that count only when the resource is made (an image is copied into a volume once); a dot leads into an
            object (`datastore.version`).
        holds_data: deleting or replacing it loses data of the unit.
        service: name of the service of the request that it belongs to; empty for what belongs to none.
        trigger: another text makes it anew, though all its inputs are the same.
        login: which login makes it: the unit's own (`unit`), the unit's service user by password (`service-user`), or the controller's (`admin`).
    """

    type: str
    name: str
    inputs: Mapping[str, Value]
    after: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    holds_data: bool = False
    service: str = ""
    login: Literal["unit", "service-user", "admin"] = "unit"
    trigger: str = ""


@dataclass(frozen=True)
class Program:
    """Resources in an order in which each comes after those it refers to, and what the stack gives out."""

    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, Value] = field(default_factory=dict)
