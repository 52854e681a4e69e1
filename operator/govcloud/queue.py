"""Our own work queue: one worker at a time for a key, wake-ups at a moment, retries with backoff. Knows nothing of Kubernetes.

kopf's timers, daemons and retries are not used: they overlap, they keep their state in annotations, and they retry for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Condition, Thread
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)
Work = Callable[[Key], timedelta | None]
"""Does one pass and says when to come again; None: when something happens. An exception means: again, later and later."""

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)


@dataclass
class WorkQueue(Generic[Key]):
    """Keys that are due, each worked on by one thread at a time. Waking a key that is being worked on makes it due again afterwards.

    `expected` are exceptions whose sentence says all: they are logged without a traceback.
    """

    work: Work[Key]
    workers: int
    expected: tuple[type[Exception], ...] = ()
    first_delay: timedelta = FIRST_DELAY
    longest_delay: timedelta = LONGEST_DELAY
    monotonic: Callable[[], float] = time.monotonic
    _changed: Condition = field(default_factory=Condition)
    _due: dict[Key, float] = field(default_factory=dict)
    _busy: set[Key] = field(default_factory=set)
    _failures: dict[Key, int] = field(default_factory=dict)
    _stopping: bool = False
    _threads: list[Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start the workers. They are daemons: a process that must end at once may end at once."""
        self._threads = [Thread(target=self._run, name=f"worker-{n}", daemon=True) for n in range(self.workers)]
        for thread in self._threads:
            thread.start()

    def stop(self, patience: timedelta) -> bool:
        """Take no more work and wait for what is under way. True if everything ended in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        deadline = self.monotonic() + patience.total_seconds()
        for thread in self._threads:
            thread.join(max(0.0, deadline - self.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def wake(self, key: Key, after: timedelta = timedelta(0)) -> None:
        """Make a key due; an earlier moment wins over a later one."""
        with self._changed:
            self._schedule(key, self.monotonic() + after.total_seconds())

    def alive(self) -> bool:
        """Whether every worker still runs."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def __len__(self) -> int:
        with self._changed:
            return len(self._due) + len(self._busy)

    def _schedule(self, key: Key, moment: float) -> None:
        if key not in self._due or moment < self._due[key]:
            self._due[key] = moment
            self._changed.notify()

    def _run(self) -> None:
        while (key := self._take()) is not None:
            again = self._work_on(key)
            with self._changed:
                self._busy.discard(key)
                if again is not None:
                    self._schedule(key, self.monotonic() + again.total_seconds())
                self._changed.notify_all()

    def _work_on(self, key: Key) -> timedelta | None:
        try:
            again: timedelta | None = self.work(key)
        except Exception as error:
            count = self._failures[key] = self._failures.get(key, 0) + 1
            delay = min(self.first_delay * (1 << min(count - 1, 9)), self.longest_delay)
            log.warning(
                "%s: %s: %s; again in %s",
                key,
                type(error).__name__,
                error,
                delay,
                exc_info=not isinstance(error, self.expected),
            )
            return delay
        self._failures.pop(key, None)
        return again

    def _take(self) -> Key | None:
        """The next due key that nobody works on; None when the queue stops."""
        with self._changed:
            while not self._stopping:
                moment, key = self._next_free() or (None, None)
                wait = None if moment is None else moment - self.monotonic()
                if key is not None and wait is not None and wait <= 0:
                    del self._due[key]
                    self._busy.add(key)
                    return key
                self._changed.wait(wait)
            return None

    def _next_free(self) -> tuple[float, Key] | None:
        """The moment and key that come next among those nobody works on. A look at every key: there are thousands, not millions."""
        free = ((moment, key) for key, moment in self._due.items() if key not in self._busy)
        return min(free, key=lambda entry: entry[0], default=None)
