"""The situations, made once for all laws."""

from __future__ import annotations

import os

import pytest
from core.situations import Situation, life, many_turns, one_turn_each

from govcloud.core.facts import Facts


@pytest.fixture(scope="session")
def moments(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Facts]]:
    """The facts before every pass of whole lives."""
    return life(tmp_path_factory.mktemp("life"))


@pytest.fixture(scope="session")
def situations(moments: list[tuple[str, Facts]]) -> list[Situation]:
    """Every moment turned one way, and a sample of all ways at once. GOVCLOUD_TEST_SEED draws another sample."""
    seed = int(os.environ.get("GOVCLOUD_TEST_SEED", "20260302"))
    return [*one_turn_each(moments), *many_turns(moments, 500, seed)]
