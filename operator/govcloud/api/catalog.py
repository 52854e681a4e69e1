"""`CloudServiceCatalog`: the year's procurement agreement: offerings, what each is in OpenStack, unit price ceilings (LY 7.1)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from govcloud.api.common import Conditions, Line, Model
from govcloud.api.marks import checked_by, keyed_by, rule
from stacks.kind import Image, Offering


class CatalogSpec(Model):
    """What the agreement offers, from when to when."""

    model_config = checked_by(
        rule("self.validFrom <= self.validUntil", "validFrom must not be after validUntil / 起始日期不得晚于截止日期")
    )

    title: Line
    valid_from: date = Field(description="first day of the agreement, for instance 2026-01-01")
    valid_until: date = Field(description="last day of the agreement")
    offerings: Annotated[
        tuple[Offering, ...], Field(min_length=1, max_length=256, json_schema_extra=keyed_by("name"))
    ] = Field(description="lines of the agreement; a request names them")
    images: Annotated[tuple[Image, ...], Field(max_length=256, json_schema_extra=keyed_by("name"))] = Field(
        (), description="system images that a request may name"
    )


class CatalogStatus(Model):
    """What the controller says of the catalog."""

    observed_generation: int = 0
    conditions: Conditions = ()
