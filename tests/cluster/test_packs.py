"""Every regulation pack on the real control planes: its example is applied as a stranger would, decided by its offices, runs, is accepted where
there is a trial, and ends with proof."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import yaml

from devcloud.demo import looks
from devcloud.demo.requests import Request
from devcloud.demo.telling import Teller
from devcloud.demo.world import EXAMPLES, World
from devcloud.environment import Environment
from devcloud.paths import state_directory
from policies.shelf import shipped

pytestmark = pytest.mark.cluster

FOLDER = EXAMPLES / "jurisdictions"
EDITIONS = {name: pack.editions[-1] for name, pack in sorted(shipped().packs.items())}
HALF_A_YEAR = "185d"
"""No six months are longer."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    teller = Teller(Path(tmp_path_factory.mktemp("packs")) / "report.json", sys.stdout)
    yield World(Environment.load(state_directory()), teller)


@pytest.fixture(scope="module")
def lives(world: World) -> Iterator[Mapping[str, Future[None]]]:
    """All packs at once, each in a thread: they share a controller and its clock, as jurisdictions do. Nobody moves the clock while a trial of
    another pack could run out."""
    accepted = {pack: Event() for pack, edition in EDITIONS.items() if edition.trial and not edition.acceptance}
    with ThreadPoolExecutor(len(EDITIONS)) as pool:
        yield {pack: pool.submit(_live, world, pack, accepted) for pack in EDITIONS}


@pytest.mark.parametrize("pack", EDITIONS)
def test_a_service_lives_under_its_pack(lives: Mapping[str, Future[None]], pack: str) -> None:
    lives[pack].result()


def _live(world: World, pack: str, accepted: Mapping[str, Event]) -> None:
    try:
        asked = _provisioned(world, pack)
        if pack in accepted:
            _goes_live(asked, pack)
    finally:
        if pack in accepted:
            accepted[pack].set()
    if EDITIONS[pack].acceptance:
        _an_urgent_task_is_the_governments(world, pack)
        _goes_live_after_half_a_year(asked, pack, accepted)
    _ends(asked)


def _provisioned(world: World, pack: str) -> Request:
    world.must("platform-engineer", "apply", "-f", str(FOLDER / pack / "platform.yaml"))
    if (FOLDER / pack / "money.yaml").exists():
        world.must("authority", "apply", "-f", str(FOLDER / pack / "money.yaml"))
    asked = Request(world, f"jurisdictions/{pack}/request.yaml")
    asked.apply()
    asked.approve_all("Provision")
    status = asked.until("runs", lambda status: status["phase"] in ("Trial", "Production") and not status["progress"].get("operation"))
    assert status["phase"] == ("Trial" if EDITIONS[pack].trial else "Production")
    assert [seen.kind for seen in looks.everything_of(world, asked.uid)] == ["container"]
    return asked


# From the trial to production


def _goes_live(asked: Request, pack: str) -> None:
    before = _names(asked)
    _ask_for_promotion(asked, pack)
    number = asked.approve_all("Promote")
    status = asked.until("goes live", lambda status: status["phase"] == "Production" and status["progress"].get("completedPlan") == number)
    assert status["progress"]["productionSince"]
    assert _names(asked) == before, "the trial environment itself becomes production"


def _goes_live_after_half_a_year(asked: Request, pack: str, accepted: Mapping[str, Event]) -> None:
    _ask_for_promotion(asked, pack)
    assert "[XH-B 18]" in asked.world.until("the promotion is refused", asked.refusal, 60)
    for other, event in accepted.items():
        assert event.wait(180), f"{other} was not accepted"
    moved = asked.world.govcloud("dev", "clock", "advance", HALF_A_YEAR)
    assert not moved.refused, moved.err
    _goes_live(asked, pack)


def _ask_for_promotion(asked: Request, pack: str) -> None:
    patch = yaml.safe_load((FOLDER / pack / "promotion.yaml").read_text(encoding="utf-8"))
    asked.edit(lambda spec: spec.update(patch["spec"]))


def _names(asked: Request) -> set[tuple[str, str]]:
    return {(seen.kind, seen.id) for seen in looks.everything_of(asked.world, asked.uid)}


# Beside the annual plan


def _an_urgent_task_is_the_governments(world: World, pack: str) -> None:
    urgent = Request(world, f"jurisdictions/{pack}/urgent.yaml")
    urgent.apply()
    assert urgent.until_planned("Provision")["steps"][0] == "urgent-task"
    for somebody in ("authority", "finance"):
        answer = urgent.decide("urgent-task", persona=somebody)
        assert answer.refused and "urgent-task" in answer.err
    urgent.must_count(urgent.decide("urgent-task"))
    urgent.until("is taken into the flow", lambda status: status["nextAction"].get("waitingFor") == "technical-review", 60)
    urgent.must_count(urgent.decide("technical-review", "Rejected", comment="方案不完整"))
    assert looks.everything_of(world, urgent.uid) == []


# The end


def _ends(asked: Request) -> None:
    asked.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}))
    asked.approve_all("Terminate")
    ended = asked.until("has ended", lambda status: status["phase"] == "Terminated")
    record = ended["progress"]["termination"]
    assert record["backupVerifiedAt"]
    assert record["absenceProvedAt"]
    project = str(asked.world.get("usingunit", asked.manifest["spec"]["unit"])["status"]["projectId"])
    assert looks.in_project(looks.everything_of(asked.world, asked.uid), project) == [], "the backup lies in another project"
