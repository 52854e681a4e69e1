"""Twins of the foreign systems in memory, for tests: the ports, kept to the letter, without a process or a disk.

They keep what the real systems keep (generations, resource versions and their conflicts, plans that cannot change, objects with
ids, quotas) and nothing of what they decide. Every write goes over a `Wire`, which counts it and lets the chosen one fail. Never
here: shortcuts that the real adapters do not have.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from threading import RLock
from typing import Any
from uuid import UUID

from govcloud.adapters.memory_accounts import MemoryAccounts
from govcloud.api.approval import ApprovalSpec, ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus, Part, PartState, PartStatus
from govcloud.api.catalog import CatalogSpec, CatalogStatus
from govcloud.api.jurisdiction import JurisdictionSpec, JurisdictionStatus
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitSpec, UnitStatus
from govcloud.core.canonical import canonical
from govcloud.core.guard import Guard, PolicyLook, after_look
from govcloud.core.objects import (
    ApprovalObject,
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PinnedPlan,
    RequestObject,
    UnitObject,
)
from govcloud.failures import Retry, Stop
from govcloud.ports import Clock, Found, StackOutcome, UnitAccess
from govcloud.reasons import Reason
from stacks.diff import ResourceChange, diff
from stacks.kind import Quota
from stacks.order import leaves, references
from stacks.program import External, Lookup, Program, Ref, Resource, Secret, Value

INSTANCE = "openstack:compute/instance:Instance"
VOLUME = "openstack:blockstorage/volume:Volume"
DATABASE = "openstack:database/instance:Instance"


class FixedClock:
    """Time that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The moment that was set: UTC, aware."""
        return self._now

    def ahead(self) -> timedelta:
        """Nothing: the twins date their objects by this clock."""
        return timedelta(0)

    def advance(self, by: timedelta) -> None:
        """Let time pass. It never goes back."""
        if by < timedelta(0):
            raise ValueError(f"time does not go back (by {by})")
        self._now += by


# What lies between the controller and the world


class Crash(BaseException):
    """The controller's process has ended. Not an `Exception`: nothing may handle it."""


@dataclass(frozen=True)
class _Planned:
    error: BaseException
    after: bool


class Wire:
    """Every write of the twins passes here, in order, and the chosen one fails: before it takes effect, or after.

    After a `Crash` the process is gone: whatever it still tries fails in the same way, reads too, until `restart`.
    """

    def __init__(self) -> None:
        self.writes: list[str] = []
        self._at: dict[int, _Planned] = {}
        self._named: dict[str, list[_Planned]] = {}
        self._dead = False
        self._lock = RLock()

    def fail_at(self, number: int, error: BaseException, *, after: bool = False) -> None:
        """Let the `number`-th write from the start (counted from 1) fail, once."""
        self._at[number] = _Planned(error, after)

    def fail_next(self, name: str, error: BaseException, *, times: int = 1, after: bool = False) -> None:
        """Let the next writes whose name begins with `name` fail."""
        self._named.setdefault(name, []).extend([_Planned(error, after)] * times)

    def forgive(self) -> None:
        """Nothing that was planned to fail fails any more."""
        self._at.clear()
        self._named.clear()

    def restart(self) -> None:
        """A new process: it can reach everything again."""
        self._dead = False

    def read(self) -> None:
        """A look at the world.

        Raises:
            Crash: the process is gone.
        """
        if self._dead:
            raise Crash

    @contextmanager
    def write(self, name: str) -> Iterator[None]:
        """One write: what it does stands inside.

        Raises:
            BaseException: what was planned for it.
        """
        self.read()
        with self._lock:
            self.writes.append(name)
            planned = self._planned(len(self.writes), name)
        if planned is not None and not planned.after:
            self._raise(planned.error)
        yield
        if planned is not None:
            self._raise(planned.error)

    def _planned(self, number: int, name: str) -> _Planned | None:
        if (planned := self._at.pop(number, None)) is not None:
            return planned
        waiting = next((items for start, items in self._named.items() if name.startswith(start) and items), None)
        return waiting.pop(0) if waiting else None

    def _raise(self, error: BaseException) -> None:
        self._dead = self._dead or isinstance(error, Crash)
        raise error


