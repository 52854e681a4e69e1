"""Reminders before a trial ends: which are due, and which were sent. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from govcloud.api.progress import Progress, TrialRecord
from govcloud.core.facts import Facts


def reminded_trial(facts: Facts, progress: Progress) -> TrialRecord | None:
    """The trial after a pass: every reminder whose moment has come counts as sent."""
    trial = progress.trial
    if trial is None or not is_running(progress):
        return trial
    due = {days for days in _reminders(facts, trial) if _moment(trial, days) <= facts.now < trial.ends_at}
    sent = tuple(sorted(due | set(trial.reminded), reverse=True))
    return trial.model_copy(update={"reminded": sent}) if sent != trial.reminded else trial


def reminder(before: Progress, after: Progress) -> TrialRecord | None:
    """The trial to remind people of, if a pass found that one of its reminders is due. Several that are due at once are one."""
    old = before.trial.reminded if before.trial and after.trial and before.trial.ends_at == after.trial.ends_at else ()
    return after.trial if after.trial and set(after.trial.reminded) - set(old) else None


def next_reminder(facts: Facts, progress: Progress) -> datetime | None:
    """When the next reminder is due."""
    trial = progress.trial
    if trial is None or not is_running(progress):
        return None
    return min((_moment(trial, days) for days in _reminders(facts, trial) if days not in trial.reminded), default=None)


def is_running(progress: Progress) -> bool:
    """Whether there is a trial whose end is still to come."""
    is_over = progress.production_since or progress.terminated_at
    return progress.trial is not None and progress.trial.expired_at is None and not is_over


def _reminders(facts: Facts, trial: TrialRecord) -> tuple[int, ...]:
    """Days before the end. A trial that is shorter than that has no such reminder."""
    rule = facts.edition.trial if facts.edition else None
    return tuple(days for days in rule.reminders.days if _moment(trial, days) > trial.started_at) if rule else ()


def _moment(trial: TrialRecord, days: int) -> datetime:
    return trial.ends_at - timedelta(days=days)
