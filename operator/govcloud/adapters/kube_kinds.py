"""Where objects of our kinds lie in the Kubernetes API, and how one of them is named in a write."""

from __future__ import annotations

from govcloud.adapters.kube_api import Raw, path_of
from govcloud.api.common import API_VERSION
from govcloud.api.kinds import Kind


def path_to(kind: Kind, name: str | None = None, namespace: str | None = None) -> str:
    """The path of a kind's objects, or of one of them."""
    return path_of(f"{API_VERSION}/{kind.plural}", name, namespace=namespace)


def identified(kind: Kind, name: str, namespace: str | None, uid: str, version: str) -> Raw:
    """The part of an object that says which one, in which version, is written."""
    inside = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": API_VERSION,
        "kind": kind.kind,
        "metadata": {"name": name, **inside, "uid": uid, "resourceVersion": version},
    }
