"""What is remembered of the admission policies, in a ConfigMap of the controller's namespace, sealed with a key of the controller's own.

Everybody who may look there sees since when admission is guarded, and when it was not. Whoever writes it without the key, or deletes it, wins
nothing: a record that this controller did not write is none, and then nothing is known of the time before the next look. An older record that is
put back names policies of an older generation, so that the window only grows.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Mapping
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
PAYLOAD_TYPE = "application/vnd.govcloud.guard+json"


class GuardRecord:
    """The record, read once and then known: this process is the only one that writes it. Safe to use from several threads.

    Args:
        signer: the key that seals the record; it lies on the controller's disk.
    """

    def __init__(self, api: KubeApi, namespace: str, signer: Signer) -> None:
        self._api, self._namespace, self._signer = api, namespace, signer
        self._lock = threading.Lock()
        self._known: Guard | None = None
        self._version: str | None = None

    def read(self) -> Guard:
        """What is remembered; nothing where there is no record that this controller wrote."""
        with self._lock:
            if self._known is None:
                raw = self._api.read(self._path(NAME))
                self._version = raw["metadata"]["resourceVersion"] if raw else None
                self._known = self._unsealed(raw.get("data") or {}) if raw else Guard()
            return self._known

    def write(self, guard: Guard, replacing: Guard) -> None:
        """Keep it.

        Raises:
            Retry: something else was written meanwhile, by another thread or by somebody else.
        """
        with self._lock:
            if self._known != replacing:
                raise Retry(Reason.CONFLICT, "the admission policies were looked at meanwhile; looking again")
            self._known = None  # until the answer is there, nobody knows what is kept
            raw = self._stored(self._sealed(guard))
            self._version, self._known = raw["metadata"]["resourceVersion"], guard

    def _stored(self, data: Mapping[str, str]) -> dict[str, Any]:
        metadata = {"name": NAME, "namespace": self._namespace}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
        if self._version is not None:
            metadata["resourceVersion"] = self._version
            return self._api.replace(self._path(NAME), body)
        made = self._api.create(self._path(), body)
        if made is None:
            raise Retry(Reason.CONFLICT, f"somebody else made the ConfigMap {self._namespace}/{NAME}; looking again")
        return made

    def _sealed(self, guard: Guard) -> dict[str, str]:
        text = canonical(as_written(guard))
        seal = base64.b64encode(self._signer.sign(encoded(PAYLOAD_TYPE, text.encode()))).decode()
        return {"record": text, "seal": seal, "key": self._signer.public_key.text()}

    def _unsealed(self, data: Mapping[str, str]) -> Guard:
        text = data.get("record", "")
        key = Ed25519PublicKey.from_public_bytes(self._signer.public_key.raw)
        try:
            key.verify(base64.b64decode(data.get("seal", ""), validate=True), encoded(PAYLOAD_TYPE, text.encode()))
            return Guard.model_validate_json(text)
        except (InvalidSignature, ValidationError, ValueError):
            log.warning("ConfigMap %s/%s was not written by this controller; nothing is taken from it", self._namespace, NAME)
            return Guard()

    def _path(self, name: str | None = None) -> str:
        return path_of("v1/configmaps", name, namespace=self._namespace)
