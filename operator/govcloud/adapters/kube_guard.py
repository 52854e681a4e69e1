"""What is remembered of the admission policies, in a ConfigMap of the controller's namespace, sealed with a key of the controller's own.

Everybody who may look there sees since when admission is guarded, and when it was not. Whoever writes it without the key, or deletes it, wins
nothing: a record that this controller did not write is none, and then nothing is known of the time before the next look. An older record that is
put back names policies of an older generation, so that the window only grows.

The ConfigMap is made with the installation (`deploy/rbac/controller.yaml`): so the controller needs the right to this one only.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.api.common import as_written
from govcloud.audit.notes import Signer
from govcloud.core.canonical import canonical
from govcloud.core.guard import Guard
from govcloud.core.signatures import encoded
from govcloud.failures import Retry
from govcloud.reasons import Reason

log = logging.getLogger(__name__)

NAME = "govcloud-guard"
MISSING = "there is no ConfigMap {} in {}, so what is seen of the admission policies cannot be kept; run: kubectl apply --server-side -f deploy/rbac/controller.yaml"
PAYLOAD_TYPE = "application/vnd.govcloud.guard+json"


class GuardRecord:
    """The record, read once and then known: this process is the only one that writes it. Safe to use from several threads.

    Args:
        signer: the key that seals the record; it lies on the controller's disk.
    """

    def __init__(self, api: KubeApi, namespace: str, signer: Signer) -> None:
        self._api, self._namespace, self._signer = api, namespace, signer
        self._path = path_of("v1/configmaps", NAME, namespace=namespace)
        self._lock = threading.Lock()
        self._known: Guard | None = None
        self._version: str | None = None

    def read(self) -> Guard:
        """What is remembered; nothing where there is no record that this controller wrote."""
        with self._lock:
            if self._known is None:
                raw = self._api.read(self._path)
                self._version = raw["metadata"]["resourceVersion"] if raw else None
                self._known = self._unsealed(raw.get("data") or {}) if raw else Guard()
            return self._known

    def write(self, guard: Guard, replacing: Guard) -> None:
        """Keep it.

        Raises:
            Retry: something else was written meanwhile, by another thread or by somebody else; or there is no ConfigMap to keep it in.
        """
        with self._lock:
            if self._known != replacing:
                raise Retry(Reason.CONFLICT, "the admission policies were looked at meanwhile; looking again")
            self._known = None  # until the answer is there, nobody knows what is kept
            raw = self._api.replace(self._path, self._holding(self._sealed(guard)))
            self._version, self._known = raw["metadata"]["resourceVersion"], guard

    def _holding(self, data: Mapping[str, str]) -> dict[str, Any]:
        if self._version is None:
            raise Retry(Reason.CLUSTER_REFUSED, MISSING.format(NAME, self._namespace), timedelta(seconds=10))
        metadata = {"name": NAME, "namespace": self._namespace, "resourceVersion": self._version}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}

    def _sealed(self, guard: Guard) -> dict[str, str]:
        text = canonical(as_written(guard))
        seal = base64.b64encode(self._signer.sign(encoded(PAYLOAD_TYPE, text.encode()))).decode()
        return {"record": text, "seal": seal, "key": self._signer.public_key.text()}

    def _unsealed(self, data: Mapping[str, str]) -> Guard:
        if not data:  # as it was installed
            return Guard()
        text = data.get("record", "")
        key = Ed25519PublicKey.from_public_bytes(self._signer.public_key.raw)
        try:
            key.verify(base64.b64decode(data.get("seal", ""), validate=True), encoded(PAYLOAD_TYPE, text.encode()))
            return Guard.model_validate_json(text)
        except (InvalidSignature, ValidationError, ValueError):
            log.warning("ConfigMap %s/%s was not written by this controller; nothing is taken from it", self._namespace, NAME)
            return Guard()
