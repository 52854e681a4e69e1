"""The controller that runs beside the tests, held still where it would put right what a test does in its place."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from devcloud import controller
from devcloud.environment import Environment


@contextmanager
def controller_standing_still(environment: Environment) -> Iterator[None]:
    """Its process, for a moment that is shorter than its Lease."""
    controller.kill(environment, signal.SIGSTOP)
    try:
        yield
    finally:
        controller.kill(environment, signal.SIGCONT)
