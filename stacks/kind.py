"""What a service kind is: parameters, program, quota, prices, data, outputs. One kind is one file beside this one.

Everything that differs between kinds is a field of `ServiceKind`; everything else does not know that kinds exist.
Pure: no cloud, no cluster, no Pulumi.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from stacks.program import Program, Value

Stage = Literal["trial", "production"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$", max_length=32)]
Money = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$", max_length=17)]


class Model(BaseModel):
    """A frozen value of the API: camelCase outside, unknown fields refused, nothing coerced silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Offering(Model):
    """One line of the year's procurement agreement: what it is called, what it is in OpenStack, what it may cost (LY 7.1, JJ 5)."""

    name: Name
    kind: Annotated[str, StringConstraints(max_length=32)] = Field(description="service kind that may use it")
    title: Annotated[str, StringConstraints(max_length=128)] = ""
    flavor: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="OpenStack flavor, by name"
    )
    vcpus: Annotated[int, Field(ge=0, le=1024)] = Field(
        0, description="virtual CPUs of the flavor; counts in the quota"
    )
    ram_mib: Annotated[int, Field(ge=0, le=16777216)] = Field(
        0, description="memory of the flavor in MiB; counts in the quota"
    )
    volume_type: Annotated[str, StringConstraints(max_length=64)] | None = Field(None, description="Cinder volume type")
    share_type: Annotated[str, StringConstraints(max_length=64)] | None = Field(None, description="Manila share type")
    encrypted: bool = Field(
        False, description="the volume type encrypts; classified protection asks for it from level 3 on (S3)"
    )
    datastore: Literal["postgresql", "mysql"] | None = Field(None, description="database system")
    image: Name | None = Field(
        None,
        description="system image of the catalog, for a database where the cloud has no database service: a machine of ours is made of it",
    )
    datastore_version: Annotated[str, StringConstraints(max_length=32)] | None = None
    unit_price: Money = Field(description="yuan per month for one, or per GiB and month for storage: the ceiling")
    storage_unit_price: Money | None = Field(None, description="yuan per GiB and month of storage that comes with it")


class Image(Model):
    """A system image of the catalog, by its exact name in Glance."""

    name: Name
    image: Annotated[str, StringConstraints(max_length=128)] = Field(description="name in Glance")
    min_disk_gib: Annotated[int, Field(ge=1, le=2048)] = 1
    sha512: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$", max_length=128)] | None = Field(
        None,
        description="SHA-512 of the image as Glance shows it (os_hash_value); another image of that name is refused",
    )


@dataclass(frozen=True)
class Quota:
    """What something needs of a project's quota; sums with `+`, compares with `covering` field by field. RAM in MiB, storage in GiB."""

    instances: int = 0
    cores: int = 0
    ram: int = 0
    volumes: int = 0
    gigabytes: int = 0
    networks: int = 0
    subnets: int = 0
    routers: int = 0
    ports: int = 0
    security_groups: int = 0
    security_group_rules: int = 0
    floating_ips: int = 0
    server_groups: int = 0
    key_pairs: int = 0
    shares: int = 0
    share_gigabytes: int = 0
    share_networks: int = 0

    def __add__(self, other: Quota) -> Quota:
        return Quota(**{name: mine + getattr(other, name) for name, mine in vars(self).items()})

    def covering(self, other: Quota) -> Quota:
        """The least quota in which either fits alone."""
        return Quota(**{name: max(mine, getattr(other, name)) for name, mine in vars(self).items()})


@dataclass(frozen=True)
class PriceItem:
    """One line of the monthly cost: quantity x unit price, in yuan."""

    item: str
    quantity: int
    unit: Literal["month", "GiB-month"]
    unit_price: Decimal

    @property
    def monthly(self) -> Decimal:
        return self.unit_price * self.quantity


How = Literal["Volume", "Container", "DatabaseVolume", "NotBackedUp"]


@dataclass(frozen=True)
class DataPart:
    """Something that holds data of the unit, and how it is backed up.

    `Volume`: `resource` is a Cinder volume. `Container`: a Swift container. `DatabaseVolume`: a Trove instance, whose volume is backed up
    after the database wrote everything to it. `NotBackedUp`: nobody can read its bytes, so that no backup of it could be proven.
    """

    name: str
    resource: str
    how: How


@dataclass(frozen=True)
class Problem:
    """What is wrong with a service's parameters: where, what, and what would be right; Chinese and English."""

    field: str
    en: str
    zh: str


@dataclass(frozen=True)
class Scope:
    """All that a kind may know when it lays out one service.

    Attributes:
        owner: uid of the request.
        unit: name of the using unit.
        service: name of the service in the request.
        stage: goes into the mark `govcloud_stage`, which is the only thing that a promotion changes.
        running: whether servers are meant to be on.
        protection_level: level protection 等保 of the system, 1 to 4.
        external_network: name of the cloud's network to the outside.
        offerings, images: the catalog, by name.
        services: all services of the request by name: (kind, parameters).
    """

    owner: str
    unit: str
    service: str
    stage: Stage
    running: bool
    protection_level: int
    external_network: str
    offerings: Mapping[str, Offering]
    images: Mapping[str, Image]
    services: Mapping[str, tuple[str, Parameters]]

    def marks(self) -> dict[str, Value]:
        """What every resource of this service carries where OpenStack has room for it."""
        return {
            "govcloud_request": self.owner,
            "govcloud_unit": self.unit,
            "govcloud_service": self.service,
            "govcloud_stage": self.stage,
        }


class Parameters(Model):
    """Base of every kind's parameters."""


@dataclass(frozen=True)
class Endpoint:
    """Where a service is reached: `address` is usually a `Ref`. `port` 0 where the address says it all."""

    name: str
    address: Value
    port: int = 0


@dataclass(frozen=True)
class Layout:
    """What one service amounts to."""

    program: Program
    quota: Quota
    prices: tuple[PriceItem, ...]
    data: tuple[DataPart, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    credentials: Mapping[str, Value] = field(default_factory=dict)
    """What goes into the Secret of the request, under `<service>.<key>`; values are usually `Secret` or `Ref`."""


@dataclass(frozen=True)
class ServiceKind:
    """One kind of service.

    Attributes:
        name: field name in the request, camelCase, for instance `virtualMachine`.
        title: what officials call it.
        parameters: model of its parameters; every field has bounds and a description with its unit.
        problems: what is wrong with the parameters in this catalog and request; empty when all is well.
        layout: what the service consists of; called only when `problems` found none.
        needs: OpenStack service types the cloud must offer, for instance `("compute", "block-storage")`.
        needs_instead: what is needed instead with these parameters in this catalog; None: `needs`.
    """

    name: str
    title: str
    parameters: type[Parameters]
    problems: Callable[[Any, Scope], tuple[Problem, ...]]
    layout: Callable[[Any, Scope], Layout]
    needs: tuple[str, ...]
    needs_instead: Callable[[Any, Mapping[str, Offering]], tuple[str, ...] | None] = lambda _parameters, _offerings: (
        None
    )

    def needed(self, parameters: Parameters, offerings: Mapping[str, Offering]) -> tuple[str, ...]:
        """OpenStack service types that a service with these parameters needs."""
        instead = self.needs_instead(parameters, offerings)
        return self.needs if instead is None else instead
