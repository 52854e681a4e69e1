"""Is the log whole, and is it the log that was signed? Reads everything once, in bounded memory, and changes nothing.

Checked for every record: its frame, its form, its place, its link to the record before, the checkpoint that it says was
newest; and at every signed size the signature and the root over all records so far. Never here: a repair, or trust in
anything that lies beside the log, unless the report says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from .errors import KeyUnknown
from .files import FileSystem, RealFiles
from .layout import Layout
from .merkle import GrowingTree
from .notes import BadNote, NoteStream, PublicKey, SignedCheckpoint, UnfinishedNote
from .reader import HASH_BYTES, NO_RECORD, Damage, Stored, read_log, removed_leaves
from .records import Phase, Record
from .removal import removed_end

GAP = timedelta(minutes=3)
"""The writer says something every minute; longer silence is worth a remark."""

_MAX_ODDITIES = 20


class Result(StrEnum):
    """The verdict."""

    OK = "ok"
    TAMPERED = "tampered"
    """Something is there that was not written so."""
    INCOMPLETE = "incomplete"
    """Something that was signed is not there: removed, or an older copy was put back."""
    KEY_UNKNOWN = "key-unknown"
    """The signatures cannot be judged with the key given."""

    @property
    def exit_code(self) -> int:
        """0, 1, 2 and 4; 3 is kept for wrong usage."""
        return {Result.OK: 0, Result.TAMPERED: 1, Result.INCOMPLETE: 2, Result.KEY_UNKNOWN: 4}[self]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found."""

    result: Result
    what: str
    """One sentence."""
    first_bad: int | None
    """Sequence of the first record that is wrong or missing; None when no record is to blame."""
    records: int
    """Good records read."""
    signed: int
    """How many of them the newest good checkpoint covers."""
    checkpoints: int
    open_intents: int
    root: str
    """Root over the good records, hexadecimal."""
    key: str
    """The verifier key used; empty when there was none."""
    remarks: tuple[str, ...]
    """What is no proof of tampering but should be known: silence, a clock that went back, an unfinished end."""


def verify(
    directory: Path,
    public_key: PublicKey | None = None,
    from_checkpoint: SignedCheckpoint | None = None,
    files: FileSystem | None = None,
) -> Report:
    """Checks the log in `directory`.

    `public_key` should come from elsewhere; without it the copy beside the log is used, and the report says so.
    `from_checkpoint` is a checkpoint that was kept elsewhere: the log must still contain exactly what it signed.
    Raises `FileNotFoundError` when there is no log, `OSError` when it cannot be read.
    """
    disk = files or RealFiles()
    if not disk.exists(Layout(directory).segments):
        raise FileNotFoundError(f"There is no audit log in {directory}")
    auditor = _Auditor(disk, Layout(directory))
    try:
        auditor.check(public_key, from_checkpoint)
    except _Finding as finding:
        return auditor.report(finding.result, str(finding), finding.index)
    except KeyUnknown as unknown:
        return auditor.report(Result.KEY_UNKNOWN, str(unknown), None)
    return auditor.report(Result.OK, "The audit log is whole", None)


class _Finding(Exception):
    """Ends the reading: what comes after the first bad record proves nothing."""

    def __init__(self, result: Result, what: str, index: int | None) -> None:
        super().__init__(what)
        self.result = result
        self.index = index


