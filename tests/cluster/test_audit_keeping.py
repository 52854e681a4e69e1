"""The running controller copies its log into Swift, records legal holds; the log comes back from the copies."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from devcloud import controller
from devcloud.demo.telling import Teller
from devcloud.demo.world import World
from devcloud.environment import Environment
from devcloud.paths import state_directory

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A controller that seals its log every ten seconds; afterwards the ordinary one runs again."""
    teller = Teller(Path(tmp_path_factory.mktemp("keeping")) / "report.json", sys.stdout)
    with teller.step("keeping"):
        world = World(Environment.load(state_directory()), teller)
        controller.stop(world.environment)
        controller.start(world.environment, {"GOVCLOUD_AUDIT_SEAL_SECONDS": "10"})
        yield world
        controller.stop(world.environment)
        controller.start(world.environment)


def test_the_log_is_copied_comes_back_from_the_copies_and_keeps_what_is_held(world: World, tmp_path: Path) -> None:
    name = f"case-{os.urandom(3).hex()}"
    ordered = _as_auditor(world, "hold", "add", name, "--unit", "no-such-unit", "--reason", "inspection")
    assert ordered == (0, f"ordered: {name} keeps every record of no-such-unit\n")
    before = _status(world)["records"]
    world.until("the log is copied", lambda: _status(world)["copied"] >= before, seconds=60)

    back = world.govcloud("audit", "restore", str(tmp_path / "back"), "--key", str(world.audit_log / "public-key"))
    assert back.code == 0, back.out + back.err
    assert back.out.startswith("ok: The audit log is whole")
    for path in sorted((tmp_path / "back" / "segments").iterdir())[:-1]:
        assert path.read_bytes() == (world.audit_log / "segments" / path.name).read_bytes()

    (hold,) = [hold for hold in _holds(world) if hold["name"] == name]
    assert (hold["by"], hold["unit"], hold["reason"]) == ("auditor", "no-such-unit", "inspection")
    assert _as_auditor(world, "hold", "remove", name, "--reason", "it ended")[0] == 0
    metrics = urlopen(world.environment.health_url.replace("/healthz", "/metrics")).read().decode()  # noqa: S310
    assert "govcloud_audit_uncopied_seconds" in metrics


def _status(world: World) -> dict[str, int]:
    status: dict[str, int] = json.loads(world.govcloud("audit", "status", "--format", "json").out)
    return status


def _holds(world: World) -> list[dict[str, str]]:
    return [json.loads(line) for line in world.govcloud("audit", "hold", "list", "--format", "json").out.splitlines()]


def _as_auditor(world: World, *arguments: str) -> tuple[int, str]:
    answer = world.govcloud("audit", *arguments, kubeconfig=world.environment.kubeconfig_of("auditor"))
    return answer.code, answer.out
