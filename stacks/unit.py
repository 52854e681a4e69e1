"""What every using unit has, once, whatever its requests: a project, a service user with its own credential, quotas, and, when some
request names no network, a default network. Pure.

Keystone lets nobody but a user make that user's application credential: so the controller makes the user with a derived password, and
the user makes the credential with which all requests of the unit are carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from stacks.kind import Quota
from stacks.naming import OWNER_MARK, UNIT_MARK, named, owner_note, tags
from stacks.network import network_with_subnet, router_for
from stacks.order import in_order
from stacks.program import Lookup, Program, Ref, Resource, Secret, Value

PASSWORD = Secret("unit/service-user/password")
ROLES = ("member",)
"""What the service user may be in its project. `member` covers compute, network, block and object storage, and databases."""

PROJECT, USER, CREDENTIAL, DEFAULT_NETWORK = "project", "service-user", "credential", "default-network"
ACCESS_PROJECT = "access-project"
_FOR_EVER = frozenset({PROJECT, USER, ACCESS_PROJECT})
"""All that the unit has hangs on it, and no wish of `UnitStack` ends it."""

LONGEST_NAME = 57
"""Characters of a unit's name: Keystone takes 64 for the name of a project, and `access-` comes before it."""

_DEFAULT_CIDR = "192.168.128.0/20"
_DEFAULT_GROUP = Quota(security_groups=2, security_group_rules=8)
"""Neutron gives each project a group `default` with four rules, and counts them. When the first requests of a project come at the same time,
each of them reserves that group for a moment; there has to be room for two."""
_DEFAULT_NETWORK_QUOTA = Quota(networks=1, subnets=1, routers=1, ports=2)
_MACHINES_PER_SERVER_GROUP = 50
"""The most machines that one service may have."""


@dataclass(frozen=True)
class UnitStack:
    """All that a unit's stack depends on.

    Attributes:
        owner: uid of the unit.
        name: name of the unit.
        quota: sum of what its requests were approved for.
        external_network: name of the cloud's network to the outside.
        with_default_network: whether some request relies on the default network; once made it stays.
        with_access_project: whether some container has a user of its own; once made it stays.
        credentials: generations of the credential that there are, oldest first. The newest is used; an older one is kept until nothing
            uses it any more.
    """

    owner: str
    name: str
    quota: Quota
    external_network: str
    with_default_network: bool
    with_access_project: bool = False
    credentials: tuple[int, ...] = (0,)

    @property
    def project_name(self) -> str:
        """Name of the unit's project."""
        return f"unit-{self.name}"

    @property
    def access_project_name(self) -> str:
        """Name of the project in which users of containers have their role. It holds nothing, and its quotas let it hold nothing."""
        return f"access-{self.name}"

    @property
    def user_name(self) -> str:
        """Name of the unit's service user."""
        return f"govcloud-{self.name}"

    @property
    def credential(self) -> str:
        """Logical name of the credential that is used."""
        return credential_name(self.credentials[-1])

    @property
    def marks(self) -> dict[str, Value]:
        """What all that belongs to the unit and to no request carries."""
        return {OWNER_MARK: self.owner, UNIT_MARK: self.name}


def program(unit: UnitStack) -> Program:
    """The unit's stack."""
    return Program(in_order(_resources(unit)), _outputs(unit))


def kept(unit_program: Program) -> frozenset[str]:
    """What no run of this program takes away, whatever the engine was told: without its role a credential is worth nothing any more."""
    return _FOR_EVER | {resource.name for resource in unit_program.resources}


def credential_name(generation: int) -> str:
    """Logical name of a generation of the credential. The first has none of its own: it was made before there were others."""
    return named(CREDENTIAL, generation) if generation else CREDENTIAL


def forgotten_credentials(resources: Iterable[str], generations: Iterable[int]) -> frozenset[str]:
    """Which of the stack's resources are credentials that the stack's outputs know no more.

    The engine writes outputs before it deletes: a run that was ended in between left a credential that is still valid.
    """
    known = {credential_name(generation) for generation in generations}
    return frozenset(name for name in resources if name.split("-")[0] == CREDENTIAL and name not in known)


def needed_quota(unit: UnitStack) -> Quota:
    """The quota that the project is given: what was approved, and what every project has of its own."""
    own = _DEFAULT_GROUP + _DEFAULT_NETWORK_QUOTA if unit.with_default_network else _DEFAULT_GROUP
    return unit.quota + own


