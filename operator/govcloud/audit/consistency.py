"""Proofs that an earlier state of the log is the beginning of a later one, at the cost of what came between them.

All that a proof (RFC 9162 2.1.4.1) needs of the earlier state are the roots of its complete subtrees: one hash per level.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from .merkle import GrowingTree, Proof, split


class Prover:
    """Remembers the state that it was last asked about, so that time only has to be lived forward once. For one thread."""

    def __init__(self, leaves: Callable[[int], Iterator[bytes]]) -> None:
        """`leaves(start)` gives the leaf hashes from a sequence on."""
        self._leaves = leaves
        self._tree = GrowingTree()

    def root(self, size: int) -> bytes:
        """Root over the first `size` leaves. Raises `ValueError` when there are fewer."""
        return self._at(size).root()

    def proof(self, old: int, new: int) -> Proof:
        """That the first `old` leaves begin the first `new`; empty for `old` 0. Raises `ValueError`."""
        if not 0 <= old <= new:
            raise ValueError(f"sizes {old} and {new} are not in order")
        if old in (0, new):
            return ()
        between = list(islice(self._leaves(old), new - old))
        if len(between) < new - old:
            raise ValueError(f"there are fewer than {new} leaves")
        peaks = self._at(old).peaks()
        return tuple(_Subtrees(peaks, old, between).proof(0, new, whole=True))

    def _at(self, size: int) -> GrowingTree:
        if size < self._tree.size:
            self._tree = GrowingTree()
        for leaf in islice(self._leaves(self._tree.size), size - self._tree.size):
            self._tree.append(leaf)
        if self._tree.size < size:
            raise ValueError(f"there are only {self._tree.size} of {size} leaves")
        return self._tree


class _Subtrees:
    """Every subtree that a proof from `old` on can name: complete ones before it, any of what came after it."""

    def __init__(self, peaks: dict[tuple[int, int], bytes], old: int, between: list[bytes]) -> None:
        self._peaks, self._old, self._between = peaks, old, between

    def proof(self, start: int, end: int, *, whole: bool) -> Iterator[bytes]:
        """RFC 9162's SUBPROOF."""
        if end == self._old:
            if not whole:
                yield self._root(start, end)
            return
        middle = start + split(end - start)
        if self._old <= middle:
            yield from self.proof(start, middle, whole=whole)
            yield self._root(middle, end)
        else:
            yield from self.proof(middle, end, whole=False)
            yield self._root(start, middle)

    def _root(self, start: int, end: int) -> bytes:
        if end <= self._old:
            return self._peaks[start, end]
        tree = GrowingTree()
        for leaf in self._between[start - self._old : end - self._old]:
            tree.append(leaf)
        return tree.root()
