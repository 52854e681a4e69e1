"""`ServiceBackup`: one backup set with its evidence. Outlives the request and its namespace; can be rebuilt from the stored manifest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import Condition, Digest, Line, Model, ObjectName, Uid

PartState = Literal["Pending", "Frozen", "SourceRead", "BackedUp", "Restored", "RestoreRead", "Verified", "Mismatch", "Cleaned"]


class BackedUpRequest(Model):
    namespace: str
    name: ObjectName
    uid: Uid


class Part(Model):
    """One thing that holds data. Ids are OpenStack ids."""

    name: Line
    service: Line
    how: Literal["Volume", "Container", "DatabaseVolume"]
    source_id: Line = Field(description="volume id, container name, or Trove instance id")


class BackupSpec(Model):
    request: BackedUpRequest
    unit: ObjectName
    jurisdiction: ObjectName
    plan: int = Field(description="plan of the termination (or other transition) that this backup belongs to")
    plan_digest: Digest
    project_id: str = Field(description="OpenStack project that the data comes from")
    backup_project: str
    quarantine_project: str
    frozen_at: datetime = Field(description="from this moment nothing of the unit could write any more")
    parts: Annotated[tuple[Part, ...], Field(max_length=256)]
    retain_until: datetime


class PartStatus(Model):
    """How far a part has come, and the evidence: what was read from the frozen source and from the restored backup."""

    name: str
    state: PartState = "Pending"
    source_sha256: str | None = None
    source_bytes: int | None = None
    backup_id: str | None = Field(None, description="Cinder backup id, or the container in the backup project")
    restored_sha256: str | None = None
    restored_bytes: int | None = None
    ids: dict[str, str] = Field(default_factory=dict, description="ids of helpers while they exist: snapshot, volumes, images")
    objects: int | None = Field(None, description="number of objects, for a container")
    message: str = ""


class BackupStatus(Model):
    conditions: tuple[Condition, ...] = ()
    parts: tuple[PartStatus, ...] = ()
    verified_at: datetime | None = None
    manifest_location: str | None = Field(None, description="container/object in the backup project")
    manifest_sha256: str | None = None
