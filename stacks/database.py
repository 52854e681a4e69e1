"""A managed database: PostgreSQL or MySQL by Trove, or PostgreSQL on a machine of ours; one database, one user with a generated password.

Which of the two it is says the catalog, not the cloud of the day: an offering that names an image is a machine of ours. The password is
derived when the program runs and stands in the request's Secret only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from stacks import database_machine, database_replicas, network
from stacks.database_machine import PostgresqlSettings
from stacks.database_replicas import INSTANCE
from stacks.kind import (
    DataPart,
    Endpoint,
    Layout,
    Name,
    Offering,
    Parameters,
    PriceItem,
    Problem,
    Quota,
    Scope,
    ServiceKind,
)
from stacks.machines import image_problems
from stacks.naming import named, owned
from stacks.offerings import monthly, offering_problems, storage_beside
from stacks.program import Lookup, Program, Ref, Resource, Secret, Value

KIND_NAME = "database"
USER = "app"
PORTS = {"postgresql": 5432, "mysql": 3306}

_RESERVED = frozenset(
    {
        "postgres",
        "template0",
        "template1",
        "mysql",
        "sys",
        "information_schema",
        "performance_schema",
        "os_admin",
        "root",
    }
)
_GROUP_RULES = 6
"""Trove makes a security group for its server: two rules that Neutron adds, and at most four for the database's ports and ping."""


class Database(Parameters):
    """One database instance."""

    engine: Literal["postgresql", "mysql"] = Field(description="database system; cannot change in place")
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+){0,2}$", max_length=32)] | None = Field(
        None,
        description="version, for instance 15; none: the one that the offering names when the database is made; cannot change",
    )
    offering: Name = Field(description="offering of the catalog: virtual CPUs and memory")
    storage_gib: Annotated[int, Field(ge=1, le=16384)] = Field(
        description="size of the data volume in GiB, 1 to 16384; can grow"
    )
    database_name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$", max_length=63)] = Field(
        description="name of the database that is made; cannot change"
    )
    network: Name | None = Field(
        None, description="network service of this request that the database is on; cannot change"
    )
    replicas: Annotated[int, Field(ge=0, le=database_replicas.MOST)] = Field(
        0,
        description="further instances that follow the first one and answer reads only, 0 to 3; PostgreSQL of the cloud's database service. "
        "They can be added and taken away while the database runs. Each costs what the first one costs. Those asked for together with the "
        "database are kept on other hosts than it where that is possible",
    )
    settings: PostgresqlSettings | None = Field(
        None, description="settings of PostgreSQL, for offerings that name an image; count when the database is made"
    )


def _problems(parameters: Database, scope: Scope) -> tuple[Problem, ...]:
    return (
        *offering_problems(
            parameters.offering, KIND_NAME, scope, ("flavor", lambda offering: offering.flavor is not None)
        ),
        *_engine_problems(parameters, scope.offerings.get(parameters.offering)),
        *_name_problems(parameters.database_name),
        *network.choice_problems(parameters.network, scope),
        *_router_problems(parameters, scope),
        *_carrier_problems(parameters, scope),
        *_replica_problems(parameters, scope),
    )


def _engine_problems(parameters: Database, offering: Offering | None) -> Iterator[Problem]:
    if offering is None:
        return
    if offering.datastore not in (None, parameters.engine):
        yield Problem(
            "engine",
            f"the offering {offering.name} is for {offering.datastore}, not {parameters.engine}; choose another offering",
            f"规格 {offering.name} 适用于 {offering.datastore}，不适用于 {parameters.engine}；请选择其他规格",
        )
    if _version(parameters, offering) is None:
        yield Problem(
            "version",
            f"the offering {offering.name} names no version; write the one you need",
            f"规格 {offering.name} 未写明版本；请写明所需版本",
        )


def _name_problems(name: str) -> Iterator[Problem]:
    if name in _RESERVED:
        yield Problem(
            "databaseName",
            f"{name} belongs to the database system itself; choose another name",
            f"{name} 是数据库系统保留的名称；请另取名称",
        )


def _replica_problems(parameters: Database, scope: Scope) -> Iterator[Problem]:
    offering = scope.offerings.get(parameters.offering)
    if parameters.replicas and offering is not None:
        on_a_machine = offering.image is not None
        yield from database_replicas.problems(parameters.engine, offering.name, on_a_machine=on_a_machine)


def _router_problems(parameters: Database, scope: Scope) -> Iterator[Problem]:
    chosen = network.networks_of(scope).get(network.chosen(parameters.network, scope) or "")
    if chosen is not None and not chosen.router:
        yield Problem(
            "network",
            "a managed database needs a network with a router, over which it is managed; set the network's router to true",
            "托管数据库需要带路由器的网络以便管理；请将该网络的 router 设为 true",
        )


def _carrier_problems(parameters: Database, scope: Scope) -> Iterator[Problem]:
    """What is wrong with who is to carry the database: the cloud's database service, or a machine of ours."""
    offering = scope.offerings.get(parameters.offering)
    if offering is not None and offering.image is not None:
        yield from _machine_problems(parameters, offering, scope)
    elif parameters.settings is not None:
        yield Problem(
            "settings",
            f"{parameters.offering} is carried by the cloud's database service, for which no settings are offered; leave settings out",
            f"{parameters.offering} 由云平台数据库服务承载，暂不提供参数设置；请去掉 settings",
        )


