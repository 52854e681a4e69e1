"""What time it is: the machine's clock, and the development clock, which runs ahead of it by an offset."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This moment: UTC, aware."""
        return datetime.now(UTC)

    def ahead(self) -> timedelta:
        """Nothing: the API server's machine has the same time, give or take what NTP leaves."""
        return timedelta(0)


class DevClock:
    """A clock that `govcloud dev clock advance` moves. For development clouds only: deadlines of the law count by it.

    Attributes:
        load_offset: says by how much the clock is ahead; asked at every reading, so that an advance counts at once.
    """

    def __init__(self, load_offset: Callable[[], timedelta]) -> None:
        self._load_offset = load_offset
        self._system = SystemClock()

    def now(self) -> datetime:
        """This moment as the development cloud sees it: UTC, aware.

        Raises:
            ValueError: the offset is negative. Time only moves forward here: a trial that ended stays ended.
        """
        return self._system.now() + self.ahead()

    def ahead(self) -> timedelta:
        """The offset.

        Raises:
            ValueError: it is negative.
        """
        offset = self._load_offset()
        if offset < timedelta(0):
            raise ValueError(f"the development clock cannot run behind the machine's clock (offset {offset})")
        return offset
