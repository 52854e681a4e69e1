"""What lies in the store of copies, under which names, and what the log asks of such a store.

segments/<first>-<SHA-256>.log   a sealed segment as it was written
hashes/<first>.sha256            its leaf hashes, 32 bytes each; .sm3 where there is a second tree
manifests/<first>.json           what belongs to it: its end, its size, its digest, the checkpoints that sign its records
keyrings/<after>.txt             all verifier keys (`keyring_copies`)

A name is written once and never again. A manifest comes after its segment: where it lies, the copy is complete. When their
time is over the oldest segments may go; the rest is small and stays, or nothing can be restored. Whoever restores must have
a public key from elsewhere, or has nothing to judge the copies by.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, BinaryIO, Literal, Protocol

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .files import FileSystem
from .kept_hashes import SM3
from .layout import Layout
from .notes import NoteStream
from .reader import HASH_BYTES, read_hashes, read_segment, segment_starts

SEGMENTS = "segments/"
HASHES = "hashes/"
MANIFESTS = "manifests/"
TREES = ("sha256", SM3)
"""Of which leaf hashes are kept; the second one's only where there is one."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store gave back when every byte of an object was read."""

    sha256: str
    age: timedelta
    """How long the store has had it, by the store's own clock."""


class CopyStore(Protocol):
    """Where copies lie. Implementations raise their own errors when they cannot be reached; a name that is not there is no error."""

    place: str
    """What people call it, such as `bucket audit`."""

    def lock(self) -> timedelta | None:
        """For how long from its storing on nobody at all can delete an object; None where whoever administers the store can."""

    def names(self, prefix: str) -> Iterator[str]:
        """All names that begin so, sorted."""

    def find(self, name: str) -> Kept | None:
        """Reads everything back; None where there is nothing of that name."""

    def put(self, name: str, content: BinaryIO) -> None:
        """Stores under a new name. One that is there already is an error and stays as it is."""

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes, in pieces of bounded size."""

    def hold(self, name: str, *, on: bool) -> None:
        """Whether nobody may delete the object although its lock is over. Only where there is a lock. May be done again."""


class CopyDiffers(Exception):
    """What lies in the store under a name is not what was written there. Nobody replaces it: it is evidence."""


class Manifest(BaseModel):
    """What belongs to the copy of one segment."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["govcloud-audit-copy/1"] = "govcloud-audit-copy/1"
    first: Annotated[int, Field(ge=0, lt=2**53)]
    end: Annotated[int, Field(ge=1, lt=2**53)]
    """Sequence after its last record."""
    size: Annotated[int, Field(ge=1, lt=2**53)]
    """Bytes of the segment."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    checkpoints: tuple[str, ...]
    """The signed notes with first < size <= end, as they stand in the log."""

    @property
    def segment_name(self) -> str:
        return segment_name(self.first, self.sha256)

    @property
    def name(self) -> str:
        return manifest_name(self.first)

    def stored(self) -> bytes:
        """RFC 8785 canonical JSON: the same segment always makes the same bytes."""
        data: bytes = rfc8785.dumps(self.model_dump(mode="json"))
        return data


def segment_name(first: int, digest: str) -> str:
    """Name of the copy of a segment: its content is part of it."""
    return f"{SEGMENTS}{first:016d}-{digest}.log"


def hashes_name(first: int, tree: str) -> str:
    """Name of the leaf hashes of the segment that begins with this sequence, by `sha256` or `sm3`."""
    return f"{HASHES}{first:016d}.{tree}"


def manifest_name(first: int) -> str:
    """Name of the manifest of the segment that begins with this sequence."""
    return f"{MANIFESTS}{first:016d}.json"


def manifest_of(files: FileSystem, layout: Layout, first: int, end: int) -> Manifest:
    """Reads a sealed segment. Raises `CopyDiffers` when it is not what was sealed, `Damage` when it cannot be read."""
    leaves = b"".join(stored.leaf for stored in read_segment(files, layout.segment(first), first, last=False))
    if leaves != read_hashes(files, layout, first) or len(leaves) != HASH_BYTES * (end - first):
        raise CopyDiffers(f"Segment {first} is not what was sealed. Run: govcloud audit verify")
    with files.open_for_reading(layout.segment(first)) as stream:
        digest, size = digest_of(iter(lambda: stream.read(1 << 20), b""))
    return Manifest(first=first, end=end, size=size, sha256=digest, checkpoints=_notes(files, layout, first, end))


def _notes(files: FileSystem, layout: Layout, first: int, end: int) -> tuple[str, ...]:
    found: list[str] = []
    with files.open_for_reading(layout.notes) as stream:
        notes = NoteStream(stream)
        while (note := notes.next()) and note.checkpoint.size <= end:
            if note.checkpoint.size > first:
                found.append(note.text())
    return tuple(found)


def digest_of(pieces: Iterable[bytes]) -> tuple[str, int]:
    """SHA-256 in hexadecimal, and how many bytes there were."""
    digest, size = sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def bounded(pieces: Iterable[bytes], most: int) -> bytes:
    """All bytes. Raises `ValueError` when there are more than `most`."""
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > most:
            raise ValueError(f"longer than {most} bytes")
    return bytes(whole)


def sealed(files: FileSystem, layout: Layout) -> list[tuple[int, int]]:
    """First sequence and end of every sealed segment that is there, in order. The last segment is still written to."""
    return list(pairwise(segment_starts(files, layout)))


def kept_for(store: CopyStore, manifest: Manifest) -> timedelta | None:
    """How long, by its own clock, the store has held exactly this segment with its manifest; None where it does not."""
    segment, beside = store.find(manifest.segment_name), store.find(manifest.name)
    if segment is None or beside is None:
        return None
    if (segment.sha256, beside.sha256) != (manifest.sha256, sha256(manifest.stored()).hexdigest()):
        return None
    return min(segment.age, beside.age)
