"""The controller dies at every line of a whole life, and the next process finishes: same end, nothing twice, nothing lost, log whole.

A crash before a write leaves the world as the crash after the write before it did, so one crash after each write is every crash there is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from reconcile.world import ANNUAL_PLAN, ITEM, Crash, World, jurisdiction_spec, services, without_times

from govcloud.audit.query import Filter, search
from govcloud.audit.records import Action
from govcloud.audit.usage import ledger
from govcloud.audit.verify import Result
from govcloud.rounds import Rounds

PAID_BY = {"plan": ANNUAL_PLAN, "item": ITEM}

Act = Callable[[World], object]


def small() -> list[dict[str, object]]:
    """One machine and as little else as will do, so that the story stays short."""
    found = [service for service in services() if service["name"] != "files"]
    found[1]["virtualMachine"] |= {"count": 1, "securityRules": []}
    return found


@dataclass(frozen=True)
class Chapter:
    """Part of a life: what people do at its beginning (the controller runs after each), and what is true at its end."""

    name: str
    acts: tuple[Act, ...]
    phase: str
    patient: bool = True
    """Whether failures are waited out. Not where somebody has to act."""
    every: int = 1
    """After which writes it crashes: each, or each so-and-so-many-th where another chapter is much alike."""


def _approve(step: str) -> Act:
    return lambda world: world.decide(step)


def _ended_where(something_is_so: Act) -> tuple[Act, ...]:
    """A provisioned request whose end is approved, and what is so by then."""
    provisioned: tuple[Act, ...] = (lambda world: world.apply(services=small()), _approve("superior-unit"), _approve("authority"))
    return (*provisioned, something_is_so, World.terminate, _approve("unit-consent"), _approve("authority"))


LIFE = (
    Chapter(
        "provisioning",
        (lambda world: world.apply(services=small(), annualPlanItemRef=PAID_BY), _approve("superior-unit"), _approve("authority")),
        "Trial",
    ),
    Chapter(
        "extension",
        (lambda world: world.apply(trial={"extensionDays": 5}), _approve("authority")),
        "Trial",
    ),
    Chapter("trial end", (lambda world: world.clock.advance(timedelta(days=21)),), "Suspended"),
    Chapter(
        "promotion",
        (lambda world: world.apply(stage="Production"), _approve("unit-consent"), _approve("provider-consent")),
        "Production",
    ),
    Chapter("change", (lambda world: world.edit_service("data", sizeGib=5), _approve("authority")), "Production"),
    Chapter(
        "repair",
        (
            lambda world: world.delete_by_hand("web-0"),
            lambda world: Rounds(world.ports).look_for_drift(),
            lambda world: world.apply(repairs=1),
            _approve("authority"),
        ),
        "Production",
        every=3,
    ),
    Chapter(
        "replacement",
        (lambda world: world.edit_service("web", antiAffinity=True), _approve("authority")),
        "Production",
    ),
    Chapter("termination", (World.terminate, _approve("unit-consent"), _approve("authority")), "Terminated"),
)


TROUBLE = (
    Chapter(
        "stuck provisioning",
        (
            lambda world: world.apply(services=small()),
            lambda world: world.edit_service("web", offering="vm-gone"),
            _approve("superior-unit"),
            _approve("authority"),
        ),
        "Provisioning",
        patient=False,
        every=3,
    ),
    Chapter(
        "correction",
        (
            lambda world: world.edit_service("web", offering="vm-small"),
            _approve("superior-unit"),
            _approve("authority"),
        ),
        "Trial",
        every=2,
    ),
    Chapter(
        "stuck change",
        (lambda world: world.edit_service("web", offering="vm-gone", count=2), _approve("authority")),
        "Trial",
        patient=False,
    ),
    Chapter(
        "end of a stuck change",
        (World.terminate, _approve("unit-consent"), _approve("authority")),
        "Terminated",
        every=5,
    ),
)
LOSS = (
    Chapter(
        "copy that differs",
        _ended_where(lambda world: world.backups.corrupt.add("data")),
        "Terminating",
        patient=False,
    ),
    Chapter(
        "end without it",
        (lambda world: world.terminate(waived=["data"]), _approve("unit-consent"), _approve("authority")),
        "Terminated",
        every=2,
    ),
)
RETURN = (
    Chapter(
        "an end that is waited for",
        _ended_where(lambda world: world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(tightened={"coolingOffDays": 7}))),
        "Terminating",
    ),
    Chapter(
        "an end that is taken back",
        (lambda world: world.apply(stage="Trial"), _approve("unit-consent")),
        "Trial",
        every=2,
    ),
)
CHAPTERS = (*LIFE, *TROUBLE, LOSS[-1], RETURN[-1])
"""Where a copy differs, how far the other parts of that set come depends on the crash; what is to be the same is how it ends."""


def live(world: World, chapter: Chapter) -> None:
    """Live a chapter; whoever dies in it is followed by the next process."""
    for act in chapter.acts:
        act(world)
        _survive(world, world.run_patiently if chapter.patient else partial(_run_and_look_again, world))
    assert world.status().phase == chapter.phase, world.status().next_action


def _run_and_look_again(world: World) -> None:
    """What a failed attempt made is seen by the pass after it."""
    world.run()
    world.step()


def _survive(world: World, run: Callable[[], object]) -> None:
    while True:
        try:
            run()
        except Crash:
            world.restart_controller()
        else:
            return


@dataclass(frozen=True)
class Beginning:
    """A world at the beginning of a chapter, to be copied as often as wanted."""

    world: World
    log: Path

    def copied(self, to: Path) -> World:
        shutil.copytree(self.log, to)
        return self.world.copied(to)


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Beginning]:
    """The world as it is before each chapter, without any crash."""
    home = tmp_path_factory.mktemp("lives")
    return dict([*_beginnings(LIFE, home / "life"), *_beginnings(TROUBLE, home / "trouble"), *_beginnings(LOSS, home / "loss"), *_beginnings(RETURN, home / "return")])


def _beginnings(chapters: tuple[Chapter, ...], home: Path) -> Iterator[tuple[str, Beginning]]:
    home.mkdir()
    world = World(home / "0")
    for number, chapter in enumerate(chapters):
        world.audit.close()
        beginning = Beginning(world, home / str(number))
        yield chapter.name, beginning
        world = beginning.copied(home / str(number + 1))
        live(world, chapter)
    world.audit.close()


def lived(chapter: Chapter, beginning: Beginning, directory: Path, *crashes: int) -> World:
    """Live the chapter with a crash right after each of these writes, counted from the chapter's first."""
    world = beginning.copied(directory)
    start = len(world.wire.writes)
    for number in crashes:
        world.wire.fail_at(start + number, Crash(), after=True)
    live(world, chapter)
    return world


