"""The nodes of the tree beside the records, so that a proof reads its own length and not the log.

Each leaf hash is followed by the inner nodes that are complete with it, 32 bytes each: a node's place follows from the
number of its last leaf. A sealed segment has its part of that sequence in a file of its own. All of it follows from the
stored records and can be made anew; whoever uses it holds what he computes against a signed root. Never here: that root.

Source of the order: the stored hashes of golang.org/x/mod/sumdb/tlog.
"""

import os
from bisect import bisect_right
from tempfile import TemporaryFile

from .files import FileSystem, write_atomically
from .layout import Layout
from .merkle import GrowingTree, Tree
from .reader import HASH_BYTES


def stored_before(leaves: int) -> int:
    """How many nodes stand before the leaf of this number."""
    return 2 * leaves - leaves.bit_count()


def place_of(level: int, number: int) -> tuple[int, int]:
    """The last leaf of a complete subtree, and how many nodes stand before that subtree's root."""
    last = ((number + 1) << level) - 1
    return last, stored_before(last) + level


class NodeFile:
    """All nodes of a tree that is being read, in a file without a name: so that memory does not grow with the log.

    Use as a context manager.
    """

    def __init__(self) -> None:
        self._tree = GrowingTree()
        self._file = TemporaryFile()  # noqa: SIM115  # closed by `__exit__`

    def __enter__(self) -> "NodeFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._tree.size

    def add(self, leaf: bytes) -> None:
        """The next leaf; all of them before the first look."""
        self._file.write(b"".join(self._tree.append(leaf)))

    def node(self, level: int, number: int) -> bytes:
        """A complete subtree's root. Raises `OSError`."""
        self._file.flush()
        return os.pread(self._file.fileno(), HASH_BYTES, place_of(level, number)[1] * HASH_BYTES)


class KeptTree:
    """What lies in `trees/`, as one sequence. Reading raises `OSError`; a piece that is too short gives too few bytes."""

    def __init__(self, files: FileSystem, layout: Layout) -> None:
        self._files, self._layout = files, layout
        names = files.names(layout.trees) if files.exists(layout.trees) else []
        self._firsts = [int(name.removesuffix(".sha256")) for name in names if name.endswith(".sha256") and name[0] != "."]
        self.end = self._end()

    def first_of(self, leaf: int) -> int:
        """Where the segment with this leaf begins."""
        return self._firsts[bisect_right(self._firsts, leaf) - 1]

    def node(self, level: int, number: int) -> bytes:
        """A subtree's root whose last leaf lies before `end`."""
        leaf, place = place_of(level, number)
        first = self.first_of(leaf)
        with self._files.open_for_reading(self._layout.segment_tree(first)) as stream:
            stream.seek((place - stored_before(first)) * HASH_BYTES)
            return stream.read(HASH_BYTES)

    def _end(self) -> int:
        """As many leaves as there are leaf hashes of the last segment, after its first."""
        if not self._firsts:
            return 0
        last = self._firsts[-1]
        return last + self._files.length(self._layout.segment_hashes(last)) // HASH_BYTES


class GrownTree:
    """What is kept, and in memory the nodes of the leaves that came after it."""

    def __init__(self, kept: KeptTree) -> None:
        """Raises `OSError`."""
        self._kept, self._nodes = kept, bytearray()
        self._tree = GrowingTree.grown(kept.end, Tree(kept.end, kept.node).peaks())

    def add(self, leaf: bytes) -> None:
        """The next leaf."""
        self._nodes += b"".join(self._tree.append(leaf))

    def node(self, level: int, number: int) -> bytes:
        """A complete subtree's root; too few bytes where that is not there. Raises `OSError`."""
        leaf, place = place_of(level, number)
        if leaf < self._kept.end:
            return self._kept.node(level, number)
        offset = (place - stored_before(self._kept.end)) * HASH_BYTES
        return bytes(self._nodes[offset : offset + HASH_BYTES])


def keep_tree(files: FileSystem, layout: Layout, first: int, nodes: bytes) -> None:
    """Write what is kept of the segment that begins with this sequence. May be done again. Raises `OSError`."""
    write_atomically(files, layout.segment_tree(first), nodes)


def read_tree(files: FileSystem, layout: Layout, first: int) -> bytes:
    """What was kept of the segment that begins with this sequence; nothing where nothing was. Raises `OSError`."""
    path = layout.segment_tree(first)
    if not files.exists(path):
        return b""
    with files.open_for_reading(path) as stream:
        return stream.read()
