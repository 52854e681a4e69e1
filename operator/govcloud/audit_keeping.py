"""What keeps the audit log for years, as tasks: copying it elsewhere, recording legal holds, removing what is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from govcloud.audit.copies import CopyDiffers, CopyStore
from govcloud.audit.copying import SEAL_AFTER, Copying, Lag
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.expiry import Expiry, Orders
from govcloud.audit.held_copies import HeldCopies
from govcloud.audit.holds import BadOrder, Hold
from govcloud.audit.log import AuditLog
from govcloud.audit.reader import Damage
from govcloud.audit.records import Initiator
from govcloud.audit.rereading import Rereading
from govcloud.audit.retention import DEFAULT_DAYS, archive_in
from govcloud.core.evidence import BY_CONTROLLER
from govcloud.failures import Retry, Stop
from govcloud.housekeeping import Task

EXPECTED = (Retry, Stop, AuditUnavailable, CopyDiffers, BadOrder, Damage)
"""What can keep a task from succeeding now; the sentence says what somebody has to do."""

_OFTEN = timedelta(seconds=10)
_DAILY = timedelta(days=1)


@dataclass
class Keeping:
    """One log's keeping. `clock` is the machine's own in UTC, never the development clock."""

    log: AuditLog
    directory: Path
    store: CopyStore
    orders: Orders
    clock: Callable[[], datetime]
    days: int = DEFAULT_DAYS
    seal_after: timedelta = SEAL_AFTER
    initiator: Initiator = BY_CONTROLLER

    def __post_init__(self) -> None:
        self._copying = Copying(
            self.log, self.directory, self.store, self.initiator, self.clock, seal_after=self.seal_after
        )
        archive = archive_in(self.store, self.directory)
        self._expiry = Expiry(
            self.log, self.directory, self.days, self.orders, archive, self.initiator, self.clock
        )

        self._held_copies = HeldCopies(
            self.log,
            self.directory,
            self.store,
            self.initiator,
            self._copying.copied,
            self._expiry.known_orders,
            self._expiry.in_force,
        )

    def lag(self) -> Lag:
        """How far the copies are behind."""
        return self._copying.lag()

    def lock(self) -> timedelta | None:
        """For how long from its storing on nobody can delete a copy; None where somebody can, and until the store was asked."""
        return self._copying.lock()

    def holds(self) -> tuple[Hold, ...]:
        """The legal holds in force. Raises one of `EXPECTED` where nobody can say."""
        return self._expiry.in_force()

    def tasks(self) -> tuple[Task, ...]:
        """What has to be done again and again."""
        return (
            Task("copies of the audit log", _OFTEN, self._copying.run, self._hint),
            Task("rereading of the audit log", _DAILY, Rereading(self.log, self.directory).run),
            Task("legal holds", _OFTEN, self._expiry.record_orders),
            Task("legal holds of copies", _OFTEN, self._held_copies.run),
            Task("retention of the audit log", _DAILY, self._expiry.run),
        )

    def _hint(self) -> str:
        lag = self.lag()
        return str(lag) if lag.age > 3 * self.seal_after else ""
