"""How the regular backups stand, as the status shows it."""

from __future__ import annotations

from collections.abc import Iterable

from govcloud.api.request_status import BackupView, RegularBackups
from govcloud.core.backup_sets import is_running, is_verified, state_of, was_withdrawn
from govcloud.core.existing import data_that_exists, not_backed_up
from govcloud.core.facts import Facts
from govcloud.core.objects import BackupObject
from govcloud.core.regular_backups import due_at


def regular_backups(facts: Facts) -> RegularBackups | None:
    """None where the completed plan names none, or nothing holds data."""
    due, plan = due_at(facts), facts.completed
    if due is None or plan is None or plan.values.backup_every_days is None:
        return None
    return RegularBackups(
        every_days=plan.values.backup_every_days,
        next_at=due,
        not_covered=not_backed_up(data_that_exists(facts)),
        newest=_view(facts.regular),
        newest_verified=_view(filter(is_verified, facts.regular)),
    )


def last_ended(facts: Facts) -> BackupObject | None:
    """The newest regular backup that came to its own end, good or bad."""
    return next((backup for backup in reversed(facts.regular) if not is_running(backup) and not was_withdrawn(backup)), None)


def _view(backups: Iterable[BackupObject]) -> BackupView | None:
    newest = next(iter(reversed(tuple(backups))), None)
    if newest is None:
        return None
    message = newest.status.failure.message if newest.status.failure else ""
    return BackupView(name=newest.name, begun_at=newest.spec.frozen_at, state=state_of(newest.status), message=message)
