"""A legal limit in working days or months, as the status of a request keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import Model, Token

MOST_PAUSES = 32


class Pause(Model):
    """A time in which somebody else had to act: the clock stood still."""

    began_at: datetime
    ended_at: datetime | None = None


class Deadline(Model):
    """How long an office may take to decide, or the provider to finish: since when, until when, what was said of it, how it ended."""

    plan: int
    step: Token = Field(description="the approval step, `provider`, or `post-evaluation`")
    office: Token = Field("", description="whose deadline it is")
    article: Token = ""
    working_days: int = Field(description="0 where the limit is in months")
    months: int | None = Field(None, description="calendar months; none where the limit is in working days")
    started_at: datetime
    pauses: Annotated[tuple[Pause, ...], Field(max_length=MOST_PAUSES)] = ()
    due: datetime | None = Field(None, description="the first moment that is too late; none while the clock stands still")
    told: Literal["Approaching", "Missed"] | None = Field(None, description="what was announced last, so that it is announced once")
    ended_at: datetime | None = None
    result: Literal["OnTime", "Late", "Withdrawn"] | None = Field(
        None, description="Withdrawn: what was to be decided or done was replaced before its time was over"
    )
