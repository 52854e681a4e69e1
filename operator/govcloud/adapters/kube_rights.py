"""The rights to decide, and to act as those who decide, that RBAC grants, from the API server's own roles and bindings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govcloud.adapters.kube_api import KubeApi, Raw, path_of
from govcloud.core.impersonation import Impersonation, impersonations_in
from govcloud.core.rights import Binding, Right, Role, Rule, rights_in

_RBAC = "rbac.authorization.k8s.io/v1"


def rights_granted(api: KubeApi) -> frozenset[Right | Impersonation]:
    """All of them, now.

    Raises:
        Retry, Stop: the API server did not answer, or refused.
    """

    def every(*plurals: str) -> list[Raw]:
        return [raw for plural in plurals for raw in api.every(path_of(f"{_RBAC}/{plural}"))]

    roles = [role_from(raw) for raw in every("roles", "clusterroles")]
    bindings = [binding_from(raw) for raw in every("rolebindings", "clusterrolebindings")]
    rights = rights_in(roles, bindings)
    return rights | impersonations_in(roles, bindings, {right.who for right in rights})


def role_from(raw: Raw) -> Role:
    """A Role or ClusterRole."""
    return Role(_namespace(raw), raw["metadata"]["name"], tuple(_rule(rule) for rule in raw.get("rules") or ()))


def _rule(raw: Mapping[str, Any]) -> Rule:
    fields = ("verbs", "apiGroups", "resources", "resourceNames")
    return Rule(*(tuple(raw.get(field) or ()) for field in fields))


def binding_from(raw: Raw) -> Binding:
    """A RoleBinding or ClusterRoleBinding."""
    namespace, ref = _namespace(raw), raw["roleRef"]
    role = (namespace if ref["kind"] == "Role" else "", ref["name"])
    return Binding(namespace, raw["metadata"]["name"], role, tuple(_subject(subject) for subject in raw.get("subjects") or ()))


def _subject(raw: Mapping[str, Any]) -> str:
    inside = f"{raw['namespace']}/" if raw.get("namespace") else ""
    return f"{raw['kind']} {inside}{raw['name']}"


def _namespace(raw: Raw) -> str:
    return str(raw["metadata"].get("namespace", ""))
