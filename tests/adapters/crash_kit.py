"""Processes that end at a chosen write to the cloud, and lives in which that happens at every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol

from adapters.openstack_kit import Cloud, running_cloud
from provider.provider_kit import MemoryJournal

from govcloud.api.backup import PartStatus
from govcloud.ports import BackupObject
from stacks.provider.journal import EffectContext, Write, WriteOutcome


class Crash(BaseException):
    """The process is gone. Nothing may catch it."""


class CrashingJournal(MemoryJournal):
    """A journal in whose process everything ends at the n-th write: before it is sent, or before its outcome is known.

    Args:
        at: which write, from 0.
        sent: whether the write still reached the cloud.
    """

    def __init__(self, at: int, sent: bool) -> None:
        super().__init__()
        self._at = at
        self.crashed = False
        self._sent = sent

    def intent(self, context: EffectContext, write: Write) -> str:
        number = super().intent(context, write)
        if int(number) == self._at and not self._sent:
            self._end()
        return number

    def outcome(self, intent: str, outcome: WriteOutcome) -> None:
        if int(intent) == self._at and self._sent:
            self._end()
        super().outcome(intent, outcome)

    def _end(self) -> NoReturn:
        self.crashed = True
        raise Crash

    def __str__(self) -> str:
        return f"after a crash at write {self._at}"


def a_crash_at_every_write(sent: bool, *, more_than: int) -> Iterator[tuple[Cloud, CrashingJournal]]:
    """For each write of a life a cloud of its own and a journal that crashes there; the last life ends without a crash.

    There must be more writes than that, or not every one of the life was met.
    """
    at, crashed = 0, True
    while crashed:
        journal = CrashingJournal(at, sent)
        with running_cloud() as cloud:
            yield cloud, journal
        at, crashed = at + 1, journal.crashed
    assert at > more_than, "the loop met every write of the life"


class Advancing(Protocol):
    """What goes on with a part of a backup in one process."""

    def advance(self, backup: BackupObject, status: PartStatus) -> PartStatus:
        """The status after one more step."""


def live_on(processes: Iterator[Advancing], backup: BackupObject, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Until the only part of the backup is cleaned up; after a crash in the next process, which knows only the last status."""
    now, status = next(processes), PartStatus(name=backup.spec.parts[0].name)
    while status.state != "Cleaned":
        try:
            status = now.advance(backup, status)
        except Crash:
            now = next(processes)
            meanwhile()
