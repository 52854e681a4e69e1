"""`Desk` on a real Kubernetes API: one person's own kubeconfig, one person's own rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from kubernetes import config

from govcloud.adapters.kube_api import KubeApi, Raw, in_pod, path_of
from govcloud.adapters.kube_failures import Forbidden, failure
from govcloud.adapters.kube_kinds import EVENTS, NAMESPACES, PLANS
from govcloud.adapters.kube_objects import approval_from, plan_from, request_from, those_that_fit, unit_from
from govcloud.api import kinds
from govcloud.api.common import API_VERSION, GROUP, PLAN_LABEL, UNIT_LABEL, WAITING_LABEL
from govcloud.core.objects import ApprovalObject, PinnedPlan, RequestObject, UnitObject
from govcloud.core.story import EventSeen
from govcloud.desk import NotAllowed, NotThere, Refused, Waiting

REQUESTS = f"{API_VERSION}/{kinds.REQUEST.plural}"
APPROVALS = f"{API_VERSION}/{kinds.APPROVAL.plural}"
UNITS = f"{API_VERSION}/{kinds.UNIT.plural}"

_DENIAL = "denied request: "
"""How the API server introduces the sentence of a ValidatingAdmissionPolicy."""


class KubeDesk:
    """The API server as the user of a kubeconfig."""

    def __init__(self, api: KubeApi, namespace: str = "default") -> None:
        self._api = api
        self._namespace = namespace

    @classmethod
    def from_environment(cls) -> KubeDesk:
        """By `$KUBECONFIG` or ~/.kube/config; in a pod without one, by its service account.

        Raises:
            kubernetes.config.ConfigException: there is neither, or the file is damaged.
        """
        api = KubeApi.from_environment()
        if in_pod():
            return cls(api)
        _, active = config.list_kube_config_contexts()
        return cls(api, active["context"].get("namespace") or "default")

    def user(self) -> str:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._api.ask("POST", path_of("authentication.k8s.io/v1/selfsubjectreviews"), body=body)
        return str(answer.body["status"]["userInfo"]["username"])

    def namespace(self) -> str:
        return self._namespace

    def may_decide(self, namespace: str, step: str) -> bool:
        asked = {"group": GROUP, "resource": "approvalsteps", "name": step, "namespace": namespace, "verb": "approve"}
        kind = "SelfSubjectAccessReview"
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": {"resourceAttributes": asked}}
        answer = self._api.ask("POST", path_of("authorization.k8s.io/v1/selfsubjectaccessreviews"), body=body)
        return bool(answer.body["status"]["allowed"])

    def request(self, namespace: str, name: str) -> RequestObject:
        return request_from(self._read(path_of(REQUESTS, name, namespace=namespace), f"the request {namespace}/{name}"))

    def waiting(self, namespaces: Sequence[str]) -> Waiting:
        if namespaces:
            return Waiting(tuple(r for n in namespaces for r in self._waiting_in(n)), tuple(namespaces))
        try:
            return Waiting(tuple(self._waiting_in(None)), None)
        except NotAllowed:
            return self._where_it_may_look()

    def unit(self, name: str) -> UnitObject:
        return unit_from(self._read(path_of(UNITS, name), f"the unit {name}"))

    def plans(self, request: RequestObject) -> Sequence[PinnedPlan]:
        path = path_of(PLANS, namespace=request.key.namespace)
        found = self._every(path, f"the plans in {request.key.namespace}", f"{PLAN_LABEL}={request.key.uid}")
        return sorted((plan_from(raw) for raw in found), key=lambda plan: plan.number)

    def approvals(self, namespace: str) -> Sequence[ApprovalObject]:
        return those_that_fit(approval_from, self._every(path_of(APPROVALS, namespace=namespace), f"the approvals in {namespace}"))

    def approval(self, namespace: str, name: str) -> ApprovalObject:
        return approval_from(self._read(path_of(APPROVALS, name, namespace=namespace), f"the approval {namespace}/{name}"))

    def events(self, request: RequestObject) -> Sequence[EventSeen]:
        found = self._every(path_of(EVENTS, namespace=request.key.namespace), f"the events in {request.key.namespace}")
        mine = (raw for raw in found if (raw.get("regarding") or {}).get("uid") == request.key.uid)
        return sorted((_event_from(raw) for raw in mine), key=lambda event: event.at)

    def file(self, namespace: str, name: str, spec: Mapping[str, Any]) -> ApprovalObject:
        path = path_of(APPROVALS, namespace=namespace)
        body = {"apiVersion": API_VERSION, "kind": kinds.APPROVAL.kind, "metadata": {"name": name}, "spec": dict(spec)}
        answer = self._api.ask("POST", path, body=body, accept=(400, 403, 409, 422))
        if answer.status == 409 and answer.body.get("reason") == "AlreadyExists":
            return self.approval(namespace, name)
        if _DENIAL in answer.message or answer.status == 422:
            raise Refused(answer.message.rpartition(_DENIAL)[2])
        if answer.status == 403:
            raise NotAllowed(f"you may not file approvals in {namespace}: {answer.message}; the platform engineer binds govcloud-official there")
        if answer.status >= 400:
            raise failure(f"POST {path}", answer)
        return approval_from(answer.body)

    def _where_it_may_look(self) -> Waiting:
        """Namespace by namespace, for somebody who may not list over all of them."""
        requests: list[RequestObject] = []
        looked: list[str] = []
        for namespace in self._namespaces():
            try:
                requests += self._waiting_in(namespace)
                looked.append(namespace)
            except NotAllowed:
                continue  # somebody else's
        return Waiting(tuple(requests), tuple(looked))

    def _namespaces(self) -> list[str]:
        """The units' namespaces. Who may not list namespaces tries those that are called like a unit, as units are public."""
        try:
            found = self._every(path_of(NAMESPACES), "the namespaces", UNIT_LABEL)
        except NotAllowed:
            found = self._every(path_of(UNITS), "the units")
        return sorted({raw["metadata"]["name"] for raw in found} | {self._namespace})

    def _waiting_in(self, namespace: str | None) -> list[RequestObject]:
        where = f"in {namespace}" if namespace else "in all namespaces"
        found = self._every(path_of(REQUESTS, namespace=namespace), f"the requests {where}", WAITING_LABEL)
        return [request_from(raw) for raw in found]

    def _read(self, path: str, what: str) -> Raw:
        with _own_rights(what):
            found = self._api.read(path)
        if found is None:
            raise NotThere(f"{what} does not exist")
        return found

    def _every(self, path: str, what: str, labels: str = "") -> list[Raw]:
        with _own_rights(what):
            return self._api.every(path, labels=labels)


@contextmanager
def _own_rights(what: str) -> Iterator[None]:
    try:
        yield
    except Forbidden as error:
        raise NotAllowed(f"you may not read {what}; the platform engineer grants it, for instance with govcloud-official or govcloud-view") from error


def _event_from(raw: Raw) -> EventSeen:
    last = (raw.get("series") or {}).get("lastObservedTime") or raw.get("eventTime") or raw["metadata"]["creationTimestamp"]
    return EventSeen(datetime.fromisoformat(last), raw.get("type") == "Warning", raw.get("reason", ""), raw.get("note", ""))
