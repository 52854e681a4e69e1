"""The Merkle tree of RFC 9162 section 2.1: roots, inclusion proofs, consistency proofs.

Pure functions over leaf hashes. The hash is a parameter (SHA-256, or SM3 for the second tree), everything else is the
RFC's. Never here: files, signatures, records.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

Hasher = Callable[[bytes], bytes]
Node = Callable[[int, int], bytes]
"""The root of a complete subtree, by its level (a leaf: 0; above it are twice as many leaves each time) and its number there."""
Proof = tuple[bytes, ...]


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """SM3 (GB/T 32905-2016), 32 bytes. Raises `ValueError` where OpenSSL was built without it."""
    return hashlib.new("sm3", data).digest()


def leaf_hash(data: bytes, hasher: Hasher = sha256) -> bytes:
    """Hash of a leaf: the prefix 0x00 keeps a leaf from passing as an inner node."""
    return hasher(b"\x00" + data)


def node_hash(left: bytes, right: bytes, hasher: Hasher = sha256) -> bytes:
    """Hash of an inner node, prefix 0x01."""
    return hasher(b"\x01" + left + right)


class GrowingTree:
    """The root of a log that only grows, in memory of one hash per level.

    Holds the roots of the largest complete subtrees, left to right (the binary digits of the size).
    """

    def __init__(self, hasher: Hasher = sha256) -> None:
        self._hasher = hasher
        self._peaks: list[bytes] = []
        self.size = 0

    @classmethod
    def grown(cls, size: int, peaks: Iterable[bytes], hasher: Hasher = sha256) -> "GrowingTree":
        """The tree of so many leaves that has these peaks. Raises `ValueError` when there are too few or too many."""
        tree = cls(hasher)
        tree.size, tree._peaks = size, list(peaks)
        if len(tree._peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks")
        return tree

    def append(self, leaf: bytes) -> list[bytes]:
        """Adds one leaf hash; the nodes that are complete with it, from itself upwards."""
        node, complete = leaf, [leaf]
        position = self.size
        while position & 1:
            node = node_hash(self._peaks.pop(), node, self._hasher)
            complete.append(node)
            position >>= 1
        self._peaks.append(node)
        self.size += 1
        return complete

    def peaks(self) -> dict[tuple[int, int], bytes]:
        """The roots of the largest complete subtrees, by the first leaf and the one after the last."""
        return dict(zip(_complete_ranges(self.size), self._peaks, strict=True))

    def root(self) -> bytes:
        """Merkle tree hash over all leaves so far; of no leaves, the hash of nothing."""
        if not self._peaks:
            return self._hasher(b"")
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root, self._hasher)
        return root


class Tree:
    """A tree whose complete nodes lie somewhere, so that a root or a proof costs only its own length."""

    def __init__(self, size: int, node: Node, hasher: Hasher = sha256) -> None:
        self.size, self._node, self._hasher = size, node, hasher

    def root(self, size: int | None = None) -> bytes:
        """Root over the first `size` leaves."""
        end = self.size if size is None else size
        return self._subtree(0, end) if end else self._hasher(b"")

    def peaks(self) -> list[bytes]:
        """The roots of the largest complete subtrees, left to right."""
        return [self._subtree(start, end) for start, end in _complete_ranges(self.size)]

    def inclusion_proof(self, index: int, size: int) -> Proof:
        """Audit path (RFC 9162 2.1.3.1) for leaf `index` in the tree of the first `size` leaves."""
        if not 0 <= index < size <= self.size:
            raise ValueError(f"no leaf {index} in a tree of {size} out of {self.size}")
        return self._path(index, 0, size)

    def consistency_proof(self, old: int, new: int) -> Proof:
        """Proof (RFC 9162 2.1.4.1) that the first `old` leaves are a prefix of the first `new`."""
        if not 0 < old <= new <= self.size:
            raise ValueError(f"no tree of {old} within {new} out of {self.size}")
        return self._subproof(old, 0, new, whole=True)

    def _path(self, index: int, start: int, end: int) -> Proof:
        if end - start == 1:
            return ()
        middle = start + split(end - start)
        if index < middle:
            return (*self._path(index, start, middle), self._subtree(middle, end))
        return (*self._path(index, middle, end), self._subtree(start, middle))

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> Proof:
        if old == end:
            return () if whole else (self._subtree(start, end),)
        middle = start + split(end - start)
        if old <= middle:
            return (*self._subproof(old, start, middle, whole=whole), self._subtree(middle, end))
        return (*self._subproof(old, middle, end, whole=False), self._subtree(start, middle))

    def _subtree(self, start: int, end: int) -> bytes:
        width = end - start
        if width & (width - 1) == 0:  # complete, and by construction aligned
            level = width.bit_length() - 1
            return self._node(level, start >> level)
        middle = start + split(width)
        return node_hash(self._subtree(start, middle), self._subtree(middle, end), self._hasher)


def _complete_ranges(size: int) -> Iterator[tuple[int, int]]:
    """First leaf, and the one after the last, of the largest complete subtrees: the binary digits of the size."""
    start = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield start, start + (1 << level)
            start += 1 << level


def split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], hasher: Hasher = sha256) -> bytes:
    """The root that the proof leads to (RFC 9162 2.1.3.2); the caller compares it with a signed one.

    Raises `ValueError` when the proof has the wrong length for this position.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ValueError("the proof is too long")
        if position & 1 or position == last:
            node = node_hash(sibling, node, hasher)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling, hasher)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ValueError("the proof is too short")
    return node


def is_consistent(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes], hasher: Hasher = sha256
) -> bool:
    """Whether the proof (RFC 9162 2.1.4.2) shows that the old tree is a prefix of the new one."""
    if not 0 < old <= new:
        raise ValueError(f"sizes {old} and {new} are not in order")
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    return bool(path) and _roots_from_consistency(old, new, path, hasher) == (old_root, new_root)


def _roots_from_consistency(old: int, new: int, path: list[bytes], hasher: Hasher) -> tuple[bytes, bytes] | None:
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for node in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            first, second = node_hash(node, first, hasher), node_hash(node, second, hasher)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, node, hasher)
        position, last = position >> 1, last >> 1
    return (first, second) if last == 0 else None
