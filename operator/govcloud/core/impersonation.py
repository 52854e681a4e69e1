"""Who may act as somebody who may decide: the verb `impersonate`, which makes the API server take one user for another. Pure.

It is set up for an approval system: a subject bound to the ClusterRole `govcloud-approval-system`, acting for people that its role names one by one
(`examples/approval-system/rbac.yaml`). Any other role can grant it as well, `cluster-admin` for instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from govcloud.core.rights import ANY, Binding, Grant, Role, Rule

APPROVAL_SYSTEM = ("", "govcloud-approval-system")
EVERYTHING = "Group system:masters"
"""May decide everything, though no binding says so."""

class Impersonation(Grant):
    """Somebody may act as an official, or as anybody of a kind (`User *`)."""

    official: str
    by_approval_system: bool

    def is_set_up(self) -> bool:
        """Whether it is an approval system's, for one person."""
        return self.by_approval_system and self.official.startswith("User ") and not self.official.endswith(f" {ANY}")

    def sentence(self) -> str:
        """What it allows, and by what."""
        return f"{self.who} may act as {self.official}, who may decide ({self.binding}, {self.role})"

    def as_it_should_be(self) -> str:
        """How the right is set up."""
        return f"for an approval system, which is bound to {APPROVAL_SYSTEM[1]}, and for people by name"

    def details(self) -> Mapping[str, str]:
        """What the log says of it beside who."""
        return {"official": self.official}


def impersonations_in(roles: Iterable[Role], bindings: Iterable[Binding], officials: Set[str]) -> frozenset[Impersonation]:
    """Every right to act as an official that the bindings hand out.

    Args:
        officials: kind and name of everybody who may decide a step.
    """
    rules, bound = {(role.namespace, role.name): role.rules for role in roles}, tuple(bindings)
    systems = {who for binding in bound if binding.role == APPROVAL_SYSTEM for who in binding.subjects}
    return frozenset(
        _handed_out(binding, official, who, who in systems)
        for binding in bound
        for rule in rules.get(binding.role, ())
        for official in _acted_for(rule, binding.namespace, officials | {EVERYTHING})
        for who in binding.subjects
    )


def _handed_out(binding: Binding, official: str, who: str, by_approval_system: bool) -> Impersonation:
    written, role = binding.written()
    return Impersonation(who=who, official=official, by_approval_system=by_approval_system, binding=written, role=role)


def _acted_for(rule: Rule, namespace: str, officials: Set[str]) -> Iterator[str]:
    """Users and groups lie in no namespace: what a RoleBinding says of them is nothing."""
    if not namespace:
        for resource, kind in (("users", "User"), ("groups", "Group")):
            if rule.grants("impersonate", "", resource):
                yield from (who for who in officials if who in {f"{kind} {name}" for name in rule.names})
                if not rule.names:
                    yield f"{kind} {ANY}"
    if rule.grants("impersonate", "", "serviceaccounts"):
        yield from (who for who in officials if _is_account(who, namespace, rule.names))


def _is_account(who: str, namespace: str, names: tuple[str, ...]) -> bool:
    kind, _, place = who.partition(" ")
    of_namespace, _, name = place.partition("/")
    return kind == "ServiceAccount" and namespace in ("", of_namespace) and (not names or name in names)
