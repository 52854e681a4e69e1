"""Making an object once, whatever crashes: look by its operation key, adopt what is there, make it only if nothing is.

OpenStack knows no idempotent create. A create whose answer was lost may still take effect, so nothing is made again for a
while after it: the object must be given time to appear.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from govcloud.adapters.openstack_failures import LostAnswer
from govcloud.adapters.openstack_login import Json
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.session import Clock

GRACE_SECONDS = 60.0
"""How long a create without an answer is given to show its effect: the read timeout of the session."""


class Adoption:
    """Remembers which creates of this process were left without an answer. Safe to use from threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lost: dict[str, float] = {}
        self._lock = threading.Lock()

    def find_or_make(self, key: str, what: str, find: Callable[[], Sequence[Json]], make: Callable[[], Json]) -> Json:
        """The one object of that key.

        Args:
            key: operation key, unique for what is made.
            what: its kind, for messages.
            find: all objects that carry the key.
            make: makes the object; called at most once, and only if `find` finds none.

        Raises:
            Retry: an earlier create may still take effect.
            Stop: several objects carry the key; nothing was touched.
        """
        found = one_of(find(), key, what)
        if found is not None:
            with self._lock:
                self._lost.pop(key, None)
            return found
        self.give_time_to_appear(key, what)
        try:
            return make()
        except LostAnswer:
            with self._lock:
                self._lost[key] = self._clock.monotonic()
            raise

    def give_time_to_appear(self, key: str, what: str) -> None:
        """Raise `Retry` while a create of that key, whose answer was lost, may still take effect."""
        with self._lock:
            lost_at = self._lost.get(key)
            waited = GRACE_SECONDS if lost_at is None else self._clock.monotonic() - lost_at
            if waited >= GRACE_SECONDS:
                self._lost.pop(key, None)
                return
        left = timedelta(seconds=round(GRACE_SECONDS - waited) + 1)
        raise Retry(Reason.CLOUD_UNREACHABLE, f"the answer to making a {what} was lost; it may still appear", left)


def one_of(found: Sequence[Json], key: str, what: str) -> Json | None:
    """The only object found, or None.

    Raises:
        Stop: there are several.
    """
    if len(found) > 1:
        ids = ", ".join(sorted(str(each["id"]) for each in found))
        raise Stop(
            Reason.DUPLICATES,
            f"several objects of kind {what} carry the key {key}: {ids}; look which one is right and delete the others",
        )
    return found[0] if found else None
