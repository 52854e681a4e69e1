"""The main job on the real control planes: the demo's own story, one test a step, in order. A step that fails ends the story."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devcloud.demo.steps import EPILOGUE, STORY
from devcloud.demo.telling import Teller
from devcloud.demo.world import World
from devcloud.environment import Environment
from devcloud.paths import state_directory

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("story")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    teller = Teller(Path(tmp_path_factory.mktemp("story")) / "report.json", sys.stdout)
    yield World(Environment.load(state_directory()), teller)
    teller.write()


@pytest.mark.parametrize("step", (*STORY, *EPILOGUE), ids=lambda step: step.__name__)
def test_the_story_holds(world: World, step: Callable[[World], None]) -> None:
    if world.memory.get("ended"):
        pytest.fail(f"the story ended at {world.memory['ended']}")
    world.memory["ended"] = step.__name__
    with world.teller.step(step.__doc__ or step.__name__):
        step(world)
    assert world.teller.passed
    del world.memory["ended"]
