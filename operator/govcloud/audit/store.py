"""The segments and checkpoints on the disk, and the end of the log in memory. For one thread at a time.

Raises `DiskFull` (then the disk is as it was) and `DiskBroken` (then nothing is known any more). Never here: what
either means for those who want to record something.
"""

from collections.abc import Sequence

from . import starting_points
from .durable import DurableFile, sorted_errors
from .files import FileSystem
from .frames import encode
from .kept_hashes import keep_hashes
from .layout import Layout
from .merkle import leaf_hash
from .notes import Checkpoint, Signer, sign
from .own_words import is_routine
from .pulse import PULSE_SECONDS
from .reader import segment_starts
from .records import Entry, Record
from .starting_points import StartingPoint
from .tail import Stamps, Tail
from .tickets import Receipt

CHECKPOINT_RECORDS = 1_000
CHECKPOINT_SECONDS = 60

_SECOND = 1_000_000_000


class Store:
    """Where the next record goes. Opening it makes the last segment and the checkpoints durable."""

    def __init__(
        self,
        files: FileSystem,
        layout: Layout,
        signer: Signer,
        tail: Tail,
        stamps: Stamps,
        segment_bytes: int,
        reread_bytes: int,
    ) -> None:
        self._files, self._layout, self._signer = files, layout, signer
        self._stamps, self._segment_bytes, self._reread_bytes = stamps, segment_bytes, reread_bytes
        self.tail = tail
        self._last_write = self._first_unsigned = stamps.monotonic()
        self._notes = DurableFile(files, layout.notes)
        self._segment = DurableFile(files, layout.segment(tail.segment))

    def add(self, entries: Sequence[Entry]) -> list[Receipt]:
        """The entries as the next records, by one flush."""
        if self._segment.size >= self._segment_bytes:
            self._rotate()
        sealed = self.tail.seal(entries, self._stamps)
        self._segment.append(b"".join(encode(payload) for _, payload in sealed))
        return [self._advance(record, payload) for record, payload in sealed]

    def checkpoint(self) -> None:
        """Signs what is there, unless it is signed."""
        if self.tail.size == self.tail.signed:
            return
        national = self.tail.national.root() if self.tail.national else None
        state = Checkpoint(self._signer.public_key.name, self.tail.size, self.tail.tree.root(), national)
        signed = sign(state, self._signer)
        self._notes.append(signed.text().encode() + b"\n")
        self.tail.newest = signed

    def checkpoint_if_due(self) -> None:
        """Signs in time: by the next pulse, the oldest unsigned record would be older than a minute."""
        unsigned = self.tail.size - self.tail.signed
        late = self._age(self._first_unsigned) >= CHECKPOINT_SECONDS - PULSE_SECONDS
        if unsigned >= CHECKPOINT_RECORDS or (unsigned and late):
            self.checkpoint()

    def seal(self) -> None:
        """Begins a new segment, unless the present one is still empty."""
        if self.tail.size > self.tail.segment:
            self._rotate()

    def keep(self, point: StartingPoint) -> None:
        """The next opening may begin there. Those that none will begin with any more go."""
        with sorted_errors("cannot keep a starting point"):
            starting_points.keep(self._files, self._layout, point, self._signer)
            starts = segment_starts(self._files, self._layout)
            needed = starting_points.wanted(self._files, self._layout, starts, self._reread_bytes)
            starting_points.forget_older(self._files, self._layout, needed)

    def silence(self) -> float:
        """Seconds since the last record."""
        return self._age(self._last_write)

    def close(self) -> None:
        """Everything is durable already."""
        self._segment.close()
        self._notes.close()

    def _advance(self, record: Record, payload: bytes) -> Receipt:
        self._last_write = self._stamps.monotonic()
        if self.tail.size == self.tail.signed:
            self._first_unsigned = self._last_write
        self.tail.note_intent(record)
        self.tail.advance(leaf_hash(payload), payload, record.time)
        if not is_routine(record.target.kind, record.action, record.attributes):
            self.tail.substance = self.tail.size
        return Receipt(record.sequence, record.id)

    def _rotate(self) -> None:
        """Seals the segment: signed, its hashes and where to begin after it kept, the next one begun. Each part may be done again."""
        self.checkpoint()
        with sorted_errors("cannot keep the hashes of a segment"):
            keep_hashes(self._files, self._layout, self.tail)
        self.keep(StartingPoint.of(self.tail))
        following = DurableFile(self._files, self._layout.segment(self.tail.size))
        self._segment.close()
        self._segment = following
        self.tail.begin_segment()

    def _age(self, since: int) -> float:
        return (self._stamps.monotonic() - since) / _SECOND
