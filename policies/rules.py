"""The models of the regulation packs. A typo in a pack stops the controller at its start, not at midnight.

A pack is data: every value says where it comes from. Decisions about it are made in `govcloud.core`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from policies.money import AgreementRule, AnnualPlanRule, PriceRule
from policies.sources import Days, Line, PackModel, Source, Word

Transition = Literal["Provision", "ExtendTrial", "Promote", "Change", "MajorChange", "Suspend", "Resume", "Terminate"]
TRANSITIONS: tuple[Transition, ...] = (
    "Provision",
    "ExtendTrial",
    "Promote",
    "Change",
    "MajorChange",
    "Suspend",
    "Resume",
    "Terminate",
)


class PackMissing(Exception):
    """There is no such pack, or none of its editions is in force."""


class MaterialRule(PackModel):
    """A document that an application must carry."""

    kind: Word
    zh: Line
    en: Line
    source: Source


class StepRule(PackModel):
    """One approval step.

    `office`: `jurisdiction` = the office that the jurisdiction names for this step; `superiorUnit` = the primary unit above;
    `unit` = the using unit itself. `when`: only secondary budget units need their superior.
    """

    step: Word
    zh: Line
    en: Line
    office: Literal["jurisdiction", "superiorUnit", "unit"]
    when: Literal["always", "secondaryUnit"] = "always"
    working_days: Days | None = Field(
        None, description="how long the office may take, in working days, from the moment it is asked"
    )
    source: Source


class TrialRule(PackModel):
    days: Days
    max_extension_days: Days


class MajorChangeRule(PackModel):
    """What makes a change a major one, which takes the whole flow of a new application."""

    service_added_or_removed: bool
    cost_increase_percent: Annotated[int, Field(ge=0, le=10000)]
    source: Source


class Refusal(PackModel):
    """A ground on which a request is refused at once."""

    ground: Literal["classified", "notGovernmentFunded"]
    zh: Line
    en: Line
    source: Source


class Edition(PackModel):
    """What holds from one day on, until the next edition."""

    effective_from: date
    refusals: tuple[Refusal, ...]
    materials: Mapping[Literal["New", "Migration"], tuple[MaterialRule, ...]]
    steps: Mapping[Transition, tuple[StepRule, ...]]
    trial: TrialRule | None = Field(
        description="none where the regulation has no trial: then a request starts in Production"
    )
    provisioning: Days = Field(description="working days for the provider to have resources ready")
    change: Days = Field(description="working days for the provider to finish a change")
    major_change: MajorChangeRule
    backup_retention: Days = Field(description="calendar days that a termination's backup is kept")
    cooling_off: Days = Field(description="calendar days between a proven backup and the destruction")
    log_retention: Days = Field(description="calendar days that the audit log is kept at least")
    annual_plan: AnnualPlanRule | None = Field(None, description="none where no annual plan is asked for")
    agreement: AgreementRule | None = Field(None, description="none where the units sign no agreements of their own")
    prices: PriceRule | None = None

    @model_validator(mode="after")
    def _every_transition_has_its_steps(self) -> Edition:
        if missing := [t for t in TRANSITIONS if t not in self.steps]:
            raise ValueError(
                f"steps lacks {', '.join(missing)}; a transition without approval is written as an empty list"
            )
        return self


class Pack(PackModel):
    """One regulation, with all its editions."""

    id: Word
    title: Line
    documents: tuple[Line, ...]
    editions: Annotated[tuple[Edition, ...], Field(min_length=1)]

    def in_force(self, day: date) -> Edition:
        """The edition in force on a day.

        Raises:
            PackMissing: the regulation was not in force yet.
        """
        begun = [edition for edition in self.editions if edition.effective_from <= day]
        if not begun:
            raise PackMissing(
                f"no edition of {self.id!r} was in force on {day}; the first begins {self.editions[0].effective_from}"
            )
        return max(begun, key=lambda edition: edition.effective_from)


def parse(text: str) -> Pack:
    """Read a pack from YAML.

    Raises:
        pydantic.ValidationError, yaml.YAMLError: with the place and what is wrong there.
    """
    raw: Any = yaml.safe_load(text)
    return Pack.model_validate(raw)


def load(pack_id: str) -> Pack:
    """The pack that ships under this id.

    Raises:
        PackMissing: there is none; the message lists those there are.
    """
    file = resources.files("policies") / f"{pack_id}.yaml"
    if pack_id not in shipped():
        raise PackMissing(f"there is no regulation pack {pack_id!r}; there are: {', '.join(shipped())}")
    try:
        return parse(file.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise PackMissing(f"the pack {pack_id!r} does not fit the model: {error}") from error


def shipped() -> tuple[str, ...]:
    """Ids of all packs beside this file."""
    names = (entry.name for entry in resources.files("policies").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))
