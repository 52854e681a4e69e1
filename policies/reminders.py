"""When people are reminded that something ends."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from policies.sources import PackModel, Source


class Reminders(PackModel):
    """Reminders before an end: how many calendar days before it, each once."""

    days: Annotated[tuple[Annotated[int, Field(ge=1, le=365)], ...], Field(max_length=8)]
    source: Source


BEFORE_A_TRIAL_ENDS = Reminders(
    days=(3, 1),
    source=Source(kind="projectDefault", why="no regulation asks for it: time enough to apply for production or more days (JJ 16)"),
)
