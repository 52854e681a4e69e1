"""The real engine, the real provider, a real OpenStack: what is made, changed, killed, lost and deleted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from provider.engine_kit import ROOT, Engine, Tenant, login_of, tenant
from provider.engine_looks import marked, nothing_to_do, of_machines, wish
from provider.programs import Database, Outside, Unit
from provider.provider_kit import MemoryJournal

from devcloud.patience import PATIENCE
from stacks.provider.clouds import Cloud, auth_of
from stacks.provider.marks import marks_of
from stacks.provider.runs import CloudLogin
from stacks.provider.session import JournaledSession

pytestmark = pytest.mark.cluster


@pytest.fixture
def unit() -> Iterator[Tenant]:
    with tenant() as made:
        yield made


@pytest.fixture
def engine(unit: Tenant, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path, {"unit": unit.login})
    try:
        yield engine
    finally:
        engine.destroy()
        engine.close()
    assert marked(unit) == Counter(), "something is left behind"


@pytest.mark.soak  # a whole request's life is tried in tests/adapters/test_pulumi_cluster.py
def test_a_machine_is_made_promoted_changed_stopped_and_deleted(engine: Engine, unit: Tenant) -> None:
    asked = wish()
    assert engine.up(asked) == {"create": of_machines(1)}
    assert nothing_to_do(engine, asked)
    assert set(engine.refresh(asked)) == {"same"}
    assert nothing_to_do(engine, asked)

    before = marked(unit)
    asked = replace(asked, stage="production")
    assert engine.up(asked) == {"update": 5, "same": of_machines(1) - 5}
    assert nothing_to_do(engine, asked)
    assert marked(unit) == before

    asked = replace(asked, flavor="m1.small", data_gb=2, description="invoices")
    assert engine.up(asked) == {"update": 4, "same": of_machines(1) - 4}
    assert nothing_to_do(engine, asked)
    (server,) = unit.listed("compute", "/servers/detail", "servers", "2.79")
    assert server["flavor"]["original_name"] == "m1.small"
    assert server["metadata"]["govcloud_stage"] == "production"
    assert {v["name"]: v["size"] for v in unit.listed("block-storage", "/volumes/detail", "volumes")} == {
        "data-0": 2,
        "boot-0": 1,
    }

    asked = replace(asked, power="shutoff")
    assert engine.up(asked) == {"update": 1, "same": of_machines(1) - 1}
    assert nothing_to_do(engine, asked)
    assert {outcome.result for _, outcome in engine.journal.outcomes} == {"success"}


def test_the_state_does_not_show_a_secret(engine: Engine) -> None:
    engine.up(wish(machines=0))
    state = engine.state()
    assert "openstack:compute/keypair:Keypair" in state
    assert "PRIVATE KEY" not in state
    assert "PRIVATE KEY" in engine.outputs()["private_key"]


def test_a_router_and_a_floating_address(engine: Engine) -> None:
    engine.up(Outside())
    assert nothing_to_do(engine, Outside())
    assert set(engine.refresh(Outside())) == {"same"}
    assert nothing_to_do(engine, Outside())
    assert engine.up(Outside("two"))["update"] == 1
    assert nothing_to_do(engine, Outside("two"))


def test_a_plan_that_does_not_name_a_resource_stops_it(engine: Engine, unit: Tenant) -> None:
    engine.allowed = frozenset({("net", "create")})
    with pytest.raises(Exception, match="PlanMismatch: plan 1 does not allow to create"):
        engine.up(wish())
    assert set(marked(unit)) <= {"networks"}
    engine.allowed = None


def test_a_unit_gets_a_project_with_quotas_and_a_credential_it_makes_itself(tmp_path: Path) -> None:
    admin = login_of("admin")
    cloud = Cloud(admin, JournaledSession(auth_of(admin), MemoryJournal()))
    member = next(role["id"] for role in cloud.listing("identity", "/roles", "roles") if role["name"] == "member")
    asked = Unit(f"provider-test-{uuid.uuid4().hex[:8]}", member, "correct horse battery")
    itself = replace(admin, username=asked.name, password=asked.password, project_name=asked.name)
    engine = Engine(tmp_path, {"admin": admin, "itself": itself})
    try:
        engine.up(asked)
        assert nothing_to_do(engine, asked)
        assert set(engine.refresh(asked)) == {"same"}
        assert nothing_to_do(engine, asked)
        assert _instances_allowed(engine.outputs(), admin) == 5
        changed = replace(asked, quota=7, description="two")
        assert engine.up(changed)["update"] == 5
        assert nothing_to_do(engine, changed)
        assert _instances_allowed(engine.outputs(), admin) == 7
        project = cloud.get("identity", f"/projects/{engine.outputs()['project']}")["project"]
        assert marks_of(project).owner == engine.owner
        assert asked.password not in engine.state()
    finally:
        engine.destroy()
        engine.close()
    assert [
        project for project in cloud.listing("identity", "/projects", "projects") if project["name"] == asked.name
    ] == []


def _instances_allowed(outputs: Mapping[str, Any], admin: CloudLogin) -> int:
    """What the unit's own credential is told about its project's limits."""
    login = CloudLogin(
        admin.auth_url,
        admin.region,
        application_credential_id=outputs["credential"],
        application_credential_secret=outputs["secret"],
    )
    own = Cloud(login, JournaledSession(auth_of(login), MemoryJournal()))
    assert own.project_id == outputs["project"]
    return int(own.get("compute", "/limits")["limits"]["absolute"]["maxTotalInstances"])


@pytest.mark.soak  # a whole request's life is tried in tests/adapters/test_pulumi_cluster.py
def test_a_database_is_made_and_grows_in_place(engine: Engine, unit: Tenant) -> None:
    flavors = {flavor["name"]: flavor["id"] for flavor in unit.listed("compute", "/flavors", "flavors")}
    stores = unit.listed("database", "/datastores", "datastores")
    version = next(store["versions"][0]["name"] for store in stores if store["name"] == "postgresql")
    asked = Database(flavors["m1.small"], version)
    engine.up(asked)
    assert nothing_to_do(engine, asked)
    assert engine.outputs()["addresses"]
    assert asked.password not in engine.state()
    asked = replace(asked, size=2, databases=("orders", "invoices"))
    assert engine.up(asked)["update"] == 1
    assert nothing_to_do(engine, asked)
    (instance,) = unit.listed("database", "/instances", "instances")
    assert instance["volume"]["size"] == 2
    assert set(engine.refresh(asked)) == {"same"}
    engine.destroy()
    assert unit.listed("database", "/instances", "instances") == []


# ---------------------------------------------------------------------------------------------------- when it is killed


def _wait_for(journal: Path, sign: Callable[[dict[str, Any]], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        lines = journal.read_text().splitlines() if journal.exists() else []
        if any(sign(json.loads(line)) for line in lines if line.endswith("}")):
            return
        time.sleep(0.01)
    raise AssertionError(f"the run ended ({process.poll()}) before the moment at which it was to be killed")


def _intent_of(path: str) -> Callable[[dict[str, Any]], bool]:
    return lambda record: "intent" in record and record["write"]["path"].endswith(path)


@pytest.mark.soak  # a sample is killed in tests/soak/test_random_lives.py and in tests/adapters/test_pulumi_cluster.py
@pytest.mark.parametrize("path", ["/volumes", "/servers"])
def test_a_run_that_is_killed_in_mid_create_is_taken_up_again(unit: Tenant, tmp_path: Path, path: str) -> None:
    asked, journal = wish(), tmp_path / "journal.jsonl"
    script = str(Path(__file__).with_name("killed_run.py"))
    arguments = [str(tmp_path), str(journal), json.dumps(asdict(unit.login)), json.dumps(asdict(asked))]
    process = subprocess.Popen(
        [sys.executable, script, *arguments],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(journal, _intent_of(path), process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    engine = Engine(tmp_path, {"unit": unit.login})
    try:
        engine.recover()
        engine.up(asked)
        assert nothing_to_do(engine, asked)
        assert marked(unit) == {
            "servers": 1, "volumes": 2, "ports": 1, "networks": 1, "subnets": 1, "security_groups": 1,
            "security_group_rules": 1, "server_groups": 1, "keypairs": 1,
        }  # fmt: skip
    finally:
        engine.destroy()
        engine.close()
    assert marked(unit) == Counter()


# --------------------------------------------------------------------------------------------- several units at once


def test_four_units_at_once_stay_in_their_own_projects(tmp_path: Path) -> None:
    with tenant() as a, tenant() as b, tenant() as c, tenant() as d:
        units = {f"s{number}": unit for number, unit in enumerate((a, b, c, d))}
        first = Engine(tmp_path / "s0", {"unit": a.login}, stack="s0")
        engines = {
            stack: first if stack == "s0" else first.sibling(tmp_path / stack, {"unit": unit.login}, stack)
            for stack, unit in units.items()
        }
        try:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda engine: engine.up(wish(machines=0)), engines.values()))
            for unit in units.values():
                assert marked(unit) == {
                    "networks": 1, "subnets": 1, "security_groups": 1, "security_group_rules": 1, "server_groups": 1,
                    "keypairs": 1,
                }  # fmt: skip
        finally:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(Engine.destroy, engines.values()))
            first.close()
        assert [marked(unit) for unit in units.values()] == [Counter()] * 4
