"""What the provider tells of every write, and to whom: the protocol only.

The controller injects a journal that writes to the audit log; the plugin executable brings its own. Nothing here does I/O.
The rule (design, section 8): an intent is durable before the write is sent; the outcome follows it. A journal that cannot
record raises `JournalUnavailable`, and then the write is not sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol

Operation = Literal["create", "update", "delete", "backup", "restore", "verify", "purge"]
Result = Literal["success", "failure", "unknown"]
System = Literal["openstack", "s3"]


class JournalUnavailable(Exception):
    """The journal cannot make an intent durable: whoever gets this must not write to the cloud."""


class NoEffectContext(Exception):
    """A write was tried that belongs to no effect. Always a fault of the program, never of the user."""


@dataclass(frozen=True)
class EffectContext:
    """What a write belongs to.

    Attributes:
        owner: uid of the CloudServiceRequest or UsingUnit on whose behalf the write is made.
        stack: name of the Pulumi stack, or the name of the process (for instance `backup`) that has no stack.
        urn: Pulumi URN of the resource, or a path of the same use (`backup/<part>`).
        type: resource type, for instance `openstack:compute/instance:Instance`.
        operation: what is being done to the resource.
        key: operation key, the value of the mark `govcloud_op`; at most 40 characters, no slash.
        plan: number of the plan that allows it.
    """

    owner: str
    stack: str
    urn: str
    type: str
    operation: Operation
    key: str
    plan: int


@dataclass(frozen=True)
class Write:
    """One HTTP request that changes something. `path` has no query and no host; bodies are never recorded.

    `request_id` is the global request id we send (`req-<uuid4>`), empty where the system knows none; `project` the OpenStack project of
    the token, if known; `system` what is written to.
    """

    service: str
    method: str
    path: str
    request_id: str
    project: str | None
    system: System = "openstack"


@dataclass(frozen=True)
class WriteOutcome:
    """What came of it. `status` is None when no answer arrived: then the result is `unknown`."""

    result: Result
    status: int | None
    service_request_ids: tuple[str, ...]
    seconds: float
    error: str | None = None


class Journal(Protocol):
    """Where intents and outcomes go."""

    def intent(self, context: EffectContext, write: Write) -> str:
        """Make the intent durable and return its id. MUST raise `JournalUnavailable` rather than lose it."""
        ...

    def outcome(self, intent: str, outcome: WriteOutcome) -> None:
        """Make the outcome durable. MUST raise `JournalUnavailable` rather than lose it."""
        ...


_current: ContextVar[EffectContext | None] = ContextVar("govcloud_effect", default=None)


@contextmanager
def effect(context: EffectContext) -> Iterator[EffectContext]:
    """Say what the writes inside belong to. Holds for this thread (or task) only."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def current_effect() -> EffectContext:
    """The effect that a write made now belongs to.

    Raises:
        NoEffectContext: no effect was announced.
    """
    context = _current.get()
    if context is None:
        raise NoEffectContext("a write to OpenStack was tried outside of any announced effect")
    return context
