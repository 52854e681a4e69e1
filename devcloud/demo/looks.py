"""Looks at the cloud itself, as its administrator: what of a request is there, with which ids and marks, and what is not.

Written with openstacksdk against the services' own APIs; nothing here asks the controller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devcloud.demo.world import World


@dataclass(frozen=True)
class Seen:
    """One object in the cloud."""

    kind: str
    id: str
    name: str
    state: str
    project: str
    marks: str


def everything_of(world: World, uid: str) -> list[Seen]:
    """Every object of any project that carries the request's uid, backups excepted."""
    cloud = world.cloud()
    found = [*_computers(cloud), *_volumes(cloud), *_network(cloud), *_containers(world)]
    return [seen for seen in found if uid in seen.marks]


def servers_of(world: World, uid: str) -> list[Any]:
    """The request's machines, with all that Nova tells of each."""
    return [server for server in world.cloud().compute.servers(all_projects=True, details=True) if server.metadata.get("govcloud_request") == uid]


def in_project(seen: list[Seen], project: str) -> list[Seen]:
    return [item for item in seen if item.project == project]


def by_kind(seen: list[Seen]) -> dict[str, int]:
    """How many of each kind, for telling."""
    counts: dict[str, int] = {}
    for item in seen:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return dict(sorted(counts.items()))


def duplicates(seen: list[Seen]) -> list[str]:
    """Names that two objects of a kind have in one project."""
    known: set[tuple[str, str, str]] = set()
    twice = []
    for item in seen:
        place = (item.kind, item.project, item.name)
        if place in known:
            twice.append(f"{item.kind} {item.name}")
        known.add(place)
    return twice


def quota(world: World, project: str) -> dict[str, int]:
    """The limits that the services themselves enforce for a project."""
    cloud = world.cloud()
    compute, block, network = cloud.compute.get_quota_set(project), cloud.block_storage.get_quota_set(project), cloud.network.get_quota(project)
    return {
        "instances": compute.instances,
        "cores": compute.cores,
        "ram": compute.ram,
        "volumes": block.volumes,
        "gigabytes": block.gigabytes,
        "networks": network.networks,
        "ports": network.ports,
    }


def _computers(cloud: Any) -> Iterator[Seen]:
    for server in cloud.compute.servers(all_projects=True, details=True):
        yield Seen("server", server.id, server.name, server.status, server.project_id, str(dict(server.metadata)))


def _volumes(cloud: Any) -> Iterator[Seen]:
    for volume in cloud.block_storage.volumes(all_projects=True, details=True):
        yield Seen("volume", volume.id, volume.name, volume.status, volume.project_id, str(dict(volume.metadata or {})))
    for snapshot in cloud.block_storage.snapshots(all_projects=True, details=True):
        yield Seen("snapshot", snapshot.id, snapshot.name, snapshot.status, snapshot.project_id or "", str(dict(snapshot.metadata or {})))


def _network(cloud: Any) -> Iterator[Seen]:
    listings = {
        "network": cloud.network.networks,
        "subnet": cloud.network.subnets,
        "router": cloud.network.routers,
        "port": cloud.network.ports,
        "security group": cloud.network.security_groups,
        "floating IP": cloud.network.ips,
    }
    for kind, listing in listings.items():
        for item in listing():
            marks = f"{item.tags} {item.description}"
            yield Seen(kind, item.id, item.name or "", getattr(item, "status", None) or "", item.project_id or "", marks)


def _containers(world: World) -> Iterator[Seen]:
    """Containers of every unit's project; Swift has no listing over all accounts."""
    cloud = world.cloud("govcloud")
    for project in world.cloud().identity.projects():
        account = account_url(world, project.id)
        listing = cloud.session.get(account, params={"format": "json"}, raise_exc=False)
        if listing.status_code != 200:
            continue
        for entry in listing.json():
            head = cloud.session.head(f"{account}/{entry['name']}", raise_exc=False)
            marks = {name: value for name, value in head.headers.items() if name.lower().startswith("x-container-meta-")}
            yield Seen("container", entry["name"], entry["name"], "", project.id, str(marks))


def account_url(world: World, project: str) -> str:
    """Swift's URL of a project's account."""
    return f"{world.cloud('govcloud').object_store.get_endpoint().rsplit('/AUTH_', 1)[0]}/AUTH_{project}"
