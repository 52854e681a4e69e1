"""OpenStack in memory: objects with ids, quotas, and the bytes of what holds data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from threading import RLock

from govcloud.adapters.memory.wire import Wire
from govcloud.failures import Retry, Stop
from govcloud.ports import Found
from govcloud.reasons import Reason
from stacks.kind import Quota
from stacks.order import leaves
from stacks.program import Lookup, Value

INSTANCE = "openstack:compute/instance:Instance"
VOLUME = "openstack:blockstorage/volume:Volume"
DATABASE = "openstack:database/instance:Instance"
SNAPSHOT = "memory:snapshot"


@dataclass(frozen=True)
class Thing:
    """An object in the cloud. `key` says which operation made it: the mark `govcloud_op`."""

    id: str
    type: str
    project: str
    name: str
    owner: str
    key: str
    inputs: Mapping[str, Value] = field(default_factory=dict)


_COUNTED: Mapping[str, tuple[str, ...]] = {
    INSTANCE: ("instances",),
    VOLUME: ("volumes",),
    DATABASE: ("instances", "volumes"),
    "openstack:networking/network:Network": ("networks",),
    "openstack:networking/subnet:Subnet": ("subnets",),
    "openstack:networking/router:Router": ("routers",),
    "openstack:networking/port:Port": ("ports",),
    "openstack:networking/secGroup:SecGroup": ("security_groups",),
    "openstack:networking/secGroupRule:SecGroupRule": ("security_group_rules",),
    "openstack:networking/floatingIp:FloatingIp": ("floating_ips",),
    "openstack:compute/serverGroup:ServerGroup": ("server_groups",),
}
"""What a type takes of which quota, one each."""


class MemoryCloud:
    """`ports.Cloud`, and the objects that stacks and backups make in it.

    Attributes:
        offered: service types of its catalog.
        flavors, images: names that exist; a server or volume that names another one cannot be made.
        quotas: project -> quota, as last set. Nothing beyond it can be made.
        contents: bytes of a thing that holds data, by its id.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._things: dict[str, Thing] = {}
        self._numbers = count(1)
        self._lock = RLock()
        self.offered: tuple[str, ...] = ("block-storage", "compute", "database", "image", "network", "object-store")
        self.flavors = {"m1.tiny", "m1.small", "m1.medium", "m1.large"}
        self.images = {"cirros"}
        self.quotas: dict[str, Quota] = {}
        self.contents: dict[str, bytes] = {}

    def marked(self, unit_project: str, owner: str) -> Sequence[Found]:
        """Everything in the project that carries the owner's mark."""
        self._wire.read()
        return tuple(
            Found(thing.type, thing.id, thing.name)
            for thing in self.things()
            if (thing.project, thing.owner) == (unit_project, owner)
        )

    def services(self) -> Sequence[str]:
        """The services that are offered."""
        self._wire.read()
        return self.offered

    # For the other twins and for tests

    def things(self, project: str | None = None) -> tuple[Thing, ...]:
        """All objects, or those of a project, oldest first."""
        with self._lock:
            return tuple(thing for thing in self._things.values() if project in (None, thing.project))

    def thing(self, id: str) -> Thing | None:
        """One object, if it exists."""
        return self._things.get(id)

    def made_by(self, project: str, key: str) -> Thing | None:
        """What an operation made, if it did. Two of them would be a fault of whoever made the second."""
        found = [thing for thing in self.things(project) if thing.key == key]
        if len(found) > 1:
            raise Stop(Reason.DUPLICATES, f"{len(found)} objects carry the operation key {key}; nothing was touched")
        return found[0] if found else None

    def make(self, type: str, project: str, name: str, owner: str, key: str, inputs: Mapping[str, Value]) -> Thing:
        """Make an object."""
        self._refuse_unknown(inputs)
        with self._lock:
            self._refuse_beyond_quota(type, project, inputs)
            short = type.rsplit(":", 1)[-1].lower()
            made = Thing(f"{short}-{next(self._numbers)}", type, project, name, owner, key, dict(inputs))
            self._things[made.id] = made
            self.contents[made.id] = f"content of {made.id}".encode()
        return made

    def change(self, id: str, inputs: Mapping[str, Value]) -> None:
        """Change an object in place."""
        self._refuse_unknown(inputs)
        with self._lock:
            self._things[id] = replace(self._things[id], inputs=dict(inputs))

    def remove(self, id: str) -> None:
        """Delete an object. One that is gone already is no error; what a snapshot is of stays, as Cinder has it.

        Raises:
            Stop: there is a snapshot of it.
        """
        with self._lock:
            if frozen := [thing.name for thing in self._things.values() if thing.type == SNAPSHOT and thing.inputs.get("of") == id]:
                raise Stop(Reason.RESOURCE_FAILED, f"{id} still has dependent snapshots: {', '.join(frozen)}")
            self._things.pop(id, None)
            self.contents.pop(id, None)

    def _refuse_unknown(self, inputs: Mapping[str, Value]) -> None:
        flavor = inputs.get("flavor_name")
        named = {("flavor", flavor)} if isinstance(flavor, str) else set()
        named |= {(leaf.kind, leaf.name) for leaf in leaves(dict(inputs)) if isinstance(leaf, Lookup)}
        known = {"flavor": self.flavors, "image": self.images}
        for kind, name in sorted(named):
            if kind in known and name not in known[kind]:
                raise Stop(Reason.FLAVOR_OR_IMAGE_MISSING, f"the cloud has no {kind} {name!r}")

    def _refuse_beyond_quota(self, type: str, project: str, inputs: Mapping[str, Value]) -> None:
        quota = self.quotas.get(project)
        if quota is None:
            return
        there = [_use(thing.type, thing.inputs) for thing in self.things(project)]
        used = sum(there, start=_use(type, inputs))
        for name, amount in vars(used).items():
            if amount > getattr(quota, name):
                raise Retry(Reason.QUOTA_EXCEEDED, f"the quota of {name} in {project} is used up", timedelta(minutes=5))


def _use(type: str, inputs: Mapping[str, Value]) -> Quota:
    size = inputs.get("size")
    gigabytes = size if type in (VOLUME, DATABASE) and isinstance(size, int) else 0
    return Quota(**dict.fromkeys(_COUNTED.get(type, ()), 1), gigabytes=gigabytes)
