"""What a plan pins of a restore."""

from __future__ import annotations

from datetime import datetime

from govcloud.api.common import Sha256
from stacks.kind import Model


class PlannedVolume(Model):
    """A volume that is replaced by a copy of a backup, and what that copy must read as."""

    resource: str
    service: str
    backup_id: str
    sha256: Sha256
    bytes: int


class PlannedRestore(Model):
    """The backup set that data comes back from, as its manifest described it when the plan was made."""

    backup: str
    reason: str
    manifest_sha256: Sha256
    frozen_at: datetime
    backup_project: str
    volumes: tuple[PlannedVolume, ...]
