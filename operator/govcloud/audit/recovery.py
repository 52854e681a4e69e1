"""What the writer must know before it may go on: found by reading the whole log once, at start.

A torn tail (the last, never acknowledged write of a process that died) is cut off and kept in `torn/`. Anything else
that is wrong is evidence: `AuditDamaged`, and nothing is touched. Never here: an append of a record; the log itself
says what was cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from .durable import DurableFile, broken_on_error
from .errors import AuditDamaged
from .files import FileSystem, write_atomically
from .frames import BadFrame, decode
from .layout import Layout
from .notes import BadNote, PublicKey, SignedCheckpoint, newest_note
from .reader import MAX_LINE_BYTES, BadLink, Chain, Damage, Stored, read_log, removed_leaves, segment_starts
from .records import Outcome, Phase, Record
from .tail import Tail


@dataclass(frozen=True, slots=True)
class Recovered:
    """The end of the log as found, and how many unfinished bytes were cut off behind it."""

    tail: Tail
    torn_bytes: int


def recover(files: FileSystem, layout: Layout, key: PublicKey) -> Recovered:
    """Reads everything, repairs a torn end. Raises `AuditDamaged`, `KeyUnknown`, `DiskBroken`."""
    newest = _newest_checkpoint(files, layout, key)
    tail = Tail(signed=newest.checkpoint.size if newest else 0)
    try:
        torn_bytes = _read_to_the_end(files, layout, tail, newest)
    except BadLink as link:
        raise AuditDamaged(f"The audit log was changed: {link}. Run: govcloud audit verify", link.index) from link
    _go_to_last_segment(files, layout, tail)
    _refuse_rollback(tail)
    return Recovered(tail, torn_bytes)


def _read_to_the_end(files: FileSystem, layout: Layout, tail: Tail, newest: SignedCheckpoint | None) -> int:
    """Fills the tail; returns how many torn bytes were cut off."""
    torn_bytes, open_intents = 0, dict[str, Stored]()
    removed = removed_leaves(files, layout)
    for leaf in removed:
        tail.advance(leaf, tail.last_time)
        _compare_with_checkpoint(tail, newest)
    try:
        for stored in read_log(files, layout, removed.count):
            _take(tail, open_intents, stored)
            _compare_with_checkpoint(tail, newest)
    except Damage as damage:
        torn_bytes = _cut_torn_tail(files, layout, tail, damage)
    tail.open_intents = {name: _record(stored) for name, stored in open_intents.items()}
    return torn_bytes


def _take(tail: Tail, open_intents: dict[str, Stored], stored: Stored) -> None:
    """Looks at the few fields that matter here; the form of every record is for `verify` to check."""
    fields = Chain(tail.prev).follow(stored)
    if stored.offset == 0:
        tail.begin_segment()
    if fields.get("phase") == Phase.INTENT:
        open_intents[str(fields.get("id"))] = stored
    elif fields.get("phase") == Phase.OUTCOME and fields.get("outcome") != Outcome.PENDING:
        open_intents.pop(str(fields.get("intent")), None)
    tail.advance(stored.leaf, _time(stored, fields))


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
        tail.begin_segment()


def _compare_with_checkpoint(tail: Tail, newest: SignedCheckpoint | None) -> None:
    if newest is None or tail.size != newest.checkpoint.size:
        return
    if tail.tree.root() != newest.checkpoint.root:
        raise AuditDamaged(
            f"The audit log is not the one that was signed at {tail.size} records. Run: govcloud audit verify", 0
        )


def _refuse_rollback(tail: Tail) -> None:
    if tail.size < tail.signed:
        raise AuditDamaged(
            f"The audit log holds {tail.size} records, but {tail.signed} were signed: an older copy was put back, "
            "or its end was removed. Nothing is done until the missing records are restored",
            tail.size,
        )


def _newest_checkpoint(files: FileSystem, layout: Layout, key: PublicKey) -> SignedCheckpoint | None:
    if not files.exists(layout.notes):
        return None
    try:
        with files.open_for_reading(layout.notes) as stream:
            newest, unfinished = newest_note(stream)
    except BadNote as bad:
        raise AuditDamaged(f"The newest checkpoint in {layout.notes} is damaged: {bad}", 0) from bad
    if newest and not key.verify(newest):
        raise AuditDamaged(f"The signature of the newest checkpoint in {layout.notes} is wrong", 0)
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