# Kubernetes


class MemoryCluster(MemoryAccounts):
    """`ports.Cluster`. What people do to objects is below `People`; admission is not played: what it refuses is not tried here.

    Attributes:
        secrets: (namespace, name) -> values, as last written.
        events: (request, reason, message) in the order in which they were told.
        fault: what is wrong with the admission policies, if anything; each change of it is a change of a policy.
    """

    def __init__(self, wire: Wire, clock: Clock) -> None:
        super().__init__(wire, self._version, self._uid)
        self._wire, self._clock = wire, clock
        self._requests: dict[tuple[str, str], RequestObject] = {}
        self._approvals: dict[tuple[str, str], ApprovalObject] = {}
        self._units: dict[str, UnitObject] = {}
        self._jurisdictions: dict[str, JurisdictionObject] = {}
        self._catalogs: dict[str, CatalogObject] = {}
        self._namespaces: dict[str, str | None] = {}
        self._plans: dict[tuple[str, int], PinnedPlan] = {}
        self._backups: dict[str, BackupObject] = {}
        self._versions, self._uids = count(1), count(1)
        self.secrets: dict[tuple[str, str], Mapping[str, str]] = {}
        self.events: list[tuple[str, str, str]] = []
        self._fault: str | None = None
        self._policy_changes = 1
        self._guard = Guard()

    @property
    def fault(self) -> str | None:
        """What is wrong with the admission policies."""
        return self._fault

    @fault.setter
    def fault(self, fault: str | None) -> None:
        self._fault = fault
        self._policy_changes += 1

    # Reading

    def request(self, namespace: str, name: str) -> RequestObject | None:
        """The request, or None."""
        self._wire.read()
        return self._requests.get((namespace, name))

    def requests(self) -> Sequence[RequestObject]:
        """All requests."""
        self._wire.read()
        return tuple(self._requests.values())

    def approvals(self) -> Sequence[ApprovalObject]:
        """All approvals."""
        self._wire.read()
        return tuple(self._approvals.values())

    def unit(self, name: str) -> UnitObject | None:
        """The unit, or None."""
        self._wire.read()
        return self._units.get(name)

    def jurisdiction(self, name: str) -> JurisdictionObject | None:
        """The jurisdiction, or None."""
        self._wire.read()
        return self._jurisdictions.get(name)

    def jurisdictions(self) -> Sequence[JurisdictionObject]:
        """All jurisdictions."""
        self._wire.read()
        return tuple(self._jurisdictions.values())

    def catalogs(self) -> Sequence[CatalogObject]:
        """All catalogs."""
        self._wire.read()
        return tuple(self._catalogs.values())

    def catalog(self, name: str) -> CatalogObject | None:
        """The catalog, or None."""
        self._wire.read()
        return self._catalogs.get(name)

    def namespace_unit(self, namespace: str) -> str | None:
        """The unit that the namespace is labelled with."""
        self._wire.read()
        return self._namespaces.get(namespace)

    def plans(self, key: RequestKey) -> Sequence[PinnedPlan]:
        """The request's pinned plans."""
        self._wire.read()
        return tuple(plan for (uid, _), plan in sorted(self._plans.items()) if uid == key.uid)

    def backup(self, name: str) -> BackupObject | None:
        """The backup set, or None."""
        self._wire.read()
        return self._backups.get(name)

    def policies(self) -> PolicyLook:
        """What was set as `fault`, and how often it was."""
        self._wire.read()
        return PolicyLook(self._clock.now(), self._fault, {"a policy": f"its-uid/{self._policy_changes}"})

    def guard(self) -> Guard:
        """What was remembered last."""
        self._wire.read()
        return self._guard

    # Writing

    def pin_plan(self, key: RequestKey, number: int, text: str) -> PinnedPlan:
        """Keep a plan that cannot change any more."""
        with self._wire.write("cluster.plan"):
            made = PinnedPlan(f"{key.name}-{key.uid[:8]}-{number}", number, text, self._clock.now())
            pinned = self._plans.setdefault((key.uid, number), made)
            if pinned.text != text:
                raise Stop(Reason.PLAN_DAMAGED, f"plan {number} is already pinned, with another text")
        return pinned

    def remember_guard(self, guard: Guard, replacing: Guard) -> None:
        """Keep it, if what is replaced is what was remembered."""
        with self._wire.write("cluster.guard"):
            if self._guard != replacing:
                raise Retry(Reason.CONFLICT, "something else is remembered of the policies")
            self._guard = guard

    def add_finalizer(self, request: RequestObject) -> None:
        """Add our finalizer."""
        with self._wire.write("cluster.finalizer"):
            self._change(self._same(request), has_finalizer=True)

    def remove_finalizer(self, request: RequestObject) -> None:
        """Remove our finalizer; an object that only waited for it is gone then."""
        with self._wire.write("cluster.finalizer"):
            stored = self._same(request)
            if stored.deleting:
                del self._requests[stored.key.namespace, stored.key.name]
            else:
                self._change(stored, has_finalizer=False)

    def guard_namespaces(self) -> None:
        """Nothing to mark: namespaces here are not objects that could be deleted."""

    def write_request_status(
        self, request: RequestObject, status: Mapping[str, Any], labels: Mapping[str, str | None]
    ) -> None:
        """Two writes, as on the real API: the status, then the labels, each only if it differs."""
        stored = request
        if dict(status) != dict(request.status):
            with self._wire.write("cluster.request-status"):
                stored = self._change(self._unchanged(request), status=dict(status))
        different = {key: value for key, value in labels.items() if request.labels.get(key) != value}
        if different:
            with self._wire.write("cluster.labels"):
                merged = {**request.labels, **different}
                kept = {key: value for key, value in merged.items() if value is not None}
                self._change(self._unchanged(stored), labels=kept)

    def write_approval_status(self, approval: ApprovalObject, status: ApprovalStatus) -> None:
        """Replace the status if it differs."""
        stored = self._approvals.get((approval.namespace, approval.name))
        if stored is None or stored.uid != approval.uid:
            raise Retry(Reason.CONFLICT, f"approval {approval.name} is gone")
        if stored.status != status:
            with self._wire.write("cluster.approval-status"):
                self._approvals[approval.namespace, approval.name] = replace(stored, status=status)

    def write_unit_status(self, unit: UnitObject, status: UnitStatus) -> None:
        """Replace the status if it differs."""
        stored = self._units.get(unit.name)
        if stored is None or stored.uid != unit.uid:
            raise Retry(Reason.CONFLICT, f"unit {unit.name} is gone")
        if stored.status != status:
            with self._wire.write("cluster.unit-status"):
                self._units[unit.name] = replace(stored, status=status)

    def write_jurisdiction_status(self, jurisdiction: JurisdictionObject, status: JurisdictionStatus) -> None:
        """Replace the status if it differs."""
        stored = self._jurisdictions[jurisdiction.name]
        if stored.status != status:
            with self._wire.write("cluster.jurisdiction-status"):
                self._jurisdictions[stored.name] = replace(stored, status=status)

    def write_catalog_status(self, catalog: CatalogObject, status: CatalogStatus) -> None:
        """Replace the status if it differs."""
        stored = self._catalogs[catalog.name]
        if stored.status != status:
            with self._wire.write("cluster.catalog-status"):
                self._catalogs[stored.name] = replace(stored, status=status)

    def write_secret(self, key: RequestKey, name: str, values: Mapping[str, str]) -> None:
        """Keep the values."""
        with self._wire.write("cluster.secret"):
            self.secrets[key.namespace, name] = dict(values)

    def create_backup(self, name: str, spec: BackupSpec) -> BackupObject:
        """Keep a backup set that cannot change any more."""
        with self._wire.write("cluster.backup"):
            backup = self._backups.setdefault(name, BackupObject(name, self._uid(), spec, BackupStatus()))
            if backup.spec != spec:
                raise Stop(Reason.BACKUP_MISMATCH, f"ServiceBackup {name} exists with another content")
        return backup

    def write_backup_status(self, backup: BackupObject, status: BackupStatus) -> None:
        """Replace the status if it differs."""
        stored = self._backups[backup.name]
        if stored.status != status:
            with self._wire.write("cluster.backup-status"):
                self._backups[backup.name] = replace(stored, status=status)

    def emit_event(self, request: RequestObject, reason: str, message: str, *, warning: bool = False) -> None:
        """Tell people. The same sentence about the same object is one Event."""
        with self._wire.write("cluster.event"):
            told = (request.key.name, reason, message)
            if told not in self.events:
                self.events.append(told)

    # What people do

    def apply_request(self, namespace: str, name: str, spec: Mapping[str, Any]) -> RequestObject:
        """Create the request, or edit its spec: the generation grows when the spec differs."""
        stored = self._requests.get((namespace, name))
        if stored is None:
            key = RequestKey(namespace=namespace, name=name, uid=self._uid())
            made = RequestObject(key, 1, self._version(), self._clock.now(), False, False, {}, dict(spec), {})
            self._requests[namespace, name] = made
            return made
        if dict(stored.spec) == dict(spec):
            return stored
        return self._change(stored, spec=dict(spec), generation=stored.generation + 1)

    def delete_request(self, namespace: str, name: str) -> None:
        """Ask for the deletion: with our finalizer the object stays and is marked."""
        stored = self._requests[namespace, name]
        if stored.has_finalizer:
            self._change(stored, deleting=True, generation=stored.generation + 1)
        else:
            del self._requests[namespace, name]

    def create_approval(self, namespace: str, name: str, spec: ApprovalSpec) -> ApprovalObject:
        """Decide."""
        made = ApprovalObject(name, namespace, self._uid(), self._clock.now(), spec, None)
        if self._approvals.setdefault((namespace, name), made) is not made:
            raise ValueError(f"there is an approval {namespace}/{name} already")
        return made

    def every_plan(self) -> tuple[PinnedPlan, ...]:
        """The pinned plans of all requests, also of those that are gone."""
        return tuple(self._plans.values())

    def edit_approval(self, namespace: str, name: str, **changes: Any) -> None:
        """What admission and the schema forbid."""
        before = self._approvals[namespace, name]
        spec = before.spec.model_copy(update=changes)
        self._approvals[namespace, name] = replace(before, spec=spec, generation=before.generation + 1)

    def guarded_since(self, moment: datetime) -> None:
        """Let a controller have looked at the policies before."""
        self._guard = after_look(Guard(), replace(self.policies(), at=moment), ())

    def forget_guard(self) -> None:
        """Delete the record of the policies, or write one that the controller does not take for its own."""
        self._guard = Guard()

    def delete_approval(self, namespace: str, name: str) -> None:
        """What admission forbids to everybody but retention."""
        del self._approvals[namespace, name]

    def delete_plan(self, key: RequestKey, number: int) -> None:
        """What admission forbids to everybody but the controller."""
        del self._plans[key.uid, number]

    def damage_plan(self, key: RequestKey, number: int, text: str) -> None:
        """Put another text where a plan was pinned."""
        self._plans[key.uid, number] = replace(self._plans[key.uid, number], text=text)

    def damage_status(self, request: RequestObject, status: Mapping[str, Any]) -> RequestObject:
        """Write what admission lets only the controller write."""
        return self._change(self._same(request), status=status)

    def put_unit(self, name: str, spec: UnitSpec) -> UnitObject:
        """Create or edit a unit."""
        before = self._units.get(name)
        made = UnitObject(name, self._uid(), 1, spec, UnitStatus())
        self._units[name] = replace(before, spec=spec, generation=before.generation + 1) if before else made
        return self._units[name]

    def put_jurisdiction(self, name: str, spec: JurisdictionSpec, status: JurisdictionStatus | None = None) -> None:
        """Create or edit a jurisdiction; `status` is what was said of it already."""
        before = self._jurisdictions.get(name)
        uid, generation = (before.uid, before.generation + 1) if before else (self._uid(), 1)
        status = status or (before.status if before else JurisdictionStatus())
        self._jurisdictions[name] = JurisdictionObject(name, uid, generation, spec, status)

    def put_catalog(self, name: str, spec: CatalogSpec) -> None:
        """Create or edit a catalog."""
        before = self._catalogs.get(name)
        uid, generation = (before.uid, before.generation + 1) if before else (self._uid(), 1)
        self._catalogs[name] = CatalogObject(name, uid, generation, spec, before.status if before else CatalogStatus())

    def put_namespace(self, name: str, unit: str | None) -> None:
        """Create a namespace, labelled with its unit."""
        self._namespaces[name] = unit

    def delete_unit(self, name: str) -> None:
        """Delete a unit."""
        del self._units[name]

    def delete_catalog(self, name: str) -> None:
        """Delete a catalog."""
        del self._catalogs[name]

    def delete_jurisdiction(self, name: str) -> None:
        """Delete a jurisdiction."""
        del self._jurisdictions[name]

    # Objects

    def _same(self, request: RequestObject) -> RequestObject:
        stored = self._requests.get((request.key.namespace, request.key.name))
        if stored is None or stored.key.uid != request.key.uid:
            raise Retry(Reason.CONFLICT, f"request {request.key.name} is gone")
        return stored

    def _unchanged(self, request: RequestObject) -> RequestObject:
        stored = self._same(request)
        if stored.resource_version != request.resource_version:
            raise Retry(Reason.CONFLICT, f"request {request.key.name} was changed meanwhile")
        return stored

    def _change(self, request: RequestObject, **changes: Any) -> RequestObject:
        changed = replace(request, resource_version=self._version(), **changes)
        self._requests[changed.key.namespace, changed.key.name] = changed
        return changed

    def _version(self) -> str:
        return str(next(self._versions))

    def _uid(self) -> str:
        return str(UUID(int=next(self._uids)))


