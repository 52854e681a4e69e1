"""Replicas of a database, and what a copy of its volume holds while it runs: on the real engine, the real Trove and real PostgreSQL servers.

Needs a development cloud (`make up`); `GOVCLOUD_DEV_DIR` says where it is.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from adapters.stack_tenants import ENOUGH, JURISDICTION, Tenant, clouds_file, new_tenant
from waiting import until

from devcloud.openstack import databases, postgres
from devcloud.openstack.database_volumes import unpack
from devcloud.openstack.layout import Layout
from devcloud.paths import state_directory
from devcloud.patience import PATIENCE
from govcloud.adapters.pulumi_stacks import PulumiStacks
from govcloud.failures import Stop
from stacks.diff import allowed_operations, diff, losses, rebuilds
from stacks.program import Program
from stacks.request import credentials_in, data_of, endpoints_in

pytestmark = pytest.mark.cluster


@pytest.fixture
def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    with new_tenant(tmp_path) as made:
        yield made


def program(tenant: Tenant, replicas: int, storage: int = 1, offering: str = "pg") -> Program:
    database = {"engine": "postgresql", "offering": offering, "storageGib": storage, "databaseName": "orders"}
    wanted = {"lan": {"network": {"cidr": "10.20.0.0/24"}}, "orders": {"database": {**database, "replicas": replicas}}}
    return tenant.program(wanted)


@dataclass(frozen=True)
class Client:
    """A client with what stands in the request's Secret."""

    secret: Mapping[str, str]
    host: str = "host"

    def says(self, statement: str) -> subprocess.CompletedProcess[str]:
        """What the server answers to a statement."""
        told = {key: self.secret[f"orders.{key}"] for key in (self.host, "port", "username", "database", "password")}
        login = ["-h", told[self.host], "-p", told["port"], "-U", told["username"], "-d", told["database"]]
        command = [str(postgres.binaries() / "psql"), *login, "-tAc", statement]
        environment = {"PGPASSWORD": told["password"], "PGCONNECT_TIMEOUT": "60"}
        return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)

    def counts(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.says(f"select count(*) from {table}").stdout)  # noqa: S608

    def comes_to_count(self, table: str, wanted: int) -> bool:
        """Whether so many rows are there after a while."""
        return until(lambda: self.counts(table) == wanted, f"{wanted} rows in {table}", 0.1)


def test_a_replica_comes_and_goes_while_the_database_runs_and_a_backup_of_it_recovers(tenant: Tenant, tmp_path: Path) -> None:
    none, one = program(tenant, 0), program(tenant, 1)
    with tenant.stacks() as stacks:

        def up(old: Program | None, new: Program, plan: int) -> Any:
            return stacks.up(tenant.key, tenant.unit, plan, new, allowed_operations(diff(old, new)))

        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        made = up(None, none, 1)
        primary = Client(credentials_in(made.outputs))
        assert primary.says("create table t as select generate_series(1, 1000) a").returncode == 0

        # 1. Nothing but a create. What it is read by stands in the endpoints and in the Secret.
        assert [(each.resource, each.operation) for each in diff(none, one)] == [("orders-replica-1", "create")]
        with_one = up(none, one, 2)
        assert with_one.operations["create"] == 1
        assert with_one.resources.items() >= made.resources.items(), "the primary is the same"
        assert {each.name for each in endpoints_in(with_one.outputs)} == {"postgresql", "postgresql-replica-1"}
        replica = Client(credentials_in(with_one.outputs), "replica-1-host")
        assert replica.secret["orders.host"] == primary.secret["orders.host"] != replica.secret["orders.replica-1-host"]
        assert up(one, one, 2).operations == {"same": len(one.resources)}
        assert drift(tenant, stacks) == {}

        # 2. What the primary is told, the replica knows; it takes no writes itself.
        assert replica.counts("t") == 1000
        assert primary.says("insert into t values (0)").returncode == 0
        assert replica.comes_to_count("t", 1001)
        refused = replica.says("insert into t values (0)")
        assert refused.returncode != 0
        assert "read-only transaction" in refused.stderr

        # 3. A backup of the primary while it runs, restored as another volume: a server started from it recovers by its log.
        assert [part.name for _, part in data_of(one)] == ["orders"]
        instance = made.resources["orders"][1]
        with backed_up_and_restored(tenant, instance, lambda: primary.says("insert into t values (-1)")) as restored:
            assert counted_in(restored, primary, tmp_path) == 1001
        assert primary.counts("t") == 1002, "it went on while it was backed up"

        # 4. The replica goes. The plan shows it; nothing that holds data is touched, and the rows are where they were.
        assert [(each.resource, each.operation) for each in diff(one, none)] == [("orders-replica-1", "delete")]
        assert losses(one, none) == rebuilds(one, none) == ()
        assert up(one, none, 3).operations["delete"] == 1
        assert primary.says("insert into t values (2)").returncode == 0
        assert primary.counts("t") == 1003
        assert up(none, none, 3).operations == {"same": len(none.resources)}


