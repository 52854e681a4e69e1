"""Where objects lie in the Kubernetes API, how one of them is named in a write, and how it is found again before."""

from __future__ import annotations

from collections.abc import Mapping

from govcloud.adapters.kube_api import KubeApi, Raw, path_of
from govcloud.api.common import API_VERSION
from govcloud.api.kinds import Kind
from govcloud.failures import Retry
from govcloud.reasons import Reason

PLANS = "apps/v1/controllerrevisions"
NAMESPACES = "v1/namespaces"
SECRETS = "v1/secrets"
EVENTS = "events.k8s.io/v1/events"
POLICIES = "admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


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


def existing(api: KubeApi, path: str) -> Raw:
    """The object as it is now.

    Raises:
        Retry: it is gone.
    """
    raw = api.read(path)
    if raw is None:
        raise Retry(Reason.CONFLICT, f"{path} is gone")
    return raw


def same(api: KubeApi, path: str, uid: str) -> Raw:
    """The object as it is now, if it is still the same one and not a later one of its name.

    Raises:
        Retry: it is not.
    """
    raw = existing(api, path)
    if raw["metadata"]["uid"] != uid:
        raise Retry(Reason.CONFLICT, f"{path} was deleted and made anew")
    return raw


def labels_of(raw: Raw) -> Mapping[str, str]:
    """Its labels."""
    labels: Mapping[str, str] = raw["metadata"].get("labels") or {}
    return labels


def finalizers_of(raw: Raw) -> list[str]:
    """Its finalizers."""
    return list(raw["metadata"].get("finalizers") or ())