# OpenStack


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
        """Delete an object. One that is gone already is no error."""
        with self._lock:
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


# Pulumi


@dataclass
class _Stack:
    """What the engine remembers of a stack: resources with their inputs and ids, by type and logical name, and outputs.

    A reference is remembered with the id that it stood for: a resource that refers to a remade one is changed too, even by a later run.
    """

    resources: dict[tuple[str, str], tuple[Resource, str]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def program(self) -> Program:
        """What runs, as a program."""
        return Program(tuple(resource for resource, _ in self.resources.values()))

    def id_of(self, name: str) -> str:
        """Id of the newest resource of that name."""
        return next(id_ for resource, id_ in reversed(self.resources.values()) if resource.name == name)

    def with_ids(self, program: Program) -> Program:
        """The program as it would be remembered now."""
        return Program(tuple(self.remembered(resource) for resource in program.resources))

    def remembered(self, resource: Resource) -> Resource:
        """The resource, with the ids of what it refers to."""
        ids = {known.name: id_ for known, id_ in self.resources.values()}
        return replace(resource, inputs={name: _with_ids(value, ids) for name, value in resource.inputs.items()})


class MemoryStacks:
    """`ports.Stacks`. An object is made in the cloud first and remembered after; what was made and not remembered is adopted by its key.

    Attributes:
        runs: (request uid, what a run did: resource and operation) in order.
    """

    def __init__(self, wire: Wire, cloud: MemoryCloud) -> None:
        self._wire, self._cloud = wire, cloud
        self._stacks: dict[str, _Stack] = {}
        self._units: dict[str, UnitAccess] = {}
        self._lock = RLock()
        self.runs: list[tuple[str, str, str]] = []

    def ensure_unit(self, unit: UnitObject, jurisdiction: JurisdictionObject, quota: Quota) -> UnitAccess:
        """Make the unit's project and set its quota."""
        access = UnitAccess(project_id=f"project-{unit.name}", user_id=f"user-{unit.name}")
        with self._lock, self._wire.write("stacks.unit"):
            self._units[unit.uid] = access
            self._cloud.quotas[access.project_id] = quota
        return access

    def up(
        self, key: RequestKey, unit: UnitObject, plan: int, program: Program, allowed: frozenset[tuple[str, str]]
    ) -> StackOutcome:
        """Bring the stack to the program, one resource after the other; what stands before a failure stays done."""
        run = self._run(key, unit, plan)
        with self._lock:
            changes = diff(run.stack.program(), run.stack.with_ids(program))
            wanted = {(resource.type, resource.name): resource for resource in program.resources}
            for change in changes:
                _refuse_unplanned(change, allowed)
                run.perform(change, wanted.get((change.type, change.resource)))
                self.runs.append((key.uid, change.resource, change.operation))
            run.stack.outputs = {name: run.resolved(value) for name, value in program.outputs.items()}
            return _outcome(run.stack, changes)

    def destroy(self, key: RequestKey, unit: UnitObject, plan: int) -> StackOutcome:
        """Delete everything of the stack, the newest first."""
        run = self._run(key, unit, plan)
        with self._lock:
            changes = diff(run.stack.program(), Program())
            for change in changes:
                run.perform(change, None)
                self.runs.append((key.uid, change.resource, change.operation))
            run.stack.outputs = {}
            return _outcome(run.stack, changes)

    def rebuild(
        self, key: RequestKey, unit: UnitObject, plan: int, program: Program, may_be_missing: frozenset[str]
    ) -> StackOutcome:
        """Find everything by its key; remember it only if nothing is missing that may not be."""
        access, found = self._units[unit.uid], _Stack()
        with self._lock, self._wire.write("stacks.rebuild"):
            for resource in program.resources:
                keys = (f"{key.uid}/{resource.name}/{number}" for number in range(plan, 0, -1))
                made = next((thing for each in keys if (thing := self._cloud.made_by(access.project_id, each))), None)
                if made is None and resource.name not in may_be_missing:
                    raise Stop(Reason.RESOURCE_FAILED, f"{resource.name} is not in the cloud")
                if made is not None:
                    found.resources[resource.type, resource.name] = (found.remembered(resource), made.id)
            self._stacks[key.uid] = found
            run = self._run(key, unit, plan)
            there = {name for _, name in found.resources}
            outputs = {name: value for name, value in program.outputs.items() if references(value) <= there}
            found.outputs = {name: run.resolved(value) for name, value in outputs.items()}
            return _outcome(found, ())

    def outcome(self, key: RequestKey) -> StackOutcome | None:
        """What the stack holds; None where there never was one."""
        self._wire.read()
        stack = self._stacks.get(key.uid)
        return _outcome(stack, None) if stack is not None else None

    def lose_state(self, key: RequestKey) -> None:
        """What happens when a disk is lost."""
        del self._stacks[key.uid]

    def forget(self, key: RequestKey, name: str) -> None:
        """What happens when a part of the state is lost."""
        resources = self._stacks[key.uid].resources
        for found in [place for place in resources if place[1] == name]:
            del resources[found]

    def _run(self, key: RequestKey, unit: UnitObject, plan: int) -> _Run:
        self._wire.read()
        access = self._units.get(unit.uid)
        if access is None:
            raise Stop(Reason.PROGRAM_FAULT, f"unit {unit.name} has no project yet")
        stack = self._stacks.setdefault(key.uid, _Stack())
        return _Run(self._wire, self._cloud, stack, access, key.uid, plan)


@dataclass(frozen=True)
class _Run:
    """One run of the engine over one stack."""

    wire: Wire
    cloud: MemoryCloud
    stack: _Stack
    access: UnitAccess
    owner: str
    plan: int

    def perform(self, change: ResourceChange, wanted: Resource | None) -> None:
        """Carry one change out."""
        if change.operation in ("delete", "replace"):
            self._delete(change.type, change.resource)
        if wanted is not None and change.operation in ("create", "replace"):
            self._create(wanted)
        if wanted is not None and change.operation == "update":
            self._update(wanted)

    def resolved(self, value: Value) -> Any:
        """A value as the run finds it."""
        match value:
            case Ref(resource, output):
                id_ = self.stack.id_of(resource)
                return id_ if output == "id" else f"{output} of {id_}"
            case Lookup(kind, name):
                return f"id of {kind} {name}"
            case External(name):
                return getattr(self.access, name, f"{name} of {self.access.project_id}")
            case Secret(name):
                return "derived-" + hashlib.sha256(f"{self.owner}/{name}".encode()).hexdigest()[:16]
            case tuple():
                return [self.resolved(item) for item in value]
            case Mapping():
                return {key: self.resolved(item) for key, item in value.items()}
            case _:
                return value

    def _create(self, wanted: Resource) -> None:
        key = f"{self.owner}/{wanted.name}/{self.plan}"
        made = self.cloud.made_by(self.access.project_id, key)
        if made is None:
            made = self._made(wanted, key)
        self.stack.resources[wanted.type, wanted.name] = (self.stack.remembered(wanted), made.id)

    def _made(self, wanted: Resource, key: str) -> Thing:
        """Make it. As the provider does: what a request made whose answer told of a failure is looked for, and remembered."""
        project = self.access.project_id
        try:
            with self.wire.write(f"cloud.create {wanted.name}"):
                return self.cloud.make(wanted.type, project, wanted.name, self.owner, key, wanted.inputs)
        except Exception:
            if (made := self.cloud.made_by(project, key)) is not None:
                self.stack.resources[wanted.type, wanted.name] = (self.stack.remembered(wanted), made.id)
            raise

    def _update(self, wanted: Resource) -> None:
        old, id_ = self.stack.resources[wanted.type, wanted.name]
        ignored = {name: value for name, value in old.inputs.items() if name in wanted.ignore_changes}
        kept = {name: value for name, value in wanted.inputs.items() if name not in wanted.ignore_changes}
        changed = replace(wanted, inputs={**kept, **ignored})
        with self.wire.write(f"cloud.update {wanted.name}"):
            self.cloud.change(id_, changed.inputs)
        self.stack.resources[wanted.type, wanted.name] = (self.stack.remembered(changed), id_)

    def _delete(self, type: str, name: str) -> None:
        with self.wire.write(f"cloud.delete {name}"):
            self.cloud.remove(self.stack.resources[type, name][1])
        del self.stack.resources[type, name]


def _with_ids(value: Value, ids: Mapping[str, str]) -> Value:
    match value:
        case Ref(resource, output) if resource in ids and "@" not in output:
            return Ref(resource, f"{output}@{ids[resource]}")
        case tuple():
            return tuple(_with_ids(item, ids) for item in value)
        case Mapping():
            return {key: _with_ids(item, ids) for key, item in value.items()}
        case _:
            return value


def _refuse_unplanned(change: ResourceChange, allowed: frozenset[tuple[str, str]]) -> None:
    """As the provider does: a planned replacement is a deletion and a creation, and a crash may lie between them."""
    replaced = change.operation in ("create", "delete") and (change.resource, "replace") in allowed
    if not replaced and (change.resource, change.operation) not in allowed:
        told = f"{change.operation} {change.resource}"
        raise Stop(Reason.PLAN_MISMATCH, f"the approved plan does not hold: {told}; it was not done")


def _outcome(stack: _Stack, changes: Sequence[ResourceChange] | None) -> StackOutcome:
    resources = {name: (type, id_) for (type, name), (_, id_) in stack.resources.items()}
    if changes is None:
        return StackOutcome(resources, dict(stack.outputs), {})
    counts = Counter[str](change.operation for change in changes)
    counts["same"] = len(resources.keys() - {change.resource for change in changes})
    return StackOutcome(resources, dict(stack.outputs), counts)


# Backups

_NEXT: Mapping[PartState, PartState] = {
    "Pending": "Frozen",
    "Frozen": "SourceRead",
    "SourceRead": "BackedUp",
    "BackedUp": "Restored",
    "Restored": "RestoreRead",
    "RestoreRead": "Verified",
    "Verified": "Cleaned",
}


class MemoryBackups:
    """`ports.Backups`. Copies the contents of things into things of the backup project, and back into the quarantine project.

    Attributes:
        corrupt: names of parts whose restored copy differs from the source.
        manifests: location -> text.
        quiesced: names of parts that were told to write everything down.
    """

    def __init__(self, wire: Wire, cloud: MemoryCloud) -> None:
        self._wire, self._cloud = wire, cloud
        self.corrupt: set[str] = set()
        self.manifests: dict[str, str] = {}
        self.quiesced: set[str] = set()

    def quiesce(self, spec: BackupSpec, part: str) -> None:
        """Note that a database was told to stop."""
        if _part(spec, part).how == "DatabaseVolume":
            with self._wire.write(f"backup.quiesce {part}"):
                self.quiesced.add(part)

    def advance(self, backup: BackupObject, part: PartStatus) -> PartStatus:
        """Do the next step of a part."""
        step = _NEXT[part.state]
        with self._wire.write(f"backup.{step} {part.name}"):
            return self._advance(backup.spec, part, step)

    def store_manifest(self, backup: BackupObject) -> tuple[str, str]:
        """Keep the evidence as canonical JSON."""
        text = canonical(backup.status.model_dump(mode="json", by_alias=True, exclude_none=True))
        location = f"govcloud-manifests/{backup.name}.json"
        with self._wire.write("backup.manifest"):
            self.manifests[location] = text
        return location, hashlib.sha256(text.encode()).hexdigest()

    def _advance(self, spec: BackupSpec, part: PartStatus, step: PartState) -> PartStatus:
        source = _part(spec, part.name)
        match step:
            case "Frozen":
                self._refuse_running_servers(spec)
                snapshot = self._copy(spec, part, "snapshot", spec.backup_project, source.source_id)
                return part.model_copy(update={"state": step, "ids": {"snapshot": snapshot.id}})
            case "SourceRead":
                read = self._cloud.contents[part.ids["snapshot"]]
                return part.model_copy(update={"state": step, "source_sha256": _sha(read), "source_bytes": len(read)})
            case "BackedUp":
                kept = self._copy(spec, part, "backup", spec.backup_project, part.ids["snapshot"])
                return part.model_copy(update={"state": step, "backup_id": kept.id})
            case "Restored":
                restored = self._copy(spec, part, "restored", spec.quarantine_project, str(part.backup_id))
                if part.name in self.corrupt:
                    self._cloud.contents[restored.id] += b"?"
                return part.model_copy(update={"state": step, "ids": {**part.ids, "restored": restored.id}})
            case "RestoreRead":
                read = self._cloud.contents[part.ids["restored"]]
                return part.model_copy(
                    update={"state": step, "restored_sha256": _sha(read), "restored_bytes": len(read)}
                )
            case "Verified":
                same = (part.source_sha256, part.source_bytes) == (part.restored_sha256, part.restored_bytes)
                return part.model_copy(update={"state": step if same else "Mismatch"})
            case _:
                for id_ in part.ids.values():
                    self._cloud.remove(id_)
                return part.model_copy(update={"state": step, "ids": {}})

    def _refuse_running_servers(self, spec: BackupSpec) -> None:
        """A source that something can still write to is not frozen."""
        running = [
            thing.name
            for thing in self._cloud.things(spec.project_id)
            if (thing.owner, thing.inputs.get("power_state")) == (spec.request.uid, "active")
        ]
        if running:
            raise Stop(Reason.INVALID_INPUT, f"servers are still on: {', '.join(running)}")

    def _copy(self, spec: BackupSpec, part: PartStatus, step: str, project: str, source: str) -> Thing:
        key = f"{spec.request.uid}/{part.name}/{step}"
        found = self._cloud.made_by(project, key)
        if found is None:
            found = self._cloud.make(f"memory:{step}", project, f"{part.name}-{step}", "", key, {})
            self._cloud.contents[found.id] = self._cloud.contents[source]
        return found


def _part(spec: BackupSpec, name: str) -> Part:
    return next(part for part in spec.parts if part.name == name)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
