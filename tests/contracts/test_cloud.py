"""What everybody may rely on who asks, through the `Cloud` port, what of a request is left. Tried on every implementation."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from provider.provider_kit import MemoryJournal

from devcloud.paths import state_directory
from devcloud.patience import PATIENCE
from govcloud.adapters.memory import MemoryCloud, Wire
from govcloud.adapters.openstack_cloud import OpenStackCloud
from govcloud.adapters.openstack_login import CloudLogins
from govcloud.ports import Cloud
from stacks.provider.marks import Marks, in_description, in_metadata, in_name, owner_fingerprint

VOLUME = "openstack:blockstorage/volume:Volume"
NETWORK = "openstack:networking/network:Network"
SERVER = "openstack:compute/instance:Instance"
CONTAINER = "openstack:objectstorage/container:Container"
SERVER_GROUP = "openstack:compute/serverGroup:ServerGroup"
USER = "openstack:identity/user:User"


class World(Protocol):
    """Where the contract is tried."""

    cloud: Cloud
    project: str

    def make(self, owner: str) -> set[tuple[str, str]]:
        """Make something of several kinds for that owner in the unit's project: types and ids."""
        ...


class InMemory:
    def __init__(self) -> None:
        self._twin = MemoryCloud(Wire())
        self.cloud: Cloud = self._twin
        self.project = "unit"

    def make(self, owner: str) -> set[tuple[str, str]]:
        made = [
            self._twin.make(type, self.project, "thing", owner, f"{type}-{owner}", {}) for type in (VOLUME, NETWORK)
        ]
        return {(thing.type, thing.id) for thing in made}


class OnOpenStack:
    """A project of its own on the development cloud."""

    def __init__(self, clouds_yaml: Path) -> None:
        self._config = OpenStackConfig(config_files=[str(clouds_yaml)])
        self.cloud: Cloud = OpenStackCloud(CloudLogins("govcloud", MemoryJournal(), clouds_yaml))
        admin = self._connection()
        project = admin.identity.create_project(name=f"contract-{uuid.uuid4().hex[:8]}", domain_id="default")
        self._undo: list[Callable[[], object]] = [lambda: admin.identity.delete_project(project)]
        for role in ("admin", "member"):
            admin.identity.assign_project_role_to_user(
                project, admin.identity.find_user("admin"), admin.identity.find_role(role)
            )
        self.project = str(project.id)
        self._unit = self._connection(project.name)

    def make(self, owner: str) -> set[tuple[str, str]]:
        marks = Marks(owner_fingerprint(owner) + "0" * 24, owner)
        return {
            (VOLUME, self._volume(marks)),
            (NETWORK, self._network(marks)),
            (SERVER, self._server(marks)),
            (CONTAINER, self._container(marks)),
            (SERVER_GROUP, self._server_group(marks)),
            (USER, self._user(marks)),
        }

    def clean_up(self) -> None:
        for undo in reversed(self._undo):
            undo()

    def _volume(self, marks: Marks) -> str:
        cinder = self._unit.block_storage
        volume = cinder.create_volume(size=1, name="thing", metadata=in_metadata({}, marks))
        cinder.wait_for_status(volume, "available", interval=0.2, wait=PATIENCE)
        self._undo.append(lambda: cinder.delete_volume(volume))
        return str(volume.id)

    def _network(self, marks: Marks) -> str:
        network = self._unit.network.create_network(name="thing", description=in_description("", marks))
        self._undo.append(lambda: self._unit.network.delete_network(network))
        return str(network.id)

    def _server(self, marks: Marks) -> str:
        nova, image = self._unit.compute, self._unit.image.find_image("cirros", ignore_missing=False)
        flavor = nova.find_flavor("m1.tiny", ignore_missing=False)
        wanted = {"image_id": image.id, "flavor_id": flavor.id, "networks": "none", "metadata": in_metadata({}, marks)}
        server = nova.create_server(name="thing", **wanted)
        nova.wait_for_server(server, interval=0.5, wait=PATIENCE)
        self._undo.append(lambda: (nova.delete_server(server), nova.wait_for_delete(server, interval=0.5, wait=PATIENCE)))
        return str(server.id)

    def _container(self, marks: Marks) -> str:
        name = f"files of {marks.owner}"
        headers = {f"X-Container-Meta-{key.replace('_', '-')}": value for key, value in in_metadata({}, marks).items()}
        self._unit.object_store.put(f"/{name}", headers=headers)
        self._undo.append(lambda: self._unit.object_store.delete(f"/{name}"))
        return name

    def _user(self, marks: Marks) -> str:
        """A container's user. It lies in no project."""
        identity = self._connection().identity
        user = identity.create_user(name=f"files-{marks.owner}", description=in_description("", marks))
        self._undo.append(lambda: identity.delete_user(user))
        return str(user.id)

    def _server_group(self, marks: Marks) -> str:
        body = {"server_group": {"name": in_name("thing", marks), "policies": ["anti-affinity"]}}
        group = self._unit.compute.post("/os-server-groups", json=body).json()["server_group"]["id"]
        self._undo.append(lambda: self._unit.compute.delete(f"/os-server-groups/{group}"))
        return str(group)

    def _connection(self, project: str | None = None) -> Any:
        options = {"project_name": project} if project else {}
        return Connection(config=self._config.get_one(cloud="admin", **options))


@pytest.fixture(params=["memory", pytest.param("openstack", marks=pytest.mark.cluster)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield InMemory()
        return
    real = OnOpenStack(state_directory() / "clouds.yaml")
    yield real
    real.clean_up()


def found(world: World, owner: str, project: str | None = None) -> Sequence[tuple[str, str]]:
    return sorted((each.type, each.id) for each in world.cloud.marked(project or world.project, owner))


def test_exactly_what_carries_the_owners_mark_is_found(world: World) -> None:
    mine, theirs, nobody = (str(uuid.uuid4()) for _ in range(3))
    made = {owner: world.make(owner) for owner in (mine, theirs)}
    assert found(world, mine) == sorted(made[mine])
    assert found(world, theirs) == sorted(made[theirs])
    assert found(world, nobody) == []


def test_what_lies_in_another_project_is_not_counted_but_users_lie_in_none(world: World) -> None:
    owner = str(uuid.uuid4())
    users = {(type, id) for type, id in world.make(owner) if type == USER}
    assert set(found(world, owner, project="0" * 32)) == users


def test_the_services_of_the_cloud_are_named_officially(world: World) -> None:
    assert {"compute", "block-storage", "network", "image", "object-store"} <= set(world.cloud.services())
