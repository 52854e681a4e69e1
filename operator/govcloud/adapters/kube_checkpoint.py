"""The newest checkpoint of the audit log in a ConfigMap of the controller's namespace, for whoever may read it there.

It is made with the installation (`deploy/rbac/controller.yaml`): so the controller needs the right to this one only, and
none to make any. Like a status or a Lease it is no effect of its own: what it says is signed.
"""

from __future__ import annotations

from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.audit.publishing import PlaceUnavailable
from govcloud.failures import Retry, Stop

NAME = "govcloud-audit-checkpoint"
KEY = "checkpoint"


class CheckpointMap:
    """A `govcloud.audit.publishing.Place`."""

    name = "the ConfigMap"
    keeps_all = False

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._path = path_of("v1/configmaps", NAME, namespace=namespace)

    def newest(self) -> str | None:
        """The note in it."""
        try:
            found = self._api.read(self._path)
        except (Retry, Stop) as error:
            raise PlaceUnavailable(str(error)) from error
        if found is None:
            raise PlaceUnavailable(
                f"there is no ConfigMap {NAME} in {self._namespace}; run: kubectl apply --server-side -f deploy/rbac/controller.yaml"
            )
        return (found.get("data") or {}).get(KEY) or None

    def publish(self, note: str, size: int) -> None:
        """Put a note in the place of the one before."""
        try:
            self._api.merge(self._path, {"data": {KEY: note}})
        except (Retry, Stop) as error:
            raise PlaceUnavailable(str(error)) from error
