"""When a unit's credential is old. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def generation(now: datetime, days: int) -> int:
    """The credential that should be used now: the day, counted from 1970-01-01, on which the current period of so many days began.

    A day and no count of periods, so that another length makes the next credential sooner or later, and never an older one.
    """
    day = (now - _FIRST) // timedelta(days=1)
    return day - day % days
