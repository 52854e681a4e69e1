"""`Cluster` on a real Kubernetes API. What is an object of which kind, and under which condition it is written, stands here and nowhere else.

Every write is conditional: on the version that was read, on the uid, or on not being there yet. Nothing is written that is so already,
because each write wakes everybody who watches.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from govcloud.adapters.kube_accounts import KubeAccounts
from govcloud.adapters.kube_admission import Manifests, admission_fault, marks_of
from govcloud.adapters.kube_api import KubeApi, Raw, path_of
from govcloud.adapters.kube_events import event_about, regarding
from govcloud.adapters.kube_finalizers import KubeFinalizers
from govcloud.adapters.kube_guard import GuardRecord
from govcloud.adapters.kube_kinds import (
    BINDINGS,
    EVENTS,
    NAMESPACES,
    PLANS,
    POLICIES,
    SECRETS,
    existing,
    identified,
    labels_of,
    path_to,
    same,
)
from govcloud.adapters.kube_objects import (
    approval_from,
    backup_from,
    catalog_from,
    fitting,
    jurisdiction_from,
    pause_from,
    plan_from,
    request_from,
    those_that_fit,
    unit_from,
)
from govcloud.api import kinds
from govcloud.api.approval import ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus
from govcloud.api.catalog import CatalogStatus
from govcloud.api.common import (
    API_VERSION,
    PLAN_LABEL,
    REQUEST_LABEL,
    UNIT_LABEL,
    as_written,
)
from govcloud.api.jurisdiction import JurisdictionStatus
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitStatus
from govcloud.core.guard import UNENFORCED, Guard, PolicyLook
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
from govcloud.core.plan import revision_name
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

log = logging.getLogger(__name__)


class KubeCluster(KubeAccounts):
    """The Kubernetes API. All methods may be called from several threads at once.

    Args:
        installed: the admission policies and bindings as they ship, for `admission_fault`.
        instance: which controller reports an Event, for instance the pod's name.
        now: the wall clock, for the time of Events only.
        guard: where it is kept what earlier looks at the policies told; without it, nothing is known of earlier times.
        lets_in_a_forgery: tries whether the API server enforces the policies; without it, they are taken for enforced where they are intact.
    """

    def __init__(
        self,
        api: KubeApi,
        installed: Manifests,
        instance: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        guard: GuardRecord | None = None,
        lets_in_a_forgery: Callable[[], bool] = lambda: False,
    ) -> None:
        self._api = api
        self._installed = installed
        self._instance = instance
        self._now = now
        self._guard = guard
        self._finalizers = KubeFinalizers(api)
        self._lets_in_a_forgery = lets_in_a_forgery

    # Reading

    def request(self, namespace: str, name: str) -> RequestObject | None:
        raw = self._api.read(path_to(kinds.REQUEST, name, namespace))
        return request_from(raw) if raw else None

    def requests(self) -> Sequence[RequestObject]:
        return [request_from(raw) for raw in self._api.every(path_to(kinds.REQUEST))]

    def approvals(self) -> Sequence[ApprovalObject]:
        return those_that_fit(approval_from, self._api.every(path_to(kinds.APPROVAL)))

    def unit(self, name: str) -> UnitObject | None:
        return fitting(unit_from, self._api.read(path_to(kinds.UNIT, name)), Reason.UNIT_MISSING)

    def jurisdiction(self, name: str) -> JurisdictionObject | None:
        raw = self._api.read(path_to(kinds.JURISDICTION, name))
        return fitting(jurisdiction_from, raw, Reason.JURISDICTION_MISSING)

    def jurisdictions(self) -> Sequence[JurisdictionObject]:
        return those_that_fit(jurisdiction_from, self._api.every(path_to(kinds.JURISDICTION)))

    def catalogs(self) -> Sequence[CatalogObject]:
        return those_that_fit(catalog_from, self._api.every(path_to(kinds.CATALOG)))

    def catalog(self, name: str) -> CatalogObject | None:
        return fitting(catalog_from, self._api.read(path_to(kinds.CATALOG, name)), Reason.CATALOG_MISSING)

    def pauses(self) -> Sequence[PauseObject]:
        return [pause_from(raw) for raw in self._api.every(path_to(kinds.PAUSE))]

    def backup(self, name: str) -> BackupObject | None:
        return fitting(backup_from, self._api.read(path_to(kinds.BACKUP, name)), Reason.PROGRAM_FAULT)

    def backups_of(self, uid: str) -> Sequence[BackupObject]:
        found = self._api.every(path_to(kinds.BACKUP), labels=f"{REQUEST_LABEL}={uid}")
        return [backup for raw in found if (backup := fitting(backup_from, raw, Reason.PROGRAM_FAULT)) is not None]

    def backups(self) -> Sequence[BackupObject]:
        return those_that_fit(backup_from, self._api.every(path_to(kinds.BACKUP)))

    def namespace_unit(self, namespace: str) -> str | None:
        raw = self._api.read(path_of(NAMESPACES, namespace))
        unit: str | None = labels_of(raw).get(UNIT_LABEL) if raw else None
        return unit

    def policies(self, *, tried: bool = False) -> PolicyLook:
        unenforced = UNENFORCED if tried and self._lets_in_a_forgery() else None
        at = self._api.time(path_of(POLICIES))
        live = [*self._api.every(path_of(POLICIES)), *self._api.every(path_of(BINDINGS))]
        return PolicyLook(at, admission_fault(self._installed, live) or unenforced, marks_of(self._installed, live))

    def guard(self) -> Guard:
        return self._guard.read() if self._guard else Guard()

    def remember_guard(self, guard: Guard, replacing: Guard) -> None:
        if self._guard is None:
            raise Stop(Reason.PROGRAM_FAULT, "this process does not write the record of the admission policies")
        self._guard.write(guard, replacing)

    # Plans

    def plans(self, key: RequestKey) -> Sequence[PinnedPlan]:
        found = self._api.every(path_of(PLANS, namespace=key.namespace), labels=f"{PLAN_LABEL}={key.uid}")
        return sorted((plan_from(raw) for raw in found), key=lambda plan: plan.number)

    def pin_plan(self, key: RequestKey, number: int, text: str) -> PinnedPlan:
        revision = _plan_manifest(key, number, text)
        name = revision["metadata"]["name"]
        made = self._api.create(path_of(PLANS, namespace=key.namespace), revision)
        pinned = plan_from(made or existing(self._api, path_of(PLANS, name, namespace=key.namespace)))
        if pinned.text != text:
            message = f"plan {number} is already pinned in ControllerRevision {name}, with another text; it cannot be pinned again"
            raise Stop(Reason.PLAN_DAMAGED, message)
        return pinned

    # Writing what the controller says

    def add_finalizer(self, request: RequestObject) -> None:
        self._finalizers.add(request.key)

    def remove_finalizer(self, request: RequestObject) -> None:
        self._finalizers.remove(request.key)

    def guard_namespaces(self) -> None:
        self._finalizers.guard_namespaces()

    def write_request_status(
        self, request: RequestObject, status: Mapping[str, Any], labels: Mapping[str, str | None]
    ) -> None:
        path, version = path_to(kinds.REQUEST, request.key.name, request.key.namespace), request.resource_version
        if dict(status) != dict(request.status):
            body = identified(kinds.REQUEST, request.key.name, request.key.namespace, request.key.uid, version)
            version = self._api.replace(f"{path}/status", {**body, "status": dict(status)})["metadata"][
                "resourceVersion"
            ]
        different = {key: value for key, value in labels.items() if request.labels.get(key) != value}
        if different:
            self._api.merge(path, {"metadata": {"resourceVersion": version, "labels": different}})

    def write_approval_status(self, approval: ApprovalObject, status: ApprovalStatus) -> None:
        self._write_status(kinds.APPROVAL, approval.name, approval.namespace, approval.uid, status)

    def write_unit_status(self, unit: UnitObject, status: UnitStatus) -> None:
        self._write_status(kinds.UNIT, unit.name, None, unit.uid, status)

    def write_jurisdiction_status(self, jurisdiction: JurisdictionObject, status: JurisdictionStatus) -> None:
        self._write_status(kinds.JURISDICTION, jurisdiction.name, None, jurisdiction.uid, status)

    def write_catalog_status(self, catalog: CatalogObject, status: CatalogStatus) -> None:
        self._write_status(kinds.CATALOG, catalog.name, None, catalog.uid, status)

    def write_backup_status(self, backup: BackupObject, status: BackupStatus) -> None:
        self._write_status(kinds.BACKUP, backup.name, None, backup.uid, status)

    def _write_status(self, kind: kinds.Kind, name: str, namespace: str | None, uid: str, status: BaseModel) -> None:
        path, wanted = path_to(kind, name, namespace), as_written(status)
        raw = same(self._api, path, uid)
        if raw.get("status") != wanted:
            body = identified(kind, name, namespace, uid, raw["metadata"]["resourceVersion"])
            self._api.replace(f"{path}/status", {**body, "status": wanted})

    def create_backup(self, name: str, spec: BackupSpec) -> BackupObject:
        body = {
            "apiVersion": API_VERSION,
            "kind": kinds.BACKUP.kind,
            "metadata": {"name": name, "labels": {REQUEST_LABEL: spec.request.uid}},
            "spec": as_written(spec),
        }
        if (made := self._api.create(path_to(kinds.BACKUP), body)) is not None:
            return backup_from(made)
        backup = backup_from(existing(self._api, path_to(kinds.BACKUP, name)))
        if backup.spec != spec:
            message = f"ServiceBackup {name} exists with another content, so this backup set has no place; its evidence was not touched"
            raise Stop(Reason.BACKUP_MISMATCH, message)
        return backup

    def delete_backup(self, backup: BackupObject) -> None:
        self._api.delete(path_to(kinds.BACKUP, backup.name), backup.uid)

    def write_secret(self, key: RequestKey, name: str, values: Mapping[str, str]) -> None:
        """Create the Secret or make it hold exactly these values, without ever reading one (the controller has no right to).

        It names the request as its owner, but not as its controller: it goes when the record of the request goes, not with the services.
        """
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": key.namespace,
                "labels": {REQUEST_LABEL: key.uid},
                "ownerReferences": [_owner(key)],
            },
            "type": "Opaque",
            "data": {field: base64.b64encode(value.encode()).decode() for field, value in values.items()},
        }
        self._api.apply(path_of(SECRETS, name, namespace=key.namespace), secret)

    def emit_event(self, about: RequestObject | JurisdictionObject, reason: str, message: str, *, warning: bool = False) -> None:
        """Tell people. The same sentence about the same object is one Event while the cluster keeps it (an hour by default).

        An Event that cannot be written is logged and not missed: what matters stands in the status and in the audit log.
        """
        event = event_about(regarding(about), reason, message, warning=warning, at=self._now(), instance=self._instance)
        try:
            self._api.create(path_of(EVENTS, namespace=event["metadata"]["namespace"]), event)
        except (Retry, Stop) as error:
            log.warning("event %s was not written: %s", event["metadata"]["name"], error)


def _plan_manifest(key: RequestKey, number: int, text: str) -> Raw:
    metadata = {
        "name": revision_name(key, number),
        "namespace": key.namespace,
        "labels": {PLAN_LABEL: key.uid},
        "ownerReferences": [_owner(key)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "revision": number,
        "data": {"text": text},
    }


def _owner(key: RequestKey) -> Raw:
    # Not `controller: true`: other tools would take it for something to be recreated at will.
    return {"apiVersion": API_VERSION, "kind": kinds.REQUEST.kind, "name": key.name, "uid": key.uid}
