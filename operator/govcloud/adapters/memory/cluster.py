"""The Kubernetes API in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from govcloud.adapters.memory.accounts import MemoryAccounts
from govcloud.adapters.memory.people import People
from govcloud.adapters.memory.wire import Wire
from govcloud.api.approval import ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus
from govcloud.api.catalog import CatalogStatus
from govcloud.api.jurisdiction import JurisdictionStatus
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitStatus
from govcloud.core.guard import Guard
from govcloud.core.objects import (
    ApprovalObject,
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PauseObject,
    PinnedPlan,
    RequestObject,
    UnitObject,
)
from govcloud.failures import Retry, Stop
from govcloud.ports import Clock
from govcloud.reasons import Reason


class MemoryCluster(People, MemoryAccounts):
    """`ports.Cluster`."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        People.__init__(self, wire, clock)
        MemoryAccounts.__init__(self, wire, self._version, self._uid)

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

    def pauses(self) -> Sequence[PauseObject]:
        """Every pause."""
        self._wire.read()
        return tuple(self._pauses.values())

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

    def backups_of(self, uid: str) -> Sequence[BackupObject]:
        """The backup sets of a request."""
        return tuple(backup for backup in self.backups() if backup.spec.request.uid == uid)

    def backups(self) -> Sequence[BackupObject]:
        """All backup sets."""
        self._wire.read()
        return tuple(self._backups.values())

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

    def delete_backup(self, backup: BackupObject) -> None:
        """Forget the backup set."""
        with self._wire.write("cluster.backup-deletion"):
            self._backups.pop(backup.name, None)

    def emit_event(self, about: RequestObject | JurisdictionObject, reason: str, message: str, *, warning: bool = False) -> None:
        """Tell people. The same sentence about the same object is one Event."""
        with self._wire.write("cluster.event"):
            told = (about.key.name if isinstance(about, RequestObject) else about.name, reason, message)
            if told not in self.events:
                self.events.append(told)
