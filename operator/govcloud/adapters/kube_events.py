"""An Event: one sentence about a request, for `kubectl describe`."""

from __future__ import annotations

import hashlib
from datetime import datetime

from govcloud.adapters.kube_api import Raw
from govcloud.api import kinds
from govcloud.api.common import API_VERSION, GROUP
from govcloud.core.objects import RequestObject

LONGEST_NOTE = 1024
"""Bytes that an Event's note may have."""


def event_about(request: RequestObject, reason: str, message: str, *, warning: bool, at: datetime, instance: str) -> Raw:
    """The Event as it is written. The same sentence about the same object always has the same name.

    Args:
        instance: which controller reports it.
    """
    key = request.key
    fingerprint = hashlib.sha256(f"{key.uid}\n{reason}\n{message}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{key.name}.{fingerprint}", "namespace": key.namespace},
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"{GROUP}/controller",
        "reportingInstance": instance[:128],
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


def _cut(text: str, longest: int) -> str:
    """At most so many bytes, whole characters only."""
    return text.encode()[:longest].decode(errors="ignore")
