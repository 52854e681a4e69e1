"""Every regulation pack on the real control planes: its example is applied as a stranger would, decided by its offices, runs, and ends with proof."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from devcloud.demo import looks
from devcloud.demo.requests import Request
from devcloud.demo.telling import Teller
from devcloud.demo.world import EXAMPLES, World
from devcloud.environment import Environment
from devcloud.paths import state_directory
from policies.shelf import shipped

pytestmark = pytest.mark.cluster

FOLDER = EXAMPLES / "jurisdictions"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    teller = Teller(Path(tmp_path_factory.mktemp("packs")) / "report.json", sys.stdout)
    yield World(Environment.load(state_directory()), teller)


@pytest.fixture(scope="module")
def lives(world: World) -> Iterator[Mapping[str, Future[None]]]:
    """All packs at once, each in a thread: they share a controller, as jurisdictions do."""
    packs = sorted(shipped().packs)
    with ThreadPoolExecutor(len(packs)) as pool:
        yield {pack: pool.submit(_live, world, pack) for pack in packs}


@pytest.mark.parametrize("pack", sorted(shipped().packs))
def test_a_service_lives_under_its_pack(lives: Mapping[str, Future[None]], pack: str) -> None:
    lives[pack].result()


def _live(world: World, pack: str) -> None:
    asked = _applied(world, pack)
    edition = shipped().pack(pack).editions[-1]
    asked.approve_all("Provision")
    status = asked.until("runs", lambda status: status["phase"] in ("Trial", "Production") and not status["progress"].get("operation"))
    assert status["phase"] == ("Trial" if edition.trial else "Production")
    assert [seen.kind for seen in looks.everything_of(world, asked.uid)] == ["container"]

    if edition.acceptance:
        _is_not_accepted_too_early(asked)
    asked.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}))
    asked.approve_all("Terminate")
    ended = asked.until("has ended", lambda status: status["phase"] == "Terminated")
    record = ended["progress"]["termination"]
    assert record["backupVerifiedAt"]
    assert record["absenceProvedAt"]
    project = str(world.get("usingunit", asked.manifest["spec"]["unit"])["status"]["projectId"])
    assert looks.in_project(looks.everything_of(world, asked.uid), project) == [], "the backup lies in another project"


def _applied(world: World, pack: str) -> Request:
    world.must("platform-engineer", "apply", "-f", str(FOLDER / pack / "platform.yaml"))
    if (FOLDER / pack / "money.yaml").exists():
        world.must("authority", "apply", "-f", str(FOLDER / pack / "money.yaml"))
    asked = Request(world, f"jurisdictions/{pack}/request.yaml")
    asked.apply()
    return asked


def _is_not_accepted_too_early(asked: Request) -> None:
    asked.edit(lambda spec: spec.update(stage="Production"))
    stalled = asked.world.until("the promotion is refused", lambda: _refusal(asked), 60)
    assert "[XH-B 18]" in stalled


def _refusal(asked: Request) -> str | None:
    found = asked.condition("Stalled")
    return str(found["message"]) if found.get("status") == "True" else None