def drift(tenant: Tenant, stacks: PulumiStacks) -> dict[str, tuple[str, ...]]:
    """What differs from the state now."""
    stacks.look_for_drift(tenant.unit, [tenant.key])
    return {each.resource: each.fields for each in stacks.drift(tenant.key) or ()}


@contextmanager
def backed_up_and_restored(tenant: Tenant, instance: str, meanwhile: Callable[[], Any]) -> Iterator[Path]:
    """The file of a volume restored from a backup of an instance's volume, whose snapshot was taken before `meanwhile`."""
    storage = tenant.admin.block_storage
    volume = tenant.admin.database.get(f"/mgmt/instances/{instance}").json()["instance"]["volume"]["id"]
    snapshot = storage.create_snapshot(volume_id=volume, is_forced=True, name=f"snapshot-{instance}")
    storage.wait_for_status(snapshot, "available", wait=PATIENCE)
    meanwhile()
    backup = storage.create_backup(volume_id=volume, snapshot_id=snapshot.id, name=f"backup-{instance}", force=True)
    storage.wait_for_status(backup, "available", wait=PATIENCE)
    restored = storage.get_volume(storage.restore_backup(backup.id, name=f"restored-{instance}").volume_id)
    storage.wait_for_status(restored, "available", failures=["error", "error_restoring"], wait=PATIENCE)
    yield Layout(state_directory()).volumes / f"volume-{restored.id}"
    for used, delete in ((restored, storage.delete_volume), (backup, storage.delete_backup), (snapshot, storage.delete_snapshot)):
        delete(used)
        storage.wait_for_delete(used, wait=PATIENCE)


def counted_in(volume: Path, client: Client, directory: Path) -> int:
    """How many rows a server started from a volume finds, after it recovered by its log."""
    unpack(volume, directory / "again")
    host, port = databases.free_address()
    server = postgres.Server(directory / "again", host, port, directory / "again.log")
    server.start()
    try:
        found = Client({**client.secret, "orders.host": host, "orders.port": str(port)}).counts("t")
    finally:
        server.stop()
    assert "was not properly shut down; automatic recovery in progress" in (directory / "again.log").read_text()
    return found


@pytest.mark.soak
def test_replicas_grow_with_their_primary_and_go_before_it(tenant: Tenant) -> None:
    one, larger = program(tenant, 1), program(tenant, 2, storage=2, offering="pg-medium")
    with tenant.stacks() as stacks:

        def up(old: Program | None, new: Program, plan: int) -> Any:
            return stacks.up(tenant.key, tenant.unit, plan, new, allowed_operations(diff(old, new)))

        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        made = up(None, one, 1)
        primary = Client(credentials_in(made.outputs))
        assert primary.says("create table t as select generate_series(1, 1000) a").returncode == 0
        assert {each.operation for each in diff(one, larger)} == {"create", "update"}
        grown = up(one, larger, 2)
        assert grown.resources.items() >= made.resources.items()
        primary.says("insert into t values (0)")
        assert all(Client(credentials_in(grown.outputs), f"replica-{number}-host").comes_to_count("t", 1001) for number in (1, 2))
        assert up(larger, larger, 2).operations == {"same": len(larger.resources)}
        assert drift(tenant, stacks) == {}
        assert stacks.destroy(tenant.key, tenant.unit, 3).operations == {"delete": len(larger.resources)}
        assert not tenant.found()


@pytest.mark.soak
def test_what_somebody_detached_is_drift_and_is_not_deleted(tenant: Tenant) -> None:
    none, one = program(tenant, 0), program(tenant, 1)
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        made = stacks.up(tenant.key, tenant.unit, 1, one, allowed_operations(diff(None, one)))
        detached = Client(credentials_in(made.outputs), "replica-1-host")
        identity = made.resources["orders-replica-1"][1]
        trove, path = tenant.admin.database, f"/instances/{identity}"
        trove.put(path, json={"instance": {"replica_of": ""}})
        until(lambda: "replica_of" not in trove.get(path).json()["instance"], "that it follows nobody", 0.5)
        assert detached.says("create table mine (a int)").returncode == 0

        assert drift(tenant, stacks) == {"orders-replica-1": ("replica_of",)}
        with pytest.raises(Stop, match="follows no other database"):
            stacks.up(tenant.key, tenant.unit, 2, none, allowed_operations(diff(one, none)))
        assert detached.counts("mine") == 0, "it is still there"
        trove.delete(path)
        until(lambda: trove.get(path).status_code == 404, "its end", 0.5)
        stacks.up(tenant.key, tenant.unit, 2, none, allowed_operations(diff(one, none)))
