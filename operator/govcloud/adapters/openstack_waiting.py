"""Waiting for an object in OpenStack: monotonic deadlines, and states that an object never leaves by itself.

A wait that ends without the wanted state is no failure: `Retry` says how things stand, and the next pass waits on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from govcloud.adapters.openstack_login import Json
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.session import Clock, SystemClock

T = TypeVar("T")

_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True)
class States:
    """What the states of a kind mean; lower case. Any other state means that it is still on its way."""

    ready: Collection[str]
    failed: Collection[str]


@dataclass(frozen=True)
class Poller:
    """How patiently to ask.

    Attributes:
        first_pause, longest_pause: seconds between two questions; the pause grows by half each time.
        patience: seconds that one wait may take before it gives way to other work.
    """

    clock: Clock = field(default_factory=SystemClock)
    first_pause: float = 0.1
    longest_pause: float = 1.0
    patience: float = 300.0

    def until(self, look: Callable[[], T | None], waiting_for: str) -> T:
        """Look until something is seen, and return it.

        Raises:
            Retry: patience ran out. Nothing is wrong with the object; look again later.
        """
        deadline, pause = self.clock.monotonic() + self.patience, self.first_pause
        while (seen := look()) is None:
            if self.clock.monotonic() >= deadline:
                raise Retry(Reason.BACKUP_RUNNING, f"still waiting for {waiting_for}", _AGAIN)
            self.clock.sleep(pause)
            pause = min(pause * 1.5, self.longest_pause)
        return seen

    def ready(self, fetch: Callable[[], Json | None], states: States, what: str, fault: Callable[[Json], str]) -> Json:
        """Wait until an object is ready, and return it.

        Args:
            fetch: reads the object; None where it does not exist.
            what: what it is, for messages (`snapshot 4711`).
            fault: what the service says about a failed object; asked only when there is one.

        Raises:
            Stop: the object is in a failure state.
            Retry: it is gone, or patience ran out.
        """

        def look() -> Json | None:
            found = fetch()
            if found is None:
                raise Retry(Reason.CONFLICT, f"{what} has gone while it was awaited", _AGAIN)
            refuse_failed(found, states.failed, what, fault)
            return found if str(found["status"]).lower() in states.ready else None

        return self.until(look, what)


def refuse_failed(found: Json, failed: Collection[str], what: str, fault: Callable[[Json], str]) -> None:
    """Raise `Stop` if the object is in a state that it does not leave by itself."""
    state = str(found["status"]).lower()
    if state in failed:
        told = fault(found) or "the service gives no reason"
        raise Stop(
            Reason.RESOURCE_FAILED,
            f"{what} is in state {state} ({told}); repair or delete it, then this goes on by itself",
        )
