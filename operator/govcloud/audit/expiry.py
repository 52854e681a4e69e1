"""Retention as it is carried out, round by round: orders of legal holds are recorded first, then what may go goes.

Never here: the development clock, or the decision what may go.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from . import holds
from .files import FileSystem, RealFiles
from .log import AuditLog
from .records import Initiator
from .retention import Archive, Policy, removable, remove

Orders = Callable[[], Mapping[str, str]]
"""All orders about legal holds by name, as somebody wrote them; raises when they cannot be read."""


@dataclass
class Expiry:
    """Retention of one log. `clock` is the machine's own, in UTC."""

    log: AuditLog
    directory: Path
    days: int
    orders: Orders
    archive: Archive
    initiator: Initiator
    clock: Callable[[], datetime]
    files: FileSystem = field(default_factory=RealFiles)
    _recorded: Mapping[str, str] = field(default_factory=dict)
    _recording: Lock = field(default_factory=Lock)

    def record_orders(self) -> None:
        """Record every order that the log does not know. Safe to call from several threads.

        Raises `AuditUnavailable`, `BadOrder`, `Damage`, and whatever `orders` raises.
        """
        with self._recording:
            orders = self.orders()
            if orders == self._recorded:
                return
            if entries := holds.unrecorded(orders, holds.in_log(self.directory, self.files)):
                self.log.append_many(entries)
            self._recorded = dict(orders)

    def known_orders(self) -> Mapping[str, str]:
        """The orders that are recorded, as they were written."""
        return self._recorded

    def in_force(self) -> tuple[holds.Hold, ...]:
        """The holds in force, after every order was recorded. Raises like `record_orders`."""
        self.record_orders()
        return tuple(holds.active(holds.in_log(self.directory, self.files)).values())

    def run(self) -> None:
        """Remove what may go. Raises like `record_orders`, `removable` and `remove`."""
        # The log's first key lies beside it; the one that signs now may be a later one, which proves less.
        policy = Policy(self.days, self.in_force())
        allowed = removable(self.directory, None, policy, self.clock(), self.archive, self.files)
        remove(self.log, self.directory, allowed, self.initiator, self.files)