def seen(world: World) -> dict[str, object]:
    """All that can be compared between two lives of one chapter: everything but moments and the order of ids."""
    return {
        "status": without_times(_without_ids(world.request().status)),
        "finalizer": world.request().has_finalizer,
        "labels": world.request().labels,
        "things": sorted((t.type, t.project, t.name, t.owner, t.key, _without_numbers(t.inputs)) for t in world.cloud.things()),
        "quotas": world.cloud.quotas,
        "plans": {plan.number: plan.text for plan in world.cluster.plans(world.request().key)},
        "secrets": {name: sorted(values) for name, values in world.cluster.secrets.items()},
        "usage": _running(world),
        "reserved": _reserved(world),
        "verdicts": sorted((a.name, world.judged(a)) for a in world.cluster.approvals()),
    }


def _without_ids(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**status, "resources": sorted(r["name"] for r in status.get("resources", ())), "endpoints": None}


def _without_numbers(inputs: Mapping[str, Any]) -> str:
    """What a backup was made of is named by its id, and parts are worked on side by side: which of them came first is nobody's concern."""
    return repr({**inputs, "of": inputs["of"].rstrip("0123456789")} if "of" in inputs else dict(inputs))


def _reserved(world: World) -> list[tuple[str, str, str]]:
    """Account, request and yuan a year."""
    holders = (*world.cluster.annual_plans(), *world.cluster.agreements())
    return [(holder.name, each.name, each.yearly) for holder in holders for each in holder.status.reservations]


def _running(world: World) -> set[tuple[str, str, str]]:
    metered = search(world.audit.directory, Filter(actions=frozenset({Action.METER})))
    running = (interval for interval in ledger(metered) if interval.until is None)
    return {(i.item.service, i.item.offering, str(i.rate.quantity)) for i in running}


def survived(world: World, expected: dict[str, object]) -> None:
    """The end is the one without a crash, the log is whole, and nothing goes on."""
    assert seen(world) == expected
    world.things()  # looks for what was made twice
    assert world.audit.open_intents() == ()
    assert world.audit.verified().result is Result.OK
    assert world.writes_in(lambda: [world.step() for _ in range(3)]) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_crash_after_any_write_changes_nothing_in_the_end(
    chapter: Chapter, beginnings: dict[str, Beginning], tmp_path: Path
) -> None:
    beginning = beginnings[chapter.name]
    expected, writes = _uncrashed(chapter, beginning, tmp_path / "uncrashed")
    for number in range(1, writes + 1, chapter.every):
        world = lived(chapter, beginning, tmp_path / str(number), number)
        try:
            survived(world, expected)
        except AssertionError as error:
            raise AssertionError(f"after write {number} of {writes} of {chapter.name}: {error}") from error
        world.audit.close()
        shutil.rmtree(tmp_path / str(number))


OFTEN = 11
"""Writes between two crashes: a little more than the longest pass needs until it is noted in the status."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_process_that_dies_again_and_again_gets_there_too(
    chapter: Chapter, beginnings: dict[str, Beginning], tmp_path: Path
) -> None:
    beginning = beginnings[chapter.name]
    expected, writes = _uncrashed(chapter, beginning, tmp_path / "uncrashed")
    world = lived(chapter, beginning, tmp_path / "often", *range(OFTEN, 10 * writes, OFTEN))

    survived(world, expected)


def _uncrashed(chapter: Chapter, beginning: Beginning, directory: Path) -> tuple[dict[str, object], int]:
    """How it ends without a crash, and how many writes it takes."""
    world = lived(chapter, beginning, directory)
    world.audit.close()
    return seen(world), len(world.wire.writes) - len(beginning.world.wire.writes)
