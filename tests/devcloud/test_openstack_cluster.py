"""The development cloud's OpenStack as its clients meet it: what README.md calls real is real."""

import hashlib
import json
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack import exceptions
from waiting import until

from devcloud.openstack import postgres
from devcloud.openstack.database_volumes import check, holds_database
from devcloud.openstack.layout import Layout
from devcloud.paths import state_directory
from devcloud.patience import PATIENCE

pytestmark = pytest.mark.cluster

PASSWORD = "s3cret'%"
GIB = 1 << 30
MIB = 1 << 20


@dataclass
class Unit:
    """A project of its own with a user who is only a member of it, and a network."""

    cloud: Any
    project: str
    network: str


@pytest.fixture(scope="module")
def layout() -> Layout:
    return Layout(state_directory())


@pytest.fixture(scope="module")
def connect(layout: Layout) -> Callable[[str], Any]:
    logins = json.loads(layout.clouds_yaml.read_text())["clouds"]
    return lambda name: openstack.connection.Connection(**logins[name])


@pytest.fixture(scope="module")
def admin(connect: Callable[[str], Any]) -> Any:
    return connect("admin")


@pytest.fixture(scope="module")
def backups(connect: Callable[[str], Any]) -> Any:
    return connect("govcloud-backups")


@pytest.fixture(scope="module")
def quarantine(connect: Callable[[str], Any]) -> Any:
    return connect("govcloud-quarantine")


@pytest.fixture
def unit(layout: Layout, admin: Any) -> Iterator[Unit]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    project = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(name=name, password=name, domain_id="default")
    admin.identity.assign_project_role_to_user(project, user, admin.identity.find_role("member"))
    cloud = _login(layout, name)
    network = cloud.network.create_network(name=name)
    subnet = cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.1.0.0/24")
    # Trove takes only networks that a router serves.
    router = cloud.network.create_router(name=name)
    cloud.network.add_interface_to_router(router, subnet=subnet)
    yield Unit(cloud, project.id, network.id)
    _clear(cloud, admin, project.id)
    admin.identity.delete_user(user)
    admin.identity.delete_project(project)


def _login(layout: Layout, name: str) -> Any:
    entry = json.loads(layout.clouds_yaml.read_text())["clouds"]["govcloud"]
    entry["auth"] |= {"username": name, "password": name, "project_name": name}
    return openstack.connection.Connection(**entry)


def _clear(cloud: Any, admin: Any, project: str) -> None:
    storage = cloud.block_storage
    for instance in cloud.database.get("/instances").json()["instances"]:
        cloud.database.delete(f"/instances/{instance['id']}")
        wait_until(partial(_is_gone, cloud, instance["id"]))
    for server in list(cloud.compute.servers()):
        cloud.compute.delete_server(server)
        cloud.compute.wait_for_delete(server, interval=0.3, wait=PATIENCE)
    for snapshot in list(storage.snapshots()):
        storage.delete_snapshot(snapshot)
        storage.wait_for_delete(snapshot, interval=0.3, wait=PATIENCE)
    for volume in list(storage.volumes()):
        storage.delete_volume(volume)
        storage.wait_for_delete(volume, interval=0.3, wait=PATIENCE)
    for image in list(cloud.image.images(owner=project)):
        cloud.image.delete_image(image)
    for router in list(cloud.network.routers(project_id=project)):
        for port in list(cloud.network.ports(device_id=router.id)):
            cloud.network.remove_interface_from_router(router, port=port)
        cloud.network.delete_router(router)
    for port in list(admin.network.ports(project_id=project)):
        admin.network.delete_port(port)
    for network in list(cloud.network.networks(project_id=project)):
        cloud.network.delete_network(network)


def _is_gone(cloud: Any, instance: str) -> bool:
    return bool(cloud.database.get(f"/instances/{instance}").status_code == 404)


def wait_until(done: Callable[[], object]) -> None:
    until(done, pause=0.3)


def settled(cloud: Any, volume_or_backup: Any, status: str = "available") -> Any:
    failures = ["error", "error_restoring", "error_deleting"]
    return cloud.block_storage.wait_for_status(volume_or_backup, status, failures, interval=0.2, wait=PATIENCE)


