"""The development cloud as the tests of this folder meet it: the platform applied, and, where a test needs it, a controller with settings of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devcloud import controller
from devcloud.demo.telling import Teller
from devcloud.demo.world import EXAMPLES, World
from devcloud.environment import Environment
from devcloud.paths import state_directory


@contextmanager
def world_of(story: str, folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[World]:
    """The world in which `story` is told, with its report in `folder`. With settings, the controller is another one meanwhile."""
    teller = Teller(folder / "report.json", sys.stdout)
    with teller.told(story):
        world = World(Environment.load(state_directory()), teller)
        with _controller_with(world, settings):
            world.must("platform-engineer", "apply", "-f", str(EXAMPLES / "platform"))
            yield world


@contextmanager
def _controller_with(world: World, settings: Mapping[str, str] | None) -> Iterator[None]:
    if settings is None:
        yield
        return
    controller.stop(world.environment)
    try:
        controller.start(world.environment, settings)
        yield
    finally:
        controller.stop(world.environment)
        controller.start(world.environment)
