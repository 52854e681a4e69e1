"""`Cluster` on a real Kubernetes API. What is an object of which kind, and under which condition it is written, stands here and nowhere else.

Every write is conditional: on the version that was read, on the uid, or on not being there yet. Nothing is written that is so already,
because each write wakes everybody who watches.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from govcloud.adapters.kube_accounts import KubeAccounts
from govcloud.adapters.kube_admission import Manifests, admission_fault, marks_of
from govcloud.adapters.kube_api import KubeApi, Raw, path_of
from govcloud.adapters.kube_guard import GuardRecord
from govcloud.adapters.kube_kinds import identified, path_to
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
    FINALIZER,
    GROUP,
    LIVE_REQUESTS_LABEL,
    PLAN_LABEL,
    REQUEST_LABEL,
    UNIT_LABEL,
    as_written,
)
from govcloud.api.jurisdiction import JurisdictionStatus
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitStatus
from govcloud.core.guard import Guard, PolicyLook
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

PLANS = "apps/v1/controllerrevisions"
NAMESPACES = "v1/namespaces"
SECRETS = "v1/secrets"
EVENTS = "events.k8s.io/v1/events"
POLICIES = "admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"

LONGEST_NOTE = 1024
"""Bytes that an Event's note may have."""


class KubeCluster(KubeAccounts):
    """The Kubernetes API. All methods may be called from several threads at once.

    Args:
        installed: the admission policies and bindings as they ship, for `admission_fault`.
        instance: which controller reports an Event, for instance the pod's name.
        now: the wall clock, for the time of Events only.
        guard: where it is kept what earlier looks at the policies told; without it, nothing is known of earlier times.
    """

    def __init__(
        self,
        api: KubeApi,
        installed: Manifests,
        instance: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        guard: GuardRecord | None = None,
    ) -> None:
        self._api = api
        self._installed = installed
        self._instance = instance
        self._now = now
        self._guard = guard
        # Finalizers and the namespaces' labels must agree; this process is the only one that writes either.
        self._finalizers = threading.Lock()

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

    def namespace_unit(self, namespace: str) -> str | None:
        raw = self._api.read(path_of(NAMESPACES, namespace))
        unit: str | None = _labels(raw).get(UNIT_LABEL) if raw else None
        return unit

    def policies(self) -> PolicyLook:
        at = self._api.time(path_of(POLICIES))
        live = [*self._api.every(path_of(POLICIES)), *self._api.every(path_of(BINDINGS))]
        return PolicyLook(at, admission_fault(self._installed, live), marks_of(self._installed, live))

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
        pinned = plan_from(made or self._existing(path_of(PLANS, name, namespace=key.namespace)))
        if pinned.text != text:
            message = f"plan {number} is already pinned in ControllerRevision {name}, with another text; it cannot be pinned again"
            raise Stop(Reason.PLAN_DAMAGED, message)
        return pinned

    # Finalizers, and the label that protects the namespace

    def add_finalizer(self, request: RequestObject) -> None:
        """Add our finalizer, after the namespace was marked: a request that is live without it being marked could go with its namespace."""
        with self._finalizers:
            self._mark_namespace(request.key.namespace, live=True)
            self._change_finalizers(request.key, lambda finalizers: [*finalizers, FINALIZER])

    def remove_finalizer(self, request: RequestObject) -> None:
        """Remove our finalizer; the namespace's mark goes with the last one."""
        with self._finalizers:
            self._change_finalizers(request.key, lambda finalizers: [f for f in finalizers if f != FINALIZER])
            self._mark_namespace(request.key.namespace, live=self._has_live_requests(request.key.namespace))

    def guard_namespaces(self) -> None:
        """Put every namespace's mark right, after a crash between a finalizer and a mark. Once at the start and with each resync."""
        with self._finalizers:
            live = {request.key.namespace for request in self.requests() if request.has_finalizer}
            marked = {
                raw["metadata"]["name"] for raw in self._api.every(path_of(NAMESPACES), labels=LIVE_REQUESTS_LABEL)
            }
            for namespace in sorted(live ^ marked):
                self._mark_namespace(namespace, live=namespace in live)

    def _has_live_requests(self, namespace: str) -> bool:
        return any(FINALIZER in _finalizers(raw) for raw in self._api.every(path_to(kinds.REQUEST, namespace=namespace)))

    def _mark_namespace(self, namespace: str, *, live: bool) -> None:
        path = path_of(NAMESPACES, namespace)
        raw = self._existing(path)
        if (LIVE_REQUESTS_LABEL in _labels(raw)) != live:
            self._api.merge(path, {"metadata": {"labels": {LIVE_REQUESTS_LABEL: "true" if live else None}}})

    def _change_finalizers(self, key: RequestKey, change: Callable[[list[str]], list[str]]) -> None:
        path = path_to(kinds.REQUEST, key.name, key.namespace)
        raw = self._same(path, key.uid)
        before = _finalizers(raw)
        if (after := list(dict.fromkeys(change(before)))) != before:
            version = raw["metadata"]["resourceVersion"]
            self._api.merge(path, {"metadata": {"resourceVersion": version, "finalizers": after}})

    # Writing what the controller says

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
        raw = self._same(path, uid)
        if raw.get("status") != wanted:
            body = identified(kind, name, namespace, uid, raw["metadata"]["resourceVersion"])
            self._api.replace(f"{path}/status", {**body, "status": wanted})

    def create_backup(self, name: str, spec: BackupSpec) -> BackupObject:
        body = {
            "apiVersion": API_VERSION,
            "kind": kinds.BACKUP.kind,
            "metadata": {"name": name},
            "spec": as_written(spec),
        }
        made = self._api.create(path_to(kinds.BACKUP), body)
        backup = backup_from(made or self._existing(path_to(kinds.BACKUP, name)))
        if backup.spec != spec:
            message = f"ServiceBackup {name} exists with another content, so this backup set has no place; its evidence was not touched"
            raise Stop(Reason.BACKUP_MISMATCH, message)
        return backup

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

    def emit_event(self, request: RequestObject, reason: str, message: str, *, warning: bool = False) -> None:
        """Tell people. The same sentence about the same object is one Event while the cluster keeps it (an hour by default).

        An Event that cannot be written is logged and not missed: what matters stands in the status and in the audit log.
        """
        event = self._event(request, reason, message, warning)
        try:
            self._api.create(path_of(EVENTS, namespace=request.key.namespace), event)
        except (Retry, Stop) as error:
            log.warning(
                "event %s for %s/%s was not written: %s", reason, request.key.namespace, request.key.name, error
            )

    def _event(self, request: RequestObject, reason: str, message: str, warning: bool) -> Raw:
        key = request.key
        fingerprint = hashlib.sha256(f"{key.uid}\n{reason}\n{message}".encode()).hexdigest()[:16]
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{key.name}.{fingerprint}", "namespace": key.namespace},
            "eventTime": self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": f"{GROUP}/controller",
            "reportingInstance": self._instance[:128],
            "action": reason,
            "reason": reason,
            "type": "Warning" if warning else "Normal",
            "note": _cut(message, LONGEST_NOTE),
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": kinds.REQUEST.kind,
                "namespace": key.namespace,
                "name": key.name,
                "uid": key.uid,
                "resourceVersion": request.resource_version,
            },
        }

    def _existing(self, path: str) -> Raw:
        raw = self._api.read(path)
        if raw is None:
            raise Retry(Reason.CONFLICT, f"{path} is gone")
        return raw

    def _same(self, path: str, uid: str) -> Raw:
        """The object as it is now, if it is still the same one and not a later one of its name."""
        raw = self._existing(path)
        if raw["metadata"]["uid"] != uid:
            raise Retry(Reason.CONFLICT, f"{path} was deleted and made anew")
        return raw


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


def _labels(raw: Raw) -> Mapping[str, str]:
    labels: Mapping[str, str] = raw["metadata"].get("labels") or {}
    return labels


def _finalizers(raw: Raw) -> list[str]:
    return list(raw["metadata"].get("finalizers") or ())


def _cut(text: str, longest: int) -> str:
    """At most so many bytes, whole characters only."""
    return text.encode()[:longest].decode(errors="ignore")
