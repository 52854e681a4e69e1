"""Keys that sign notifications, read from Secrets in the controller's own namespace whenever one is needed: a new one counts at once."""

from __future__ import annotations

import base64

from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.api.notification import SecretKey
from govcloud.core.webhook import key_from
from govcloud.failures import Stop
from govcloud.reasons import Reason

SECRETS = "v1/secrets"


class KubeKeys:
    """Reads keys. The right to do so is given for each Secret by name (deploy/rbac/controller.yaml)."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    def __call__(self, where: SecretKey) -> bytes:
        """The key.

        Raises:
            Retry, Stop: the cluster does not answer or refuses; there is no such Secret or key in it; its value is no key.
        """
        named = f"key {where.key} of the Secret {self._namespace}/{where.name}"
        found = self._api.read(path_of(SECRETS, where.name, namespace=self._namespace)) or {}
        value = (found.get("data") or {}).get(where.key)
        if value is None:
            raise Stop(Reason.SIGNING_KEY_MISSING, f"{named} does not exist; without it no notification is sent")
        try:
            return key_from(base64.b64decode(value))
        except ValueError as error:
            raise Stop(Reason.SIGNING_KEY_MISSING, f"{named}: {error}") from error
