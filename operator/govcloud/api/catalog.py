"""`CloudServiceCatalog`: the year's procurement agreement: offerings, what each is in OpenStack, unit price ceilings (LY 7.1)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field
from stacks.kind import Image, Offering

from govcloud.api.common import Condition, Line, Model


class CatalogSpec(Model):
    title: Line
    valid_from: date
    valid_until: date
    offerings: Annotated[tuple[Offering, ...], Field(min_length=1, max_length=256)]
    images: Annotated[tuple[Image, ...], Field(max_length=256)] = ()


class CatalogStatus(Model):
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
