"""How a backup set stands, read from its status. Pure."""

from __future__ import annotations

from typing import Any

from govcloud.api.backup import BackupState, BackupStatus
from govcloud.core.objects import BackupObject
from govcloud.reasons import Reason


def named_after(request: str) -> str:
    """How the names of a request's backup sets begin. Where a long name is cut off after a dot, no name could follow it (RFC 1123)."""
    return request[:40].rstrip(".")


def is_regular(backup: BackupObject) -> bool:
    """Whether it was made while everything ran on, and not by a termination."""
    return backup.spec.kind == "Regular"


def is_running(backup: BackupObject) -> bool:
    """Whether it is still being made."""
    return backup.status.failed_at is None and backup.status.verified_at is None


def is_verified(backup: BackupObject) -> bool:
    """Whether every part was restored and found equal, and its data is still kept."""
    return state_of(backup.status) == "Verified"


def holds_helpers(backup: BackupObject) -> bool:
    """Whether snapshots or other helpers of it may still be there: a volume with snapshots cannot be deleted."""
    return backup.status.verified_at is None and backup.status.cleared_at is None


def was_withdrawn(backup: BackupObject) -> bool:
    """Whether it was given up for nothing but the end of what it is of."""
    failure = backup.status.failure
    return backup.status.failed_at is not None and failure is not None and failure.reason == Reason.TERMINATING


def differs(status: BackupStatus) -> tuple[str, ...]:
    """Names of the parts whose restored copy differs from what was backed up."""
    return tuple(part.name for part in status.parts if part.state == "Mismatch")


def state_of(status: BackupStatus) -> BackupState:
    """The one word for where a set is."""
    if status.purged_at is not None:
        return "Purged"
    if differs(status):
        return "Mismatch"
    if status.failed_at is not None:
        return "Failed"
    return "Running" if status.verified_at is None else "Verified"


def with_changes(status: BackupStatus, **changes: Any) -> BackupStatus:
    """The status with these changes, and the word that follows from them."""
    changed = status.model_copy(update=changes)
    return changed.model_copy(update={"state": state_of(changed)})
