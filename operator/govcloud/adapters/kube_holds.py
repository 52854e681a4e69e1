"""Orders of legal holds, kept in a ConfigMap to which anybody with the role may add and nobody may change or take away anything.

That an order names who wrote it is seen to by admission (`deploy/admission/hold-by-its-author.yaml`), and the API server's own
audit log says it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.audit.holds import Order
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

NAME = "govcloud-audit-holds"
_CONFIG_MAPS = "v1/configmaps"
_WHO_AM_I = "authentication.k8s.io/v1/selfsubjectreviews"


class KubeHolds:
    """The orders in one cluster."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._path = path_of(_CONFIG_MAPS, NAME, namespace=namespace)

    def orders(self) -> Mapping[str, str]:
        """All orders by name.

        Raises:
            Retry: the place where they are kept cannot be read, or is gone: then nobody knows what must be kept.
        """
        found = self._api.read(self._path)
        if found is None:
            told = f"the ConfigMap {NAME} is gone, so nobody knows what must be kept; apply deploy/rbac/legal-hold.yaml"
            raise Retry(Reason.CONFLICT, told, timedelta(minutes=1))
        return {str(name): str(text) for name, text in (found.get("data") or {}).items()}

    def give(self, name: str, order: Order) -> None:
        """Add an order.

        Raises:
            Stop: an order of this name was given before, or the user may not give one.
        """
        if name in self.orders():
            raise Stop(Reason.CONFLICT, f"there is an order {name} already; orders are never changed, choose another name")
        self._api.merge(self._path, {"data": {name: order.text()}})

    def user(self) -> str:
        """Under which name the API server knows who asks."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._api.ask("POST", path_of(_WHO_AM_I), body=review)
        return str(answer.body["status"]["userInfo"]["username"])
