"""A cloud of its own that is stopped and started: nothing of it is lost, nothing of it is left running."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
from waiting import until

from devcloud.openstack import OpenStack, databases, postgres
from devcloud.openstack.layout import API_SERVICES, Layout
from devcloud.paths import cache_root
from devcloud.patience import PATIENCE
from devcloud.progress import say

pytestmark = [pytest.mark.cluster, pytest.mark.soak]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "dev"


@pytest.fixture
def cloud(state: Path) -> Iterator[OpenStack]:
    cloud = OpenStack(state, cache_root(), say)
    cloud.up()
    yield cloud
    cloud.reset()


def client(state: Path) -> Any:
    logins = json.loads((state / "clouds.yaml").read_text())["clouds"]
    return openstack.connection.Connection(**logins["govcloud"])


def wait_until(done: Callable[[], object]) -> None:
    until(done, pause=0.3)


def running(cloud: OpenStack) -> set[str]:
    return {service.name for service in cloud.status() if service.state == "running"}


def processes_of(state: Path) -> list[str]:
    """The command lines of everything that runs for this cloud."""
    found = subprocess.run(["ps", "-eo", "args", "--no-headers"], text=True, capture_output=True, check=True)
    return [line for line in found.stdout.splitlines() if str(state) in line]


def a_network(api: Any) -> Any:
    network = api.network.create_network(name="n")
    subnet = api.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.1.0.0/24")
    api.network.add_interface_to_router(api.network.create_router(name="r"), subnet=subnet)
    return network


def a_server(api: Any, network: Any) -> str:
    disk = {
        "boot_index": 0, "uuid": api.image.find_image("cirros").id, "source_type": "image",
        "destination_type": "volume", "volume_size": 1, "delete_on_termination": True,
    }  # fmt: skip
    flavor = api.compute.find_flavor("m1.tiny").id
    made = api.compute.create_server(
        name="s", flavor_id=flavor, networks=[{"uuid": network.id}], block_device_mapping=[disk]
    )
    return str(api.compute.wait_for_server(made, interval=0.3, wait=PATIENCE).id)


def a_database(api: Any, network: Any) -> str:
    wanted = {
        "name": "db", "flavorRef": api.compute.find_flavor("m1.small").id, "volume": {"size": 1},
        "datastore": {"type": "postgresql"}, "nics": [{"net-id": network.id}], "databases": [{"name": "records"}],
        "users": [{"name": "clerk", "password": "secret", "databases": [{"name": "records"}]}],
    }  # fmt: skip
    instance = str(api.database.post("/instances", json={"instance": wanted}).json()["instance"]["id"])
    wait_until(lambda: is_healthy(api, instance))
    return instance


def is_healthy(api: Any, instance: str) -> bool:
    found = api.database.get(f"/instances/{instance}").json()["instance"]
    return (found["status"], found["operating_status"]) == ("ACTIVE", "HEALTHY")


def query(state: Path, instance: str, sql: str) -> str:
    database = databases.load(Layout(state), instance)
    assert database is not None
    where = database.endpoint
    command = [
        str(postgres.binaries() / "psql"),
        "-h",
        where.host,
        "-p",
        str(where.port),
        "-U",
        "clerk",
        "-d",
        "records",
    ]
    done = subprocess.run(
        [*command, "-tAc", sql], env={"PGPASSWORD": "secret"}, text=True, capture_output=True, check=True
    )
    return done.stdout.strip()


def test_servers_volumes_and_databases_outlive_a_stop(cloud: OpenStack, state: Path) -> None:
    assert running(cloud) == {*API_SERVICES, "postgresql"}
    api = client(state)
    network = a_network(api)
    server, database = a_server(api, network), a_database(api, network)
    query(state, database, "create table t as select 42 as answer")
    ports = Layout(state).ports()

    cloud.down()
    assert running(cloud) == set()
    wait_until(lambda: not processes_of(state))

    cloud.up()
    assert Layout(state).ports() == ports
    assert query(state, database, "select answer from t") == "42"
    api = client(state)
    assert is_healthy(api, database)
    assert api.compute.get_server(server).status == "ACTIVE"
    api.compute.stop_server(server)
    wait_until(lambda: api.compute.get_server(server).status == "SHUTOFF")
    api.compute.resize_server(server, api.compute.find_flavor("m1.small"))
    wait_until(lambda: api.compute.get_server(server).status == "VERIFY_RESIZE")
    (volume,) = api.block_storage.volumes()
    assert (volume.status, volume.attachments[0]["server_id"]) == ("in-use", server)


def test_a_reset_cloud_is_as_new(cloud: OpenStack, state: Path) -> None:
    client(state).network.create_network(name="forgotten")
    cloud.reset()
    assert not processes_of(state)
    cloud.up()
    api = client(state)
    assert [network.name for network in api.network.networks()] == ["public"]
    assert {image.name for image in api.image.images()} == {"cirros"}
    assert {kind.name for kind in api.block_storage.types()} >= {"standard", "encrypted"}


def test_two_clouds_run_side_by_side(cloud: OpenStack, state: Path, tmp_path: Path) -> None:
    other = OpenStack(tmp_path / "other", cache_root(), say)
    try:
        other.up()
        client(state).network.create_network(name="here")
        assert "here" not in {network.name for network in client(tmp_path / "other").network.networks()}
        other.down()
        assert running(cloud) == {*API_SERVICES, "postgresql"}
    finally:
        other.reset()
