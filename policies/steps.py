"""Who decides: the transitions of a service's life, and the approval steps that each of them needs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from policies.sources import Line, PackModel, Source, Word, WorkingDays

Transition = Literal["Provision", "ExtendTrial", "Promote", "Change", "MajorChange", "Suspend", "Resume", "Restore", "Terminate"]
TRANSITIONS: tuple[Transition, ...] = (
    "Provision",
    "ExtendTrial",
    "Promote",
    "Change",
    "MajorChange",
    "Suspend",
    "Resume",
    "Restore",
    "Terminate",
)

COMMITTING: tuple[Transition, ...] = ("Provision", "Promote", "Change", "MajorChange")
"""The transitions that commit money. What ends or stops a service never waits for any."""

UrgentTask = Literal["named", "newlyNamed"]


class When(PackModel):
    """When a step is needed: where all that is said here holds. Nothing said: always."""

    budget_level: Literal["Primary", "Secondary"] | None = Field(None, description="of the using unit")
    budget_from: Annotated[int, Field(ge=1)] | None = Field(
        None, description="yuan for a service year: the budget from which on the step is needed, this amount included"
    )
    expert_review: Literal["asked"] | None = Field(None, description="only where the request asks for an expert review")
    urgent_task: UrgentTask | None = Field(
        None, description="only where an urgent task outside the annual plan pays; newlyNamed: not where it paid for what runs already"
    )


class StepRule(PackModel):
    """One approval step.

    `office`: `jurisdiction` = the office that the jurisdiction names for this step; `superiorUnit` = the primary unit above;
    `unit` = the using unit itself. One person never decides for two offices, and the applicant never decides; what a step asks for
    beyond that stands in `otherOfficeThan` and `otherPersonThan`.
    """

    step: Word
    zh: Line
    en: Line
    office: Literal["jurisdiction", "superiorUnit", "unit"]
    when: When = When()
    other_office_than: tuple[Word, ...] = Field((), description="steps that another office has to decide, and so other people")
    other_person_than: tuple[Word, ...] = Field((), description="steps that another person has to decide, if of the same office")
    working_days: WorkingDays | None = Field(None, description="how long the office may take")
    source: Source
