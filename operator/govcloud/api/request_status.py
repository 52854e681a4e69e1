"""The status of a `CloudServiceRequest`: what an official, an applicant and a machine read of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import (
    Conditions,
    Digest,
    Model,
    Money,
    Quantities,
    Text,
    Token,
)
from govcloud.api.progress import Progress
from govcloud.api.waiver import MOST_WAIVERS


class NextAction(Model):
    """Who must do what by when, in one sentence, citing the article."""

    zh: Text
    en: Text
    waiting_for: Token | None = Field(None, description="the approval step that is waited for, or `applicant`, or none")
    office: Token | None = None
    deadline: datetime | None = None
    article: Token | None = None


class ChangeView(Model):
    """One line of a plan's diff."""

    service: Token
    resource: Token
    type: Token
    operation: Literal["Create", "Update", "Replace", "Delete"]
    fields: Annotated[tuple[Token, ...], Field(max_length=256)] = ()


class PlanView(Model):
    """What an official needs to see of a plan; the plan itself is the ControllerRevision named here."""

    number: int
    revision: Token
    transition: Token
    digest: Digest
    digest_sm3: Token | None = None
    monthly_cost: Money
    steps: Annotated[tuple[Token, ...], Field(max_length=32)] = Field(
        (), description="approval steps that this plan needs, in order"
    )
    diff: Annotated[tuple[ChangeView, ...], Field(max_length=4096)] = ()
    quota: Quantities = Field(default_factory=dict)
    backup_every_days: int | None = Field(
        None, description="how often the protection level 等级保护 asks for a backup of the data, in days"
    )
    departures: Annotated[tuple[Text, ...], Field(max_length=64)] = Field(
        (), description="rules in principle 原则上 that this plan departs from; an approval of it says why in its comment"
    )
    waived: Annotated[tuple[Text, ...], Field(max_length=MOST_WAIVERS)] = Field(
        (), description="what will be destroyed WITHOUT a backup 不经备份即销毁, by which document of the unit"
    )
    summary_zh: Text = ""
    summary_en: Text = ""


class ResourceView(Model):
    """One resource that runs, with its id in OpenStack."""

    service: Token
    name: Token
    type: Token
    id: Token


class EndpointView(Model):
    """Where a service is reached."""

    service: Token
    name: Token
    address: Token
    port: int = 0


class BackupView(Model):
    """A regular backup of the request, in short; the ServiceBackup of that name has the rest."""

    name: Token
    begun_at: datetime
    state: Token = Field(description="Running, Verified, Failed or Mismatch")
    message: Text = Field("", description="why it failed")


class RegularBackups(Model):
    """How the regular backups stand that the completed plan names."""

    every_days: int
    next_at: datetime = Field(description="when the next one is due")
    newest: BackupView | None = None
    not_covered: Annotated[tuple[Token, ...], Field(max_length=256)] = Field((), description="what holds data and is in no backup: the unit saves it itself")
    newest_verified: BackupView | None = Field(None, description="the newest that was restored and found equal to what was backed up")


class RequestStatus(Model):
    """How the request stands."""

    observed_generation: int = 0
    phase: Token = Field("Planning", description="a word for people; derived, never read back")
    conditions: Conditions = ()
    next_action: NextAction | None = None
    plan: PlanView | None = Field(
        None, description="the plan that waits or is being carried out, else the last completed one"
    )
    progress: Progress = Progress()
    due: datetime | None = Field(None, description="end of the trial, or the deadline of what is waited for")
    monthly_cost: Money | None = None
    regular_backups: RegularBackups | None = Field(None, description="there where the protection level asks for backups and data exists")
    resources: Annotated[tuple[ResourceView, ...], Field(max_length=4096)] = ()
    endpoints: Annotated[tuple[EndpointView, ...], Field(max_length=1024)] = ()
    credentials_secret: Token | None = Field(
        None, description="name of the Secret with the credentials, in this namespace"
    )
