"""What an application has to bring, and on which grounds it is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from policies.sources import Line, PackModel, Source, Strength, Word
from policies.steps import Transition

Purpose = Literal["New", "Migration"]
Transitions = Annotated[tuple[Transition, ...], Field(min_length=1)]
_APPLICATIONS: tuple[Transition, ...] = ("Provision", "MajorChange")


class Refusal(PackModel):
    """A ground on which a request is refused at once."""

    ground: Literal["classified", "notGovernmentFunded"]
    zh: Line
    en: Line
    source: Source


class MaterialRule(PackModel):
    """A document that an application must carry, by default one for a new system or a major change."""

    kind: Word
    zh: Line
    en: Line
    transitions: Transitions = _APPLICATIONS
    source: Source


class DeclarationRule(PackModel):
    """A question that an application must answer. Answered with no, it is refused: whether the answer is true is for the review to say."""

    kind: Word
    zh: Line
    en: Line
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)] = ("New", "Migration")
    transitions: Transitions = _APPLICATIONS
    where_required: bool = Field(
        False, description="the text says 按要求, where required: then `NotRequired` is an answer as well"
    )
    strength: Strength = "hard"
    source: Source


class AdjustmentReason(PackModel):
    """A reason for which services and budget may be adjusted after they were reviewed."""

    kind: Word
    zh: Line
    en: Line
    source: Source


class AdjustmentRule(PackModel):
    """Changes are allowed for these reasons only; the application names one of them."""

    reasons: Annotated[tuple[AdjustmentReason, ...], Field(min_length=1)]
    source: Source
