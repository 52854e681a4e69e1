"""An Event: one sentence about a request or a jurisdiction, for `kubectl describe`."""

from __future__ import annotations

import hashlib
from datetime import datetime

from govcloud.adapters.kube_api import Raw
from govcloud.api import kinds
from govcloud.api.common import API_VERSION, GROUP
from govcloud.core.objects import JurisdictionObject, RequestObject

LONGEST_NOTE = 1024
"""Bytes that an Event's note may have."""


def regarding(about: RequestObject | JurisdictionObject) -> Raw:
    """The object, as an Event refers to it."""
    if isinstance(about, JurisdictionObject):
        return {"apiVersion": API_VERSION, "kind": kinds.JURISDICTION.kind, "name": about.name, "uid": about.uid}
    key = about.key
    where = {"namespace": key.namespace, "name": key.name, "uid": key.uid, "resourceVersion": about.resource_version}
    return {"apiVersion": API_VERSION, "kind": kinds.REQUEST.kind, **where}


def event_about(about: Raw, reason: str, message: str, *, warning: bool, at: datetime, instance: str) -> Raw:
    """The Event as it is written. The same sentence about the same object always has the same name.

    Args:
        about: the object, from `regarding`. An Event about one that lies in no namespace lies in `default`.
        instance: which controller reports it.
    """
    fingerprint = hashlib.sha256(f"{about['uid']}\n{reason}\n{message}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{about['name']}.{fingerprint}", "namespace": about.get("namespace", "default")},
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"{GROUP}/controller",
        "reportingInstance": instance[:128],
        "action": reason,
        "reason": reason,
        "type": "Warning" if warning else "Normal",
        "note": _cut(message, LONGEST_NOTE),
        "regarding": about,
    }


def _cut(text: str, longest: int) -> str:
    """At most so many bytes, whole characters only."""
    return text.encode()[:longest].decode(errors="ignore")
