"""One seed for all draws of a run (tests/conftest.py)."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def seed() -> str:
    """What every draw of this run follows from."""
    return os.environ["GOVCLOUD_SEED"]
