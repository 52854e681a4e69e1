"""Where records lie, remembered in 24 bytes each: for those who first have to know how many there are. Never here: a disk."""

from array import array
from collections.abc import Iterator

from .reader import Stored


class Places:
    """Some records of a log, in its order."""

    def __init__(self) -> None:
        self._numbers = array("Q")

    def add(self, stored: Stored) -> None:
        """The next one."""
        self._numbers.extend((stored.segment, stored.offset, stored.index))

    def __len__(self) -> int:
        return len(self._numbers) // 3

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Segment, offset in its file, and sequence of each."""
        numbers = iter(self._numbers)
        return zip(numbers, numbers, numbers, strict=True)
