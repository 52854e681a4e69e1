"""`ServiceBackup`: one backup set with its evidence. Outlives the request and its namespace; can be rebuilt from the stored manifest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import Conditions, Digest, Line, Model, ObjectName, Sha256, Text, Token, Uid
from govcloud.api.marks import checked_by, default_in_cluster, immutable, keyed_by
from govcloud.api.progress import Failure
from govcloud.api.waiver import MOST_WAIVERS, WaivedPart

PartState = Literal[
    "Pending", "Frozen", "SourceRead", "BackedUp", "Restored", "RestoreRead", "Verified", "Mismatch", "Cleaned"
]
MOST_PARTS = 256
BackupKind = Literal["Termination", "Regular", "BeforeRestore"]
BackupState = Literal["Running", "Verified", "Failed", "Mismatch", "Purged"]


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

    kind: BackupKind = Field(
        "Termination",
        description="of a termination; regular, as the completed plan names it for its protection level 等保, while everything runs on; or of what a restore replaces",
        json_schema_extra=default_in_cluster(),
    )
    number: Annotated[int, Field(ge=0, le=1_000_000)] = Field(0, description="which of the request's regular backups, from 1 on; 0 for others")
    request: BackedUpRequest
    unit: ObjectName
    jurisdiction: ObjectName
    plan: Annotated[int, Field(ge=0)] = Field(
        description="plan of the termination or restore, or the completed plan that names regular backups"
    )
    plan_digest: Digest
    project_id: Token = Field(description="OpenStack project that the data comes from")
    backup_project: Token
    quarantine_project: Token
    frozen_at: datetime = Field(
        description="from this moment nothing of the unit could write any more; of a regular backup: when it was begun"
    )
    parts: Annotated[tuple[Part, ...], Field(max_length=MOST_PARTS, json_schema_extra=keyed_by("name"))]
    waived: Annotated[tuple[WaivedPart, ...], Field(max_length=MOST_WAIVERS, json_schema_extra=keyed_by("part"))] = Field(
        (), description="what held data and is not in this set: the unit gave it up without a backup, by this document"
    )
    not_covered: Annotated[tuple[Line, ...], Field(max_length=MOST_PARTS)] = Field(
        (), description="of a regular backup: what holds data and is not in this set, because nobody can prove a backup of it"
    )
    retain_until: datetime = Field(description="from this moment on, by the machine's own clock, it may be purged")


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
    listing_sha256: Sha256 | None = Field(
        None, description="of what a container listed when it was frozen (names, sizes, etags, versions): it must list the same when it is destroyed"
    )
    failure: Text | None = Field(None, description="why its last step failed, where somebody must change something")
    message: Text = ""


class BackupStatus(Model):
    """How far the backup set has come, and where its manifest lies."""

    state: BackupState | None = Field(None, description="a word for people; derived, never read back")
    conditions: Conditions = ()
    parts: Annotated[tuple[PartStatus, ...], Field(max_length=MOST_PARTS, json_schema_extra=keyed_by("name"))] = ()
    verified_at: datetime | None = None
    manifest_location: Token | None = Field(None, description="container/object in the backup project")
    manifest_sha256: Sha256 | None = None
    failure: Failure | None = Field(None, description="why it did not get on at the last attempt, or why it was given up")
    failed_at: datetime | None = Field(None, description="when a regular backup was given up; the next one comes at its own time")
    clearing: Failure | None = Field(None, description="what keeps the helpers of one that was given up from being removed")
    cleared_at: datetime | None = Field(None, description="when the helpers of one that was given up were gone")
    purged_at: datetime | None = Field(None, description="when its data was deleted after its retention, and seen to be gone")
