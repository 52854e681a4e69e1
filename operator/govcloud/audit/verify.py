"""Is the log whole, and is it the log that was signed? Reads everything once, in bounded memory, and changes nothing.

Checked for every record: its frame, its form, its place, its link to the record before, the checkpoint that it says was
newest; and at every signed size the signature and the root over all records so far. Never here: a repair, or trust in
anything that lies beside the log, unless the report says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat
from pathlib import Path

from pydantic import ValidationError

from .errors import KeyUnknown
from .files import FileSystem, RealFiles
from .kept_hashes import SM3
from .keyring import announced
from .layout import Layout
from .merkle import GrowingTree, leaf_hash, sm3
from .notes import PublicKey, SignedCheckpoint
from .reader import (
    NO_RECORD,
    Damage,
    Stored,
    kept_before,
    read_log,
    removed_leaves,
    segment_starts,
)
from .records import Phase, Record
from .removal import removed_end
from .segment_check import SegmentCheck
from .signed_states import SignedStates
from .verdict import Finding, Remarks, Report, Result

__all__ = ["GAP", "Audit", "Known", "Report", "Result", "audit", "verify"]

GAP = timedelta(minutes=3)
"""The writer says something every minute; longer silence is worth a remark."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier verification found, so that the next one need not read the same records again."""

    checkpoint: SignedCheckpoint
    """Everything up to here was read and was right."""
    announced: int
    """Sequence before which removals are announced."""
    open_intents: frozenset[str]


def verify(
    directory: Path,
    public_key: PublicKey | None = None,
    from_checkpoint: SignedCheckpoint | None = None,
    files: FileSystem | None = None,
) -> Report:
    """Checks the log in `directory`, every record of it.

    `public_key` should come from elsewhere; without it the copy beside the log is used, and the report says so.
    `from_checkpoint` is a checkpoint that was kept elsewhere: the log must still contain exactly what it signed.
    Raises `FileNotFoundError` when there is no log, `OSError` when it cannot be read.
    """
    return audit(directory, public_key, (from_checkpoint,) if from_checkpoint else (), None, files).report


@dataclass(frozen=True, slots=True)
class Audit:
    """A report, and what the next verification need not read again; None unless the log is whole and signed."""

    report: Report
    known: Known | None


def audit(
    directory: Path,
    public_key: PublicKey | None,
    anchors: Sequence[SignedCheckpoint] = (),
    known: Known | None = None,
    files: FileSystem | None = None,
) -> Audit:
    """Checks the log; of the segments that end before what is known, only the kept hashes. Raises like `verify`."""
    disk = files or RealFiles()
    if not disk.exists(Layout(directory).segments):
        raise FileNotFoundError(f"There is no audit log in {directory}")
    auditor = _Auditor(disk, Layout(directory), known)
    try:
        auditor.check(public_key, [*anchors, *([known.checkpoint] if known else [])])
    except Finding as finding:
        return Audit(auditor.report(finding.result, str(finding), finding.index), None)
    except KeyUnknown as unknown:
        return Audit(auditor.report(Result.KEY_UNKNOWN, str(unknown), None), None)
    return Audit(auditor.report(Result.OK, "The audit log is whole", None), auditor.known())