def server(unit: Unit, **more: Any) -> Any:
    flavor, image = unit.cloud.compute.find_flavor("m1.tiny"), unit.cloud.image.find_image("cirros")
    wanted = {"image_id": image.id, "flavor_id": flavor.id, "networks": [{"uuid": unit.network}], "name": "s", **more}
    return unit.cloud.compute.wait_for_server(unit.cloud.compute.create_server(**wanted), interval=0.3, wait=PATIENCE)


def volume_of(unit: Unit, content: bytes) -> Any:
    """A volume of 1 GiB that begins with these bytes."""
    image = unit.cloud.image.create_image(name="content", disk_format="raw", container_format="bare", data=content)
    volume = unit.cloud.block_storage.create_volume(size=1, image_id=image.id, name="v")
    return settled(unit.cloud, volume)


def digest_of(cloud: Any, volume: Any) -> tuple[int, str]:
    """Size and SHA-256 of all bytes of a volume, read as a client can: through an image, streamed."""
    answer = cloud.block_storage.upload_volume_to_image(
        volume, f"read-{volume.id}", disk_format="raw", container_format="bare"
    )
    image = cloud.image.get_image(answer["image_id"])
    wait_until(lambda: cloud.image.get_image(image.id).status == "active")
    size, total = 0, hashlib.sha256()
    for piece in cloud.image.download_image(image, stream=True).iter_content(MIB):
        size += len(piece)
        total.update(piece)
    cloud.image.delete_image(image)
    settled(cloud, cloud.block_storage.get_volume(volume.id))
    return size, total.hexdigest()


def digest(content: bytes) -> tuple[int, str]:
    return GIB, hashlib.sha256(content.ljust(GIB, b"\0")).hexdigest()


# ---- volumes and backups


def test_a_backup_of_an_attached_volume_crosses_projects_with_every_byte(
    unit: Unit, backups: Any, quarantine: Any
) -> None:
    content = random.Random(1).randbytes(3 * MIB + 17)
    volume = volume_of(unit, content)
    unit.cloud.compute.create_volume_attachment(server(unit), volume_id=volume.id)
    settled(unit.cloud, unit.cloud.block_storage.get_volume(volume.id), "in-use")

    backup = settled(backups, backups.block_storage.create_backup(volume_id=volume.id, name="b", force=True))
    answer = quarantine.block_storage.restore_backup(backup.id, name="r")
    restored = settled(quarantine, quarantine.block_storage.get_volume(answer.volume_id))
    try:
        assert restored.project_id == quarantine.current_project_id
        assert backups.current_project_id not in (unit.project, quarantine.current_project_id)
        assert digest_of(quarantine, restored) == digest(content)
    finally:
        quarantine.block_storage.delete_volume(restored)
        backups.block_storage.delete_backup(backup)
        backups.block_storage.wait_for_delete(backup, interval=0.3, wait=PATIENCE)


def test_an_incremental_backup_knows_what_has_become_zero(unit: Unit) -> None:
    storage = unit.cloud.block_storage
    volume = volume_of(unit, random.Random(2).randbytes(4 * MIB))
    empty = settled(unit.cloud, storage.create_volume(size=1, name="empty"))
    backup_of_empty = settled(unit.cloud, storage.create_backup(volume_id=empty.id, name="empty"))
    full = settled(unit.cloud, storage.create_backup(volume_id=volume.id, name="full"))
    # The volume becomes all zeros; so must what full and increment together restore, over other content.
    restore(unit, backup_of_empty, volume)
    increment = settled(unit.cloud, storage.create_backup(volume_id=volume.id, name="more", is_incremental=True))
    restore(unit, full, volume)
    assert digest_of(unit.cloud, volume) != digest(b"")
    restore(unit, increment, volume)
    assert increment.is_incremental
    assert digest_of(unit.cloud, volume) == digest(b"")
    for backup in (increment, full, backup_of_empty):
        storage.delete_backup(backup)
        storage.wait_for_delete(backup, interval=0.3, wait=PATIENCE)


def restore(unit: Unit, backup: Any, volume: Any) -> None:
    storage = unit.cloud.block_storage
    storage.restore_backup(backup.id, volume=volume.id)
    wait_until(lambda: storage.get_volume(volume.id).status == "available")
    settled(unit.cloud, storage.get_backup(backup.id))


