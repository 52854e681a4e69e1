"""Ships sealed segments to a store of copies, oldest first, and knows how far behind it is.

Each shipment is recorded before and after; each object is looked for before it is stored, and read back after, so that whoever
comes after a crash goes on where it stopped. Nobody who records waits for any of this. Never here: which store it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from .copies import (
    HASHES,
    MANIFESTS,
    TREES,
    CopyDiffers,
    CopyStore,
    Manifest,
    hashes_name,
    manifest_name,
    manifest_of,
    sealed,
)
from .errors import KeyUnknown
from .files import FileSystem, RealFiles
from .keyring import Keyring
from .keyring_copies import keyring_name
from .keyring_file import read_keyring
from .layout import Layout
from .log import AuditLog
from .own_words import event
from .reader import Damage, read_hashes, read_segment, segment_starts
from .records import Action, Entry, Initiator, Outcome, Phase, Record, Target
from .removal import TARGET_KIND

SEAL_AFTER = timedelta(hours=1)
"""How old a segment may become before it is sealed, and so can be copied."""


@dataclass(frozen=True, slots=True)
class Lag:
    """What a lost disk would take with it now."""

    records: int
    age: timedelta
    """Age of the oldest record that is not copied; nothing when all are."""

    def __str__(self) -> str:
        return f"{self.records} records are not copied yet, the oldest is {timedelta(seconds=int(self.age.total_seconds()))} old"


class Copying:
    """Brings the store up to date, one round at a time. Rounds must not overlap; `lag` may be asked at any time."""

    def __init__(
        self,
        log: AuditLog,
        directory: Path,
        store: CopyStore,
        initiator: Initiator,
        clock: Callable[[], datetime],
        files: FileSystem | None = None,
        seal_after: timedelta = SEAL_AFTER,
    ) -> None:
        self._log, self._store, self._initiator, self._clock = log, store, initiator, clock
        self._files, self._layout = files or RealFiles(), Layout(directory)
        self._seal_after = seal_after
        self._copied: set[int] | None = None
        self._keyring = ""
        self._lock: timedelta | None = None
        self._told = self._completed = False

    def run(self) -> None:
        """Seal what is due to be sealed, ship what is sealed and not there, then the keyring if it is another one.

        Once in the life of a process also: say where copies go, and add what earlier ones lack.

        Raises `AuditUnavailable`, `CopyDiffers`, `Damage`, and whatever the store raises.
        """
        self._seal_if_due()
        self._tell_of_store()
        for first, end in sealed(self._files, self._layout):
            if first not in self._known():
                self._ship(manifest_of(self._files, self._layout, first, end))
        self._ship_keyring()
        self._complete()

    def copied(self) -> frozenset[int]:
        """First sequences of the segments that were copied; none until the store was asked."""
        return frozenset(self._copied or ())

    def lag(self) -> Lag:
        """How far the copies are behind. Until the store was asked, nothing counts as copied."""
        first = next((s for s in segment_starts(self._files, self._layout) if s not in (self._copied or ())), 0)
        since = began(self._files, self._layout, first)
        age = max(self._clock() - since, timedelta()) if since else timedelta()
        return Lag(max(self._log.health().records - first, 0), age)

    def lock(self) -> timedelta | None:
        """For how long from its storing on nobody can delete a copy; None where somebody can, and until the store was asked."""
        return self._lock

    def _tell_of_store(self) -> None:
        if not self._told:
            self._lock = self._store.lock()
            self._log.append(event(Action.CONFIGURE, told_of_store(self._store.place, self._lock)))
            self._told = True

    def _complete(self) -> None:
        """Copies that were made before hashes went with them get theirs, as long as the segments are here to judge them by."""
        if not self._completed:
            there = frozenset(self._store.names(HASHES))
            for first, end in sealed(self._files, self._layout):
                if lacking := self._kept_trees(first) - {tree for tree in TREES if hashes_name(first, tree) in there}:
                    self._ship_hashes(manifest_of(self._files, self._layout, first, end), sorted(lacking))
            self._completed = True

    def _kept_trees(self, first: int) -> set[str]:
        return {tree for tree in TREES if self._files.exists(self._layout.segment_hashes(first, tree))}

    def _ship_hashes(self, manifest: Manifest, trees: Iterable[str]) -> None:
        with self._recorded(manifest, "complete the copy of"):
            for tree in trees:
                self._keep_hashes(manifest.first, tree)

    def _seal_if_due(self) -> None:
        since = began(self._files, self._layout, max(segment_starts(self._files, self._layout)))
        if since and self._clock() - since >= self._seal_after:
            self._log.seal()

    def _known(self) -> set[int]:
        """What was copied.

        After a start the newest copy is looked at once more: it may have been interrupted before it was read back, and as records
        are chained, it answers for all copies before it.
        """
        if self._copied is None:
            names = list(self._store.names(MANIFESTS))
            ours = {manifest_name(first): first for first, _ in sealed(self._files, self._layout)}
            self._refuse_foreign(names, ours)
            self._copied = {ours[name] for name in names[:-1] if name in ours}
        return self._copied

    def _refuse_foreign(self, names: list[str], ours: Mapping[str, int]) -> None:
        oldest = manifest_name(min(segment_starts(self._files, self._layout)))
        if names and names[-1] >= oldest and names[-1] not in ours:
            told = f"The store of copies holds {names[-1]}, which is no segment of this log"
            raise CopyDiffers(f"{told}: it is another log's store, or an older copy of the log was put back")

    def _ship(self, manifest: Manifest) -> None:
        stored = manifest.stored()
        with self._recorded(manifest), self._files.open_for_reading(self._layout.segment(manifest.first)) as segment:
            self._there(manifest.name, sha256(stored).hexdigest())
            self._keep(manifest.segment_name, segment, manifest.sha256)
            for tree in TREES:
                self._keep_hashes(manifest.first, tree)
            self._keep(manifest.name, BytesIO(stored), sha256(stored).hexdigest())
        self._known().add(manifest.first)

    def _keep_hashes(self, first: int, tree: str) -> None:
        if hashes := read_hashes(self._files, self._layout, first, tree):
            self._keep(hashes_name(first, tree), BytesIO(hashes), sha256(hashes).hexdigest())

    def _ship_keyring(self) -> None:
        keyring = self._read_keyring()
        if keyring and self._copied and (name := keyring_name(keyring)) != self._keyring:
            self._keep(name, BytesIO(keyring.text()), sha256(keyring.text()).hexdigest())
            self._keyring = name

    def _read_keyring(self) -> Keyring | None:
        try:
            return read_keyring(self._files, self._layout)
        except KeyUnknown as damaged:
            raise CopyDiffers(f"The keyring beside the log is damaged: {damaged}. Run: govcloud audit verify") from damaged

    def _keep(self, name: str, content: BinaryIO, digest: str) -> None:
        if not self._there(name, digest):
            self._store.put(name, content)
            if not self._there(name, digest):
                raise CopyDiffers(f"{name} was stored, and the store of copies does not have it")

    def _there(self, name: str, digest: str) -> bool:
        """Whether the store has exactly this. Raises `CopyDiffers` when it has something else under the name."""
        kept = self._store.find(name)
        if kept is not None and kept.sha256 != digest:
            raise CopyDiffers(f"{name} in the store of copies is not what this log wrote; it is left as it is")
        return kept is not None

    @contextmanager
    def _recorded(self, manifest: Manifest, what: str = "copy") -> Iterator[None]:
        intent = _entry(manifest, self._initiator, what)
        receipt = self._log.append(intent)
        try:
            yield
        except Exception as error:
            said = f"{type(error).__name__}: {error}" if isinstance(error, CopyDiffers) else type(error).__name__
            self._log.append(_settled(intent, receipt.id, Outcome.FAILURE, f"not copied: {said}"))
            raise
        self._log.append(_settled(intent, receipt.id, Outcome.SUCCESS, f"{intent.message}; read back and equal"))


def began(files: FileSystem, layout: Layout, segment: int) -> datetime | None:
    """When the first record of a segment was written; None where there is no such segment, or nothing in it."""
    path = layout.segment(segment)
    if not files.exists(path):
        return None
    try:
        stored = next(read_segment(files, path, segment, last=True), None)
    except Damage as damage:
        if damage.unfinished:  # it is being written at this moment
            return None
        raise
    return stored.record().time if stored else None


def told_of_store(place: str, lock: timedelta | None) -> str:
    """What the log says of it at each start."""
    if lock is None:
        return f"copies of this log go to {place}, which has no retention lock: whoever administers it can delete them"
    return f"copies of this log go to {place}, where nobody can delete them for {lock.days} days after they were stored"


def _entry(manifest: Manifest, initiator: Initiator, what: str) -> Entry:
    return Entry(
        phase=Phase.INTENT,
        action=Action.BACKUP,
        outcome=Outcome.PENDING,
        initiator=initiator,
        target=Target(kind=TARGET_KIND, id=str(manifest.first), name=manifest.segment_name),
        message=f"{what} records {manifest.first} to {manifest.end - 1}",
        attributes={"first": str(manifest.first), "end": str(manifest.end), "digest": manifest.sha256},
    )


def _settled(intent: Entry, intent_id: str, outcome: Outcome, message: str) -> Entry:
    return intent.model_copy(
        update={"phase": Phase.OUTCOME, "outcome": outcome, "intent": intent_id, "message": message}
    )


def copied_until(records: Iterable[Record]) -> int:
    """Sequence after the last record whose copy the log says was read back; 0 when there is none."""
    return max((int(record.attributes["end"]) for record in records if _says_copied(record)), default=0)


def _says_copied(record: Record) -> bool:
    succeeded = record.phase is Phase.OUTCOME and record.outcome is Outcome.SUCCESS
    return succeeded and record.action is Action.BACKUP and record.target.kind == TARGET_KIND