class _Auditor:
    """One pass over one log."""

    def __init__(self, files: FileSystem, layout: Layout, known: Known | None) -> None:
        self._files, self._layout, self._before = files, layout, known
        self._states: SignedStates | None = None
        self._tree = GrowingTree()
        self._national: GrowingTree | None = None
        self._last: Record | None = None
        self._prev = NO_RECORD
        self._broken_link: int | None = None
        self._segment = SegmentCheck(files, layout)
        self._removed = 0
        self._announced = known.announced if known else 0
        self._open_intents = set(known.open_intents) if known else set[str]()
        self._fences: set[str] = set()
        self._remarks = Remarks()

    def check(self, key: PublicKey | None, anchors: Sequence[SignedCheckpoint]) -> None:
        """Raises `Finding`, `KeyUnknown`."""
        with SignedStates(self._files, self._layout, key, anchors, self._remarks) as self._states:
            self._national = GrowingTree(sm3) if self._states.mentions_sm3() else None
            start = self._take_kept(self._states)
            self._compare(self._states)
            for stored in self._frames(self._states, start):
                self._compare(self._states)
                self._check_record(self._states, stored)
                self._compare(self._states)
            self._states.finish_notes()
            self._settle_doubt(self._states, continued=True)
            self._refuse_unannounced_removal()
            self._states.finish(self._tree.size)

    def report(self, result: Result, what: str, first_bad: int | None) -> Report:
        """What is known now."""
        states = self._states
        return Report(
            result=result,
            what=what,
            first_bad=first_bad,
            records=self._tree.size,
            signed=states.signed if states else 0,
            checkpoints=states.count if states else 0,
            open_intents=len(self._open_intents),
            root=self._tree.root().hex(),
            key=states.key.text() if states else "",
            remarks=self._remarks.all(),
        )

    def known(self) -> Known | None:
        """For the next time."""
        newest = self._states.newest if self._states else None
        return Known(newest, self._announced, frozenset(self._open_intents)) if newest else None

    def _compare(self, states: SignedStates) -> None:
        states.compare(self._tree, self._national)

    # ---------------------------------------------------------------- what is not read

    def _take_kept(self, states: SignedStates) -> int:
        """Takes the kept hashes of what retention removed, and of what was read an earlier time; where reading begins."""
        self._removed = removed_leaves(self._files, self._layout).count
        start = max(self._removed, self._known_start())
        national = kept_before(self._files, self._layout, start, SM3) if self._national else None
        if national and national.count < start:
            self._national, national = None, None
            self._remarks.add(f"no SM3 hashes of records 0 to {start - 1} were kept, so the tree by SM3 was not checked")
        others = national or repeat(b"")
        for index, (leaf, other) in enumerate(zip(kept_before(self._files, self._layout, start), others, strict=False)):
            self._compare(states)
            states.learn_kept(index, leaf)
            self._tree.append(leaf)
            if self._national:
                self._national.append(other)
            self._prev = leaf.hex()
        return start

    def _known_start(self) -> int:
        """The last segment that begins within what is known; the hashes of all before it must have been kept."""
        if self._before is None:
            return 0
        size = self._before.checkpoint.checkpoint.size
        start = max((first for first in segment_starts(self._files, self._layout) if first <= size), default=0)
        if start > self._removed and kept_before(self._files, self._layout, start).count == start:
            what = f"records {self._removed} to {start - 1} were verified an earlier time and not read again"
            self._remarks.add(f"{what}; their kept hashes lead to what was signed")
            return start
        return 0

    def _refuse_unannounced_removal(self) -> None:
        if self._removed > self._announced:
            what = f"Records {self._announced} to {self._removed - 1} were removed, and no signed record says so"
            raise Finding(Result.INCOMPLETE, what, self._announced)
        if self._removed:
            self._remarks.add(f"records 0 to {self._removed - 1} were removed after their time; their hashes are here")

    # ---------------------------------------------------------------- records

    def _frames(self, states: SignedStates, start: int) -> Iterator[Stored]:
        try:
            yield from read_log(self._files, self._layout, start)
        except Damage as damage:
            self._settle_doubt(states, continued=True)
            if not damage.unfinished:
                result = Result.INCOMPLETE if damage.missing else Result.TAMPERED
                raise Finding(result, f"Damaged: {damage}", damage.index) from damage
            self._remarks.add(
                f"unfinished bytes follow record {damage.index - 1}, as after a crash or during a write"
            )

    def _check_record(self, states: SignedStates, stored: Stored) -> None:
        record = _parse(stored)
        self._settle_doubt(states, continued=record.sequence == stored.index and record.prev == self._prev)
        self._check_place(stored, record)
        if record.prev != self._prev:
            self._broken_link = stored.index
        states.refuse_unsigned_change(stored.index)
        self._check_said_checkpoint(states.signed, record)
        self._look_at(record)
        self._advance(stored, record)
        states.learn(announced(stored.payload))

    def _check_place(self, stored: Stored, record: Record) -> None:
        if record.sequence == stored.index:
            return
        what = f"At {stored.index} lies a record that calls itself {record.sequence}: removed, added or moved"
        skipped_back = self._last is not None and record.prev == self._last.prev
        inserted = skipped_back and stored.leaf.hex() != self._prev  # no copy, so the one before was put in
        raise Finding(Result.TAMPERED, what, stored.index - 1 if inserted else stored.index)

    def _settle_doubt(self, states: SignedStates, *, continued: bool) -> None:
        """What is wrong with the last record or the one before is judged by whether the next one continues it."""
        if self._broken_link is not None:
            index = max(states.signed, self._broken_link - 1 if continued else self._broken_link)
            what = f"Record {index} was changed: the records do not continue each other"
            raise Finding(Result.TAMPERED, what, index)
        if states.doubt is not None:
            found = self._not_what_was_signed(*states.doubt, mended=continued)
            raise Finding(Result.TAMPERED, *found)

    def _not_what_was_signed(self, signed: int, size: int, *, mended: bool) -> tuple[str, int]:
        """With every link mended, only the kept hashes of the segment may still tell which record it was."""
        changed = self._segment.first_difference() if mended else size - 1
        if changed is not None and changed >= signed:
            return f"Record {changed} is not the one that was signed", changed
        return f"One of the records {signed} to {size - 1} is not the one that was signed", signed

    def _check_said_checkpoint(self, signed: int, record: Record) -> None:
        if record.checkpoint > signed:
            what = f"The checkpoint at {record.checkpoint} records is missing; record {record.sequence} has seen it"
            raise Finding(Result.INCOMPLETE, what, None)
        if record.checkpoint < signed:
            what = f"Record {record.sequence} does not know the checkpoint at {signed} that was signed before it"
            raise Finding(Result.TAMPERED, what, record.sequence)

    def _look_at(self, record: Record) -> None:
        """What is odd but proves nothing."""
        if self._last and record.time - self._last.time > GAP:
            self._remarks.about_record(f"no record for {record.time - self._last.time} before record {record.sequence}")
        if record.clock_regressed:
            self._remarks.about_record(f"the wall clock went back before record {record.sequence}")
        if self._last and record.fence != self._last.fence and record.fence in self._fences:
            self._remarks.about_record(f"record {record.sequence} was written under an older leadership than the one before")

    def _advance(self, stored: Stored, record: Record) -> None:
        if stored.offset == 0:
            self._segment.begin(stored.index)
        self._segment.add(stored.leaf)
        self._tree.append(stored.leaf)
        if self._national:
            self._national.append(leaf_hash(stored.payload, sm3))
        self._prev, self._last = stored.leaf.hex(), record
        self._fences.add(record.fence)
        self._announced = max(self._announced, removed_end(record) or 0)
        if record.phase is Phase.INTENT:
            self._open_intents.add(record.id)
        elif record.settles:
            self._open_intents.discard(record.intent)


def _parse(stored: Stored) -> Record:
    try:
        return stored.record()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Finding(Result.TAMPERED, f"Record {stored.index}: {where}: {first['msg']}", stored.index) from error
