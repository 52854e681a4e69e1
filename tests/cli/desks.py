"""The in-memory world as one person sees it, with his rights only; and the commands as that person types them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconcile.world import NAMESPACE, OFFICIALS, World
from typer.testing import CliRunner, Result

from govcloud.api.approval import ApprovalSpec
from govcloud.api.common import WAITING_LABEL
from govcloud.cli import app
from govcloud.cli.office import Tools
from govcloud.core.objects import ApprovalObject, PinnedPlan, RequestObject, UnitObject
from govcloud.core.story import EventSeen
from govcloud.desk import NotAllowed, NotThere, Previews, Refused, Waiting


@dataclass
class MemoryDesk:
    """`Desk` of one person.

    Attributes:
        hidden: what he may not read.
        unseen: approvals that he does not see, as if they lay in another namespace.
        controller_answers: whether a pass runs after each filed decision.
    """

    world: World
    person: str
    steps: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    controller_answers: bool = True
    posts: list[str] = field(default_factory=list)

    def user(self) -> str:
        return self.person

    def namespace(self) -> str:
        return NAMESPACE

    def may_decide(self, _namespace: str, step: str) -> bool:
        return step in self.steps

    def request(self, namespace: str, name: str) -> RequestObject:
        self._may_read("requests")
        found = self.world.cluster.request(namespace, name)
        if found is None:
            raise NotThere(f"the request {namespace}/{name} does not exist")
        return found

    def waiting(self, namespaces: Sequence[str]) -> Waiting:
        labelled = [r for r in self.world.cluster.requests() if WAITING_LABEL in r.labels]
        found = [r for r in labelled if not namespaces or r.key.namespace in namespaces]
        return Waiting(tuple(found), tuple(namespaces) or None)

    def unit(self, name: str) -> UnitObject:
        found = self.world.cluster.unit(name)
        if found is None:
            raise NotThere(f"the unit {name} does not exist")
        return found

    def plans(self, request: RequestObject) -> Sequence[PinnedPlan]:
        self._may_read("plans")
        return self.world.cluster.plans(request.key)

    def approvals(self, namespace: str) -> Sequence[ApprovalObject]:
        self._may_read("approvals")
        return [approval for approval in self.world.cluster.approvals() if approval.namespace == namespace and approval.name not in self.unseen]

    def approval(self, namespace: str, name: str) -> ApprovalObject:
        found = next((a for a in self.approvals(namespace) if a.name == name), None)
        if found is None:
            raise NotThere(f"the approval {namespace}/{name} does not exist")
        return found

    def events(self, request: RequestObject) -> Sequence[EventSeen]:
        self._may_read("events")
        told = (event for event in self.world.cluster.events if event[0] == request.key.name)
        return [EventSeen(self.world.clock.now(), True, reason, message) for _, reason, message in told]

    def file(self, namespace: str, name: str, spec: Mapping[str, Any]) -> ApprovalObject:
        self.posts.append(name)
        parsed = ApprovalSpec.model_validate(spec)
        if parsed.approver != self.person:
            raise Refused("批准人必须是本人")
        if all(a.name != name for a in self.approvals(namespace)):
            self.world.cluster.create_approval(namespace, name, parsed)
            if self.controller_answers:
                self.world.run(parsed.request.name)
        return self.approval(namespace, name)

    def _may_read(self, what: str) -> None:
        if what in self.hidden:
            raise NotAllowed(f"you may not read the {what}")


def desk_of(world: World, step: str, **more: Any) -> MemoryDesk:
    """The desk of the official who decides a step; `applicant` for the applicant."""
    if step == "applicant":
        return MemoryDesk(world, "li.na", **more)
    return MemoryDesk(world, OFFICIALS[step][1], frozenset({step}), **more)


def govcloud(desk: MemoryDesk, *arguments: str, typed: str | None = None, previews: Previews | None = None) -> Result:
    """Type a command, in English unless it says otherwise; `typed` is what the person answers on his terminal."""
    interactive = typed is not None
    spoken = () if "--lang" in arguments else ("--lang", "en")
    return CliRunner().invoke(app, [*arguments, *spoken], obj=Tools(desk, interactive, desk.world.clock.now, previews), input=typed)
