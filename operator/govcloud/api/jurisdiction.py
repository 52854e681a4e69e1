"""`Jurisdiction`: a city, district or province: which pack holds there, who its offices are, which cloud and catalog it uses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from govcloud.api.common import Conditions, Line, Model, ObjectName, Token, Word
from govcloud.api.marks import keyed_by


class Office(Model):
    """Who decides a step here."""

    step: Word = Field(description="the approval step, as the regulation pack names it")
    office: Line = Field(description="the office's name, exactly as its approvals carry it")


class Cloud(Model):
    """How the jurisdiction's cloud is laid out."""

    external_network: Line = Field(description="name of the network to the outside")
    backup_project: Line = Field("govcloud-backups", description="OpenStack project that keeps backups")
    quarantine_project: Line = Field(
        "govcloud-quarantine", description="OpenStack project in which backups are restored to prove them"
    )


class Tightened(Model):
    """Values that this jurisdiction sets stricter than its pack; never looser."""

    trial_days: Annotated[int, Field(ge=1, le=365)] | None = None
    max_trial_extension_days: Annotated[int, Field(ge=0, le=365)] | None = None


class JurisdictionSpec(Model):
    """What holds in this jurisdiction."""

    title: Line
    pack: Word = Field(description="regulation pack, for instance jiujiang")
    catalog: ObjectName = Field(description="name of the CloudServiceCatalog that is in use")
    offices: Annotated[tuple[Office, ...], Field(max_length=32, json_schema_extra=keyed_by("step"))] = ()
    cloud: Cloud
    tightened: Tightened = Tightened()


class JurisdictionStatus(Model):
    """What the controller says of the jurisdiction."""

    observed_generation: int = 0
    conditions: Conditions = ()
    cloud_services: Annotated[tuple[Token, ...], Field(max_length=64)] = Field(
        (), description="OpenStack service types that the cloud offers"
    )
