"""Units and requests on the real engine and the real OpenStack, each in a project of its own, with an administrator's look at it."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack
from provider.engine_kit import pulumi_binary
from provider.provider_kit import MemoryJournal

from govcloud.adapters.pulumi_logins import controller_login
from govcloud.adapters.pulumi_stacks import PulumiStacks, open_stacks
from govcloud.api.jurisdiction import JurisdictionSpec
from govcloud.api.request import RequestKey, Service
from govcloud.api.unit import UnitSpec, UnitStatus
from govcloud.core.objects import JurisdictionObject, UnitObject
from stacks.kind import Image, Offering, Quota
from stacks.program import Program
from stacks.request import Wanted, lay_out, problems_of

OFFERINGS = (
    Offering(name="small", kind="virtualMachine", flavor="m1.small", vcpus=1, ram_mib=2048, unit_price="100"),
    Offering(name="medium", kind="virtualMachine", flavor="m1.medium", vcpus=2, ram_mib=4096, unit_price="200"),
    Offering(name="disk", kind="blockStorage", volume_type="standard", unit_price="1"),
    Offering(name="fast", kind="blockStorage", volume_type="fast", unit_price="2"),
    Offering(name="safe", kind="blockStorage", volume_type="encrypted", encrypted=True, unit_price="2"),
    Offering(name="objects", kind="objectStorage", unit_price="1"),
    *(
        Offering(
            name=name,
            kind="database",
            flavor=flavor,
            vcpus=vcpus,
            ram_mib=vcpus * 2048,
            datastore="postgresql",
            datastore_version="15",
            unit_price="300",
        )
        for name, flavor, vcpus in (("pg", "m1.small", 1), ("pg-medium", "m1.medium", 2))
    ),
)
JURISDICTION = JurisdictionObject(
    "jiujiang",
    "uid",
    1,
    JurisdictionSpec.model_validate(
        {"title": "Jiujiang", "pack": "jiujiang", "catalog": "2026", "cloud": {"externalNetwork": "public"}}
    ),
)
ENOUGH = Quota(10, 20, 40960, 20, 40, 2, 2, 2, 20, 5, 40, 2, 2)


@dataclass
class Tenant:
    """A unit and a request of it, with an administrator's look at the unit's project."""

    unit: UnitObject
    key: RequestKey
    state: Path
    admin: Any
    backend: str = ""

    def program(self, entries: dict[str, dict[str, Any]], **changes: Any) -> Program:
        parsed = [Service.model_validate({"name": name, **entry}) for name, entry in entries.items()]
        fields: dict[str, Any] = {
            "owner": self.key.uid,
            "unit": self.unit.name,
            "stage": "trial",
            "running": True,
            "protection_level": 2,
            "external_network": "public",
            "offerings": {offering.name: offering for offering in OFFERINGS},
            "images": {name: Image(name=name, image="cirros") for name in ("cirros", "other")},
            "services": {service.name: (service.kind.name, service.parameters) for service in parsed},
        }
        wanted = Wanted(**(fields | changes))
        assert problems_of(wanted) == ()
        return lay_out(wanted).program

    @contextmanager
    def stacks(self, journal: Any = None, generation: int = 0) -> Iterator[PulumiStacks]:
        """As a new controller process would open them."""
        with open_stacks(
            self.state,
            str(pulumi_binary()),
            controller_login("govcloud"),
            journal or MemoryJournal(),
            backend=self.backend,
            generation=lambda: generation,
        ) as stacks:
            yield stacks

    @property
    def project(self) -> str:
        return str(self.admin.identity.find_project(f"unit-{self.unit.name}", ignore_missing=False).id)

    def found(self) -> Counter[tuple[str, str]]:
        """What the unit's project holds, by kind and name; the default security group is Neutron's own."""
        one = {"all_projects": True, "project_id": self.project}
        own = {"project_id": self.project}
        compute, volumes, network = self.admin.compute, self.admin.block_storage, self.admin.network
        return Counter(
            [
                *(("server", item.name) for item in compute.servers(**one)),
                *(("volume", item.name) for item in volumes.volumes(**one)),
                *(("network", item.name) for item in network.networks(**own)),
                *(("subnet", item.name) for item in network.subnets(**own)),
                *(("router", item.name) for item in network.routers(**own)),
                *(("port", item.name or item.device_owner) for item in network.ports(**own)),
                *(("group", item.name) for item in network.security_groups(**own) if item.name != "default"),
                *(
                    ("rule", str(item.port_range_min))
                    for item in network.security_group_rules(**own)
                    if item.port_range_min
                ),
            ]
        )


def unit_called(name: str, uid: str) -> UnitObject:
    spec = UnitSpec(title=name, jurisdiction="jiujiang", budget_level="Primary")
    return UnitObject(name, uid, 1, spec, UnitStatus())


def new_key(unit: UnitObject, uid: str) -> RequestKey:
    """The key of a request of the unit."""
    return RequestKey(namespace=unit.name, name="orders", uid=uid)


def clouds_file() -> str:
    """Where the development cloud's logins are."""
    return str((Path(os.environ.get("GOVCLOUD_DEV_DIR", ".dev")) / "clouds.yaml").resolve())


@contextmanager
def new_tenant(state: Path, backend: str = "") -> Iterator[Tenant]:
    """A unit of its own, whose project, user and resources are deleted at the end whatever happened. Needs OS_CLIENT_CONFIG_FILE."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    unit = unit_called(name, str(uuid.uuid4()))
    key = new_key(unit, str(uuid.uuid4()))
    tenant = Tenant(unit, key, state, openstack.connect(cloud="admin"), backend)
    yield tenant
    with tenant.stacks() as stacks:
        stacks.ensure_unit(unit, JURISDICTION, ENOUGH)
        stacks.destroy(key, unit, 99)
    admin = tenant.admin
    admin.identity.delete_user(admin.identity.find_user(f"govcloud-{name}", ignore_missing=False))
    admin.identity.delete_project(tenant.project)
    if access := admin.identity.find_project(f"access-{name}"):
        admin.identity.delete_project(access)
