"""One at a time: a lock on a file, so that two checkouts that prepare the same thing at once do not collide.

Standard library only: the bootstrap runs before anything is installed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devcloud.progress import Say, waiting


@contextmanager
def exclusive(path: Path, what: str, say: Say) -> Iterator[None]:
    """Hold the lock file at `path` during the block; wait, and say so, while another process holds it.

    The kernel releases the lock when its holder dies, so there is no stale lock to clean up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, what, say)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, what: str, say: Say) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with waiting(f"waiting for another process that is at {what}", say):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
