"""Checkpoints go to every place, in the end; what a place has and the log has not stops everything."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, FullDisk, Time, event, fill, intent, open_log
from audit.test_witness import AUDITOR, answering, client, witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.audit.cosignatures import cosigned_at
from govcloud.audit.errors import AuditDamaged, AuditUnavailable
from govcloud.audit.layout import Layout
from govcloud.audit.log import AuditLog
from govcloud.audit.notes import Checkpoint, Ed25519Signer, parse, sign
from govcloud.audit.own_words import HEARTBEAT
from govcloud.audit.publishing import QUIET_SECONDS, OtherHistory, PlaceUnavailable, Publisher
from govcloud.audit.query import search
from govcloud.audit.records import Entry, Target
from govcloud.audit.state import State


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


# ---------------------------------------------------------------- another history


def published(directory: Path, count: int) -> Shelf:
    """A log of so many records whose checkpoints were published."""
    shelf = Shelf()
    log = open_log(directory)
    for _ in range(count):
        write(log)
    publisher(log, shelf).round()
    log.close()
    return shelf


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_a_log_that_goes_on_from_what_was_published_is_itself(tmp_path: Path, count: int) -> None:
    shelf = published(tmp_path, count)
    for _ in range(3):
        log = open_log(tmp_path, segment_bytes=1_000)
        mine = publisher(log, shelf)
        mine.compare()
        write(log)
        mine.round()
        log.close()
    assert shelf.sizes == [count, count + 1, count + 2, count + 3]


def test_an_older_copy_that_was_put_back_does_not_start(tmp_path: Path) -> None:
    published(tmp_path / "audit", 5)
    shutil.copytree(tmp_path / "audit", tmp_path / "old")
    log, shelf = open_log(tmp_path / "audit"), Shelf()
    write(log)
    publisher(log, shelf).round()
    log.close()
    back = open_log(tmp_path / "old")
    with pytest.raises(AuditDamaged) as refused:
        publisher(back, shelf).compare()
    assert str(refused.value) == (
        "shelf has a checkpoint of 6 records of this audit log, and the log holds 5: an older copy was put back. "
        "Put the newest copy back, then start again"
    )
    with pytest.raises(AuditUnavailable, match="older copy"):
        back.append(event())
    assert back.health().state is State.BROKEN
    back.close()


def test_a_copy_that_was_put_back_and_grew_again_does_not_start(tmp_path: Path) -> None:
    published(tmp_path / "audit", 5)
    shutil.copytree(tmp_path / "audit", tmp_path / "old")
    log, shelf = open_log(tmp_path / "audit"), Shelf()
    write(log)
    publisher(log, shelf).round()
    log.close()
    grown = open_log(tmp_path / "old")
    write(grown, event(message="something else"), event())
    with pytest.raises(AuditDamaged) as refused:
        publisher(grown, shelf).compare()
    assert str(refused.value) == (
        "shelf has another history of this audit log: the first 6 records are not those that were signed. Keep both as "
        "evidence, run govcloud audit verify --from-checkpoint, and put the right copy back"
    )
    assert refused.value.index == 0
    grown.close()


def test_a_whole_log_forged_with_the_current_key_does_not_start(tmp_path: Path) -> None:
    shelf = published(tmp_path / "audit", 5)
    time = Time()
    time.advance(3_600)
    fill(tmp_path / "forged", 9, time=time)
    log = open_log(tmp_path / "forged")
    with pytest.raises(AuditDamaged, match="another history"):
        publisher(log, shelf).compare()
    log.close()


def test_a_place_that_was_away_at_the_start_is_compared_before_anything_is_put_there(tmp_path: Path) -> None:
    shelf, clock = published(tmp_path / "audit", 5), Seconds()
    fill(tmp_path / "forged", 9)
    log = open_log(tmp_path / "forged")
    shelf.away = "no route"
    mine = publisher(log, shelf, clock=clock)
    mine.compare()
    write(log)
    shelf.away = ""
    clock.now += 60
    with pytest.raises(AuditDamaged, match="another history"):
        mine.round()
    assert shelf.sizes == [5]
    with pytest.raises(AuditUnavailable, match="another history"):
        log.append(event())
    log.close()


def test_a_fork_that_is_published_at_the_same_size_is_found_by_the_name_that_is_taken(tmp_path: Path) -> None:
    log, shelf = open_log(tmp_path / "audit"), Shelf(keeps_all=True)
    mine = publisher(log, shelf)
    mine.compare()
    write(log)
    shelf.notes.append(sign(Checkpoint(KEY.name, 1, bytes(32)), SIGNER).text())
    with pytest.raises(AuditDamaged, match="another history"):
        mine.round()
    log.close()


OTHER = Ed25519Signer(KEY.name, Ed25519PrivateKey.from_private_bytes(b"\x0b" * 32))


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("scribbled over", "a checkpoint has three lines and perhaps an SM3 root, an empty line, and its signatures"),
        (
            sign(Checkpoint(KEY.name, 1, bytes(32)), OTHER).text(),
            f"The checkpoint at 1 is not signed by the key {KEY.name}+{KEY.key_id.hex()}",
        ),
        (sign(Checkpoint("another/log", 1, bytes(32)), SIGNER).text(), "it is of the log another/log"),
    ],
)
def test_a_place_that_has_something_else_stops_the_start_and_says_what_to_do(tmp_path: Path, note: str, why: str) -> None:
    log = open_log(tmp_path)
    with pytest.raises(AuditDamaged) as refused:
        publisher(log, Shelf(notes=[note])).compare()
    assert str(refused.value) == (
        f"shelf has a checkpoint that is not of this audit log ({why}): the state directory was lost, replaced or given another "
        "key. Put it back. To begin a new log on purpose, keep that checkpoint and empty the place"
    )
    log.close()


def test_kept_hashes_that_are_gone_are_a_fault_and_no_accusation(tmp_path: Path) -> None:
    shelf = published(tmp_path, 9)
    log = open_log(tmp_path, segment_bytes=500)
    write(log)
    write(log)
    log.close()
    log = open_log(tmp_path)
    for path in Layout(tmp_path).hashes.iterdir():
        path.unlink()
    mine = publisher(log, shelf)
    mine.compare()
    assert "0 s: the kept hashes of the audit log cannot be read: " in mine.hints()[0]
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


def test_what_the_witness_has_signed_proves_a_rollback_and_a_forgery(tmp_path: Path) -> None:
    published(tmp_path / "audit", 3)
    shutil.copytree(tmp_path / "audit", tmp_path / "old")
    fill(tmp_path / "forged", 9, fence="lease/9")
    log = open_log(tmp_path / "audit")
    write(log)
    with answering(witness(tmp_path / "witness")) as url:
        Publisher(log, [], client(url), Seconds()).round()
        log.close()
        for directory, said in (("old", "older copy"), ("forged", "another history")):
            back = open_log(tmp_path / directory)
            with pytest.raises(AuditDamaged, match=said):
                Publisher(back, [], client(url), Seconds()).compare()
            back.close()
