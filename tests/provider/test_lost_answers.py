"""Every answer to a write is lost once, on the real services: still exactly one of each thing, for every type that they can make,
in one run, and nothing left when it is taken away."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from provider.engine_kit import Engine, Program, Tenant, login_of, tenant
from provider.engine_looks import marked, nothing_to_do, of_machines, wish
from provider.lossy_proxy import LossyProxy, lossy_proxy
from provider.programs import Database, Outside, Unit
from provider.provider_kit import MemoryJournal

from stacks.provider.clouds import Cloud, auth_of
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.runs import CloudLogin
from stacks.provider.session import JournaledSession

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
NOT_HERE = ("openstack:loadbalancer/", "openstack:sharedfilesystem/")
"""The development cloud has no Octavia and no Manila."""


@pytest.fixture
def unit() -> Iterator[Tenant]:
    with tenant() as made:
        yield made


@contextmanager
def engine_behind(
    proxy: LossyProxy, home: Path, monkeypatch: pytest.MonkeyPatch, **logins: CloudLogin
) -> Iterator[Engine]:
    """An engine whose provider reaches the cloud through the proxy only."""
    for name, value in (("HTTP_PROXY", proxy.url), ("NO_PROXY", ""), ("no_proxy", "")):
        monkeypatch.setenv(name, value)
    engine = Engine(home, logins)
    try:
        yield engine
    finally:
        engine.destroy()
        engine.close()


def made_types(engine: Engine) -> set[str]:
    return {context.type for context, _ in engine.journal.intents if context.operation == "create"}


@pytest.mark.cluster
def test_every_lost_answer_still_leaves_exactly_one(
    unit: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = wish(machines=2, public_key=PUBLIC_KEY)
    with lossy_proxy() as proxy, engine_behind(proxy, tmp_path, monkeypatch, unit=unit.login) as engine:
        assert engine.up(asked) == {"create": of_machines(2)}
        lost = len(proxy.lost)
        assert nothing_to_do(engine, asked)
        assert marked(unit) == {
            "servers": 2, "volumes": 4, "ports": 2, "networks": 1, "subnets": 1, "security_groups": 1,
            "security_group_rules": 1, "server_groups": 1, "keypairs": 1,
        }  # fmt: skip
    assert lost >= 18
    assert marked(unit) == Counter()


MADE = {
    "machine": {
        "networking/network:Network", "networking/subnet:Subnet", "networking/port:Port", "networking/secGroup:SecGroup",
        "networking/secGroupRule:SecGroupRule", "compute/keypair:Keypair", "compute/serverGroup:ServerGroup",
        "compute/instance:Instance", "compute/volumeAttach:VolumeAttach", "blockstorage/volume:Volume",
        "objectstorage/container:Container",
    },
    "outside": {
        "networking/network:Network", "networking/subnet:Subnet", "networking/port:Port", "networking/router:Router",
        "networking/routerInterface:RouterInterface", "networking/floatingIp:FloatingIp",
        "networking/floatingIpAssociate:FloatingIpAssociate",
    },
    "database": {
        "networking/network:Network", "networking/subnet:Subnet", "networking/router:Router",
        "networking/routerInterface:RouterInterface", "database/instance:Instance",
    },
    "unit": {
        "identity/project:Project", "identity/user:User", "identity/roleAssignment:RoleAssignment",
        "identity/applicationCredential:ApplicationCredential", "compute/quotaSetV2:QuotaSetV2",
        "networking/quotaV2:QuotaV2", "blockstorage/quoteSetV3:QuoteSetV3",
    },
}  # fmt: skip
"""The types that each of the programs below makes, without `openstack:`."""


def test_the_programs_make_every_type_that_the_cloud_has() -> None:
    made = {f"openstack:{type_}" for types in MADE.values() for type_ in types}
    assert made == {type_ for type_ in DECLARATIONS if not type_.startswith(NOT_HERE)}


@contextmanager
def made_and_changed(
    engine: Engine, proxy: LossyProxy, first: Program, then: Program, types: set[str]
) -> Iterator[None]:
    """Each in one run, with answers lost on the way of both."""
    engine.up(first)
    lost = len(proxy.lost)
    assert lost
    assert nothing_to_do(engine, first)
    assert "update" in engine.up(then)
    assert len(proxy.lost) > lost
    assert nothing_to_do(engine, then)
    assert made_types(engine) == {f"openstack:{type_}" for type_ in types}
    yield


def _changes(unit: Tenant) -> dict[str, tuple[Program, Program]]:
    machine = wish()
    other = replace(machine, stage="production", flavor="m1.small", data_gb=2, description="invoices", power="shutoff")
    flavors = {f["name"]: f["id"] for f in unit.listed("compute", "/flavors", "flavors")}
    stores = unit.listed("database", "/datastores", "datastores")
    version = next(store["versions"][0]["name"] for store in stores if store["name"] == "postgresql")
    database = Database(flavors["m1.small"], version)
    larger = replace(database, flavor=flavors["m1.medium"], size=2, databases=("orders", "invoices"), password="other")
    return {"machine": (machine, other), "outside": (Outside(), Outside("two")), "database": (database, larger)}


@pytest.mark.cluster
@pytest.mark.soak
@pytest.mark.parametrize("name", ["machine", "outside", "database"])
def test_of_what_a_unit_has_there_is_one_of_each(
    unit: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with (
        lossy_proxy() as proxy,
        engine_behind(proxy, tmp_path, monkeypatch, unit=unit.login) as engine,
        made_and_changed(engine, proxy, *_changes(unit)[name], MADE[name]),
    ):
        there = marked(unit)
        if name == "machine":
            assert (there["keypairs"], there["servers"]) == (1, 1)
            assert "PRIVATE KEY" in engine.outputs()["private_key"]
        if name == "outside":
            assert (there["routers"], there["floatingips"]) == (1, 1)
        if name == "database":
            assert len(unit.listed("database", "/instances", "instances")) == 1
    assert marked(unit) == Counter()


@pytest.mark.cluster
@pytest.mark.soak
def test_there_is_one_unit_with_one_user_and_a_credential_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = login_of("admin")
    cloud = Cloud(admin, JournaledSession(auth_of(admin), MemoryJournal()))
    member = next(role["id"] for role in cloud.listing("identity", "/roles", "roles") if role["name"] == "member")
    own = Unit(f"provider-test-{uuid.uuid4().hex[:8]}", member, "correct horse battery")
    itself = replace(admin, username=own.name, password=own.password, project_name=own.name)
    with (
        lossy_proxy() as proxy,
        engine_behind(proxy, tmp_path, monkeypatch, admin=admin, itself=itself) as engine,
        made_and_changed(engine, proxy, own, replace(own, quota=7, description="two"), MADE["unit"]),
    ):
        for kind in ("projects", "users"):
            assert len(cloud.listing("identity", f"/{kind}", kind, query=(("name", own.name),))) == 1
        user = Cloud(itself, JournaledSession(auth_of(itself), MemoryJournal()))
        credentials = user.listing(
            "identity", f"/users/{user.user_id}/application_credentials", "application_credentials"
        )
        assert [credential["id"] for credential in credentials] == [engine.outputs()["credential"]]
        assert user.project_id == _project_of(engine.outputs(), admin)


def _project_of(outputs: Mapping[str, Any], admin: CloudLogin) -> str:
    """Where the credential leads whose secret the stack gives out."""
    login = CloudLogin(
        admin.auth_url,
        admin.region,
        application_credential_id=outputs["credential"],
        application_credential_secret=outputs["secret"],
    )
    return Cloud(login, JournaledSession(auth_of(login), MemoryJournal())).project_id
