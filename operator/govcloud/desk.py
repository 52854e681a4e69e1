"""What a person needs of the cluster to follow requests and to decide on them: everything as himself, with his own rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from govcloud.api.request import RequestKey
from govcloud.core.objects import ApprovalObject, PinnedPlan, RequestObject, UnitObject
from govcloud.core.story import EventSeen
from stacks.program import Program


class NotAllowed(Exception):
    """The person lacks a right; the message says which one, and who has it."""


class NotThere(Exception):
    """There is no such object."""


class Refused(Exception):
    """Admission does not let the decision in; the message is its own sentence."""


@dataclass(frozen=True)
class Waiting:
    """Requests that wait for somebody, and where was looked: None means everywhere."""

    requests: tuple[RequestObject, ...]
    namespaces: tuple[str, ...] | None


class Desk(Protocol):
    """The cluster as one person sees it. Every method may raise `NotAllowed`, and `Retry` or `Stop` when the API server is not well."""

    def user(self) -> str:
        """The authenticated user, as the API server knows him."""
        ...

    def namespace(self) -> str:
        """The namespace that the person's kubeconfig names."""
        ...

    def may_decide(self, namespace: str, step: str) -> bool:
        """Whether the person was granted this approval step there."""
        ...

    def request(self, namespace: str, name: str) -> RequestObject:
        """Raises `NotThere`."""
        ...

    def waiting(self, namespaces: Sequence[str]) -> Waiting:
        """Requests with the label `govcloud.dev/waiting-for` in these namespaces; without any, wherever the person can look."""
        ...

    def unit(self, name: str) -> UnitObject:
        """Raises `NotThere`."""
        ...

    def plans(self, request: RequestObject) -> Sequence[PinnedPlan]: ...
    def approvals(self, namespace: str) -> Sequence[ApprovalObject]: ...
    def approval(self, namespace: str, name: str) -> ApprovalObject:
        """Raises `NotThere`."""
        ...

    def events(self, request: RequestObject) -> Sequence[EventSeen]: ...
    def file(self, namespace: str, name: str, spec: Mapping[str, Any]) -> ApprovalObject:
        """Create an approval in one POST; one of this name that is there already is returned as it is. Raises `Refused`."""
        ...


class Previews(Protocol):
    """What the engine would do, told where the controller's state is."""

    def preview(self, key: RequestKey, unit: UnitObject, plan: int, program: Program) -> Sequence[tuple[str, str]]:
        """Each resource of the request's stack with what would befall it: create, update, replace, delete or same. Nothing is written.

        Raises:
            Retry, Stop: it cannot be told, and why.
        """
        ...
