"""What the status of a `CloudServiceRequest` keeps because it can be seen nowhere else: how far the controller has come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import (
    Line,
    Model,
    Quantities,
    Text,
    Token,
)
from govcloud.api.deadline import Deadline
from govcloud.api.notification import MOST_NOTICES, Notice
from govcloud.api.waiver import MOST_WAIVERS, WaivedPart


class Failure(Model):
    """Why the last attempt did not succeed, and when the next one comes. `Retry`: waiting helps. `Stop`: someone must change something."""

    kind: Literal["Retry", "Stop"]
    reason: Token
    message: Text
    count: int = 1
    retry_at: datetime | None = None


class Operation(Model):
    """A started transition. It finishes under this plan whatever the spec says meanwhile. `plan` 0 is the pack's own act at a trial's end."""

    plan: int
    transition: Token
    started_at: datetime
    approvals: Annotated[tuple[Token, ...], Field(max_length=32)] = Field(
        (), description="uids of the approvals that allow it; one that vanishes freezes the operation"
    )
    done: Annotated[tuple[Token, ...], Field(max_length=256)] = Field(
        (), description="steps of the operation that are finished, in order"
    )


class TrialRecord(Model):
    """When the trial began and ends."""

    started_at: datetime
    ends_at: datetime
    expired_at: datetime | None = None
    reminded: Annotated[tuple[int, ...], Field(max_length=16)] = Field(
        (), description="reminders of this end that were sent: how many days before it"
    )


class TerminationRecord(Model):
    """How far the termination has come."""

    quiesced_at: datetime | None = None
    backup: Token | None = Field(None, description="name of the ServiceBackup")
    backup_verified_at: datetime | None = Field(None, description="when all that holds data was proven, but what is `waived`")
    waived: Annotated[tuple[WaivedPart, ...], Field(max_length=MOST_WAIVERS)] = Field(
        (), description="what was given up without a proven backup, and by which document of the unit"
    )
    destroyed_at: datetime | None = None
    absence_proved_at: datetime | None = None
    sanitisation: Literal["api-deleted", "overwritten", "crypto-erased"] | None = Field(
        None, description="honest level of the erasure of data"
    )


VolumeState = Literal["Copied", "Proven", "HandedOver"]


class RestoredVolume(Model):
    """How far a volume of a restore has come: a copy is made of the backup, proven, and handed over to the unit's project."""

    resource: Token = Field(description="its name in the plan")
    state: VolumeState


class RestorationRecord(Model):
    """How far a restore has come, or how the last one went."""

    plan: int
    backup: Token = Field(description="name of the ServiceBackup whose data it is")
    reason: Line = Field(description="as it was asked for")
    volumes: Annotated[tuple[RestoredVolume, ...], Field(max_length=256)] = ()
    safeguard: Token | None = Field(None, description="name of the ServiceBackup that holds what was there before")
    ended_at: datetime | None = None

    def state_of(self, resource: str) -> str | None:
        """How far that volume has come; None where nothing was made of it yet."""
        return next((volume.state for volume in self.volumes if volume.resource == resource), None)


MOST_DRIFT = 64


class Drift(Model):
    """A resource that is not as the controller left it."""

    resource: Token = Field(description="its name in the plan")
    type: Token
    id: Token = Field(description="its id in OpenStack")
    fields: Annotated[tuple[Token, ...], Field(max_length=64)] = Field(
        (), description="what has another value; empty: the resource is gone"
    )


class Progress(Model):
    """What resuming needs and cannot be seen elsewhere. Written by the controller only; everything else in the status is derived."""

    last_plan: int = Field(0, description="number of the newest plan")
    completed_plan: int | None = None
    rejected_plan: int | None = None
    operation: Operation | None = None
    running: bool = Field(True, description="whether the servers are meant to be on")
    running_since: datetime | None = Field(None, description="since when they were never stopped (XH-B 18)")
    allocated: Quantities = Field(
        default_factory=dict, description="quota that this request holds in the unit's project"
    )
    trial: TrialRecord | None = None
    production_since: datetime | None = None
    suspended_since: datetime | None = None
    credentials_plan: int | None = Field(None, description="plan whose credentials the Secret holds")
    restoration: RestorationRecord | None = None
    termination: TerminationRecord | None = None
    terminated_at: datetime | None = None
    rebuilding: bool = Field(False, description="the engine's state was lost and is being made anew from the marks in the cloud")
    failure: Failure | None = None
    deadlines: Annotated[tuple[Deadline, ...], Field(max_length=64)] = Field(
        (), description="legal limits that run, and those of the newest plan that have ended"
    )
    drift: Annotated[tuple[Drift, ...], Field(max_length=MOST_DRIFT)] | None = Field(
        None, description="how the cloud differed from what the controller left at the last look; the first 64 resources"
    )
    notices: Annotated[tuple[Notice, ...], Field(max_length=MOST_NOTICES)] = Field(
        (), description="the newest states that receivers of notifications are told of, where the jurisdiction has one"
    )
