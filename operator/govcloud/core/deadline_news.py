"""What is said of legal limits, each thing once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from govcloud.api.deadline import Deadline
from govcloud.api.progress import Progress

Said = Literal["Approaching", "Missed", "OnTime", "Late", "Withdrawn"]


@dataclass(frozen=True)
class News:
    """Something about a deadline that is said once."""

    said: Said
    deadline: Deadline


def news(before: Progress, after: Progress) -> tuple[News, ...]:
    """What a pass found out about deadlines and nobody was told yet."""
    known = {_identity(deadline): deadline for deadline in before.deadlines}
    return tuple(each for deadline in after.deadlines for each in _news_of(known.get(_identity(deadline)), deadline))


def _identity(deadline: Deadline) -> tuple[int, str, datetime]:
    return deadline.plan, deadline.step, deadline.started_at


def _news_of(before: Deadline | None, now: Deadline) -> Iterator[News]:
    if now.told is not None and (before is None or before.told != now.told):
        yield News(now.told, now)
    if now.result is not None and (before is None or before.result is None):
        yield News(now.result, now)
