"""One unit and one controller for all stories. Each story has requests of its own, so that it can be told alone, and leaves the policies in force."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks import guards
from attacks.place import Place
from attacks.story import Story

from devcloud import controller
from devcloud.demo.telling import Teller
from devcloud.demo.world import World
from devcloud.environment import Environment
from devcloud.paths import state_directory


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    teller = Teller(Path(tmp_path_factory.mktemp("attacks")) / "report.json", sys.stdout)
    with teller.told("attacks"):
        yield World(Environment.load(state_directory()), teller)


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    made = Place(world)
    made.set_up()
    return made


@pytest.fixture
def story(world: World, place: Place) -> Iterator[Story]:
    """Begins and ends where decisions count, whatever happens in between."""
    guards.until_decisions_count(world)
    try:
        told = Story(world, place)
        yield told
        told.all_of_it_is_on_record()
    finally:
        if not guards.are_all_there(world):
            guards.put_back(world)
        controller.start(world.environment)
        guards.until_decisions_count(world)
