"""Writing the leaf hashes of sealed segments, and reading them as one sequence.

They are kept for ever: what proofs and roots need when the records are gone. Never here: whether they are right. Whoever
uses them compares the root that they lead to with a signed one.
"""

from collections.abc import Iterator

from .files import FileSystem, write_atomically
from .layout import Layout
from .reader import HASH_BYTES, read_hashes
from .tail import Tail
from .tree_files import keep_tree

SM3 = "sm3"


def keep_hashes(files: FileSystem, layout: Layout, tail: Tail) -> None:
    """Write what is kept of the segment that ends now. May be done again. Raises `OSError`."""
    write_atomically(files, layout.segment_hashes(tail.segment), bytes(tail.segment_leaves))
    keep_tree(files, layout, tail.segment, bytes(tail.segment_nodes))
    keep_national_hashes(files, layout, tail)


def keep_national_hashes(files: FileSystem, layout: Layout, tail: Tail) -> None:
    """The same for the second tree alone: of segments that were sealed before there was one. Raises `OSError`."""
    if tail.national:
        write_atomically(files, layout.segment_hashes(tail.segment, SM3), bytes(tail.segment_national))


def leaves_from(files: FileSystem, layout: Layout, start: int, end: int) -> Iterator[bytes]:
    """The kept hashes of the records from `start` to before `end`, with one segment in memory at a time."""
    first = 0
    while first < end and (piece := read_hashes(files, layout, first)):
        count = len(piece) // HASH_BYTES
        for index in range(max(start, first), min(end, first + count)):
            yield piece[(index - first) * HASH_BYTES : (index - first + 1) * HASH_BYTES]
        first += count
