"""Who may act as an official: read from roles and bindings as RBAC means them, and told like a right to decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from govcloud.adapters.kube_rights import binding_from, role_from
from govcloud.core.impersonation import EVERYTHING, Impersonation, impersonations_in
from govcloud.core.rights import Binding, Role, Rule, changes

OFFICIALS = frozenset({"User sun.li", "User zhao.gang", "Group offices", "ServiceAccount bureau/robot"})
EXAMPLE = Path(__file__).parents[2] / "examples" / "approval-system" / "rbac.yaml"


def rule(resource: str, *names: str, verb: str = "impersonate", group: str = "") -> Rule:
    return Rule((verb,), (group,), (resource,), names)


def found(granted: Rule, namespace: str = "") -> set[str]:
    """Whom somebody may act for by a role with this rule."""
    role, binding = Role("", "acts", (granted,)), Binding(namespace, "b", ("", "acts"), ("User mallory",))
    return {each.official for each in impersonations_in([role], [binding], OFFICIALS)}


RULES: list[Any] = [
    pytest.param(rule("users", "sun.li", "nobody"), "", {"User sun.li"}, id="an official by name, and somebody who decides nothing"),
    pytest.param(rule("users", "nobody"), "", set(), id="nobody who decides"),
    pytest.param(rule("users"), "", {"User *"}, id="everybody"),
    pytest.param(rule("groups", "offices"), "", {"Group offices"}, id="a group that decides"),
    pytest.param(rule("groups", "system:masters"), "", {EVERYTHING}, id="those whom nothing is refused"),
    pytest.param(rule("groups"), "", {"Group *"}, id="every group"),
    pytest.param(rule("users", "sun.li"), "bureau", set(), id="users lie in no namespace"),
    pytest.param(rule("serviceaccounts", "robot"), "bureau", {"ServiceAccount bureau/robot"}, id="a program that decides"),
    pytest.param(rule("serviceaccounts"), "bureau", {"ServiceAccount bureau/robot"}, id="every program there"),
    pytest.param(rule("serviceaccounts", "robot"), "elsewhere", set(), id="a program of this name elsewhere"),
    pytest.param(rule("serviceaccounts", "robot"), "", {"ServiceAccount bureau/robot"}, id="a program of this name anywhere"),
    pytest.param(rule("*", verb="*", group="*"), "", {"User *", "Group *", "ServiceAccount bureau/robot"}, id="everything, as cluster-admin"),
    pytest.param(rule("users", "sun.li", verb="get"), "", set(), id="another verb"),
    pytest.param(rule("users", "sun.li", group="user.example"), "", set(), id="another group of resources"),
]


@pytest.mark.parametrize(("granted", "namespace", "officials"), RULES)
def test_a_rule_lets_somebody_act_for_whom_the_api_server_would(granted: Rule, namespace: str, officials: set[str]) -> None:
    assert found(granted, namespace) == officials


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8")))


def test_the_approval_system_of_the_examples_is_set_up_as_it_should_be() -> None:
    roles = [role_from(raw) for raw in documents() if raw["kind"] == "ClusterRole"]
    bindings = [binding_from(raw) for raw in documents() if raw["kind"].endswith("Binding")]
    rights = impersonations_in(roles, bindings, frozenset({"User authority", "User superior-unit", "User sun.li"}))

    assert {(each.who, each.official, each.is_set_up()) for each in rights} == {
        ("User approval-system", "User authority", True),
        ("User approval-system", "User superior-unit", True),
    }


@pytest.mark.parametrize(("official", "by_approval_system"), [("User sun.li", False), ("User *", True), ("Group offices", True)])
def test_anything_else_is_unusual(official: str, by_approval_system: bool) -> None:
    right = Impersonation(who="User x", official=official, by_approval_system=by_approval_system, binding="ClusterRoleBinding b", role="ClusterRole r")
    (told,) = changes(frozenset(), frozenset({right}))

    assert told.reason.rule == "ApprovalRightUnusual"
    assert told.message.startswith(f"User x may act as {official}, who may decide (ClusterRoleBinding b, ClusterRole r); that is not how")
    assert told.attributes == {"who": "User x", "official": official, "role": "ClusterRole r"}
