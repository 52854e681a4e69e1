"""Regular backups and their purging in the world in memory, step by step."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconcile.world import NAME, NAMESPACE, World

from govcloud.adapters.memory import Crash
from govcloud.audit.holds import Hold
from govcloud.core.backup_sets import is_regular
from govcloud.core.objects import BackupObject
from govcloud.purging import Purging
from govcloud.regular_backups import RegularBackups

WEEK = timedelta(days=7)
ENOUGH = timedelta(days=36)
"""More than a regular backup is kept."""


@dataclass
class BackingUp:
    """What makes the backups of a world. `counted` are the results that a metric counts."""

    world: World
    counted: list[str] = field(default_factory=list)

    def step(self) -> timedelta | None:
        """One step of the process that runs now."""
        backups = RegularBackups(self.world.ports, 1, lambda *_: None, self.counted.append)
        return backups.look_at((NAMESPACE, NAME))

    def run(self, limit: int = 40) -> int:
        """Steps until nothing is to be done at once; how many."""
        for number in range(limit):
            if self.step() != timedelta(0):
                return number
        raise AssertionError(f"no rest after {limit} steps")

    def run_patiently(self) -> None:
        """The same, waiting for whatever is tried again."""
        while (again := self.step()) is not None:
            self.world.clock.advance(again)

    def survive(self) -> None:
        """The same, and whoever dies is followed by the next process."""
        while True:
            try:
                self.run_patiently()
            except Crash:
                self.world.restart_controller()
            else:
                return

    def each_week(self, weeks: int) -> None:
        """Let some weeks pass, with a backup in each."""
        for _ in range(weeks):
            self.world.clock.advance(WEEK)
            self.run()


def regular_backups(world: World) -> list[BackupObject]:
    """All of them, oldest first."""
    return sorted(filter(is_regular, world.cluster.backups()), key=lambda backup: backup.spec.number)


def lies_in(world: World, project: str) -> list[str]:
    """Names of what lies in the backup or the quarantine project."""
    return sorted(thing.name for thing in world.cloud.things(project))


def purge(world: World, now: datetime, holds: Callable[[], Collection[Hold]] = tuple) -> None:
    """Rounds by this clock until nothing more is to be done."""
    before = None
    while before != (before := len(world.wire.writes)):
        Purging(world.ports.cluster, world.backups, world.ports.audit, holds, lambda: now).run()
