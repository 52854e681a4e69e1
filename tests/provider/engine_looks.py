"""What the tests of the real engine ask for, and how they look at what came of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from provider.engine_kit import Engine, Tenant
from provider.programs import RESOURCES_APART_FROM_MACHINES, RESOURCES_OF_A_MACHINE, Wish

from stacks.provider.marks import marks_of

PROVIDER_AND_STACK = 2
COLLECTIONS = (
    ("compute", "/servers/detail", "servers", "2.79"),
    ("block-storage", "/volumes/detail", "volumes", ""),
    ("network", "/ports", "ports", ""),
    ("network", "/networks", "networks", ""),
    ("network", "/subnets", "subnets", ""),
    ("network", "/routers", "routers", ""),
    ("network", "/floatingips", "floatingips", ""),
    ("network", "/security-groups", "security_groups", ""),
    ("network", "/security-group-rules", "security_group_rules", ""),
    ("compute", "/os-server-groups", "server_groups", ""),
)


def wish(**changes: Any) -> Wish:
    return Wish(**{"container": f"provider-test-{uuid.uuid4().hex[:8]}", **changes})


def marked(unit: Tenant) -> Counter[str]:
    """How many objects with one of our marks the project holds, by kind."""
    found: Counter[str] = Counter()
    for service, path, plural, microversion in COLLECTIONS:
        query = (("project_id", unit.project),) if service == "network" else ()
        listed = unit.cloud.listing(service, path, plural, query=query, microversion=microversion)
        found += Counter(plural for item in listed if marks_of(item).key is not None)
    keys = unit.cloud.listing("compute", "/os-keypairs", "keypairs")
    return found + Counter("keypairs" for item in keys if marks_of(item["keypair"]).key is not None)


def nothing_to_do(engine: Engine, program: Callable[[], None]) -> bool:
    return set(engine.up(program)) == {"same"}


def of_machines(count: int) -> int:
    return RESOURCES_APART_FROM_MACHINES + count * RESOURCES_OF_A_MACHINE + PROVIDER_AND_STACK
