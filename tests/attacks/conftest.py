"""One unit and one controller for all stories; they are told in order, and each begins where the one before it ended."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks.place import Place, put_the_guards_back

from devcloud import controller
from devcloud.demo.telling import Teller
from devcloud.demo.world import World
from devcloud.environment import Environment
from devcloud.paths import state_directory


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    teller = Teller(Path(tmp_path_factory.mktemp("attacks")) / "report.json", sys.stdout)
    with teller.step("attacks"):
        world = World(Environment.load(state_directory()), teller)
        try:
            yield world
        finally:
            put_the_guards_back(world)
            controller.start(world.environment)


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    made = Place(world)
    made.set_up()
    return made
