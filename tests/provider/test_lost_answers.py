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

pytestmark = pytest.mark.cluster

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
NOT_HERE = "openstack:loadbalancer/"
"""The development cloud has no Octavia."""


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


@pytest.mark.soak
def test_of_every_type_that_the_cloud_can_make_there_is_one(
    unit: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, changed and taken away, each in one run."""
    admin = login_of("admin")
    cloud = Cloud(admin, JournaledSession(auth_of(admin), MemoryJournal()))
    member = next(role["id"] for role in cloud.listing("identity", "/roles", "roles") if role["name"] == "member")
    own = Unit(f"provider-test-{uuid.uuid4().hex[:8]}", member, "correct horse battery")
    itself = replace(admin, username=own.name, password=own.password, project_name=own.name)
    flavors = {f["name"]: f["id"] for f in unit.listed("compute", "/flavors", "flavors")}
    stores = unit.listed("database", "/datastores", "datastores")
    version = next(store["versions"][0]["name"] for store in stores if store["name"] == "postgresql")
    made: set[str] = set()

    @contextmanager
    def lossy(name: str, first: Program, then: Program, **logins: CloudLogin) -> Iterator[Engine]:
        with (
            lossy_proxy() as proxy,
            engine_behind(proxy, tmp_path / name, monkeypatch, **logins) as engine,
        ):
            engine.up(first)
            assert proxy.lost
            assert nothing_to_do(engine, first)
            lost = len(proxy.lost)
            assert "update" in engine.up(then)
            assert len(proxy.lost) > lost
            assert nothing_to_do(engine, then)
            made.update(made_types(engine))
            yield engine

    machine = wish()
    changed = replace(machine, stage="production", flavor="m1.small", data_gb=2, description="invoices", power="shutoff")
    with lossy("machine", machine, changed, unit=unit.login) as engine:
        assert (marked(unit)["keypairs"], marked(unit)["servers"]) == (1, 1)
        assert "PRIVATE KEY" in engine.outputs()["private_key"]
    with lossy("outside", Outside(), Outside("two"), unit=unit.login):
        assert (marked(unit)["routers"], marked(unit)["floatingips"]) == (1, 1)
    database = Database(flavors["m1.small"], version)
    larger = replace(database, flavor=flavors["m1.medium"], size=2, databases=("orders", "invoices"), password="other")
    with lossy("database", database, larger, unit=unit.login):
        assert len(unit.listed("database", "/instances", "instances")) == 1
    with lossy("unit", own, replace(own, quota=7, description="two"), admin=admin, itself=itself) as engine:
        for kind in ("projects", "users"):
            assert len(cloud.listing("identity", f"/{kind}", kind, query=(("name", own.name),))) == 1
        user = Cloud(itself, JournaledSession(auth_of(itself), MemoryJournal()))
        credentials = user.listing(
            "identity", f"/users/{user.user_id}/application_credentials", "application_credentials"
        )
        assert [credential["id"] for credential in credentials] == [engine.outputs()["credential"]]
        assert user.project_id == _project_of(engine.outputs(), admin)
    assert made == {type_ for type_ in DECLARATIONS if not type_.startswith(NOT_HERE)}
    assert marked(unit) == Counter()


def _project_of(outputs: Mapping[str, Any], admin: CloudLogin) -> str:
    """Where the credential leads whose secret the stack gives out."""
    login = CloudLogin(
        admin.auth_url,
        admin.region,
        application_credential_id=outputs["credential"],
        application_credential_secret=outputs["secret"],
    )
    return Cloud(login, JournaledSession(auth_of(login), MemoryJournal())).project_id
