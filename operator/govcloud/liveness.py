"""Whether the controller still notices what happens: the watch of every kind, and the clock that deadlines count by."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

SILENCE = timedelta(seconds=90)
"""The API server says something on every watch once a minute, if only a bookmark, and kopf connects anew after 70 s without a word."""

JUMP = timedelta(seconds=5)
"""From how much on a clock was set, and did not only drift."""


@dataclass
class Pulse:
    """How long ago each watched kind was heard of: an event, a bookmark, or a watch that was opened.

    Silence cannot be told from a dead watch, so it is taken for one. A kind that the API server does not serve is silent too.
    """

    kinds: Iterable[str]
    limit: timedelta = SILENCE
    monotonic: Callable[[], float] = time.monotonic
    _heard: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._heard = dict.fromkeys(self.kinds, self.monotonic())

    def heard(self, kind: str) -> None:
        """The API server said something about a kind."""
        if kind in self._heard:
            self._heard[kind] = self.monotonic()

    def fault(self) -> str | None:
        """Which kinds have been silent for too long, in one sentence."""
        oldest = self.monotonic() - self.limit.total_seconds()
        silent = sorted(kind for kind, moment in self._heard.items() if moment < oldest)
        if not silent:
            return None
        return f"the watch of {', '.join(silent)} has been silent for {self.limit.total_seconds():.0f} s (are the CRDs installed?)"


@dataclass
class Jumps:
    """Notices that the wall clock was set, or that the machine slept: then waiting by the monotonic clock ends at the wrong moment."""

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    _ahead: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._ahead = self._difference()

    def look(self) -> timedelta | None:
        """By how much the wall clock jumped since the last look; None where it did not."""
        before, self._ahead = self._ahead, self._difference()
        jump = timedelta(seconds=self._ahead - before)
        return jump if abs(jump) >= JUMP else None

    def _difference(self) -> float:
        return self.wall().timestamp() - self.monotonic()
