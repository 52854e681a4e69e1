"""What comes round by the calendar, and who runs a platform."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from policies.reminders import BEFORE_A_TRIAL_ENDS, Reminders
from policies.sources import Days, Line, Months, PackModel, Source, Strength, Word

Level = Literal["Province", "City", "District", "County"]


class TrialRule(PackModel):
    """The trial, or the trial run, before a system goes live."""

    days: Days
    max_extension_days: Days = Field(description="calendar days of extension in all")
    reminders: Reminders = BEFORE_A_TRIAL_ENDS
    grace: Days = Field(description="calendar days after the trial's end, stopped and complete, before its termination is proposed")


class EvaluationRule(PackModel):
    """A report that the using unit hands in after the acceptance: it adds a material of this kind to its request."""

    kind: Word
    zh: Line
    en: Line
    within: Months = Field(description="since the system went live")


class AcceptanceRule(PackModel):
    """What must be so before a system can go live, and what follows from it."""

    stable_running: Months = Field(description="how long it must have run without being stopped")
    evaluation: EvaluationRule | None = Field(None, description="none where the regulation asks for none")


class MajorChangeRule(PackModel):
    """What makes a change a major one, which takes the whole flow of a new application."""

    service_added_or_removed: bool
    cost_increase_percent: Annotated[int, Field(ge=0, le=10000)]
    source: Source


class PlatformRule(PackModel):
    """At which levels there is a cloud platform. Units of the other levels are served by one of these."""

    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    strength: Strength
    source: Source


class SettlementRule(PackModel):
    """Use first, pay later: after how long a settlement is made."""

    cycle: Months


class ReportRule(PackModel):
    """Something that the provider hands to the competent authority every month."""

    report: Word
    zh: Line
    en: Line
    day_of_month: Annotated[int, Field(ge=1, le=28)] | None = Field(None, description="the last day for it; none where the text names no day")
    source: Source