class _Auditor:
    """One pass over one log."""

    def __init__(self, files: FileSystem, layout: Layout) -> None:
        self._files, self._layout = files, layout
        self._key: PublicKey | None = None
        self._anchor: SignedCheckpoint | None = None
        self._pending: SignedCheckpoint | None = None
        self._tree = GrowingTree()
        self._signed = self._noted = self._checkpoints = 0
        self._last: Record | None = None
        self._prev = NO_RECORD
        self._broken_link: int | None = None
        self._wrong_root: int | None = None
        self._segment, self._segment_leaves = 0, bytearray()
        self._removed = self._announced = 0
        self._open_intents: set[str] = set()
        self._fences: set[str] = set()
        self._remarks: list[str] = []
        self._oddities = 0

    def check(self, key: PublicKey | None, anchor: SignedCheckpoint | None) -> None:
        """Raises `_Finding`, `KeyUnknown`."""
        self._key = key or self._key_beside_the_log()
        if anchor and not self._key.verify(anchor):
            raise _Finding(Result.TAMPERED, "The signature of the given checkpoint is wrong", None)
        self._anchor = anchor
        with self._open_notes() as stream:
            self._notes = NoteStream(stream)
            self._take_removed()
            self._compare_with_signed()
            for stored in self._frames():
                self._compare_with_signed()
                self._check_record(stored)
                self._compare_with_signed()
            self._finish_notes()
        self._settle_doubt(continued=True)
        self._refuse_unannounced_removal()
        self._refuse_missing_end()

    def _take_removed(self) -> None:
        for leaf in removed_leaves(self._files, self._layout):
            self._compare_with_signed()
            self._tree.append(leaf)
            self._prev = leaf.hex()
        self._removed = self._segment = self._tree.size

    def report(self, result: Result, what: str, first_bad: int | None) -> Report:
        """What is known now."""
        return Report(
            result=result,
            what=what,
            first_bad=first_bad,
            records=self._tree.size,
            signed=self._signed,
            checkpoints=self._checkpoints,
            open_intents=len(self._open_intents),
            root=self._tree.root().hex(),
            key=self._key.text() if self._key else "",
            remarks=self._all_remarks(),
        )

    def _oddity(self, sentence: str) -> None:
        """A remark about one record; there may be many, so only the first ones are kept."""
        self._oddities += 1
        if self._oddities <= _MAX_ODDITIES:
            self._remarks.append(sentence)

    def _all_remarks(self) -> tuple[str, ...]:
        more = self._oddities - _MAX_ODDITIES
        return (*self._remarks, f"{more} more remarks about single records") if more > 0 else tuple(self._remarks)

    # ---------------------------------------------------------------- signatures

    def _key_beside_the_log(self) -> PublicKey:
        path = self._layout.public_key
        if not self._files.exists(path):
            raise KeyUnknown(f"No key was given, and there is none at {path}")
        self._remarks.append("the key was read from beside the log; compare it with a copy that was kept elsewhere")
        with self._files.open_for_reading(path) as stream:
            return PublicKey.parse(stream.read().decode(errors="replace"))

    def _open_notes(self) -> BinaryIO:
        path = self._layout.notes
        return self._files.open_for_reading(path) if self._files.exists(path) else BytesIO()

    def _next_note(self) -> SignedCheckpoint | None:
        try:
            signed = self._notes.next()
        except BadNote as bad:
            raise self._bad_note(bad) from bad
        if signed and self._key:
            self._check_note(signed, self._key)
        return signed

    def _finish_notes(self) -> None:
        try:
            self._notes.finish()
        except UnfinishedNote:
            self._remarks.append("the last checkpoint is unfinished, as after a crash or during a write")
        except BadNote as bad:
            raise self._bad_note(bad) from bad

    def _bad_note(self, bad: BadNote) -> _Finding:
        return _Finding(Result.TAMPERED, f"Checkpoint number {self._checkpoints + 1} is bad: {bad}", None)

    def _check_note(self, signed: SignedCheckpoint, key: PublicKey) -> None:
        size = signed.checkpoint.size
        if signed.checkpoint.origin != key.name:
            raise KeyUnknown(f"A checkpoint is of the log {signed.checkpoint.origin}, the key of {key.name}")
        if not key.verify(signed):
            raise _Finding(Result.TAMPERED, f"The signature of the checkpoint at {size} records is wrong", None)
        if size <= self._noted or size < self._tree.size:
            raise _Finding(Result.TAMPERED, f"The checkpoint at {size} records is out of order", None)
        self._noted = size
        self._checkpoints += 1

    def _compare_with_signed(self) -> None:
        """Holds the tree against what was signed at its present size.

        The log may be written meanwhile. Records are durable before they are signed and signed before a later record
        says so; hence a look after a record was read, and a look before the end of the records is taken for the end.
        """
        if self._anchor and self._anchor.checkpoint.size == self._tree.size:
            self._compare_root(self._anchor)
        self._pending = self._pending or self._next_note()
        if self._pending and self._pending.checkpoint.size == self._tree.size:
            self._compare_root(self._pending)
            self._pending = self._next_note()

    def _compare_root(self, signed: SignedCheckpoint) -> None:
        if self._tree.root() == signed.checkpoint.root:
            self._signed = signed.checkpoint.size
        elif self._wrong_root is None:
            self._wrong_root = signed.checkpoint.size

    def _refuse_missing_end(self) -> None:
        expected = [note.checkpoint.size for note in (self._pending, self._anchor) if note]
        size, signed = self._tree.size, max(expected, default=0)
        if signed > size:
            what = f"{signed} records were signed, {size} are there: the end was removed, or an older copy put back"
            raise _Finding(Result.INCOMPLETE, what, size)

    def _refuse_unannounced_removal(self) -> None:
        if self._removed > self._announced:
            what = f"Records {self._announced} to {self._removed - 1} were removed, and no signed record says so"
            raise _Finding(Result.INCOMPLETE, what, self._announced)
        if self._removed:
            self._remarks.append(
                f"records 0 to {self._removed - 1} were removed after their time; their hashes are here"
            )

    # ---------------------------------------------------------------- records

    def _frames(self) -> Iterator[Stored]:
        try:
            yield from read_log(self._files, self._layout, self._removed)
        except Damage as damage:
            self._settle_doubt(continued=True)
            if not damage.unfinished:
                result = Result.INCOMPLETE if damage.missing else Result.TAMPERED
                raise _Finding(result, f"Damaged: {damage}", damage.index) from damage
            self._remarks.append(
                f"unfinished bytes follow record {damage.index - 1}, as after a crash or during a write"
            )

    def _check_record(self, stored: Stored) -> None:
        record = _parse(stored)
        self._settle_doubt(continued=record.sequence == stored.index and record.prev == self._prev)
        self._check_place(stored, record)
        if record.prev != self._prev:
            self._broken_link = stored.index
        self._check_said_checkpoint(record)
        self._look_at(record)
        self._advance(stored, record)

    def _check_place(self, stored: Stored, record: Record) -> None:
        if record.sequence == stored.index:
            return
        what = f"At {stored.index} lies a record that calls itself {record.sequence}: removed, added or moved"
        skipped_back = self._last is not None and record.prev == self._last.prev
        inserted = skipped_back and stored.leaf.hex() != self._prev  # no copy, so the one before was put in
        raise _Finding(Result.TAMPERED, what, stored.index - 1 if inserted else stored.index)

    def _settle_doubt(self, *, continued: bool) -> None:
        """What is wrong with the last record or the one before is judged by whether the next one continues it."""
        if self._broken_link is not None:
            index = max(self._signed, self._broken_link - 1 if continued else self._broken_link)
            what = f"Record {index} was changed: the records do not continue each other"
            raise _Finding(Result.TAMPERED, what, index)
        if self._wrong_root is not None:
            raise _Finding(Result.TAMPERED, *self._not_what_was_signed(self._wrong_root, mended=continued))

    def _not_what_was_signed(self, size: int, *, mended: bool) -> tuple[str, int]:
        """With every link mended, only the kept hashes of the segment may still tell which record it was."""
        changed = self._first_difference(self._kept_hashes() or b"") if mended else size - 1
        if changed is not None and changed >= self._signed:
            return f"Record {changed} is not the one that was signed", changed
        return f"One of the records {self._signed} to {size - 1} is not the one that was signed", self._signed

    def _check_said_checkpoint(self, record: Record) -> None:
        if record.checkpoint > self._signed:
            what = f"The checkpoint at {record.checkpoint} records is missing; record {record.sequence} has seen it"
            raise _Finding(Result.INCOMPLETE, what, None)
        if record.checkpoint < self._signed:
            what = f"Record {record.sequence} does not know the checkpoint at {self._signed} that was signed before it"
            raise _Finding(Result.TAMPERED, what, record.sequence)

    def _look_at(self, record: Record) -> None:
        """What is odd but proves nothing."""
        if self._last and record.time - self._last.time > GAP:
            self._oddity(f"no record for {record.time - self._last.time} before record {record.sequence}")
        if record.clock_regressed:
            self._oddity(f"the wall clock went back before record {record.sequence}")
        if self._last and record.fence != self._last.fence and record.fence in self._fences:
            self._oddity(f"record {record.sequence} was written under an older leadership than the one before")

    def _advance(self, stored: Stored, record: Record) -> None:
        if stored.offset == 0:
            self._check_kept_hashes()
            self._segment, self._segment_leaves = stored.index, bytearray()
        self._segment_leaves += stored.leaf
        self._tree.append(stored.leaf)
        self._prev, self._last = stored.leaf.hex(), record
        self._fences.add(record.fence)
        self._announced = max(self._announced, removed_end(record) or 0)
        if record.phase is Phase.INTENT:
            self._open_intents.add(record.id)
        elif record.settles:
            self._open_intents.discard(record.intent)

    # ---------------------------------------------------------------- kept hashes

    def _check_kept_hashes(self) -> None:
        """Of a segment that is sealed and was read."""
        kept = self._kept_hashes()
        if kept is None or not self._segment_leaves:
            return
        changed = self._first_difference(kept)
        if changed is not None:
            raise _Finding(Result.TAMPERED, f"Record {changed} does not fit the hash that was kept of it", changed)
        if len(kept) != len(self._segment_leaves):
            what = f"The hashes kept of the segment that begins at {self._segment} are not as many as its records"
            raise _Finding(Result.TAMPERED, what, None)

    def _kept_hashes(self) -> bytes | None:
        path = self._layout.segment_hashes(self._segment)
        if not self._files.exists(path):
            return None
        with self._files.open_for_reading(path) as stream:
            return stream.read()

    def _first_difference(self, kept: bytes) -> int | None:
        """The first record of the segment being read whose hash is another than the one kept."""
        leaves = bytes(self._segment_leaves)
        for start in range(0, min(len(kept), len(leaves)), HASH_BYTES):
            if kept[start : start + HASH_BYTES] != leaves[start : start + HASH_BYTES]:
                return self._segment + start // HASH_BYTES
        return None


def _parse(stored: Stored) -> Record:
    try:
        return stored.record()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _Finding(Result.TAMPERED, f"Record {stored.index}: {where}: {first['msg']}", stored.index) from error
