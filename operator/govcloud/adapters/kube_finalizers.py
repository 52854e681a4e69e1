"""Finalizers of requests, and the label of their namespaces that protects these while a request in them is live."""

from __future__ import annotations

import threading
from collections.abc import Callable

from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.adapters.kube_kinds import NAMESPACES, existing, finalizers_of, labels_of, path_to, same
from govcloud.api import kinds
from govcloud.api.common import FINALIZER, LIVE_REQUESTS_LABEL
from govcloud.api.request import RequestKey


class KubeFinalizers:
    """Both are written by this process only, and must agree: one change at a time."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._lock = threading.Lock()

    def add(self, key: RequestKey) -> None:
        """Add our finalizer, after the namespace was marked: a request that is live without it being marked could go with its namespace."""
        with self._lock:
            self._mark_namespace(key.namespace, live=True)
            self._change_finalizers(key, lambda finalizers: [*finalizers, FINALIZER])

    def remove(self, key: RequestKey) -> None:
        """Remove our finalizer; the namespace's mark goes with the last one."""
        with self._lock:
            self._change_finalizers(key, lambda finalizers: [f for f in finalizers if f != FINALIZER])
            self._mark_namespace(key.namespace, live=self._has_live_requests(key.namespace))

    def guard_namespaces(self) -> None:
        """Put every namespace's mark right, after a crash between a finalizer and a mark. Once at the start and with each resync."""
        with self._lock:
            every = self._api.every(path_to(kinds.REQUEST))
            live = {raw["metadata"]["namespace"] for raw in every if FINALIZER in finalizers_of(raw)}
            marked = {
                raw["metadata"]["name"] for raw in self._api.every(path_of(NAMESPACES), labels=LIVE_REQUESTS_LABEL)
            }
            for namespace in sorted(live ^ marked):
                self._mark_namespace(namespace, live=namespace in live)

    def _has_live_requests(self, namespace: str) -> bool:
        return any(FINALIZER in finalizers_of(raw) for raw in self._api.every(path_to(kinds.REQUEST, namespace=namespace)))

    def _mark_namespace(self, namespace: str, *, live: bool) -> None:
        path = path_of(NAMESPACES, namespace)
        raw = existing(self._api, path)
        if (LIVE_REQUESTS_LABEL in labels_of(raw)) != live:
            self._api.merge(path, {"metadata": {"labels": {LIVE_REQUESTS_LABEL: "true" if live else None}}})

    def _change_finalizers(self, key: RequestKey, change: Callable[[list[str]], list[str]]) -> None:
        path = path_to(kinds.REQUEST, key.name, key.namespace)
        raw = same(self._api, path, key.uid)
        before = finalizers_of(raw)
        if (after := list(dict.fromkeys(change(before)))) != before:
            version = raw["metadata"]["resourceVersion"]
            self._api.merge(path, {"metadata": {"resourceVersion": version, "finalizers": after}})
