"""`ServiceBackup`: one backup set with its evidence. Outlives the request and its namespace; can be rebuilt from the stored manifest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import Conditions, Digest, Line, Model, ObjectName, Sha256, Text, Token, Uid
from govcloud.api.marks import checked_by, immutable, keyed_by

PartState = Literal[
    "Pending", "Frozen", "SourceRead", "BackedUp", "Restored", "RestoreRead", "Verified", "Mismatch", "Cleaned"
]


class BackedUpRequest(Model):
    """The request whose data this is."""

    namespace: Token
    name: ObjectName
    uid: Uid


class Part(Model):
    """One thing that holds data. Ids are OpenStack ids."""

    name: Line
    service: Line
    how: Literal["Volume", "Container", "DatabaseVolume"]
    source_id: Line = Field(description="volume id, container name, or Trove instance id")


class BackupSpec(Model):
    """What is backed up, from where to where, and how long it is kept."""

    model_config = checked_by(
        immutable("a backup set cannot be edited; its evidence would not be of it any more / 备份记录不可修改")
    )

    request: BackedUpRequest
    unit: ObjectName
    jurisdiction: ObjectName
    plan: Annotated[int, Field(ge=0)] = Field(
        description="plan of the termination (or other transition) that this backup belongs to"
    )
    plan_digest: Digest
    project_id: Token = Field(description="OpenStack project that the data comes from")
    backup_project: Token
    quarantine_project: Token
    frozen_at: datetime = Field(description="from this moment nothing of the unit could write any more")
    parts: Annotated[tuple[Part, ...], Field(max_length=256, json_schema_extra=keyed_by("name"))]
    retain_until: datetime


class PartStatus(Model):
    """How far a part has come, and the evidence: what was read from the frozen source and from the restored backup."""

    name: Line
    state: PartState = "Pending"
    source_sha256: Sha256 | None = None
    source_bytes: int | None = None
    backup_id: Token | None = Field(None, description="Cinder backup id, or the container in the backup project")
    restored_sha256: Sha256 | None = None
    restored_bytes: int | None = None
    ids: Annotated[dict[str, Token], Field(max_length=64)] = Field(
        default_factory=dict, description="ids of helpers while they exist: snapshot, volumes, images"
    )
    objects: int | None = Field(None, description="number of objects, for a container")
    message: Text = ""


class BackupStatus(Model):
    """How far the backup set has come, and where its manifest lies."""

    conditions: Conditions = ()
    parts: Annotated[tuple[PartStatus, ...], Field(max_length=256, json_schema_extra=keyed_by("name"))] = ()
    verified_at: datetime | None = None
    manifest_location: Token | None = Field(None, description="container/object in the backup project")
    manifest_sha256: Sha256 | None = None