def test_snapshots_clones_and_grown_volumes_hold_the_sources_bytes(unit: Unit) -> None:
    storage = unit.cloud.block_storage
    content = random.Random(3).randbytes(2 * MIB)
    source = volume_of(unit, content)
    snapshot = settled(unit.cloud, storage.create_snapshot(volume_id=source.id, name="s"))
    from_snapshot = settled(unit.cloud, storage.create_volume(size=1, snapshot_id=snapshot.id))
    clone = settled(unit.cloud, storage.create_volume(size=1, source_volume_id=source.id))
    assert digest_of(unit.cloud, from_snapshot) == digest_of(unit.cloud, clone) == digest(content)
    storage.extend_volume(clone, 2)
    wait_until(lambda: storage.get_volume(clone.id).size == 2 and storage.get_volume(clone.id).status == "available")
    size, _total = digest_of(unit.cloud, storage.get_volume(clone.id))
    assert size == 2 * GIB


# ---- quotas


def test_a_projects_quotas_are_enforced_by_each_service(unit: Unit, admin: Any) -> None:
    admin.set_compute_quotas(unit.project, instances=5, cores=1, ram=100_000)
    admin.set_volume_quotas(unit.project, volumes=1, gigabytes=1)
    admin.set_network_quotas(unit.project, port=3)  # the router has one
    server(unit)
    with pytest.raises(exceptions.ForbiddenException, match="Quota exceeded for cores"):
        server(unit)
    volume = unit.cloud.block_storage.create_volume(size=1)
    settled(unit.cloud, volume)
    with pytest.raises(exceptions.HttpException, match="exceed") as refused:
        unit.cloud.block_storage.create_volume(size=1)
    assert refused.value.status_code == 413
    unit.cloud.network.create_port(network_id=unit.network)
    with pytest.raises(exceptions.ConflictException, match="Quota exceeded"):
        unit.cloud.network.create_port(network_id=unit.network)


# ---- servers


def test_a_server_lives_its_life(unit: Unit) -> None:
    compute = unit.cloud.compute
    machine = server(unit)
    compute.stop_server(machine)
    compute.wait_for_server(compute.get_server(machine.id), "SHUTOFF", interval=0.3, wait=PATIENCE)
    compute.start_server(machine)
    wait_until(lambda: compute.get_server(machine.id).status == "ACTIVE")
    compute.resize_server(machine, compute.find_flavor("m1.small"))
    wait_until(lambda: compute.get_server(machine.id).status == "VERIFY_RESIZE")
    compute.confirm_server_resize(machine)
    wait_until(lambda: compute.get_server(machine.id).status == "ACTIVE")
    assert compute.get_server(machine.id).flavor.name == "m1.small"
    (port,) = unit.cloud.network.ports(device_id=machine.id)
    wait_until(lambda: unit.cloud.network.get_port(port.id).status == "ACTIVE")


# ---- databases


