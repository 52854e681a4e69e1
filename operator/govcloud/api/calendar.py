"""The days by which a jurisdiction counts working days, where they differ from the official Chinese calendar."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import Line, Model
from govcloud.api.marks import keyed_by


class CalendarDay(Model):
    """A day that counts otherwise here than in the official calendar."""

    day: date
    kind: Literal["Holiday", "WorkingDay"]
    document: Line = Field(description="the notice that says so, by its number")


class OwnCalendar(Model):
    """The days that working-day limits count by: the official Chinese calendar, but for these."""

    days: Annotated[tuple[CalendarDay, ...], Field(max_length=366, json_schema_extra=keyed_by("day"))] = ()
    complete_years: Annotated[tuple[Annotated[int, Field(ge=2019, le=2199)], ...], Field(max_length=16)] = Field(
        (),
        description="years whose days off and make-up working days are all listed in days, from the State Council's notice; "
        "for years that the controller does not know yet",
    )
