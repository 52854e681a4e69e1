"""One seed for the whole run: printed at its start, and given again by GOVCLOUD_SEED."""

from __future__ import annotations

import os
import secrets

import pytest

os.environ.setdefault("GOVCLOUD_SEED", str(secrets.randbelow(10**6)))  # here, so that workers inherit it


def pytest_report_header() -> str:
    return f"soak seed: {os.environ['GOVCLOUD_SEED']} (the same again: GOVCLOUD_SEED={os.environ['GOVCLOUD_SEED']})"


@pytest.fixture
def seed() -> str:
    """What every draw of this run follows from."""
    return os.environ["GOVCLOUD_SEED"]