@dataclass
class Instance:
    """A PostgreSQL instance of Trove's, and how it is reached."""

    unit: Unit
    id: str

    def show(self) -> dict[str, Any]:
        found: dict[str, Any] = self.unit.cloud.database.get(f"/instances/{self.id}").json()["instance"]
        return found

    def wait(self, status: str) -> None:
        wait_until(partial(self._is, status))

    def _is(self, status: str) -> bool:
        found = self.show()
        assert found["status"] != "ERROR", found
        return (found["status"], found["operating_status"]) == ("ACTIVE", status)

    def query(self, sql: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        address = self.show()["addresses"][0]["address"]
        login = ["-h", address, "-p", "5432", "-U", "clerk", "-d", "records"]
        environment = {"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "60"}
        command = [str(postgres.binaries() / "psql"), *login, "-tAc", sql]
        return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)


@pytest.fixture
def database(unit: Unit) -> Instance:
    user = {"name": "clerk", "password": PASSWORD, "databases": [{"name": "records"}]}
    wanted = {
        "name": "db", "flavorRef": unit.cloud.compute.find_flavor("m1.small").id, "volume": {"size": 1},
        "datastore": {"type": "postgresql"}, "nics": [{"net-id": unit.network}], "users": [user],
        "databases": [{"name": "records"}],
    }  # fmt: skip
    answer = unit.cloud.database.post("/instances", json={"instance": wanted})
    instance = Instance(unit, answer.json()["instance"]["id"])
    instance.wait("HEALTHY")
    return instance


def test_a_postgresql_instance_is_a_real_one(database: Instance) -> None:
    assert database.query("create table t (a int); insert into t values (41), (1)").returncode == 0
    assert database.query("select sum(a) from t").stdout.strip() == "42"
    assert "password authentication failed" in database.query("select 1", password="wrong").stderr
    assert "does not exist" not in database.query("select 1").stderr


def test_a_stopped_database_is_on_its_volume_and_comes_back_from_it(
    database: Instance, admin: Any, layout: Layout
) -> None:
    database.query("create table t as select generate_series(1, 1000) a")
    volume = layout.volumes / f"volume-{_volume_of(admin, database)}"
    assert not holds_database(volume)
    stopped = admin.database.post(f"/mgmt/instances/{database.id}/action", json={"stop": {}})
    assert stopped.status_code == 202
    database.wait("SHUTDOWN")
    check(volume)
    assert volume.stat().st_size == GIB
    assert database.query("select 1").returncode != 0
    database.unit.cloud.database.post(f"/instances/{database.id}/action", json={"restart": {}})
    database.wait("HEALTHY")
    assert database.query("select count(*) from t").stdout.strip() == "1000"


def _volume_of(admin: Any, database: Instance) -> str:
    volumes = admin.block_storage.volumes(all_projects=True, name=f"trove-{database.id}")
    return str(next(iter(volumes)).id)


def test_a_deleted_database_stops(database: Instance, layout: Layout) -> None:
    address = database.show()["addresses"][0]["address"]
    database.unit.cloud.database.delete(f"/instances/{database.id}")
    wait_until(lambda: not (layout.trove / f"{database.id}.json").exists())
    assert not (layout.trove / database.id).exists()
    silent = subprocess.run([str(postgres.binaries() / "pg_isready"), "-q", "-h", address], check=False)
    assert silent.returncode != 0


# ---- identities, and the witness


@pytest.mark.parametrize("project", ["govcloud", "govcloud-backups", "govcloud-quarantine"])
def test_the_controllers_user_has_its_roles_in_its_projects(connect: Callable[[str], Any], project: str) -> None:
    access = connect(project).session.auth.get_access(connect(project).session)
    assert (access.username, access.project_name) == ("govcloud", project)
    assert {"admin", "member"} <= set(access.role_names)


def test_keystone_takes_nobody_for_another_caller(unit: Unit, admin: Any) -> None:
    user = unit.cloud.current_user_id

    def as_member(number: int) -> set[str]:
        made = unit.cloud.identity.create_application_credential(user, f"caller-{number}")
        return {role["name"] for role in made.roles}

    def as_administrator(number: int) -> set[str]:
        return {role.name for role in admin.identity.roles()}

    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda number: (as_member(number), as_administrator(number)), range(60)))
    assert {"admin", "member", "reader"} <= answers[0][1]
    assert [mine for mine, _ in answers] == [{"member", "reader"}] * 60


def test_the_witness_sees_each_write_with_its_request_ids(unit: Unit, layout: Layout) -> None:
    asked = f"req-{uuid.uuid4()}"
    before = layout.writes.stat().st_size
    answer = unit.cloud.network.post(
        "/networks", json={"network": {"name": "seen"}}, headers={"X-OpenStack-Request-ID": asked}
    )
    unit.cloud.network.get("/networks", headers={"X-OpenStack-Request-ID": asked})
    (line,) = [line for line in _lines_after(layout.writes, before) if line["global_request_id"] == asked]
    assert (line["service"], line["method"], line["status"]) == ("neutron", "POST", 201)
    assert line["path"].endswith("/networks")
    assert line["request_id"] == answer.headers["x-openstack-request-id"]


def _lines_after(journal: Path, offset: int) -> list[dict[str, Any]]:
    with journal.open() as file:
        file.seek(offset)
        return [json.loads(line) for line in file if line.endswith("\n")]
