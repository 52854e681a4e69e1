"""What every step of a backup works with, and how a part's status moves on."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from govcloud.adapters.openstack_adoption import Adoption
from govcloud.adapters.openstack_backup_names import Task
from govcloud.adapters.openstack_login import Login
from govcloud.adapters.openstack_waiting import Poller
from govcloud.api.backup import PartState, PartStatus

Kept = Literal["backup", "restored"]
"""What of a part can be kept when the rest is removed: its backup, and the copy that was restored from it."""
EVIDENCE: tuple[Kept, ...] = ("backup", "restored")
ITS_BACKUP: tuple[Kept, ...] = ("backup",)
NOTHING: tuple[Kept, ...] = ()


@dataclass(frozen=True)
class Bench:
    """The two logins of a backup, how to wait and to adopt, and how many may read at once.

    Reading keeps a processor busy with hashing. More readers than processors finish no sooner, but all at the end: with a few,
    the first backups are made while the next sources are read.
    """

    backups: Login
    quarantine: Login
    poller: Poller
    adoption: Adoption
    readers: AbstractContextManager[Any]


class PartSteps(Protocol):
    """The steps that differ between kinds of parts. Each returns the part's new status, and can be repeated after a crash."""

    def freeze(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Fix what is to be backed up."""
        ...

    def read_source(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read every byte of the frozen source."""
        ...

    def back_up(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Make the backup in the backup project."""
        ...

    def restore(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Restore the backup into the quarantine project."""
        ...

    def read_restored(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Read every byte of what was restored."""
        ...

    def clean(self, bench: Bench, task: Task, status: PartStatus) -> PartStatus:
        """Delete every helper and see that it is gone; see that the backup is still there."""
        ...

    def changed(self, bench: Bench, task: Task, status: PartStatus) -> str:
        """Why the source may hold something else than what was proven of it; empty where nothing says so, and where it is gone."""
        ...

    def remove(self, bench: Bench, task: Task, kept: Collection[Kept]) -> None:
        """Delete all that was ever made of the part but what is kept, however far it came, and see that it is gone."""
        ...


def moved(status: PartStatus, state: PartState, **evidence: Any) -> PartStatus:
    """The status with a new state and what was learned on the way."""
    return status.model_copy(update={"state": state, **evidence})
