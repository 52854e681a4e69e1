"""Telling a person what is going on: one line for each event, and a sign of life during every wait.

Standard library only: the bootstrap runs before anything is installed.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]

FIRST_SIGN_SECONDS = 2.0
NEXT_SIGNS_SECONDS = 10.0

_start = time.monotonic()
_line = threading.Lock()


def say(sentence: str) -> None:
    """Print one line with the seconds since the program's start; safe to call from several threads at once."""
    with _line:
        sys.stdout.write(f"[{time.monotonic() - _start:6.1f}s] {sentence}\n")
        sys.stdout.flush()


@contextmanager
def waiting(what: str, say: Say, detail: Callable[[], str] = str) -> Iterator[None]:
    """Say that `what` still goes on, first after two seconds and then every ten, until the block ends.

    `detail` adds how far it has come; it is called from another thread and may return an empty string.
    """
    done = threading.Event()
    begun = time.monotonic()

    def show_signs_of_life() -> None:
        pause = FIRST_SIGN_SECONDS
        while not done.wait(pause):
            pause = NEXT_SIGNS_SECONDS
            told = detail()
            say(f"… {what}, {time.monotonic() - begun:.0f} s so far{': ' if told else ''}{told}")

    thread = threading.Thread(target=show_signs_of_life, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
