"""Rights to decide that were granted and withdrawn before anybody looked: the API server wrote each down, the audit log those that it saw. Pure.

A role is judged by all that it granted in the time that the API server's log covers; one of which that log says nothing, by its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from govcloud.api.common import GROUP
from govcloud.audit.records import Record
from govcloud.core.impersonation import impersonations_in
from govcloud.core.rights import ANY, INSTALLED, Binding, Grant, Role, Rule, rights_in
from govcloud.core.witnessed import SLACK, Act, Difference, Kind
from govcloud.reasons import Reason

_OURS = frozenset({str(Reason.APPROVAL_RIGHT_CHANGED), str(Reason.APPROVAL_RIGHT_UNUSUAL)})
_EVERYTHING = Rule((ANY,), (ANY,), (ANY,))


@dataclass
class WitnessedRights:
    """What both sides say of bindings."""

    recorded: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """By kind and name of a binding, when the audit log spoke of it."""
    officials: set[str] = field(default_factory=set)
    roles: dict[tuple[str, str], list[Rule]] = field(default_factory=lambda: defaultdict(list))
    made: list[tuple[Act, Binding]] = field(default_factory=list)

    def take(self, record: Record) -> None:
        """Hear the audit log."""
        if record.reason.rule in _OURS:
            self.recorded[f"{record.target.kind} {record.target.name}"].append(record.time)
            if "step" in record.attributes:
                self.officials.add(record.attributes["who"])

    def look_at(self, act: Act) -> None:
        """Hear the API server. A binding that is changed grants what was recorded of it, or else is made anew: its role cannot change."""
        if isinstance(act.made, Role):
            self.roles[act.made.namespace, act.made.name] += act.made.rules
        elif isinstance(act.made, Binding) and act.verb == "create":
            self.made.append((act, act.made))

    def unseen(self) -> Iterator[Difference]:
        """Bindings that granted something and that the audit log did not speak of afterwards."""
        for act, binding in self.made:
            name, _ = binding.written()
            granted = sorted(right.sentence() for right in self._granted_by(binding))
            if granted and not any(time >= act.ended - SLACK for time in self.recorded[name]):
                what = f"{granted[0]}: granted here, and the controller never recorded that it saw it"
                yield Difference(Kind.UNSEEN, act.ended, act.user, f"{act.verb} {act.where}: {what}", act.id)

    def _granted_by(self, binding: Binding) -> Iterator[Grant]:
        namespace, name = binding.role
        role = Role(namespace, name, (*self.roles[binding.role], *_known_by_name(*binding.role)))
        yield from rights_in([role], [binding])
        yield from impersonations_in([role], [binding], self.officials)


def _known_by_name(namespace: str, name: str) -> tuple[Rule, ...]:
    if not namespace and name == "cluster-admin":
        return (_EVERYTHING,)
    step = name.removeprefix(INSTALLED)
    return (Rule(("approve",), (GROUP,), ("approvalsteps",), (step,)),) if not namespace and step != name else ()
