"""Checkpoints go to every place, in the end, and never hold up what they sign."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from audit.logs import KEY, FullDisk, event, intent, open_log
from audit.test_witness import AUDITOR, answering, client, witness

from govcloud.audit.cosignatures import cosigned_at
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.log import AuditLog
from govcloud.audit.notes import parse
from govcloud.audit.own_words import HEARTBEAT
from govcloud.audit.publishing import QUIET_SECONDS, OtherHistory, PlaceUnavailable, Publisher
from govcloud.audit.query import search
from govcloud.audit.records import Entry, Target


@dataclass
class Shelf:
    """A place in memory."""

    name: str = "shelf"
    keeps_all: bool = False
    notes: list[str] = field(default_factory=list)
    away: str = ""
    recording: Callable[[int], None] = lambda _: None
    """What putting something there has recorded."""

    def newest(self) -> str | None:
        self._answer()
        return self.notes[-1] if self.notes else None

    def publish(self, note: str, size: int) -> None:
        self._answer()
        for there in self.notes:
            if parse(there).checkpoint.size == size and parse(there).checkpoint != parse(note).checkpoint:
                raise OtherHistory(there)
        self.recording(size)
        self.notes.append(note)

    @property
    def sizes(self) -> list[int]:
        return [parse(note).checkpoint.size for note in self.notes]

    def _answer(self) -> None:
        if self.away:
            raise PlaceUnavailable(self.away)


class Seconds:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def publisher(log: AuditLog, *places: Shelf, clock: Seconds | None = None) -> Publisher:
    return Publisher(log, places, None, clock or Seconds())


def write(log: AuditLog, *entries: Entry) -> None:
    log.append_many(entries or [event()])
    log.sign()


def test_the_newest_checkpoint_goes_to_every_place_once(tmp_path: Path) -> None:
    log, shelves = open_log(tmp_path), (Shelf("a"), Shelf("b", keeps_all=True))
    mine = publisher(log, *shelves)
    mine.compare()
    mine.round()
    assert [shelf.sizes for shelf in shelves] == [[], []], "nothing is signed yet"
    for _ in range(2):
        write(log)
        mine.round()
        mine.round()
    newest = log.newest()
    assert newest and [shelf.sizes for shelf in shelves] == [[1, 2], [1, 2]]
    assert shelves[0].notes[-1] == newest.text()
    assert (mine.names(), mine.hints()) == (("a", "b"), ())
    log.close()


def test_publishing_does_not_feed_on_itself(tmp_path: Path) -> None:
    """A place whose own publications are recorded gets one more checkpoint an hour in a quiet log, not one for each of them."""
    log, clock = open_log(tmp_path), Seconds()
    shelf = Shelf(keeps_all=True, recording=lambda size: log.append(routine(size)) and None)
    mine = publisher(log, shelf, clock=clock)
    mine.compare()
    write(log)
    for _ in range(2 * QUIET_SECONDS // 60):
        mine.round()
        clock.now += 60
        write(log, HEARTBEAT)
    assert len(shelf.notes) == 2
    write(log)
    mine.round()
    assert len(shelf.notes) == 3, "what happens is published at once"
    log.close()


def routine(size: int) -> Entry:
    return event(target=Target(kind="openstack:object-store"), attributes={"type": "AuditCheckpoint", "size": str(size)})


def test_a_place_that_is_away_is_tried_later_and_later_and_said_once(tmp_path: Path) -> None:
    log, clock, shelf, other = open_log(tmp_path), Seconds(), Shelf(away="no route"), Shelf("other")
    mine = publisher(log, shelf, other, clock=clock)
    mine.compare()
    tries = list[float]()
    shelf.newest = lambda: counted()  # type: ignore[method-assign]

    def counted() -> str | None:
        tries.append(clock.now - 1_000)
        raise PlaceUnavailable("no route")

    write(log)
    for _ in range(100):
        mine.round()
        clock.now += 10
    assert tries == [10, 30, 70, 150, 310, 610, 910], "at last every five minutes"
    assert other.sizes[-1] >= 1, "one place does not hold up another"
    assert mine.lag("shelf") == pytest.approx(1_000)
    assert mine.lag("other") == 0
    assert mine.hints() == ("checkpoints of the audit log have not reached shelf for 1000 s: no route",)
    log.close()
    assert [(r.action, r.outcome) for r in search(tmp_path) if r.target.name == "shelf"] == [("notify", "failure")]


def test_a_place_that_is_back_gets_the_newest_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    log, clock, shelf = open_log(tmp_path), Seconds(), Shelf(away="no route")
    mine = publisher(log, shelf, clock=clock)
    mine.compare()
    write(log)
    mine.round()
    shelf.away = ""
    clock.now += 600
    mine.round()
    assert (len(shelf.notes), mine.lag("shelf"), mine.hints()) == (1, 0, ())
    log.close()
    assert [(r.outcome, r.message) for r in search(tmp_path) if r.target.name == "shelf"] == [
        ("failure", "no route"),
        ("success", "the place can be reached again"),
    ]
    assert [(line.levelname, line.message) for line in caplog.records] == [
        ("WARNING", "shelf: no route"),
        ("INFO", "shelf: the place can be reached again"),
    ]


def test_a_place_that_fails_once_more_is_tried_as_soon_as_at_first(tmp_path: Path) -> None:
    log, clock, shelf = open_log(tmp_path), Seconds(), Shelf(away="no route")
    mine = publisher(log, shelf, clock=clock)
    for away in ("no route", "", "no route", ""):
        shelf.away = away
        write(log)
        mine.round()
        clock.now += 10
    assert len(shelf.notes) == 2
    log.close()


def test_a_place_that_keeps_all_gets_what_is_no_news_after_an_hour_and_not_before(tmp_path: Path) -> None:
    log, clock, shelf = open_log(tmp_path), Seconds(), Shelf(keeps_all=True)
    mine = publisher(log, shelf, clock=clock)
    write(log)
    mine.round()
    write(log, HEARTBEAT)
    for wait, sizes in ((QUIET_SECONDS - 1, [1]), (1, [1, 2]), (QUIET_SECONDS, [1, 2])):
        clock.now += wait
        mine.round()
        assert (shelf.sizes, mine.lag("shelf")) == (sizes, 0)
    log.close()


def test_what_cannot_even_be_recorded_is_still_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = open_log(tmp_path)
    mine = publisher(log, Shelf(away="no route"))
    log.close()
    mine.compare()
    assert [line.message for line in caplog.records] == [
        "shelf: no route",
        "the audit log cannot record that: The audit log is closed",
    ]


def test_that_nobody_publishes_any_more_is_said(tmp_path: Path) -> None:
    log, clock = open_log(tmp_path), Seconds()
    mine = publisher(log, Shelf(), clock=clock)
    clock.now += 120
    assert (mine.lag("shelf"), mine.hints()) == (0, ())
    clock.now += 380
    assert mine.lag("shelf") == 500
    assert mine.hints() == ("nobody has looked for 500 s whether checkpoints of the audit log are to be published",)
    mine.round()
    assert (mine.lag("shelf"), mine.hints()) == (0, ())
    log.close()


def test_a_full_log_is_published_as_far_as_it_goes_and_goes_on(tmp_path: Path) -> None:
    files, shelf, clock = FullDisk(), Shelf(), Seconds()
    log = open_log(tmp_path, files)
    shelf.recording = lambda size: log.append(intent(str(size))) and None
    mine = publisher(log, shelf, clock=clock)
    write(log)
    files.full = True
    with pytest.raises(AuditUnavailable):
        log.append(event())
    mine.round()
    assert "no room" in mine.hints()[0]
    files.full = False
    clock.now += 60
    log.append(event())
    mine.round()
    assert len(shelf.notes) == 1
    log.close()






# ---------------------------------------------------------------- with a witness


def test_what_is_published_is_signed_by_the_witness_too(tmp_path: Path) -> None:
    log, shelf = open_log(tmp_path / "audit", segment_bytes=2_000), Shelf()
    with answering(witness(tmp_path / "witness")) as url:
        mine = Publisher(log, [shelf], client(url), Seconds())
        mine.compare()
        for _ in range(9):
            write(log)
            mine.round()
    assert shelf.sizes == list(range(1, 10))
    assert all(cosigned_at(parse(note), AUDITOR.public_key) and KEY.verify(parse(note)) for note in shelf.notes)
    log.close()


def test_a_witness_that_is_away_holds_up_no_publication(tmp_path: Path) -> None:
    log, shelf = open_log(tmp_path), Shelf()
    mine = Publisher(log, [shelf], client("http://127.0.0.1:9"), Seconds())
    mine.compare()
    write(log)
    mine.round()
    assert len(shelf.notes) == 1
    assert mine.hints()[0].startswith("checkpoints of the audit log have not reached the witness for")
    log.close()
