"""Which backups may go: their retention is over and nothing asks for them any more (L12). Pure.

Retention counts by the machine's own clock: a jump of the development clock ends none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from govcloud.api.progress import Progress
from govcloud.api.request import RequestKey
from govcloud.audit.holds import Hold
from govcloud.core.backup_sets import holds_helpers, is_regular, is_verified, state_of
from govcloud.core.objects import BackupObject, PauseObject


@dataclass(frozen=True)
class Purge:
    """Delete everything of a set but its manifest, and see that it is gone."""

    backup: BackupObject


@dataclass(frozen=True)
class Forget:
    """Delete the ServiceBackup of a regular backup that was purged: its manifest and the audit log are the record."""

    backup: BackupObject


@dataclass(frozen=True)
class ClearOrphan:
    """Remove what a backup made that nobody can finish: its request is gone."""

    backup: BackupObject


Step = Purge | Forget | ClearOrphan


@dataclass(frozen=True)
class Kept:
    """All that is kept, and what asks for it.

    Attributes:
        now: by the machine's own clock.
        known, live: uids of the requests that there are, and of those that have not ended.
        holds: the legal holds in force.
        wanted: unit and name of each set that a request gets data back from, or asks to.
    """

    now: datetime
    backups: Sequence[BackupObject]
    known: Collection[str]
    live: Collection[str]
    holds: Collection[Hold]
    wanted: Collection[tuple[str, str]] = ()


def wanted_by(spec: Mapping[str, Any], progress: Progress) -> Iterator[tuple[str, str]]:
    """Unit and name of the sets that a request restores from, or still asks to restore from."""
    record, unit, operation = progress.restoration, str(spec.get("unit", "")), progress.operation
    if record is not None and operation is not None and operation.plan == record.plan:
        yield unit, record.backup
    wish = spec.get("restoreFrom")
    if not isinstance(wish, Mapping) or progress.terminated_at is not None:
        return
    asked = str(wish.get("backup")), wish.get("reason")
    if record is None or record.ended_at is None or asked != (record.backup, record.reason):
        yield unit, asked[0]


def steps(kept: Kept) -> Iterator[Step]:
    """What has to be done now, in no particular order."""
    for backup in kept.backups:
        if backup.spec.kind != "Termination" and holds_helpers(backup) and backup.spec.request.uid not in kept.known:
            yield ClearOrphan(backup)
        elif may_be_purged(backup, kept):
            yield Purge(backup)
        elif is_regular(backup) and state_of(backup.status) == "Purged":
            yield Forget(backup)


def may_be_purged(backup: BackupObject, kept: Kept) -> bool:
    """Whether a set may go now. One that differs from its source is evidence, and one that was never proven may be all there is: both stay."""
    ended = state_of(backup.status) in ("Verified", "Failed") and not holds_helpers(backup)
    is_over = backup.spec.retain_until <= kept.now
    wanted = (backup.spec.unit, backup.name) in kept.wanted
    return ended and is_over and not wanted and not _is_held(backup, kept.holds) and not _is_the_newest(backup, kept)


def _is_held(backup: BackupObject, holds: Collection[Hold]) -> bool:
    return any(hold.request == backup.spec.request.uid if hold.request else hold.unit == backup.spec.unit for hold in holds)


def _is_the_newest(backup: BackupObject, kept: Kept) -> bool:
    """Whether it is the newest verified set of a request that lives."""
    uid = backup.spec.request.uid
    if uid not in kept.live or not is_verified(backup):
        return False
    others = (each for each in kept.backups if each.spec.request.uid == uid and is_verified(each))
    return max(others, key=lambda each: (each.spec.frozen_at, each.name)) is backup


def is_paused(backup: BackupObject, pauses: Iterable[PauseObject]) -> bool:
    """Whether somebody ordered that nothing is done about its request."""
    key = RequestKey(**backup.spec.request.model_dump())
    return any(pause.covers(key) for pause in pauses)
