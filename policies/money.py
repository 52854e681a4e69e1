"""The rules about money, as models: the annual plan and its budgets, the service agreement, the unit prices."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from policies.sources import Days, Line, PackModel, Source, Strength, Word


class Years(PackModel):
    """A number of years with its source."""

    value: Annotated[int, Field(ge=1, le=100)]
    source: Source
    strength: Strength = "hard"


class BudgetRule(PackModel):
    """Being in the plan does not mean having money (A3): an item needs a budget, and its requests together may not cost more in a year."""

    source: Source


class UrgentRule(PackModel):
    """Who may let an urgent task in that the annual plan does not hold, and the approval step by which it does."""

    step: Word
    zh: Line
    en: Line
    source: Source


class YearlyDay(PackModel):
    """A day of every year with its source."""

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    source: Source

    @model_validator(mode="after")
    def _is_a_day_of_every_year(self) -> YearlyDay:
        date(_NO_LEAP_YEAR, self.month, self.day)  # raises ValueError, with the reason
        return self

    def within(self, year: int) -> date:
        """The day in a year."""
        return date(year, self.month, self.day)


_NO_LEAP_YEAR = 2023


class AnnualPlanRule(PackModel):
    """A project that is not in the approved annual plan is not approved (A2).

    `due`: the last day on which units hand in what they plan for the next year. `urgent`: none where nobody may let anything in beside the plan.
    The rule holds in principle where somebody may.
    """

    due: YearlyDay | None = Field(None, description="none where the regulation names no day")
    urgent: UrgentRule | None = None
    budget: BudgetRule | None = None
    source: Source


class NeededFrom(PackModel):
    """The first transition that does not start without an agreement."""

    transition: Literal["Provision", "Promote"]
    source: Source


class AgreementRule(PackModel):
    """A service agreement exists (L5, L14), states its term (L15), and its amount is a ceiling.

    `three_party`: the authority is a party. `filed`: it is filed with the authority 备案. `warning`: calendar days before the end of the
    term from which on people are told.
    """

    needed_from: NeededFrom
    three_party: bool = False
    filed: bool = False
    max_term: Years | None = Field(None, description="none where the regulation sets no maximum")
    warning: Days
    source: Source


class PriceRule(PackModel):
    """The catalog's unit prices are ceilings: an agreement's may be lower, never higher (A9)."""

    source: Source
