"""When a request may be sent again, and how long to wait first. Pure decisions; the session acts on them.

Rule: what may change something twice is never repeated on a guess. Reading, and deleting by id, may be repeated after
any failure of the way; POST, PUT and PATCH only when the service itself said that it did not look at the request (429).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

READS = frozenset({"GET", "HEAD", "OPTIONS"})
REPEATABLE = READS | {"DELETE"}
GATEWAY_STATUSES = frozenset({502, 503, 504})
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True)
class RetryBudget:
    """How long to insist.

    Attributes:
        attempts: requests in all, the first one included.
        seconds: total time of waiting, on the monotonic clock.
        first_pause: seconds before the second attempt, doubled each time, when the service names no time.
        longest_pause: seconds at most between two attempts that nobody asked for.
    """

    attempts: int = 5
    seconds: float = 120.0
    first_pause: float = 0.5
    longest_pause: float = 15.0


def is_write(method: str) -> bool:
    """Whether a request of this method may change something."""
    return method.upper() not in READS


def may_repeat_after_status(method: str, status: int) -> bool:
    """Whether a request that was answered with this status may be sent again."""
    if status == TOO_MANY_REQUESTS:
        return True
    return status in GATEWAY_STATUSES and method.upper() in REPEATABLE


def may_repeat_after_lost_connection(method: str) -> bool:
    """Whether a request may be sent again although nobody knows what became of it."""
    return method.upper() in REPEATABLE


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header (RFC 9110, 10.2.3: seconds or an HTTP date) asks to wait; None if it says
    nothing usable.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def pause_before(attempt: int, asked: float | None, waited: float, budget: RetryBudget) -> float | None:
    """Seconds to wait before the attempt of that number (the first repetition is 2); None: give up.

    A service that asks for more time than the budget has left is not asked again earlier than it said.
    """
    if attempt > budget.attempts:
        return None
    pause = asked if asked is not None else min(budget.first_pause * 2 ** (attempt - 2), budget.longest_pause)
    return pause if waited + pause <= budget.seconds else None
