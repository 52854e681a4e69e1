"""Who may approve: read from roles and bindings as RBAC means them, and told when it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from govcloud.adapters.kube_rights import binding_from, role_from
from govcloud.core.rights import Binding, Right, Role, Rule, changes, rights_in

APPROVE = ("approve",)
DEPLOY = Path(__file__).parents[2] / "deploy" / "rbac" / "approve.yaml"


def rule(verbs: tuple[str, ...] = APPROVE, group: str = "govcloud.dev", resource: str = "approvalsteps", *names: str) -> Rule:
    return Rule(verbs, (group,), (resource,), names)


RULES: list[Any] = [
    pytest.param(rule(APPROVE, "govcloud.dev", "approvalsteps", "authority"), {"authority"}, id="one step"),
    pytest.param(rule(), {"*"}, id="no names: every step"),
    pytest.param(rule(("get", "*")), {"*"}, id="every verb"),
    pytest.param(rule(APPROVE, "*", "*"), {"*"}, id="everything, as cluster-admin"),
    pytest.param(rule(("create", "get")), set(), id="another verb"),
    pytest.param(rule(APPROVE, "certificates.k8s.io", "signers"), set(), id="Kubernetes' own approve"),
    pytest.param(rule(APPROVE, "", "approvalsteps"), set(), id="another group"),
    pytest.param(rule(("*",), "govcloud.dev", "cloudserviceapprovals"), set(), id="another resource"),
]


@pytest.mark.parametrize(("granted", "steps"), RULES)
def test_a_rule_grants_what_rbac_would_allow(granted: Rule, steps: set[str]) -> None:
    assert Role("", "any", (rule(("get",)), granted)).steps() == steps


def test_a_role_binding_grants_in_its_namespace_and_a_cluster_role_binding_everywhere() -> None:
    roles = [Role("", "govcloud-approve-authority", (rule(APPROVE, "govcloud.dev", "approvalsteps", "authority"),)), Role("health", "own", (rule(),))]
    bindings = [
        Binding("health", "li", ("", "govcloud-approve-authority"), ("User sun.li",)),
        Binding("", "all", ("", "govcloud-approve-authority"), ("Group offices",)),
        Binding("health", "own", ("health", "own"), ("ServiceAccount ci/robot",)),
        Binding("schools", "own", ("schools", "own"), ("User nobody",)),
        Binding("schools", "li", ("", "own"), ("User nobody",)),
    ]
    rights = rights_in(roles, bindings)

    assert {(r.who, r.step, r.namespace, r.is_set_up()) for r in rights} == {
        ("User sun.li", "authority", "health", True),
        ("Group offices", "authority", "*", False),
        ("ServiceAccount ci/robot", "*", "health", False),
    }


def test_what_this_project_installs_is_set_up_as_it_should_be() -> None:
    roles = [role_from(raw) for raw in yaml.safe_load_all(DEPLOY.read_text(encoding="utf-8"))]
    assert len(roles) > 10
    for role in roles:
        bound = {"metadata": {"name": "b", "namespace": "n"}, "roleRef": {"kind": "ClusterRole", "name": role.name}, "subjects": [{"kind": "User", "name": "u"}]}
        (right,) = rights_in(roles, [binding_from(bound)])
        assert right.is_set_up()


def test_each_change_is_told_once_with_who_where_and_by_what() -> None:
    stays, comes = granted("User zhou", "ClusterRole govcloud-approve-authority"), granted("User mallory", "Role helpful")
    lost = granted("User gone", "ClusterRole govcloud-approve-authority")
    told = changes(frozenset({stays, lost}), frozenset({stays, comes}))

    assert [(str(entry.action), entry.reason.rule, entry.attributes["who"]) for entry in told] == [
        ("revoke", "ApprovalRightChanged", "User gone"),
        ("allow", "ApprovalRightUnusual", "User mallory"),
    ]
    assert told[0].message == "no longer: User gone may decide step 'authority' in namespace health (RoleBinding health/b, ClusterRole govcloud-approve-authority)"
    assert told[1].message.startswith("User mallory may decide step 'authority' in namespace health (RoleBinding health/b, Role helpful); that is not how")
    assert changes(frozenset({stays}), frozenset({stays})) == ()


def granted(who: str, role: str) -> Right:
    return Right(who=who, step="authority", namespace="health", binding="RoleBinding health/b", role=role)
