"""Waivers: what the using unit lets be destroyed without a proven backup, and by which document of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import Line, Model, Sha256, Token
from govcloud.api.marks import keyed_by

MOST_WAIVERS = 32

WaiverReason = Literal["TakenOver", "NotNeeded"]


class Waiver(Model):
    """That one part may be destroyed without a proven backup. The data is the unit's (JJ 25): the document is, and so is the consent to the plan."""

    part: Line = Field(description="the part by its name in the plan and in the ServiceBackup, for instance web-0-boot")
    reason: WaiverReason = Field(description="TakenOver: the unit has taken the data over itself 已自行迁出; NotNeeded: nobody needs it 无需保留")
    zh: Line = Field(description="in Chinese: what the data is, and where it is now or why it is not needed")
    en: Line = Field(description="the same in English")
    number: Line = Field(description="document number 文号 of the signed document by which the unit waives the backup")
    sha256: Sha256 = Field(description="SHA-256 of that document")


Waivers = Annotated[tuple[Waiver, ...], Field(max_length=MOST_WAIVERS, json_schema_extra=keyed_by("part"))]


class WaivedPart(Model):
    """A part that was given up without a proven backup, and the document that says so."""

    part: Line
    service: Token
    number: Line
    sha256: Sha256
