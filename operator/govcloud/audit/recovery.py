"""What the writer must know before it may go on: found at start, by reading the newest part of the log.

What lies before it the writer told himself in a signed starting point. Where there is none that fits, or anything is odd,
everything is read: only that decides. A torn tail is cut off (`torn_tail`). Anything else that is wrong is evidence:
`AuditDamaged`, and nothing is touched. Never here: an append of a record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from pydantic import ValidationError

from . import starting_points
from .errors import AuditDamaged, AuditUnavailable, KeyUnknown
from .files import FileSystem
from .kept_hashes import SM3, keep_national_hashes
from .keyring import Change, Keyring, announced
from .keyring_file import read_keyring
from .layout import Layout
from .merkle import GrowingTree, leaf_hash, sm3
from .notes import BadNote, PublicKey, SignedCheckpoint, newest_note
from .reader import HASH_BYTES, BadLink, Chain, Damage, Stored, kept_before, read_log, removed_leaves, segment_starts
from .records import Outcome, Phase, Record
from .starting_points import StartingPoint
from .tail import Tail
from .torn_tail import cut_file, cut_torn_tail


@dataclass(frozen=True, slots=True)
class Recovered:
    """The end of the log as found, and how many unfinished bytes were cut off behind it."""

    tail: Tail
    torn_bytes: int
    missing_point: StartingPoint | None
    """Where the next opening could begin, if it is kept."""


def recover(
    files: FileSystem, layout: Layout, first_key: PublicKey, mine: PublicKey, *, reread_bytes: int, national: bool = False
) -> Recovered:
    """Reads the newest sealed segments of `reread_bytes` at least, and what came after them; repairs a torn end.

    `mine` is the key that the starting points must be signed by. `national`: begin a second tree, by SM3; one that was begun
    is continued. Raises `AuditDamaged`, `AuditUnavailable` (a second tree cannot be had), `KeyUnknown`, `DiskBroken`, `OSError`.
    """
    newest = _newest_checkpoint(files, layout)
    second = national or (newest is not None and newest.checkpoint.sm3_root is not None)
    starts = segment_starts(files, layout)
    wanted = starting_points.wanted(files, layout, starts, reread_bytes)
    known = _from_a_starting_point(files, layout, starts, wanted, Keyring(first_key), mine)
    if known and newest and known.size <= newest.checkpoint.size and bool(known.national) == second:
        known.newest = newest
        try:
            return _Reading(files, layout, known, wanted).to_the_end(known.size)
        except (AuditDamaged, KeyUnknown):
            pass  # reading everything says better what is wrong, or that the starting point was
    tail = Tail(Keyring(first_key), national=GrowingTree(sm3) if second else None, newest=newest)
    return _Reading(files, layout, tail, wanted).to_the_end(None)


def _from_a_starting_point(
    files: FileSystem, layout: Layout, starts: Sequence[int], wanted: int, first: Keyring, mine: PublicKey
) -> Tail | None:
    """The end of the log as it was at the last usable starting point before which nothing is missing."""
    possible = [size for size in starting_points.sizes(files, layout) if 0 < size <= wanted and size in starts]
    for size in reversed(possible):
        tail = starting_points.read(files, layout, size, mine)
        if tail and tail.keyring.first == first.first and _all_there(files, layout, starts, size):
            return tail
    return None


def _all_there(files: FileSystem, layout: Layout, starts: Sequence[int], end: int) -> bool:
    """Whether every segment before is there, and of each the hashes of as many records as it has to have."""
    before = [first for first in starts if first <= end]
    return all(_hashes_of(files, layout, first) == following - first for first, following in pairwise(before))


def _hashes_of(files: FileSystem, layout: Layout, first: int) -> float:
    path = layout.segment_hashes(first)
    return files.length(path) / HASH_BYTES if files.exists(path) else 0


class _Reading:
    """One reading of the log up to its end."""

    def __init__(self, files: FileSystem, layout: Layout, tail: Tail, wanted: int) -> None:
        self._files, self._layout, self._tail, self._wanted = files, layout, tail, wanted
        self._open_intents: dict[str, Stored | Record] = {**tail.open_intents}
        self._missing_point: StartingPoint | None = None

    def to_the_end(self, start: int | None) -> Recovered:
        """From a segment on of which the tail is known; without one, from the very beginning. Raises like `recover`."""
        try:
            torn_bytes = self._read(start)
        except BadLink as link:
            raise AuditDamaged(f"The audit log was changed: {link}. Run: govcloud audit verify", link.index) from link
        self._go_to_last_segment()
        _refuse_rollback(self._layout, self._tail)
        self._tail.substance = self._tail.size
        return Recovered(self._tail, torn_bytes, self._missing_point)

    def _read(self, start: int | None) -> int:
        """Fills the tail; returns how many torn bytes were cut off."""
        torn_bytes, tail = 0, self._tail
        begin = _take_removed(self._files, self._layout, tail) if start is None else start
        _compare_with_checkpoint(self._layout, tail)
        try:
            for stored in read_log(self._files, self._layout, begin):
                self._take(stored)
                _compare_with_checkpoint(self._layout, tail)
        except Damage as damage:
            torn_bytes = cut_torn_tail(self._files, self._layout, tail.signed, damage)
        tail.open_intents = self._unsettled()
        return torn_bytes

    def _take(self, stored: Stored) -> None:
        """Looks at the few fields that matter here; the form of every record is for `verify` to check."""
        tail = self._tail
        fields = Chain(tail.prev).follow(stored)
        if stored.offset == 0:
            self._end_segment()
        if fields.get("phase") == Phase.INTENT:
            self._open_intents[str(fields.get("id"))] = stored
        elif fields.get("phase") == Phase.OUTCOME and fields.get("outcome") != Outcome.PENDING:
            self._open_intents.pop(str(fields.get("intent")), None)
        if (change := announced(stored.payload)) is not None:
            tail.keyring.add(change)
        tail.advance(stored.leaf, stored.payload, _time(stored, fields))

    def _end_segment(self) -> None:
        """The second tree may be newer than the segment; its hashes have to be there when the segment is removed."""
        tail = self._tail
        if tail.segment_national and not self._files.exists(self._layout.segment_hashes(tail.segment, SM3)):
            keep_national_hashes(self._files, self._layout, tail)
        if tail.size == self._wanted and tail.segment < tail.size:
            tail.open_intents = self._unsettled()
            self._missing_point = StartingPoint.of(tail)
        tail.begin_segment()

    def _unsettled(self) -> dict[str, Record]:
        return {name: _record(intent) for name, intent in self._open_intents.items()}

    def _go_to_last_segment(self) -> None:
        """A crash may have made the next segment and left it empty."""
        if max(segment_starts(self._files, self._layout), default=0) == self._tail.size:
            self._end_segment()


def _take_removed(files: FileSystem, layout: Layout, tail: Tail) -> int:
    """How many records retention removed; what was kept of them begins the trees."""
    removed = removed_leaves(files, layout)
    national = kept_before(files, layout, removed.count, SM3) if tail.national else removed
    if national.count != removed.count:
        raise AuditUnavailable(
            f"The audit log cannot have a tree by SM3 any more: records 0 to {removed.count - 1} were removed, and no SM3 "
            "hashes of them were kept. Unset GOVCLOUD_AUDIT_SM3"
        )
    changes = {change.sequence: change for change in _known_changes(files, layout)} if removed.count else {}
    for leaf, other in zip(removed, national, strict=True):
        change = changes.get(tail.size)
        if change and leaf_hash(change.record) == leaf:
            tail.keyring.add(change)
        tail.take_leaf(leaf, other)
        _compare_with_checkpoint(layout, tail)
    return removed.count


def _known_changes(files: FileSystem, layout: Layout) -> Sequence[Change]:
    """Changes of key by the keyring beside the log; believed only where the tree has their records."""
    keyring = read_keyring(files, layout)
    return keyring.changes if keyring else ()


def _record(stored: Stored | Record) -> Record:
    if isinstance(stored, Record):
        return stored
    try:
        return stored.record()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise BadLink(stored.index, f"{first['loc']}: {first['msg']}", previous_suspect=False) from error


def _time(stored: Stored, fields: dict[str, object]) -> datetime:
    try:
        return datetime.fromisoformat(str(fields.get("time")))
    except ValueError as error:
        raise BadLink(stored.index, "its time cannot be read", previous_suspect=False) from error


def _compare_with_checkpoint(layout: Layout, tail: Tail) -> None:
    if tail.newest is None or tail.size != tail.signed:
        return
    _refuse_wrong_signature(layout, tail, tail.newest)
    checkpoint = tail.newest.checkpoint
    national = tail.national.root() if tail.national and checkpoint.sm3_root else checkpoint.sm3_root
    if (tail.tree.root(), national) != (checkpoint.root, checkpoint.sm3_root):
        raise AuditDamaged(
            f"The audit log is not the one that was signed at {tail.size} records. Run: govcloud audit verify", 0
        )


def _refuse_wrong_signature(layout: Layout, tail: Tail, newest: SignedCheckpoint) -> None:
    if not tail.keyring.verify(newest):
        raise AuditDamaged(f"The signature of the newest checkpoint in {layout.notes} is wrong", 0)


def _refuse_rollback(layout: Layout, tail: Tail) -> None:
    if tail.newest and tail.size < tail.signed:
        _refuse_wrong_signature(layout, tail, tail.newest)
        raise AuditDamaged(
            f"The audit log holds {tail.size} records, but {tail.signed} were signed: an older copy was put back, "
            "or its end was removed. Nothing is done until the missing records are restored",
            tail.size,
        )


def _newest_checkpoint(files: FileSystem, layout: Layout) -> SignedCheckpoint | None:
    if not files.exists(layout.notes):
        return None
    try:
        with files.open_for_reading(layout.notes) as stream:
            newest, unfinished = newest_note(stream)
    except BadNote as bad:
        raise AuditDamaged(f"The newest checkpoint in {layout.notes} is damaged: {bad}", 0) from bad
    if unfinished:
        cut_file(files, layout, layout.notes, unfinished)
    return newest
