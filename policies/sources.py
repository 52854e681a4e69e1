"""What every value of a pack is made of: a number or a word, and where it comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

Word = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Strength = Literal["hard", "inPrinciple"]
"""`inPrinciple` 原则上: may be departed from by an approval that says why, and is never a refusal."""


class PackModel(BaseModel):
    """Base of everything in a pack: frozen, camelCase in YAML, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Source(PackModel):
    """Where a value comes from: an article of a document, a default of this project, or a jurisdiction's own setting.

    An official reading is cited by part and point: `LY 7.3` is part seven, point three.
    """

    kind: Literal["article", "projectDefault", "jurisdiction"]
    document: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{0,15}$")] | None = Field(
        None, description="key of one of the pack's documents"
    )
    article: Line | None = None
    why: Line | None = Field(
        None, description="for a project default: the reason; for an article: what it says of this, in our words"
    )

    @model_validator(mode="after")
    def _says_enough(self) -> Source:
        if self.kind == "article" and not (self.document and self.article):
            raise ValueError("a value from an article names document and article")
        if self.kind == "projectDefault" and not self.why:
            raise ValueError("a project default says why")
        return self

    def cite(self) -> str:
        """For people: `JJ 16`, `project default`, or `JJ 16, tightened by the jurisdiction`."""
        origin = f"{self.document} {self.article}" if self.document and self.article else "project default"
        return f"{origin}, tightened by the jurisdiction" if self.kind == "jurisdiction" else origin

    def tightened(self) -> Source:
        """The source of a value that a jurisdiction set stricter than this one."""
        return self.model_copy(update={"kind": "jurisdiction"})


class Days(PackModel):
    """A number of days with its source."""

    value: Annotated[int, Field(ge=0, le=36500)]
    source: Source
    strength: Strength = "hard"


class WorkingDays(Days):
    """A legal limit in working days. It runs from the moment the office is asked, or from the last approval."""

    runs_from: Literal["asked", "approved"]


class Months(PackModel):
    """A number of calendar months with its source."""

    value: Annotated[int, Field(ge=0, le=1200)]
    source: Source
    strength: Strength = "hard"
