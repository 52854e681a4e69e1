"""Whether the cloud holds what a request's stack says, no more and no less, asked of the cloud itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.stack_tenants import Tenant, clouds_file
from provider.provider_kit import MemoryJournal
from soak.random_services import asked_of_machines

from govcloud.adapters.openstack_cloud import OpenStackCloud
from govcloud.adapters.openstack_login import CloudLogins
from govcloud.adapters.pulumi_stacks import PulumiStacks
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import MarkIn


def marked(tenant: Tenant) -> set[tuple[str, str]]:
    """Type and id of everything that carries the request's mark."""
    logins = CloudLogins("govcloud", MemoryJournal(), Path(clouds_file()))
    return {(found.type, found.id) for found in OpenStackCloud(logins).marked(tenant.project, tenant.key.uid)}


def remembered(resources: Mapping[str, tuple[str, str]]) -> set[tuple[str, str]]:
    """Of what a state holds, all that carries marks."""
    return {each for each in resources.values() if DECLARATIONS[each[0]].mark is not MarkIn.NOTHING}


def machines_and_volumes(tenant: Tenant) -> tuple[dict[str, str], dict[str, int]]:
    """Flavor of each machine, and GiB of each volume, by name; nothing of a name twice."""
    one = {"all_projects": True, "project_id": tenant.project}
    servers = [(each.name, each.flavor["original_name"]) for each in tenant.admin.compute.servers(**one)]
    volumes = [(each.name, each.size) for each in tenant.admin.block_storage.volumes(**one)]
    assert len(servers) == len(dict(servers)), servers
    assert len(volumes) == len(dict(volumes)), volumes
    return dict(servers), dict(volumes)


def assert_as_asked(tenant: Tenant, stacks: PulumiStacks, services: Mapping[str, Any]) -> None:
    """The cloud holds exactly the state's objects, each with the values that the state has, and they are what the request asks for."""
    outcome = stacks.outcome(tenant.key)
    assert outcome is not None
    assert marked(tenant) == remembered(outcome.resources)
    stacks.look_for_drift(tenant.unit, [tenant.key])
    assert stacks.drift(tenant.key) == ()
    servers, volumes = machines_and_volumes(tenant)
    assert servers == asked_of_machines(services)
    if "data" in services:
        assert volumes["data"] == services["data"]["blockStorage"]["sizeGib"]


def assert_nothing_left(tenant: Tenant) -> None:
    """The unit's project holds nothing but what belongs to the unit itself."""
    assert marked(tenant) == set()
    left = {found for found in tenant.found() if not found[1].startswith(("default-network", "network:router"))}
    assert left == set()
