"""Every regulation pack on the real control planes: its example is applied as a stranger would, decided by its offices, runs, is accepted where
there is a trial, and ends with proof."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
import yaml

from devcloud.demo import looks
from devcloud.demo.requests import Request
from devcloud.demo.telling import Teller
from devcloud.demo.world import EXAMPLES, World
from devcloud.demo.years import write_moved
from devcloud.environment import Environment
from devcloud.paths import state_directory
from govcloud.core.calendar import official_day
from policies.shelf import shipped

pytestmark = pytest.mark.cluster

EDITIONS = {name: pack.editions[-1] for name, pack in sorted(shipped().packs.items())}
HALF_A_YEAR = timedelta(days=185)
"""No six months are longer."""

Ids = set[tuple[str, str]]
"""Kind and id of everything in the cloud that belongs to a request."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    teller = Teller(Path(tmp_path_factory.mktemp("packs")) / "report.json", sys.stdout)
    yield World(Environment.load(state_directory()), teller)


@dataclass(frozen=True)
class Place:
    """One pack's example, in the year that it is by the controller's clock."""

    world: World
    pack: str
    folder: Path

    def request(self, file: str = "request.yaml") -> Request:
        return Request(self.world, str(self.folder / file))

    def has(self, file: str) -> bool:
        return (self.folder / file).exists()

    def apply(self, persona: str, file: str) -> None:
        self.world.must(persona, "apply", "-f", str(self.folder / file))


@pytest.fixture(scope="module")
def places(world: World, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Place]:
    folder = Path(tmp_path_factory.mktemp("examples"))
    write_moved(EXAMPLES / "jurisdictions", official_day(world.now()).year, folder)
    return {pack: Place(world, pack, folder / pack) for pack in EDITIONS}


@pytest.fixture(scope="module")
def lives(places: Mapping[str, Place]) -> Iterator[Mapping[str, Future[None]]]:
    """All packs at once, each in a thread: they share a controller and its clock, as jurisdictions do. Nobody moves the clock while a trial of
    another pack could run out, or while somebody still plans, or decides, in the year that it is."""
    settled = {pack: Event() for pack, edition in EDITIONS.items() if not edition.acceptance}
    with ThreadPoolExecutor(len(EDITIONS) + 1) as pool:
        yield {pack: pool.submit(_live, place, settled, pool) for pack, place in places.items()}


@pytest.mark.parametrize("pack", EDITIONS)
def test_a_service_lives_under_its_pack(lives: Mapping[str, Future[None]], pack: str) -> None:
    lives[pack].result()


def _live(place: Place, settled: Mapping[str, Event], pool: ThreadPoolExecutor) -> None:
    try:
        asked, made = _begun(place, pool)
        if place.pack in settled:
            _goes_live(place, asked, made)
            _is_to_end(asked)
    finally:
        if place.pack in settled:
            settled[place.pack].set()
    if place.pack not in settled:
        _goes_live_after_half_a_year(place, asked, made, settled)
        _is_to_end(asked)
    _ends(asked)


def _begun(place: Place, pool: ThreadPoolExecutor) -> tuple[Request, Ids]:
    _prepare(place)
    urgent = pool.submit(_an_urgent_task_is_the_governments, place) if place.has("urgent.yaml") else None
    begun = _provisioned(place)
    if urgent is not None:
        urgent.result()
    return begun


def _prepare(place: Place) -> None:
    place.apply("platform-engineer", "platform.yaml")
    if place.has("money.yaml"):
        place.apply("authority", "money.yaml")


def _provisioned(place: Place) -> tuple[Request, Ids]:
    asked = place.request()
    asked.apply()
    asked.approve_all("Provision")
    status = asked.until("runs", lambda status: status["phase"] in ("Trial", "Production") and not status["progress"].get("operation"))
    assert status["phase"] == ("Trial" if EDITIONS[place.pack].trial else "Production")
    made = _ids(asked)
    assert [kind for kind, _ in made] == ["container"]
    return asked, made


# From the trial to production


def _goes_live(place: Place, asked: Request, made: Ids) -> None:
    """From its trial, where there is one."""
    if EDITIONS[place.pack].trial:
        _ask_for_promotion(place, asked, official_day(place.world.now()).year)
        _is_promoted(asked, made)


def _is_promoted(asked: Request, made: Ids) -> None:
    number = asked.approve_all("Promote")
    status = asked.until("goes live", lambda status: status["phase"] == "Production" and status["progress"].get("completedPlan") == number)
    assert status["progress"]["productionSince"]
    assert _ids(asked) == made, "the trial environment itself becomes production"


def _goes_live_after_half_a_year(place: Place, asked: Request, made: Ids, settled: Mapping[str, Event]) -> None:
    world = place.world
    _ask_for_promotion(place, asked, official_day(world.now() + HALF_A_YEAR).year)
    assert "[XH-B 18]" in world.until("the promotion is refused", asked.refusal)
    for other in settled.values():
        other.wait()  # it is told also of one that failed
    moved = world.govcloud("dev", "clock", "advance", f"{HALF_A_YEAR.days}d")
    assert not moved.refused, moved.err
    _is_promoted(asked, made)


def _ask_for_promotion(place: Place, asked: Request, year: int) -> None:
    """The item is one of the annual plan of the year in which it is accepted."""
    patch = yaml.safe_load((place.folder / "promotion.yaml").read_text(encoding="utf-8"))
    if (item := patch["spec"].get("annualPlanItemRef")) is not None:
        item["plan"] = f"{place.pack}-{year}"
    asked.edit(lambda spec: spec.update(patch["spec"]))


def _ids(asked: Request) -> Ids:
    return {(seen.kind, seen.id) for seen in looks.everything_of(asked.world, asked.uid)}


# Beside the annual plan


def _an_urgent_task_is_the_governments(place: Place) -> None:
    urgent = place.request("urgent.yaml")
    urgent.apply()
    assert urgent.until_planned("Provision")["steps"][0] == "urgent-task"
    for somebody in ("authority", "finance"):
        answer = urgent.decide("urgent-task", persona=somebody)
        assert answer.refused and "urgent-task" in answer.err
    urgent.must_count(urgent.decide("urgent-task"))
    urgent.until("is taken into the flow", lambda status: (status.get("nextAction") or {}).get("waitingFor") == "technical-review")
    urgent.must_count(urgent.decide("technical-review", "Rejected", comment="方案不完整"))
    rejected = urgent.until("was refused", lambda status: status["phase"] == "Rejected")
    assert "operation" not in rejected["progress"]
    assert looks.everything_of(place.world, urgent.uid) == []


# The end


def _is_to_end(asked: Request) -> None:
    asked.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}))
    asked.approve_all("Terminate")


def _ends(asked: Request) -> None:
    ended = asked.until("has ended", lambda status: status["phase"] == "Terminated")
    record = ended["progress"]["termination"]
    assert record["backupVerifiedAt"]
    assert record["absenceProvedAt"]
    project = str(asked.world.get("usingunit", asked.manifest["spec"]["unit"])["status"]["projectId"])
    assert looks.in_project(looks.everything_of(asked.world, asked.uid), project) == [], "the backup lies in another project"
