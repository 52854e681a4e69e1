"""What a place has and the log has not stops everything: an older copy, another history, another log."""

import shutil
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, Time, event, fill, open_log
from audit.test_publishing import Seconds, Shelf, publisher, write
from audit.test_witness import answering, client, witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.audit.errors import AuditDamaged, AuditUnavailable
from govcloud.audit.layout import Layout
from govcloud.audit.notes import Checkpoint, Ed25519Signer, sign
from govcloud.audit.publishing import Publisher
from govcloud.audit.state import State

OTHER = Ed25519Signer(KEY.name, Ed25519PrivateKey.from_private_bytes(b"\x0b" * 32))


def published(directory: Path, count: int) -> Shelf:
    """A log of so many records whose checkpoints were published."""
    shelf = Shelf()
    log = open_log(directory)
    for _ in range(count):
        write(log)
    publisher(log, shelf).round()
    log.close()
    return shelf


def overtaken(place: Path) -> Shelf:
    """A log whose sixth record was published, with a copy of its first five in `old`."""
    published(place / "audit", 5)
    shutil.copytree(place / "audit", place / "old")
    log, shelf = open_log(place / "audit"), Shelf()
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
    shelf = overtaken(tmp_path)
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
    shelf = overtaken(tmp_path)
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
