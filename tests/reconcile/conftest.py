"""Fixtures of the stories: a world each, on a directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from reconcile.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty city: nobody has asked for anything."""
    made = World(tmp_path / "audit")
    yield made
    made.wire.restart()
    made.audit.close()