def _resources(unit: UnitStack) -> Iterator[Resource]:
    yield _admins("identity/project:Project", PROJECT, {"name": unit.project_name, "tags": tags(unit.marks)})
    yield from _service_user(unit)
    yield from _quotas(needed_quota(unit))
    if unit.with_access_project:
        yield from _access_project(unit)
    if unit.with_default_network:
        yield from _default_network(unit)


def _service_user(unit: UnitStack) -> Iterator[Resource]:
    yield _admins(
        "identity/user:User",
        USER,
        {
            "name": unit.user_name,
            "password": PASSWORD,
            "default_project_id": Ref(PROJECT),
            "description": owner_note(unit.owner),
        },
    )
    for role in ROLES:
        yield _admins(
            "identity/roleAssignment:RoleAssignment",
            f"role-{role}",
            {"project_id": Ref(PROJECT), "user_id": Ref(USER), "role_id": Lookup("role", role)},
        )
    yield from (_credential(unit, generation) for generation in unit.credentials)


def _credential(unit: UnitStack, generation: int) -> Resource:
    return Resource(
        "openstack:identity/applicationCredential:ApplicationCredential",
        credential_name(generation),
        {"name": named(unit.user_name, generation) if generation else unit.user_name, "description": owner_note(unit.owner)},
        after=(*(f"role-{role}" for role in ROLES),),
        login="service-user",
    )


def _access_project(unit: UnitStack) -> Iterator[Resource]:
    yield _admins(
        "identity/project:Project", ACCESS_PROJECT, {"name": unit.access_project_name, "tags": tags(unit.marks)}
    )
    yield from _quotas(Quota(), ACCESS_PROJECT, "access-")


def _quotas(quota: Quota, project_name: str = PROJECT, prefix: str = "") -> Iterator[Resource]:
    project = Ref(project_name)
    yield _admins(
        "compute/quotaSetV2:QuotaSetV2",
        f"{prefix}compute-quota",
        {
            "project_id": project,
            "instances": quota.instances,
            "cores": quota.cores,
            "ram": quota.ram,
            "server_groups": quota.server_groups,
            "key_pairs": quota.key_pairs,
            "server_group_members": _MACHINES_PER_SERVER_GROUP,
        },
    )
    yield _admins(
        "blockstorage/quoteSetV3:QuoteSetV3",
        f"{prefix}storage-quota",
        # Each volume may be frozen once for its backup; the bytes of the snapshot are counted apart, while the backup runs.
        {"project_id": project, "volumes": quota.volumes, "snapshots": quota.volumes, "gigabytes": quota.gigabytes},
    )
    yield _admins(
        "networking/quotaV2:QuotaV2",
        f"{prefix}network-quota",
        {
            "project_id": project,
            "network": quota.networks,
            "subnet": quota.subnets,
            "router": quota.routers,
            "port": quota.ports,
            "security_group": quota.security_groups,
            "security_group_rule": quota.security_group_rules,
            "floatingip": quota.floating_ips,
        },
    )


def _default_network(unit: UnitStack) -> Iterator[Resource]:
    marks = tags(unit.marks)
    made = (
        *network_with_subnet(DEFAULT_NETWORK, "", marks, _DEFAULT_CIDR, ()),
        *router_for(DEFAULT_NETWORK, "", marks, unit.external_network),
    )
    # With the unit's own login, so that all of it lies in the unit's project; that login works once its role is assigned.
    for resource in made:
        yield replace(resource, login="service-user", after=(unit.credential, "network-quota", *resource.after))


def _admins(type_name: str, name: str, inputs: dict[str, Value], login: Literal["admin"] = "admin") -> Resource:
    return Resource(f"openstack:{type_name}", name, inputs, login=login)


def _outputs(unit: UnitStack) -> dict[str, Value]:
    outputs: dict[str, Value] = {
        "project_id": Ref(PROJECT),
        "user_id": Ref(USER),
        "application_credential_id": Ref(unit.credential),
        "application_credential_secret": Ref(unit.credential, "secret"),
        "older_credential_ids": tuple(Ref(credential_name(each)) for each in unit.credentials[:-1]),
        # What the stack was made from, so that it can be made again with a default network or a newer credential.
        "credentials": unit.credentials,
        "quota": dict(vars(unit.quota)),
        "external_network": unit.external_network,
    }
    if unit.with_default_network:
        outputs["default_network_id"] = Ref(DEFAULT_NETWORK)
    if unit.with_access_project:
        outputs["access_project_id"] = Ref(ACCESS_PROJECT)
    return outputs
