"""`Jurisdiction`: a city, district or province: which pack holds there, who its offices are, which cloud and catalog it uses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from govcloud.api.common import Condition, Line, Model, ObjectName, Word


class Office(Model):
    """Who decides a step here."""

    step: Word
    office: Line


class Cloud(Model):
    """How the jurisdiction's cloud is laid out."""

    external_network: Line = Field(description="name of the network to the outside")
    backup_project: Line = Field("govcloud-backups", description="OpenStack project that keeps backups")
    quarantine_project: Line = Field("govcloud-quarantine", description="OpenStack project in which backups are restored to prove them")


class Tightened(Model):
    """Values that this jurisdiction sets stricter than its pack; never looser."""

    trial_days: Annotated[int, Field(ge=1, le=365)] | None = None
    max_trial_extension_days: Annotated[int, Field(ge=0, le=365)] | None = None


class JurisdictionSpec(Model):
    title: Line
    pack: Word = Field(description="regulation pack, for instance jiujiang")
    catalog: ObjectName
    offices: Annotated[tuple[Office, ...], Field(max_length=32)] = ()
    cloud: Cloud
    tightened: Tightened = Tightened()


class JurisdictionStatus(Model):
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    cloud_services: tuple[str, ...] = Field((), description="OpenStack service types that the cloud offers")
