"""The leaf hashes of the segment that is being read, against those that were kept when it was sealed."""

from .files import FileSystem
from .layout import Layout
from .reader import HASH_BYTES, read_hashes
from .verdict import Finding, Result


class SegmentCheck:
    """One segment at a time."""

    def __init__(self, files: FileSystem, layout: Layout) -> None:
        self._files, self._layout = files, layout
        self._first, self._leaves = 0, bytearray()

    def begin(self, first: int) -> None:
        """The next segment begins with this sequence; the one before is judged. Raises `Finding`."""
        self._judge()
        self._first, self._leaves = first, bytearray()

    def add(self, leaf: bytes) -> None:
        """One more record of the segment."""
        self._leaves += leaf

    def first_difference(self) -> int | None:
        """The first record of the segment whose hash is another than the one kept, as far as hashes were kept."""
        kept, leaves = read_hashes(self._files, self._layout, self._first), bytes(self._leaves)
        for start in range(0, min(len(kept), len(leaves)), HASH_BYTES):
            if kept[start : start + HASH_BYTES] != leaves[start : start + HASH_BYTES]:
                return self._first + start // HASH_BYTES
        return None

    def _judge(self) -> None:
        kept = read_hashes(self._files, self._layout, self._first)
        if not kept or not self._leaves:
            return
        changed = self.first_difference()
        if changed is not None:
            raise Finding(Result.TAMPERED, f"Record {changed} does not fit the hash that was kept of it", changed)
        if len(kept) != len(self._leaves):
            what = f"The hashes kept of the segment that begins at {self._first} are not as many as its records"
            raise Finding(Result.TAMPERED, what, None)