def _machine_problems(parameters: Database, offering: Offering, scope: Scope) -> Iterator[Problem]:
    yield from image_problems(str(offering.image), database_machine.BOOT_GIB, scope, "offering")
    if parameters.engine != "postgresql":
        yield Problem(
            "engine",
            f"{offering.name} is a machine of ours, which carries postgresql only; choose another offering",
            f"{offering.name} 由自建云服务器承载，仅支持 postgresql；请选择其他规格",
        )
    if network.chosen(parameters.network, scope) is None:
        yield Problem(
            "network",
            "a database on a machine of ours needs a network of the request; add a network service",
            "自建云服务器上的数据库须使用本申请中的网络；请增加 network 服务",
        )


def _version(parameters: Database, offering: Offering) -> str | None:
    return parameters.version or offering.datastore_version


def _layout(parameters: Database, scope: Scope) -> Layout:
    offering = scope.offerings[parameters.offering]
    on_its_carrier = _on_the_service if offering.image is None else _on_a_machine
    return on_its_carrier(parameters, offering, scope)


def _on_the_service(parameters: Database, offering: Offering, scope: Scope) -> Layout:
    host, port = Ref(scope.service, "addresses.0"), PORTS[parameters.engine]
    primary = _instance(parameters, offering, scope)
    replicas = database_replicas.replicas(primary, parameters.replicas, scope)
    return Layout(
        program=Program((primary, *replicas)),
        quota=_quota(parameters, offering),
        prices=_prices(parameters, offering),
        data=(DataPart(scope.service, scope.service, "DatabaseVolume"),),
        endpoints=(
            Endpoint(parameters.engine, host, port),
            *database_replicas.endpoints(replicas, parameters.engine, port),
        ),
        credentials={**_credentials(parameters, host, scope), **database_replicas.hosts(replicas)},
    )


def _on_a_machine(parameters: Database, offering: Offering, scope: Scope) -> Layout:
    host = Ref(named(database_machine.machine_of(scope.service), "port"), "all_fixed_ips.0")
    program = _machine(parameters, offering, scope)
    return Layout(
        program=program,
        quota=database_machine.quota(offering, parameters.storage_gib),
        prices=_prices(parameters, offering),
        data=tuple(DataPart(each.name, each.name, "Volume") for each in program.resources if each.holds_data),
        endpoints=(Endpoint(parameters.engine, host, PORTS[parameters.engine]),),
        credentials=_credentials(parameters, host, scope),
    )


def _credentials(parameters: Database, host: Ref, scope: Scope) -> dict[str, Value]:
    return {
        "host": host,
        "port": str(PORTS[parameters.engine]),
        "database": parameters.database_name,
        "username": USER,
        "password": _password(scope),
    }


def _machine(parameters: Database, offering: Offering, scope: Scope) -> Program:
    chosen, version = str(network.chosen(parameters.network, scope)), str(_version(parameters, offering))
    neighbours = network.networks_of(scope)[chosen].cidr
    client = database_machine.Client(parameters.database_name, USER, _password(scope), neighbours)
    settings = parameters.settings or PostgresqlSettings()
    setup = database_machine.setup_of(scope.service, version, client, settings)
    return database_machine.program(scope, offering, parameters.storage_gib, chosen, setup)


def _password(scope: Scope) -> Secret:
    return Secret(f"database/{scope.service}/password")


def _instance(parameters: Database, offering: Offering, scope: Scope) -> Resource:
    chosen = network.chosen(parameters.network, scope)
    inputs: dict[str, Value] = {
        # Trove has neither metadata nor tags: the name says whose it is.
        "name": owned(scope, scope.service),
        "flavor_id": Lookup("flavor", str(offering.flavor)),
        "size": parameters.storage_gib,
        "datastore": {"type": parameters.engine, "version": _version(parameters, offering)},
        "networks": ({"uuid": network.network_id(chosen)},),
        "databases": ({"name": parameters.database_name},),
        "users": ({"name": USER, "password": _password(scope), "databases": (parameters.database_name,)},),
    }
    if offering.volume_type is not None:
        inputs["volume_type"] = offering.volume_type
    if parameters.replicas:
        inputs["locality"] = database_replicas.LOCALITY
    return Resource(
        INSTANCE,
        scope.service,
        inputs,
        # What the offering says of storage and version counts when the database is made: another year's catalog rebuilds nothing. So does
        # where its replicas go: Trove takes that with the primary only.
        ignore_changes=("volume_type", "locality", *(() if parameters.version else ("datastore.version",))),
        after=network.reachable(chosen, scope),
        holds_data=True,
        service=scope.service,
    )


def _quota(parameters: Database, offering: Offering) -> Quota:
    """For each instance Trove makes a server, a volume, a port and a security group in the unit's own project."""
    count = 1 + parameters.replicas
    return Quota(
        instances=count,
        cores=count * offering.vcpus,
        ram=count * offering.ram_mib,
        volumes=count,
        gigabytes=count * parameters.storage_gib,
        ports=count,
        security_groups=count,
        security_group_rules=count * _GROUP_RULES,
        server_groups=1 if parameters.replicas else 0,
    )


def _prices(parameters: Database, offering: Offering) -> tuple[PriceItem, ...]:
    boot_gib = database_machine.BOOT_GIB if offering.image is not None else 0
    count = 1 + parameters.replicas
    return (monthly(offering, count), *storage_beside(offering, count * (boot_gib + parameters.storage_gib)))


def _needs_instead(parameters: Database, offerings: Mapping[str, Offering]) -> tuple[str, ...] | None:
    offering = offerings.get(parameters.offering)
    return ("compute", "block-storage", "network", "image") if offering is not None and offering.image else None


KIND = ServiceKind(
    name=KIND_NAME,
    title="云数据库 managed database",
    parameters=Database,
    problems=_problems,
    layout=_layout,
    needs=("database", "network"),
    needs_instead=_needs_instead,
)
