"""What holds for all tests."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from adapters.s3_server import S3Server

# How long an example takes depends on what else the machine does: that is measured in bench/, and fails no test.
settings.register_profile("govcloud", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("govcloud")


def pytest_configure() -> None:
    """One seed for the soak's whole run, set before the workers begin, so that all draw alike."""
    os.environ.setdefault("GOVCLOUD_SEED", str(secrets.randbelow(10**6)))


def pytest_report_header(config: pytest.Config) -> list[str]:
    seed = os.environ["GOVCLOUD_SEED"]
    return [f"soak seed: {seed} (the same again: GOVCLOUD_SEED={seed})"] if config.option.markexpr == "soak" else []


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A store that speaks S3: one for all tests of a process; each makes buckets of its own."""
    from adapters.s3_server import running_s3  # loads AWS's client

    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
