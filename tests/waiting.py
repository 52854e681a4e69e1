"""Waiting in tests for what another thread, process or machine does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from devcloud.patience import PATIENCE

Seen = TypeVar("Seen")


def until(seen: Callable[[], Seen], what: str = "it", pause: float = 0.02) -> Seen:
    """Look again and again until there is something to see, and return it. Raises AssertionError when `PATIENCE` is over."""
    deadline = time.monotonic() + PATIENCE
    while not (found := seen()):
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE:.0f} s"
        time.sleep(pause)
    return found
