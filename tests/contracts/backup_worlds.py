"""Three worlds in which the contract of `Backups` must hold: in memory, on a loopback cloud, on the development cloud.

A world makes sources, hands out the port, spoils what it is asked to spoil, and counts what is left. Only the tests know what
must be true of that.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from adapters import openstack_kit as loopback
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from provider.provider_kit import FastClock, MemoryJournal
from waiting import until

from devcloud.patience import PATIENCE
from govcloud.adapters.memory import MemoryBackups, MemoryCloud, Wire
from govcloud.adapters.openstack_backup_names import task
from govcloud.adapters.openstack_backups import OpenStackBackups
from govcloud.adapters.openstack_login import CloudLogins
from govcloud.adapters.openstack_swift import Container
from govcloud.adapters.openstack_waiting import Poller
from govcloud.api.backup import BackedUpRequest, BackupKind, BackupSpec, BackupStatus, Part
from govcloud.ports import BackupObject, Backups
from stacks.provider.journal import EffectContext, effect

OBJECTS = {"reports/2026 年.txt": b"figures", "a/../b": b"dots", "empty": b""}
FAR = datetime(2027, 1, 1, tzinfo=UTC)


class World(Protocol):
    """Where a contract is tried."""

    backups: Backups

    def source(self, kind: str) -> str:
        """Make something of that kind that holds data; its id."""
        ...

    def backup(self, *parts: Part, kind: BackupKind = "Termination") -> BackupObject:
        """A ServiceBackup of these parts."""
        ...

    def spoil(self, backup: BackupObject, part: Part) -> None:
        """See to it that what is restored of this part differs from its source."""
        ...

    def write_into(self, part: Part) -> None:
        """See to it that something may have written to the part."""
        ...

    def helpers(self) -> list[str]:
        """What lies in the backup and quarantine projects on behalf of this world, besides backups."""
        ...

    def kept(self) -> int:
        """How many backups of this world there are."""
        ...


def _backup(project: str, uid: str, *parts: Part, kind: BackupKind, name: str = "contract", frozen_at: datetime = FAR) -> BackupObject:
    spec = BackupSpec(
        kind=kind, request=BackedUpRequest(namespace="bureau", name="portal", uid=uid), unit="bureau", jurisdiction="jiujiang", plan=2,
        plan_digest="sha256:" + "0" * 64, project_id=project, backup_project="govcloud-backups",
        quarantine_project="govcloud-quarantine", frozen_at=frozen_at, parts=parts, retain_until=FAR + timedelta(days=365),
    )  # fmt: skip
    return BackupObject(name, "8d0c0000-0000-4000-8000-000000000002", spec, BackupStatus())


class InMemory:
    """The twins."""

    def __init__(self) -> None:
        wire = Wire()
        self._cloud = MemoryCloud(wire)
        self.backups: Backups = MemoryBackups(wire, self._cloud)
        self._twin = self.backups

    def source(self, kind: str) -> str:
        thing = self._cloud.make(f"memory:{kind}", "unit", kind, "someone", f"made-{kind}", {})
        self._cloud.contents[thing.id] = b"data"
        return thing.id

    def backup(self, *parts: Part, kind: BackupKind = "Termination") -> BackupObject:
        return _backup("unit", loopback.OWNER, *parts, kind=kind)

    def spoil(self, backup: BackupObject, part: Part) -> None:
        assert isinstance(self._twin, MemoryBackups)
        self._twin.corrupt.add(part.name)

    def write_into(self, part: Part) -> None:
        self._cloud.contents[part.source_id] += b"more"

    def helpers(self) -> list[str]:
        return [each.type for each in self._ours() if each.type != "memory:backup"]

    def kept(self) -> int:
        return sum(each.type == "memory:backup" for each in self._ours())

    def _ours(self) -> list[Any]:
        return [each for project in ("govcloud-backups", "govcloud-quarantine") for each in self._cloud.things(project)]


class OnLoopback:
    """The OpenStack adapter, on a cloud that is played."""

    def __init__(self, cloud: loopback.Cloud) -> None:
        self._cloud = cloud
        clock = FastClock()
        self.backups: Backups = OpenStackBackups(loopback.Logins(cloud, clock=clock), Poller(clock))

    def source(self, kind: str) -> str:
        if kind == "Container":
            self._cloud.container("files", OBJECTS, **{"X-Versions-Enabled": "True"})
            self._cloud.swift[loopback.PROJECTS["unit"], "files"].old["empty", "1"] = b"not always"
            return "files"
        return self._cloud.database() if kind == "DatabaseVolume" else self._cloud.volume()

    def backup(self, *parts: Part, kind: BackupKind = "Termination") -> BackupObject:
        return _backup(loopback.PROJECTS["unit"], loopback.OWNER, *parts, kind=kind)

    def spoil(self, backup: BackupObject, part: Part) -> None:
        self._cloud.swapped = b"something else"
        for (project, name), container in self._cloud.swift.items():
            if project == loopback.PROJECTS["govcloud-backups"] and name.startswith("backup-"):
                container.objects["empty"] = (b"no more", {})

    def write_into(self, part: Part) -> None:
        if part.how == "Container":
            self._cloud.swift[loopback.PROJECTS["unit"], part.source_id].objects["late"] = (b"more", {})
        elif part.how == "DatabaseVolume":
            self._cloud.things["instance"][part.source_id]["service_status"] = "HEALTHY"
        else:
            after = (FAR + timedelta(hours=1)).replace(tzinfo=None).isoformat()
            self._cloud.server(part.source_id).append({"action": "start", "start_time": after})

    def helpers(self) -> list[str]:
        ours = ("govcloud-backups", "govcloud-quarantine")
        found = [kind for kind in ("snapshot", "volume", "image") for project in ours if self._cloud.of(kind, project)]
        return found + [
            name for project, name in self._cloud.swift if project == loopback.PROJECTS["govcloud-quarantine"]
        ]

    def kept(self) -> int:
        backups = loopback.PROJECTS["govcloud-backups"]
        containers = [name for project, name in self._cloud.swift if project == backups and name.startswith("backup-")]
        return len(self._cloud.of("backup", "govcloud-backups")) + len(_without_versions(containers))


class OnOpenStack:
    """The OpenStack adapter, on the development cloud, in a unit project of its own."""

    def __init__(self, clouds_yaml: Path) -> None:
        self._yaml = clouds_yaml
        self._uid = str(uuid.uuid4())
        self._journal = MemoryJournal()
        self._logins = CloudLogins("govcloud", self._journal, clouds_yaml)
        self.backups: Backups = OpenStackBackups(self._logins)
        self._admin = self._connection("admin")
        self._project = self._make_project()
        self._unit = self._connection("admin", self._project.name)
        self._name = f"contract-{secrets.token_hex(4)}"
        self._undo: list[Callable[[], None]] = []

    def source(self, kind: str) -> str:
        return {"Volume": self._volume, "Container": self._container, "DatabaseVolume": self._database}[kind]()

    def backup(self, *parts: Part, kind: BackupKind = "Termination") -> BackupObject:
        return _backup(self._project.id, self._uid, *parts, kind=kind, name=self._name, frozen_at=datetime.now(UTC))

    def spoil(self, backup: BackupObject, part: Part) -> None:
        """A container's copy is edited; in place of a restored volume stands an empty one that someone made under its name."""
        meant = task(backup.name, backup.spec, part.name)
        if part.how == "Container":
            login = self._logins("govcloud-backups")
            with _test_effect():
                Container(login, login.project_id, meant.container("backup")).put("empty", b"no more", "text/plain")
            return
        quarantine = self._connection("govcloud-quarantine").block_storage
        planted = quarantine.create_volume(size=1, name=meant.name("restored-volume"))
        quarantine.wait_for_status(planted, "available", interval=0.2, wait=PATIENCE)
        self._undo.append(lambda: quarantine.delete_volume(planted))

    def write_into(self, part: Part) -> None:
        if part.how == "Container":
            with _test_effect():
                Container(self._logins("govcloud-backups"), self._project.id, part.source_id).put("late", b"more", "text/plain")
        else:
            self._attach(part.source_id)

    def _attach(self, volume: str) -> None:
        compute, cinder = self._unit.compute, self._unit.block_storage
        image, flavor = self._unit.image.find_image("cirros"), compute.find_flavor("m1.small")
        server = compute.create_server(name="contract", image_id=image.id, flavor_id=flavor.id, networks="none")
        compute.wait_for_server(server, interval=0.2, wait=PATIENCE)
        compute.create_volume_attachment(server, volume_id=volume)
        cinder.wait_for_status(cinder.get_volume(volume), "in-use", interval=0.2, wait=PATIENCE)
        self._undo.append(lambda: cinder.wait_for_status(cinder.get_volume(volume), "available", interval=0.2, wait=PATIENCE))
        self._undo.append(lambda: compute.delete_server(server))

    def helpers(self) -> list[str]:
        return [f"{kind} {each.name}" for kind, each in self._found() if kind != "backup"] + self._containers(
            "restored", "govcloud-quarantine"
        )

    def kept(self) -> int:
        containers = self._containers("backup", "govcloud-backups")
        return sum(kind == "backup" for kind, _ in self._found()) + len(_without_versions(containers))

    def clean_up(self) -> None:
        """Take away everything that this world made; the last thing is its project."""
        self._purge_backups()
        for undo in reversed(self._undo):
            undo()
        self._admin.identity.delete_project(self._project)

    def _found(self) -> Iterator[tuple[str, Any]]:
        for project in ("govcloud-backups", "govcloud-quarantine"):
            cinder = self._connection(project).block_storage
            kinds = {"snapshot": cinder.snapshots(), "volume": cinder.volumes(), "backup": cinder.backups()}
            for kind, listed in kinds.items():
                yield from (
                    (kind, each) for each in listed if (each.metadata or {}).get("govcloud_backup_of") == self._uid
                )

    def _containers(self, prefix: str, project: str) -> list[str]:
        swift = self._connection(project).object_store
        return [each.name for each in swift.containers() if each.name.startswith(f"{prefix}-{self._uid}-")]

    def _purge_backups(self) -> None:
        cinder = self._connection("govcloud-backups").block_storage
        for kind, delete in (
            ("volume", cinder.delete_volume),
            ("backup", cinder.delete_backup),
            ("snapshot", cinder.delete_snapshot),
        ):
            for each in [each for found, each in self._found() if found == kind]:
                delete(each)
            until(lambda kind=kind: all(found != kind for found, _ in self._found()), f"the deletion of every {kind}", 0.5)  # type: ignore[misc]
        self._purge_containers()

    def _purge_containers(self) -> None:
        for prefix, project in (("backup", "govcloud-backups"), ("restored", "govcloud-quarantine")):
            for name in self._containers(prefix, project):
                _empty(Container(self._logins(project), self._logins(project).project_id, name))

    def _volume(self) -> str:
        cinder = self._unit.block_storage
        volume = cinder.create_volume(size=1, name="contract", image_id=self._unit.image.find_image("cirros").id)
        cinder.wait_for_status(volume, "available", interval=0.2, wait=PATIENCE)
        self._undo.append(lambda: cinder.delete_volume(volume))
        return str(volume.id)

    def _container(self) -> str:
        logins = CloudLogins("admin", self._journal, self._yaml)
        container = Container(logins(self._project.name), self._project.id, "files")
        with _test_effect():
            container.make({})
            container._send("POST", headers={"X-Versions-Enabled": "true"})
            container.put("empty", b"not always", "text/plain")
            for name, content in OBJECTS.items():
                container.put(name, content, "text/plain")
        self._undo.append(lambda: _empty(container))
        return "files"

    def _database(self) -> str:
        network = self._unit.network.create_network(name="contract")
        subnet = self._unit.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.77.0.0/24")
        outside = {"network_id": self._unit.network.find_network("public").id}
        router = self._unit.network.create_router(name="contract", external_gateway_info=outside)
        self._unit.network.add_interface_to_router(router, subnet=subnet)
        self._undo.append(lambda: self._remove_network(network, subnet, router))
        return self._instance(network.id)

    def _instance(self, network: str) -> str:
        trove = self._unit.database
        stores = {each["name"]: each for each in trove.get("/datastores").json()["datastores"]}
        version = stores["postgresql"]["versions"][0]["name"]
        wanted = {
            "name": "contract", "flavorRef": self._unit.compute.find_flavor("m1.small").id, "volume": {"size": 1},
            "datastore": {"type": "postgresql", "version": version}, "nics": [{"net-id": network}],
        }  # fmt: skip
        instance = str(trove.post("/instances", json={"instance": wanted}).json()["instance"]["id"])
        self._undo.append(lambda: self._remove_instance(instance))
        until(lambda: trove.get(f"/instances/{instance}").json()["instance"]["status"] in ("ACTIVE", "HEALTHY"), f"instance {instance}", 0.5)
        return instance

    def _remove_instance(self, instance: str) -> None:
        self._unit.database.delete(f"/instances/{instance}")
        until(lambda: self._unit.database.get(f"/instances/{instance}").status_code == 404, f"the end of instance {instance}", 0.5)

    def _remove_network(self, network: Any, subnet: Any, router: Any) -> None:
        self._unit.network.remove_interface_from_router(router, subnet=subnet)
        self._unit.network.delete_router(router)
        self._unit.network.delete_network(network)

    def _make_project(self) -> Any:
        identity = self._admin.identity
        project = identity.create_project(name=f"contract-{self._uid[:8]}", domain_id="default")
        for role in ("admin", "member"):
            identity.assign_project_role_to_user(project, identity.find_user("admin"), identity.find_role(role))
        return project

    def _connection(self, cloud: str, project: str | None = None) -> Any:
        options = {"project_name": project} if project else {}
        return Connection(config=OpenStackConfig(config_files=[str(self._yaml)]).get_one(cloud=cloud, **options))


def _without_versions(containers: list[str]) -> list[str]:
    """The older versions of a container's objects lie in a second one, which is no backup by itself."""
    return [name for name in containers if not name.endswith("-versions")]


def _empty(container: Container) -> None:
    with _test_effect():
        for entry in container._page(versions="true"):
            container._send("DELETE", entry["name"], urlencode({"version-id": entry["version_id"]}), missing_ok=True)
        container.delete()


@contextmanager
def _test_effect() -> Iterator[None]:
    with effect(EffectContext("contract", "tests", "tests", "tests", "create", "0" * 32, 1)):
        yield
