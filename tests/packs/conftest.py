"""A place under a pack, on a directory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packs.places import Place

from policies.rules import Pack

Open = Callable[..., Place]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Open]:
    """Open a place; every condition of every step holds there if `everything` is said."""
    opened: list[Place] = []

    def open_one(pack: Pack, everything: bool = False) -> Place:
        opened.append(Place(tmp_path / f"audit-{len(opened)}", pack, everything))
        return opened[-1]

    yield open_one
    for each in opened:
        each.wire.restart()
        each.audit.close()
