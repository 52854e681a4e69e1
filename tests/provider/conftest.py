"""The stage of the tests that call the provider as an engine does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from provider.stage import EngineCall, Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def engine(stage: Stage) -> EngineCall:
    """An engine that has logged in, for a stack that may do everything."""
    stage.run()
    return stage.engine().configure()
