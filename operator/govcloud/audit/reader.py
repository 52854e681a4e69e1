"""Reads the stored frames of a log in order, and says exactly where they stop being right.

Shared by recovery, verification and queries; each decides for itself what damage means. Never here: a repair.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from .files import FileSystem
from .frames import HEADER_BYTES, BadFrame, decode
from .layout import Layout, first_of
from .merkle import leaf_hash
from .records import MAX_RECORD_BYTES, Record

MAX_LINE_BYTES = HEADER_BYTES + MAX_RECORD_BYTES + 1
NO_RECORD = "0" * 64
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Stored:
    """One good frame: which record, its bytes, and where it lies."""

    index: int
    payload: bytes
    segment: int
    offset: int
    leaf: bytes

    def record(self) -> Record:
        """The record in these bytes. Raises `pydantic.ValidationError`."""
        return Record.model_validate_json(self.payload)


class Damage(Exception):
    """The first thing that is wrong with the frames."""

    def __init__(
        self, index: int, what: str, path: Path, offset: int, *, unfinished: bool = False, missing: bool = False
    ) -> None:
        super().__init__(f"record {index} ({path.name}, byte {offset}): {what}")
        self.index = index
        self.path = path
        self.offset = offset
        self.unfinished = unfinished
        """The last file ends before the frame does, as after a crash in the middle of a write."""
        self.missing = missing
        """Records are absent rather than wrong."""


def segment_starts(files: FileSystem, layout: Layout) -> list[int]:
    """First sequences of all segments that are there, in order."""
    if not files.exists(layout.segments):
        return []
    return [first for name in files.names(layout.segments) if (first := first_of(name)) is not None]


@dataclass(frozen=True, slots=True)
class Kept:
    """The leaf hashes that were kept of sealed segments, from sequence 0 on; in memory those of one segment at a time."""

    files: FileSystem
    layout: Layout
    starts: tuple[int, ...]
    """First sequences of the segments."""
    count: int
    """Of how many records."""
    tree: str

    def __iter__(self) -> Iterator[bytes]:
        for first in self.starts:
            piece = read_hashes(self.files, self.layout, first, self.tree)
            yield from (piece[start : start + HASH_BYTES] for start in range(0, len(piece), HASH_BYTES))


def kept_before(files: FileSystem, layout: Layout, end: int, tree: str = "sha256") -> Kept:
    """The hashes of all records before `end`, where a segment begins; none unless all were kept."""
    starts, count = list[int](), 0
    while count < end:
        size = len(read_hashes(files, layout, count, tree))
        if not size or size % HASH_BYTES:
            break
        starts.append(count)
        count += size // HASH_BYTES
    return Kept(files, layout, tuple(starts), count, tree) if count == end else Kept(files, layout, (), 0, tree)


def read_hashes(files: FileSystem, layout: Layout, first: int, tree: str = "sha256") -> bytes:
    """What was kept of the segment that begins with this sequence; nothing where nothing was."""
    path = layout.segment_hashes(first, tree)
    if not files.exists(path):
        return b""
    with files.open_for_reading(path) as stream:
        return stream.read()


def removed_leaves(files: FileSystem, layout: Layout) -> Kept:
    """Everything before the oldest segment that is there. Whether it was rightly removed is for `verify` to say."""
    return kept_before(files, layout, min(segment_starts(files, layout), default=0))


def read_log(files: FileSystem, layout: Layout, start: int = 0) -> Iterator[Stored]:
    """Every frame from the segment that begins with `start`, also of segments that are begun meanwhile.

    Raises `Damage` at the first that is wrong or missing.
    """
    index, done = start, start
    while ahead := [first for first in segment_starts(files, layout) if first >= done]:
        for first in ahead:
            if first != index:
                what = f"the segment that begins at {index} is missing; the next begins at {first}"
                raise Damage(index, what, layout.segment(first), 0, missing=first > index)
            for stored in read_segment(files, layout.segment(first), first, last=first == ahead[-1]):
                yield stored
                index += 1
        done = ahead[-1] + 1


def read_segment(files: FileSystem, path: Path, first: int, *, last: bool) -> Iterator[Stored]:
    """The frames of one file. Raises `Damage`."""
    offset, index = 0, first
    with files.open_for_reading(path) as stream:
        while line := _whole_line(stream):
            try:
                payload = decode(line)
            except BadFrame as bad:
                unfinished = last and not line.endswith(b"\n") and not stream.read(1)
                raise Damage(index, str(bad), path, offset, unfinished=unfinished) from bad
            yield Stored(index, payload, first, offset, leaf_hash(payload))
            offset += len(line)
            index += 1


def _whole_line(stream: BinaryIO) -> bytes:
    """The next line. One that is being written at this moment is waited for as long as it grows."""
    line = stream.readline(MAX_LINE_BYTES)
    while line and not line.endswith(b"\n") and (more := stream.readline(MAX_LINE_BYTES - len(line))):
        line += more
    return line


def read_again(files: FileSystem, layout: Layout, places: Iterable[tuple[int, int, int]]) -> Iterator[Stored]:
    """The records that were found at these places: segment, offset in its file, sequence. Raises `Damage`, `OSError`."""
    for first, group in groupby(places, itemgetter(0)):
        path = layout.segment(first)
        with files.open_for_reading(path) as stream:
            for _, offset, index in group:
                stream.seek(offset)
                try:
                    payload = decode(stream.readline(MAX_LINE_BYTES))
                except BadFrame as bad:
                    raise Damage(index, str(bad), path, offset) from bad
                yield Stored(index, payload, first, offset, leaf_hash(payload))


def find_record(files: FileSystem, layout: Layout, first: int, sequence: int) -> Stored | None:
    """The record of this sequence in the segment that begins with `first`, by halving; None when it is not found.

    Goes by what the frames on the way say of themselves; whether this is the record is for the caller to prove. Raises `OSError`.
    """
    low, high = 0, files.length(layout.segment(first))
    with files.open_for_reading(layout.segment(first)) as stream:
        while low < high:
            offset = _frame_after(stream, low, (low + high) // 2, high)
            stream.seek(offset)
            line = stream.readline(MAX_LINE_BYTES)
            found = _sequence_in(line)
            if found is None:
                return None
            if found == sequence:
                payload = decode(line)
                return Stored(sequence, payload, first, offset, leaf_hash(payload))
            low, high = (offset + len(line), high) if found < sequence else (low, offset)
    return None


def _frame_after(stream: BinaryIO, low: int, middle: int, high: int) -> int:
    """Where the first frame from `middle` on begins; `low`, where one is known to begin, when none does before `high`."""
    if middle > low:
        stream.seek(middle - 1)
        stream.readline(MAX_LINE_BYTES)
    following = stream.tell() if middle > low else low
    return following if following < high else low


def _sequence_in(line: bytes) -> int | None:
    try:
        fields = json.loads(decode(line))
    except (BadFrame, ValueError, RecursionError):
        return None
    sequence = fields.get("sequence") if isinstance(fields, dict) else None
    return sequence if isinstance(sequence, int) else None


class Chain:
    """Follows the links from record to record."""

    def __init__(self, prev: str = NO_RECORD) -> None:
        self.prev = prev

    def follow(self, stored: Stored) -> dict[str, object]:
        """The record as plain JSON values, after its sequence and its link were found right. Raises `BadLink`."""
        fields = _fields(stored)
        if fields.get("sequence") != stored.index:
            raise BadLink(stored.index, f"it calls itself record {fields.get('sequence')}", previous_suspect=False)
        if fields.get("prev") != self.prev:
            raise BadLink(stored.index, "it does not continue the record before it", previous_suspect=stored.index > 0)
        self.prev = stored.leaf.hex()
        return fields


class BadLink(Exception):
    """A frame is whole, but it does not belong here."""

    def __init__(self, index: int, what: str, *, previous_suspect: bool) -> None:
        super().__init__(f"record {index}: {what}")
        self.index = index
        self.previous_suspect = previous_suspect
        """Either this record or the one before was changed."""


def _fields(stored: Stored) -> dict[str, object]:
    try:
        fields = json.loads(stored.payload)
    except (ValueError, RecursionError) as error:
        raise BadLink(stored.index, "its content is not JSON", previous_suspect=False) from error
    if not isinstance(fields, dict):
        raise BadLink(stored.index, "its content is not a record", previous_suspect=False)
    return fields
