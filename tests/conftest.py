"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from adapters.s3_server import S3Server

# How long an example takes depends on what else the machine does: that is measured in bench/, and fails no test.
settings.register_profile("govcloud", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("govcloud")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A store that speaks S3: one for all tests of a process; each makes buckets of its own."""
    from adapters.s3_server import running_s3  # loads AWS's client

    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
