"""The only file that knows kopf. An event is a knock on the door: it wakes a request up, and its payload is not trusted."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import kopf

from govcloud.api.common import GROUP, VERSION
from govcloud.watch_session import Heard, session_telling

REQUESTS, APPROVALS = "cloudservicerequests", "cloudserviceapprovals"
SURROUNDINGS = ("usingunits", "jurisdictions", "cloudservicecatalogs", "pauses")
ACCOUNTS = ("annualplans", "serviceagreements")
ADMISSION = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
RIGHTS = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
WATCHED = (REQUESTS, APPROVALS, *SURROUNDINGS, *ACCOUNTS, *ADMISSION, *RIGHTS)


class Listener(Protocol):
    """Who is woken up."""

    def request_changed(self, namespace: str, name: str) -> None: ...
    def decision_changed(self, namespace: str, name: str) -> None: ...
    def account_changed(self, kind: str, name: str) -> None: ...
    def everything_changed(self, why: str) -> None: ...
    def rights_changed(self) -> None: ...


def registry_for(listener: Listener, heard: Heard) -> kopf.OperatorRegistry:
    """The handlers, all of them: watch events only, no timers, no daemons, no finalizers, no annotations.

    Args:
        heard: called with the plural name of a kind whenever its watch shows a sign of life.
    """
    registry = kopf.OperatorRegistry()
    _set_up(registry, heard)
    _wake_one_request(registry, listener)
    _wake_all_requests(registry, listener)
    _wake_who_waits_for_money(registry, listener)
    _tell_of_rights(registry, listener)
    return registry


def _set_up(registry: kopf.OperatorRegistry, heard: Heard) -> None:
    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.networking.request_timeout = 30
        settings.watching.server_timeout = 240
        settings.watching.client_timeout = 300
        settings.networking.error_backoffs = [1, 2, 3, 5, 8]

    @kopf.on.login(registry=registry)
    async def log_in(**options: Any) -> kopf.AiohttpSession | None:
        found = kopf.login_with_kubeconfig(**options) or kopf.login_with_service_account(**options)
        if found is None:
            return None
        return kopf.AiohttpSession(
            server=found.server,
            default_namespace=found.default_namespace,
            expiration=found.expiration,
            aiohttp_session=session_telling(found, heard),
        )


def _wake_one_request(registry: kopf.OperatorRegistry, listener: Listener) -> None:
    """What belongs to one request wakes that one up."""

    @kopf.on.event(GROUP, VERSION, REQUESTS, registry=registry)
    async def request_event(namespace: str | None, name: str | None, **_: Any) -> None:
        listener.request_changed(namespace or "", name or "")

    @kopf.on.event(GROUP, VERSION, APPROVALS, registry=registry)
    async def approval_event(namespace: str | None, spec: kopf.Spec, **_: Any) -> None:
        listener.decision_changed(namespace or "", str(spec.get("request", {}).get("name", "")))


def _wake_all_requests(registry: kopf.OperatorRegistry, listener: Listener) -> None:
    """What many requests depend on wakes all of them up."""

    async def changed(resource: kopf.Resource, name: str | None, **_: Any) -> None:
        listener.everything_changed(f"{resource.plural}/{name}")

    def on(group: str, version: str, plural: str, **options: Any) -> None:
        kopf.on.event(group, version, plural, id=f"{plural}_event", registry=registry, **options)(changed)

    for plural in SURROUNDINGS:
        on(GROUP, VERSION, plural)
    for plural in ADMISSION:
        on("admissionregistration.k8s.io", "v1", plural, labels={f"{GROUP}/admission": kopf.PRESENT})


def _wake_who_waits_for_money(registry: kopf.OperatorRegistry, listener: Listener) -> None:
    """An account that people edited wakes all requests up. One in which only the controller wrote, a reservation for instance, wakes those that
    wait for its money: else each reservation would wake all of them up."""

    async def changed(resource: kopf.Resource, name: str | None, meta: kopf.Meta, status: kopf.Status, **_: Any) -> None:
        if meta.get("generation") != status.get("observedGeneration"):
            listener.everything_changed(f"{resource.plural}/{name}")
        else:
            listener.account_changed(resource.kind or "", name or "")

    for plural in ACCOUNTS:
        kopf.on.event(GROUP, VERSION, plural, id=f"{plural}_event", registry=registry)(changed)


def _tell_of_rights(registry: kopf.OperatorRegistry, listener: Listener) -> None:
    """Who may approve changes nothing for requests: it is recorded."""

    async def changed(**_: Any) -> None:
        listener.rights_changed()

    for plural in RIGHTS:
        kopf.on.event("rbac.authorization.k8s.io", "v1", plural, id=f"{plural}_event", registry=registry)(changed)


async def watch(registry: kopf.OperatorRegistry, stop: threading.Event) -> None:
    """Watch until `stop` is set, or until kopf ends by itself, which is a fault."""
    await kopf.operator(registry=registry, clusterwide=True, standalone=True, stop_flag=stop)
