"""One legal limit by itself: it stands still, goes on, ends, is due, and has to be spoken of. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from govcloud.api.deadline import MOST_PAUSES, Deadline, Pause
from govcloud.core.calendar import Calendar, Span, beginning_of, months_after, official_day

MONTHS_ARE_WARNED_OF = timedelta(days=30)
"""Before the end of a limit in months. One in working days is warned of on its last one."""
_INSTANT = timedelta(microseconds=1)


def paused(deadline: Deadline, now: datetime) -> Deadline:
    """Standing still, from now on if it ran."""
    if deadline.pauses and deadline.pauses[-1].ended_at is None:
        return deadline
    if len(deadline.pauses) == MOST_PAUSES:  # the last two become one
        return _with_last_pause(deadline, None)
    return deadline.model_copy(update={"pauses": (*deadline.pauses, Pause(began_at=now))})


def resumed(deadline: Deadline, now: datetime) -> Deadline:
    """Running, from now on if it stood still."""
    is_paused = bool(deadline.pauses) and deadline.pauses[-1].ended_at is None
    return _with_last_pause(deadline, now) if is_paused else deadline


def _with_last_pause(deadline: Deadline, ended_at: datetime | None) -> Deadline:
    last = deadline.pauses[-1].model_copy(update={"ended_at": ended_at})
    return deadline.model_copy(update={"pauses": (*deadline.pauses[:-1], last)})


def closed(deadline: Deadline, at: datetime, calendar: Calendar, *, withdrawn: bool) -> Deadline:
    """Ended. What stood still then is late only if it was late before."""
    before = deadline.model_copy(update={"pauses": tuple(p for p in deadline.pauses if p.began_at < at)})
    stopped = resumed(before, at)
    due = _due(stopped, calendar)
    result = "Late" if at >= due else "Withdrawn" if withdrawn else "OnTime"
    return stopped.model_copy(update={"due": due, "ended_at": at, "result": result})


def as_of(deadline: Deadline, now: datetime, calendar: Calendar) -> Deadline:
    """As it is at this moment: when it is due, and what has to be said of it by now."""
    if deadline.ended_at is not None:
        return deadline.model_copy(update={"told": "Missed"}) if deadline.result == "Late" else deadline
    if deadline.pauses and deadline.pauses[-1].ended_at is None:
        return deadline.model_copy(update={"due": None})
    due = _due(deadline, calendar)
    passed = "Missed" if now >= due else "Approaching" if now >= _warned_from(deadline, due) else None
    told = deadline.told if passed is None or deadline.told == "Missed" else passed
    return deadline.model_copy(update={"due": due, "told": told})


def _due(deadline: Deadline, calendar: Calendar) -> datetime:
    if deadline.months is not None:
        return months_after(deadline.started_at, deadline.months)
    stops = [Span(pause.began_at, pause.ended_at) for pause in deadline.pauses if pause.ended_at is not None]
    return calendar.deadline(deadline.started_at, deadline.working_days, stops)


def _warned_from(deadline: Deadline, due: datetime) -> datetime:
    if deadline.months is not None:
        return due - MONTHS_ARE_WARNED_OF
    return beginning_of(official_day(due - _INSTANT)).astimezone(due.tzinfo)


def moments_of(deadline: Deadline) -> Iterator[datetime]:
    """When there will be something to say of it, whatever happens."""
    if deadline.ended_at is None and deadline.due is not None:
        if deadline.told is None:
            yield _warned_from(deadline, deadline.due)
        elif deadline.told == "Approaching":
            yield deadline.due
