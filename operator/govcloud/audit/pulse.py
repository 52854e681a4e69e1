"""A thread that looks after the log, so that its promises hold while nobody records anything."""

import threading
from collections.abc import Callable

from .errors import AuditUnavailable

PULSE_SECONDS = 10


class Pulse:
    """Ticks every so many seconds until it is stopped, or until the log has said that it cannot go on."""

    def __init__(self, tick: Callable[[], None], seconds: float = PULSE_SECONDS) -> None:
        self._tick, self._seconds = tick, seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-pulse", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self._tick()
            except AuditUnavailable:  # told to everybody by health() and by the next append
                return

    def stop(self) -> None:
        """Returns when the thread has ended."""
        self._stopped.set()
        self._thread.join()
