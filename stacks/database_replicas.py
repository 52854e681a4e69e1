"""Replicas of a database of the cloud's own service: further instances that follow the log of the first and answer reads only. Pure.

A replica holds nothing that its primary does not hold: it is no part of a backup, and goes without one. It has the primary's database, user
and password. Trove tells nobody how far behind it is: PostgreSQL does, in `pg_stat_replication`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stacks.kind import Endpoint, Problem, Scope
from stacks.naming import named, owned
from stacks.program import Ref, Resource, Value

INSTANCE = "openstack:database/instance:Instance"
"""Trove's instance: a database, or a replica of one."""
MOST = 3
"""As many as Trove makes with one request; ours asks for one at a time."""
LOCALITY = "soft-anti-affinity"
"""On other hosts while there are any: a hard rule would refuse the third instance on two hosts."""

_TAKEN_OVER = ("flavor_id", "size", "networks", "volume_type")
_HOST = "addresses.0"


def problems(engine: str, offering: str, *, on_a_machine: bool) -> Iterator[Problem]:
    """Why a database cannot have replicas: who carries it, or its system."""
    if on_a_machine:
        yield Problem(
            "replicas",
            f"{offering} is a machine of ours, which nothing sets up to follow another one; choose an offering of the cloud's database service, "
            "or leave replicas out",
            f"{offering} 由自建云服务器承载，不提供主从复制；请选择云平台数据库服务的规格，或去掉 replicas",
        )
    elif engine != "postgresql":
        yield Problem(
            "replicas",
            f"replicas are offered for postgresql only: no replica of {engine} was ever seen to have what its database has; "
            "choose postgresql, or leave replicas out",
            f"仅 postgresql 提供只读副本：{engine} 副本与主库的数据一致性未经验证；请选用 postgresql，或去掉 replicas",
        )


def replicas(primary: Resource, count: int, scope: Scope) -> tuple[Resource, ...]:
    """So many replicas, each after the one before: Trove makes one of a primary at a time."""
    made: list[Resource] = []
    for number in range(1, count + 1):
        made.append(_replica(primary, number, made[-1:], scope))
    return tuple(made)


def _replica(primary: Resource, number: int, before: Sequence[Resource], scope: Scope) -> Resource:
    name = named(scope.service, "replica", number)
    inputs: dict[str, Value] = {
        "name": owned(scope, name),
        "replica_of": Ref(primary.name),
        # The version that the primary really has, whatever the catalog has come to offer.
        "datastore": Ref(primary.name, "datastore"),
        **{field: primary.inputs[field] for field in _TAKEN_OVER if field in primary.inputs},
    }
    return Resource(
        primary.type,
        name,
        inputs,
        ignore_changes=("volume_type",),
        after=(*primary.after, *(each.name for each in before)),
        service=scope.service,
    )


def is_replica(type: str, name: str, service: str) -> bool:
    """Whether a resource of this type and name is a replica, of the database that bears its service's name."""
    return type == INSTANCE and name != service


def endpoints(replicas: Sequence[Resource], engine: str, port: int) -> tuple[Endpoint, ...]:
    """Where each replica answers reads."""
    return tuple(
        Endpoint(f"{engine}-replica-{number}", Ref(each.name, _HOST), port)
        for number, each in enumerate(replicas, start=1)
    )


def hosts(replicas: Sequence[Resource]) -> dict[str, Value]:
    """What goes into the request's Secret for each replica; all else is the primary's."""
    return {f"replica-{number}-host": Ref(each.name, _HOST) for number, each in enumerate(replicas, start=1)}
