"""Processes of the CLI that a killed controller left behind. They are found by their environment, so that there is no file to lose.

The kernel kills the CLI with its controller; its own children notice that and end. One that does not is killed here, because two engines
must never write one state.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from stacks.engine.commands import STACK_VARIABLE, StackName
from stacks.engine.failures import StackLocked

_PROCESSES = Path("/proc")


def left_over(stack: StackName, backend_url: str) -> tuple[int, ...]:
    """Process ids of CLI processes of this stack and this state. Empty where the system does not tell."""
    wanted = {f"{STACK_VARIABLE}={stack}".encode(), f"PULUMI_BACKEND_URL={backend_url}".encode()}
    found = (entry for entry in _PROCESSES.iterdir() if entry.name.isdigit()) if _PROCESSES.exists() else ()
    return tuple(int(entry.name) for entry in found if wanted <= _environment(entry))


def end_left_over(
    stack: StackName,
    backend_url: str,
    *,
    grace: float = 10.0,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Wait `grace` seconds for such processes to end, then kill them. Returns how many there were.

    Raises:
        StackLocked: one could not be ended.
    """
    first = left_over(stack, backend_url)
    if _gone_within(grace, stack, backend_url, now, sleep):
        return len(first)
    for process in left_over(stack, backend_url):
        _kill(process)
    if not _gone_within(grace, stack, backend_url, now, sleep):
        raise StackLocked(
            f"stack {stack.stack}: processes of an interrupted run do not end: {left_over(stack, backend_url)}"
        )
    return len(first)


def _gone_within(
    seconds: float, stack: StackName, backend_url: str, now: Callable[[], float], sleep: Callable[[float], None]
) -> bool:
    deadline = now() + seconds
    while left_over(stack, backend_url):
        if now() > deadline:
            return False
        sleep(0.1)
    return True


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended meanwhile, which is what we want


def _environment(entry: Path) -> frozenset[bytes]:
    try:
        return frozenset((entry / "environ").read_bytes().split(b"\0"))
    except OSError:
        return frozenset()  # it ended, or belongs to somebody else: then it is none of ours
