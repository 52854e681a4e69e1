"""A clock that stands still, for tests."""

from __future__ import annotations

from datetime import datetime, timedelta


class FixedClock:
    """Time that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The moment that was set: UTC, aware."""
        return self._now

    def ahead(self) -> timedelta:
        """Nothing: the twins date their objects by this clock."""
        return timedelta(0)

    def advance(self, by: timedelta) -> None:
        """Let time pass. It never goes back."""
        if by < timedelta(0):
            raise ValueError(f"time does not go back (by {by})")
        self._now += by
