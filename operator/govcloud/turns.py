"""How many of something are done at the same time; who finds all places taken gets one in the order of asking. Knows nothing of what is done."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Turns(Generic[Key]):
    """Places for `most` keys at once. Safe for threads.

    Args:
        most: how many have a place at the same time.
        called: told of a key that waited and has a place now. It MUST come back, even if only to end its turn.
    """

    most: int
    called: Callable[[Key], None]
    _placed: set[Key] = field(default_factory=set)
    _waiting: dict[Key, None] = field(default_factory=dict)
    """In the order of asking."""
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def visit(self, key: Key) -> Iterator[Callable[[], bool]]:
        """While something is done for a key: whether it may have a place, for whoever needs one; it is free again afterwards.

        Who hears that there is none waits, and is called.
        """
        answers: list[bool] = []

        def has_turn() -> bool:
            answers.append(self._take(key))
            return answers[-1]

        try:
            yield has_turn
        finally:
            if answers != [False]:  # a place that came free since is for the visit that comes when called
                self._leave(key)

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        with self._lock:
            return len(self._waiting)

    @property
    def taken(self) -> int:
        """How many places are taken, or kept for one that was called."""
        with self._lock:
            return len(self._placed)

    def _take(self, key: Key) -> bool:
        with self._lock:
            if key in self._placed:
                return True
            if len(self._placed) < self.most:
                self._placed.add(key)
                return True
            self._waiting.setdefault(key)
            return False

    def _leave(self, key: Key) -> None:
        with self._lock:
            if key not in self._placed:
                return
            self._placed.discard(key)
            following = next(iter(self._waiting), None)
            if following is not None:
                del self._waiting[following]
                self._placed.add(following)
        if following is not None:
            self.called(following)
