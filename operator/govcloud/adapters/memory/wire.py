"""What lies between the controller and the twins: every write passes it, and the chosen one fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock


class Crash(BaseException):
    """The controller's process has ended. Not an `Exception`: nothing may handle it."""


@dataclass(frozen=True)
class _Planned:
    error: BaseException
    after: bool


class Wire:
    """Every write of the twins passes here, in order, and the chosen one fails: before it takes effect, or after.

    After a `Crash` the process is gone: whatever it still tries fails in the same way, reads too, until `restart`.
    """

    def __init__(self) -> None:
        self.writes: list[str] = []
        self._at: dict[int, _Planned] = {}
        self._named: dict[str, list[_Planned]] = {}
        self._dead = False
        self._lock = RLock()

    def fail_at(self, number: int, error: BaseException, *, after: bool = False) -> None:
        """Let the `number`-th write from the start (counted from 1) fail, once."""
        self._at[number] = _Planned(error, after)

    def fail_next(self, name: str, error: BaseException, *, times: int = 1, after: bool = False) -> None:
        """Let the next writes whose name begins with `name` fail."""
        self._named.setdefault(name, []).extend([_Planned(error, after)] * times)

    def forgive(self) -> None:
        """Nothing that was planned to fail fails any more."""
        self._at.clear()
        self._named.clear()

    def restart(self) -> None:
        """A new process: it can reach everything again."""
        self._dead = False

    def read(self) -> None:
        """A look at the world.

        Raises:
            Crash: the process is gone.
        """
        if self._dead:
            raise Crash

    @contextmanager
    def write(self, name: str) -> Iterator[None]:
        """One write: what it does stands inside.

        Raises:
            BaseException: what was planned for it.
        """
        self.read()
        with self._lock:
            self.writes.append(name)
            planned = self._planned(len(self.writes), name)
        if planned is not None and not planned.after:
            self._raise(planned.error)
        yield
        if planned is not None:
            self._raise(planned.error)

    def _planned(self, number: int, name: str) -> _Planned | None:
        if (planned := self._at.pop(number, None)) is not None:
            return planned
        waiting = next((items for start, items in self._named.items() if name.startswith(start) and items), None)
        return waiting.pop(0) if waiting else None

    def _raise(self, error: BaseException) -> None:
        self._dead = self._dead or isinstance(error, Crash)
        raise error
