"""The end of the log in memory: all that the next record depends on. Filled by recovery, moved on by the writer.

Never here: files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .keyring import Keyring
from .merkle import GrowingTree, leaf_hash, sm3
from .notes import SignedCheckpoint
from .reader import NO_RECORD
from .records import Entry, Phase, Record

EMPTY_ROOT = GrowingTree().root()
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamps:
    """What the log adds to an entry on its own authority."""

    clock: Callable[[], datetime]
    """UTC wall time."""
    monotonic: Callable[[], int]
    """Nanoseconds."""
    boot: str
    fence: str
    new_id: Callable[[], str]


@dataclass
class Tail:
    """The end of one log."""

    keyring: Keyring
    tree: GrowingTree = field(default_factory=GrowingTree)
    national: GrowingTree | None = None
    """The same tree by SM3, where it is kept."""
    prev: str = NO_RECORD
    last_time: datetime = _BEGINNING
    open_intents: dict[str, Record] = field(default_factory=dict)
    segment: int = 0
    """First sequence of the segment that is written to."""
    sealed_root: bytes = EMPTY_ROOT
    """Root over all records before that segment."""
    segment_leaves: bytearray = field(default_factory=bytearray)
    """Leaf hashes of that segment, 32 bytes each."""
    segment_nodes: bytearray = field(default_factory=bytearray)
    """The tree's nodes that are complete with these leaves, as `tree_files` keeps them."""
    segment_national: bytearray = field(default_factory=bytearray)
    """The same by SM3."""
    newest: SignedCheckpoint | None = None
    """The newest signed checkpoint."""
    substance: int = 0
    """Sequence after the last record that says more than that the log is alive and published."""

    @property
    def signed(self) -> int:
        """Size of the newest signed checkpoint."""
        return self.newest.checkpoint.size if self.newest else 0

    @property
    def size(self) -> int:
        """Number of records."""
        return self.tree.size

    def seal(self, entries: Sequence[Entry], stamps: Stamps) -> list[tuple[Record, bytes]]:
        """The entries as the next records of one flush, with the bytes to store. Changes nothing."""
        sealed: list[tuple[Record, bytes]] = []
        prev, last_time = self.prev, self.last_time
        for sequence, entry in enumerate(entries, start=self.size):
            record = self._record(entry, stamps, sequence, prev, last_time)
            payload = record.stored()
            prev, last_time = leaf_hash(payload).hex(), record.time
            sealed.append((record, payload))
        return sealed

    def _record(self, entry: Entry, stamps: Stamps, sequence: int, prev: str, last_time: datetime) -> Record:
        time = stamps.clock()
        return Record(
            **dict(entry),
            v=1,
            id=stamps.new_id(),
            sequence=sequence,
            commit=self.size,
            prev=prev,
            checkpoint=self.signed,
            time=time,
            monotonic=str(stamps.monotonic()),
            boot=stamps.boot,
            fence=stamps.fence,
            clock_regressed=time < last_time,
        )

    def advance(self, leaf: bytes, payload: bytes, time: datetime) -> None:
        """One more record is durable in the current segment."""
        self.take_leaf(leaf, leaf_hash(payload, sm3) if self.national else b"")
        self.last_time = time

    def take_leaf(self, leaf: bytes, national: bytes) -> None:
        """One more record by its hashes; the second is not looked at without a second tree."""
        self.segment_nodes += b"".join(self.tree.append(leaf))
        self.prev = leaf.hex()
        self.segment_leaves += leaf
        if self.national:
            self.national.append(national)
            self.segment_national += national

    def begin_segment(self) -> None:
        """What follows goes into a new segment."""
        self.segment, self.sealed_root = self.size, self.tree.root()
        self.segment_leaves, self.segment_nodes, self.segment_national = bytearray(), bytearray(), bytearray()

    def note_intent(self, record: Record) -> None:
        """An intent stays open until a record settles it."""
        if record.phase is Phase.INTENT:
            self.open_intents[record.id] = record
        elif record.settles:
            self.open_intents.pop(record.intent, None)
