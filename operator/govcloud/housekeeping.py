"""What is done again and again beside the requests: tasks with a name, one after another in a thread of their own.

A task that fails comes again, later and later, and says so until it succeeds. Knows nothing of what the tasks do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from govcloud.queue import WorkQueue

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """Something to be done every so often; it may raise, and is then tried again.

    `hint`: what somebody should know of it now; empty when there is nothing to know.
    """

    name: str
    every: timedelta
    run: Callable[[], None]
    hint: Callable[[], str] = str


@dataclass
class Housekeeping:
    """Runs tasks. `expected` are exceptions whose sentence says all: they are logged without a traceback."""

    tasks: Sequence[Task] = ()
    expected: tuple[type[Exception], ...] = ()
    _failing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name = {task.name: task for task in self.tasks}
        self._queue: WorkQueue[str] = WorkQueue(self.do, workers=1, expected=self.expected)

    def start(self) -> None:
        """Every task once now, then at its own interval."""
        self._queue.start()
        for task in self.tasks:
            self._queue.wake(task.name)

    def soon(self, name: str) -> None:
        """Do a task before its time; nothing where there is none of this name."""
        if name in self._by_name:
            self._queue.wake(name)

    def stop(self, patience: timedelta) -> bool:
        """Let what is under way end. True if it did in time."""
        return self._queue.stop(patience)

    def alive(self) -> bool:
        """Whether the thread is there."""
        return self._queue.alive()

    def hints(self) -> list[str]:
        """Which tasks do not succeed at the moment and why, and what else somebody should look at. Nothing stops for it."""
        told = [(task.name, task.hint()) for task in self.tasks]
        return [f"{name}: {what}" for name, what in (*sorted(self._failing.items()), *told) if what]

    def do(self, name: str) -> timedelta:
        """Run one task; when to come again."""
        task = self._by_name[name]
        try:
            task.run()
        except Exception as error:
            self._failing[name] = str(error) if isinstance(error, self.expected) else type(error).__name__
            raise
        self._failing.pop(name, None)
        return task.every
