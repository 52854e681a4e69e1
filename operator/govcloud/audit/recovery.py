"""What the writer must know before it may go on: found by reading the whole log once, at start.

A torn tail (the last, never acknowledged write of a process that died) is cut off and kept in `torn/`. Anything else
that is wrong is evidence: `AuditDamaged`, and nothing is touched. Never here: an append of a record; the log itself
says what was cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from .durable import DurableFile, broken_on_error
from .errors import AuditDamaged, AuditUnavailable
from .files import FileSystem, write_atomically
from .frames import BadFrame, decode
from .kept_hashes import SM3, keep_national_hashes
from .keyring import Change, Keyring, announced
from .keyring_file import read_keyring
from .layout import Layout
from .merkle import GrowingTree, leaf_hash, sm3
from .notes import BadNote, PublicKey, SignedCheckpoint, newest_note
from .reader import (
    MAX_LINE_BYTES,
    BadLink,
    Chain,
    Damage,
    Stored,
    kept_before,
    read_log,
    removed_leaves,
    segment_starts,
)
from .records import Outcome, Phase, Record
from .tail import Tail


@dataclass(frozen=True, slots=True)
class Recovered:
    """The end of the log as found, and how many unfinished bytes were cut off behind it."""

    tail: Tail
    torn_bytes: int


def recover(files: FileSystem, layout: Layout, first_key: PublicKey, *, national: bool = False) -> Recovered:
    """Reads everything, repairs a torn end. `national`: begin a second tree, by SM3; one that was begun is continued.

    Raises `AuditDamaged`, `AuditUnavailable` (a second tree cannot be had), `KeyUnknown`, `DiskBroken`.
    """
    newest = _newest_checkpoint(files, layout)
    second = national or (newest is not None and newest.checkpoint.sm3_root is not None)
    tail = Tail(Keyring(first_key), national=GrowingTree(sm3) if second else None, newest=newest)
    try:
        torn_bytes = _read_to_the_end(files, layout, tail)
    except BadLink as link:
        raise AuditDamaged(f"The audit log was changed: {link}. Run: govcloud audit verify", link.index) from link
    _go_to_last_segment(files, layout, tail)
    _refuse_rollback(layout, tail)
    tail.substance = tail.size
    return Recovered(tail, torn_bytes)


def _read_to_the_end(files: FileSystem, layout: Layout, tail: Tail) -> int:
    """Fills the tail; returns how many torn bytes were cut off."""
    torn_bytes, open_intents = 0, dict[str, Stored]()
    removed = _take_removed(files, layout, tail)
    try:
        for stored in read_log(files, layout, removed):
            _take(files, layout, tail, open_intents, stored)
            _compare_with_checkpoint(layout, tail)
    except Damage as damage:
        torn_bytes = _cut_torn_tail(files, layout, tail, damage)
    tail.open_intents = {name: _record(stored) for name, stored in open_intents.items()}
    return torn_bytes


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


def _take(files: FileSystem, layout: Layout, tail: Tail, open_intents: dict[str, Stored], stored: Stored) -> None:
    """Looks at the few fields that matter here; the form of every record is for `verify` to check."""
    fields = Chain(tail.prev).follow(stored)
    if stored.offset == 0:
        _end_segment(files, layout, tail)
    if fields.get("phase") == Phase.INTENT:
        open_intents[str(fields.get("id"))] = stored
    elif fields.get("phase") == Phase.OUTCOME and fields.get("outcome") != Outcome.PENDING:
        open_intents.pop(str(fields.get("intent")), None)
    if (change := announced(stored.payload)) is not None:
        tail.keyring.add(change)
    tail.advance(stored.leaf, stored.payload, _time(stored, fields))


def _end_segment(files: FileSystem, layout: Layout, tail: Tail) -> None:
    """The second tree may be newer than the segment; its hashes have to be there when the segment is removed."""
    if tail.segment_national and not files.exists(layout.segment_hashes(tail.segment, SM3)):
        keep_national_hashes(files, layout, tail)
    tail.begin_segment()


def _record(stored: Stored) -> Record:
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


def _go_to_last_segment(files: FileSystem, layout: Layout, tail: Tail) -> None:
    """A crash may have made the next segment and left it empty."""
    if max(segment_starts(files, layout), default=0) == tail.size:
        _end_segment(files, layout, tail)


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
        _cut_file(files, layout, layout.notes, unfinished)
    return newest


def _cut_torn_tail(files: FileSystem, layout: Layout, tail: Tail, damage: Damage) -> int:
    """Only what was never acknowledged may go: at the end of the last segment, unsigned, of one unfinished flush."""
    last = max(segment_starts(files, layout), default=0)
    at_the_end = damage.path == layout.segment(last) and not damage.missing
    if not at_the_end or damage.index < tail.signed or _acknowledged_after(files, damage):
        raise AuditDamaged(f"The audit log is damaged: {damage}. Run: govcloud audit verify", damage.index) from damage
    with files.open_for_reading(damage.path) as stream:
        stream.seek(damage.offset)
        count = len(stream.read())
    _cut_file(files, layout, damage.path, count)
    return count


def _acknowledged_after(files: FileSystem, damage: Damage) -> bool:
    """A later flush is only begun when the earlier one is durable, so a whole frame of a later flush is no crash."""
    return any(record is None or record.commit > damage.index for record in _whole_frames_after(files, damage))


def _whole_frames_after(files: FileSystem, damage: Damage) -> Iterator[Record | None]:
    with files.open_for_reading(damage.path) as stream:
        stream.seek(damage.offset)
        while line := stream.readline(MAX_LINE_BYTES):
            try:
                yield Record.model_validate_json(decode(line))
            except BadFrame:
                continue
            except ValidationError:
                yield None


def _cut_file(files: FileSystem, layout: Layout, path: Path, count: int) -> None:
    """Moves the last `count` bytes into `torn/`: the kept copy is durable before the original is shortened."""
    file = DurableFile(files, path)
    try:
        end = file.size - count
        with files.open_for_reading(path) as stream:
            stream.seek(end)
            rest = stream.read()
        with broken_on_error("cannot keep what was cut off"):
            files.make_directory(layout.torn)
            write_atomically(files, layout.torn / f"{path.stem}-{end}", rest)
        file.cut(end)
    finally:
        file.close()
