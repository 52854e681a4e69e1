"""Legal holds reach the copies: while a hold covers a record, the store keeps the copy of its segment past the end of its lock.

The store's own flag is used, because it can be lifted when the hold is; a lock that was prolonged could not. Which copies have it
the log itself says. Never here: segments that lie in the store only, or which holds are in force.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .copies import TREES, CopyStore, Manifest, hashes_name, manifest_of, sealed
from .files import FileSystem, RealFiles
from .holds import Hold
from .layout import Layout
from .log import AuditLog
from .query import Filter, search
from .reader import Stored, read_segment
from .records import Action, Entry, Initiator, Outcome, Phase, Target
from .removal import TARGET_KIND

CHANGES = Filter(actions=frozenset({Action.ENABLE, Action.DISABLE}))


@dataclass
class HeldCopies:
    """The flags of one log's copies. Rounds must not overlap.

    Args:
        copied: first sequences of the segments that were copied.
        holds: those in force; asked only when `orders` or `copied` are others than the last time.
    """

    log: AuditLog
    directory: Path
    store: CopyStore
    initiator: Initiator
    copied: Callable[[], frozenset[int]]
    orders: Callable[[], object]
    holds: Callable[[], Iterable[Hold]]
    files: FileSystem = field(default_factory=RealFiles)
    _seen: object = None
    _flags: dict[int, bool | None] | None = None

    def run(self) -> None:
        """Sets and lifts flags. Raises `AuditUnavailable`, `Damage`, and whatever `holds` and the store raise."""
        copied, orders = self.copied(), self.orders()
        if (copied, orders) == self._seen or self.store.lock() is None:
            return
        layout, holds = Layout(self.directory), tuple(self.holds())
        for first, end in sealed(self.files, layout):
            if first in copied:  # of others nobody knows yet, as after a start: what they have stays
                self._bring_up_to_date(layout, first, end, held=self._is_held(layout, first, holds))
        self._seen = (copied, orders)

    def _bring_up_to_date(self, layout: Layout, first: int, end: int, *, held: bool) -> None:
        if self._known_flags().get(first, False) is not held:
            self._set(manifest_of(self.files, layout, first, end), on=held)

    def _is_held(self, layout: Layout, first: int, holds: tuple[Hold, ...]) -> bool:
        stored = read_segment(self.files, layout.segment(first), first, last=False) if holds else iter(())
        return any(_covers(hold, one) for one in stored for hold in holds)

    def _known_flags(self) -> dict[int, bool | None]:
        """As the log says. Where a process ended in between nobody knows, and it is done again."""
        if self._flags is None:
            about = (r for r in search(self.directory, CHANGES, self.files) if r.target.kind == TARGET_KIND)
            self._flags = {int(r.target.id): r.action is Action.ENABLE if r.outcome is Outcome.SUCCESS else None for r in about}
        return self._flags

    def _set(self, manifest: Manifest, *, on: bool) -> None:
        intent = _entry(manifest, self.initiator, on=on)
        self._known_flags()[manifest.first] = None
        receipt = self.log.append(intent)
        settled = {"phase": Phase.OUTCOME, "intent": receipt.id}
        try:
            for name in self._names(manifest):
                self.store.hold(name, on=on)
        except Exception:
            self.log.append(intent.model_copy(update={**settled, "outcome": Outcome.FAILURE}))
            raise
        self.log.append(intent.model_copy(update={**settled, "outcome": Outcome.SUCCESS}))
        self._known_flags()[manifest.first] = on

    def _names(self, manifest: Manifest) -> list[str]:
        """What is needed to restore it."""
        layout = Layout(self.directory)
        trees = [tree for tree in TREES if self.files.exists(layout.segment_hashes(manifest.first, tree))]
        return [manifest.segment_name, manifest.name, *(hashes_name(manifest.first, tree) for tree in trees)]


def _covers(hold: Hold, stored: Stored) -> bool:
    """Records are read in full only where they may be meant."""
    may_be = Filter(request=hold.request, unit=hold.unit).may_match(stored.payload)
    return stored.index == hold.sequence or (may_be and hold.covers(stored.record()))


def _entry(manifest: Manifest, initiator: Initiator, *, on: bool) -> Entry:
    return Entry(
        phase=Phase.INTENT,
        action=Action.ENABLE if on else Action.DISABLE,
        outcome=Outcome.PENDING,
        initiator=initiator,
        target=Target(kind=TARGET_KIND, id=str(manifest.first), name=manifest.segment_name),
        message=f"{'set' if on else 'lift'} the legal hold of the copy of records {manifest.first} to {manifest.end - 1}",
        attributes={"first": str(manifest.first), "end": str(manifest.end)},
    )
