"""Who may decide which approval step where, as RBAC grants it: read from roles and bindings, compared, and put into words for the log. Pure.

The right is the verb `approve` on the virtual resource `approvalsteps.govcloud.dev/<step>`. It is set up by binding one of the ClusterRoles
`govcloud-approve-<step>` in a namespace; any other role can grant it as well, `cluster-admin` for instance.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from govcloud.api.common import GROUP, Model
from govcloud.audit.records import Action, Entry, Outcome, Phase, Target, escape_invisible
from govcloud.audit.records import Reason as Why
from govcloud.core.evidence import BY_CONTROLLER
from govcloud.reasons import Reason

ANY = "*"
"""Every step, or every namespace."""

INSTALLED = "govcloud-approve-"
"""How the names of the installed roles begin; the step follows."""


@dataclass(frozen=True)
class Rule:
    """One rule of a role, as RBAC writes it."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()

    def steps(self) -> tuple[str, ...]:
        """The steps that it lets somebody decide."""
        return (self.names or (ANY,)) if self.grants("approve", GROUP, "approvalsteps") else ()

    def grants(self, verb: str, group: str, resource: str) -> bool:
        """Whether it allows a verb on a resource, of some name at least."""
        asked = ((self.verbs, verb), (self.groups, group), (self.resources, resource))
        return all({ANY, wanted} & set(granted) for granted, wanted in asked)


@dataclass(frozen=True)
class Role:
    """A Role, or with an empty namespace a ClusterRole."""

    namespace: str
    name: str
    rules: tuple[Rule, ...]

    def steps(self) -> frozenset[str]:
        """The steps that it lets somebody decide."""
        return frozenset(step for rule in self.rules for step in rule.steps())


@dataclass(frozen=True)
class Binding:
    """A RoleBinding, or with an empty namespace a ClusterRoleBinding. `role` is namespace (empty for a ClusterRole) and name."""

    namespace: str
    name: str
    role: tuple[str, str]
    subjects: tuple[str, ...]

    def written(self) -> tuple[str, str]:
        """The binding and its role, as people name them."""
        kind, where = ("RoleBinding", f"{self.namespace}/") if self.namespace else ("ClusterRoleBinding", "")
        of_namespace, role = self.role
        return f"{kind} {where}{self.name}", f"{'Role' if of_namespace else 'ClusterRole'} {role}"


class Grant(Model):
    """Something that a binding lets somebody do, by which decisions are made. `who` is kind and name of the subject, for instance `User sun.li`."""

    who: str
    binding: str
    role: str

    @abstractmethod
    def is_set_up(self) -> bool:
        """Whether it was granted in the way in which this project grants it."""

    @abstractmethod
    def sentence(self) -> str:
        """What it allows, and by what."""

    @abstractmethod
    def as_it_should_be(self) -> str:
        """How this project grants it."""

    @abstractmethod
    def details(self) -> Mapping[str, str]:
        """What the log says of it beside who and by which role."""


class Right(Grant):
    """Somebody may decide a step in a namespace."""

    step: str
    namespace: str

    def is_set_up(self) -> bool:
        """Whether it was granted in the way in which this project grants it: one installed role, in one namespace."""
        return self.role == f"ClusterRole {INSTALLED}{self.step}" and self.namespace != ANY

    def sentence(self) -> str:
        """What it allows, and by what."""
        step = "every step" if self.step == ANY else f"step {self.step!r}"
        where = "every namespace" if self.namespace == ANY else f"namespace {self.namespace}"
        return f"{self.who} may decide {step} in {where} ({self.binding}, {self.role})"

    def as_it_should_be(self) -> str:
        """By the roles that are installed for it."""
        return f"by {INSTALLED}<step> in one namespace"

    def details(self) -> Mapping[str, str]:
        """Which step, where."""
        return {"step": self.step[:256], "namespace": self.namespace}


def rights_in(roles: Iterable[Role], bindings: Iterable[Binding]) -> frozenset[Right]:
    """Every right to decide that the bindings hand out."""
    steps = {(role.namespace, role.name): role.steps() for role in roles}
    return frozenset(right for binding in bindings for right in _handed_out(binding, steps.get(binding.role, frozenset())))


def _handed_out(binding: Binding, steps: frozenset[str]) -> Iterator[Right]:
    written, role = binding.written()
    for who in binding.subjects:
        for step in steps:
            yield Right(who=who, step=step, namespace=binding.namespace or ANY, binding=written, role=role)


def changes(before: Set[Grant], after: Set[Grant]) -> tuple[Entry, ...]:
    """What the log says of it, the rights that were lost first."""
    lost, gained = (sorted(rights, key=lambda right: right.sentence()) for rights in (before - after, after - before))
    return (*(_told(right, Action.REVOKE) for right in lost), *(_told(right, Action.ALLOW) for right in gained))


def _told(right: Grant, action: Action) -> Entry:
    said = right.sentence() if action is Action.ALLOW else f"no longer: {right.sentence()}"
    unusual = action is Action.ALLOW and not right.is_set_up()
    note = f"; that is not how the right is set up, {right.as_it_should_be()}" if unusual else ""
    kind, _, name = right.binding.partition(" ")
    return Entry(
        phase=Phase.EVENT,
        action=action,
        outcome=Outcome.SUCCESS,
        initiator=BY_CONTROLLER,
        target=Target(kind=kind, name=escape_invisible(name)[:256]),
        reason=Why(rule=str(Reason.APPROVAL_RIGHT_UNUSUAL if unusual else Reason.APPROVAL_RIGHT_CHANGED)),
        message=escape_invisible(f"{said}{note}")[:1000],
        attributes={"who": right.who[:256], **right.details(), "role": right.role[:256]},
    )
