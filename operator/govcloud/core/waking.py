"""When a request has to be looked at again although nothing happens to it."""

from __future__ import annotations

from datetime import datetime

from govcloud.api.progress import Progress
from govcloud.core.deadlines import next_moment
from govcloud.core.facts import Facts
from govcloud.core.grace import grace_ends_at
from govcloud.core.reminders import is_running, next_reminder
from govcloud.core.year_end import plan_ends_at


def look_again_at(facts: Facts, progress: Progress) -> datetime | None:
    """The next moment at which time alone changes something: a deadline, a reminder, the end of a trial, of the grace after it, or of the annual plan's
    year. None where there is none.

    A moment that has come already is none of these: what keeps it from being dealt with ends by an event.

    Args:
        progress: as the pass left it.
    """
    end = progress.trial.ends_at if progress.trial and is_running(progress) else None
    of_time = (grace_ends_at(facts, progress), plan_ends_at(facts, progress), next_reminder(facts, progress))
    moments = (end, next_moment(progress), *of_time)
    return min((moment for moment in moments if moment is not None and moment > facts.now), default=None)
