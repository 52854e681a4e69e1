"""Holding a PostgreSQL server still for a moment, so that its files are those of one moment: what a power failure would leave.

Standard library only.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devcloud.patience import PATIENCE
from devcloud.processes import stat_of

_STOPPED = "T"


@contextmanager
def standing_still(postmaster: int) -> Iterator[None]:
    """None of the server's processes does anything during the block; none of them notices. Raises TimeoutError."""
    held = [postmaster]
    try:
        _hold(postmaster)
        # Only the postmaster starts others: from now on there are no new ones.
        for child in _children(postmaster):
            held.append(child)
            _hold(child)
        yield
    finally:
        for pid in held:
            _signal(pid, signal.SIGCONT)


def _hold(pid: int) -> None:
    """Stops a process and waits until it has: a write that is under way ends first."""
    _signal(pid, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    while (stat := stat_of(pid)) is not None and stat.is_running and stat.state != _STOPPED:
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} does not stand still")
        time.sleep(0.002)


def _signal(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, what)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
