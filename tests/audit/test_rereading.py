"""What an opening does not read is read afterwards; what is wrong there stops the log and every later start."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from audit.logs import CONTROLLER, KEY, QuickFiles, Time, event, open_log
from audit.test_retention import allowed, log_of_days
from audit.test_starting_points import starts, written
from audit.test_tampering import changed

from govcloud.audit import starting_points
from govcloud.audit.errors import AuditDamaged, AuditUnavailable
from govcloud.audit.frames import decode
from govcloud.audit.layout import Layout
from govcloud.audit.log import AuditLog
from govcloud.audit.merkle import leaf_hash
from govcloud.audit.query import search
from govcloud.audit.records import Action
from govcloud.audit.rereading import Rereading
from govcloud.audit.retention import remove
from govcloud.audit.state import State
from govcloud.audit.verify import Result, verify


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("whole") / "audit")


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "audit")
    return tmp_path / "audit"


def reread(directory: Path) -> AuditLog:
    """The log, open, after all of it was read again."""
    log = open_log(directory, reread_bytes=0)
    Rereading(log, directory, QuickFiles()).run()
    return log


def said(directory: Path) -> list[tuple[Action, str]]:
    return [(record.action, record.message) for record in search(directory) if record.target.kind == "AuditLog"]


def test_a_whole_log_is_said_to_be_the_one_that_was_signed(copy: Path) -> None:
    end = starts(copy)[-1]
    reread(copy).close()
    assert said(copy) == [(Action.EVALUATE, f"records 0 to {end - 1} were read again: they are the ones that were signed")]
    assert verify(copy, KEY).result is Result.OK


def test_of_a_log_that_has_nothing_sealed_nothing_is_said(tmp_path: Path) -> None:
    reread(tmp_path).close()
    assert said(tmp_path) == []


def in_segment(number: int, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def apply(directory: Path) -> None:
        path = Layout(directory).segment(starts(directory)[number])
        path.write_bytes(change(path.read_bytes()))

    return apply


def forged(directory: Path) -> None:
    """A record is another, with a right checksum."""
    path = Layout(directory).segment(starts(directory)[1])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([changed(lines[0], message="nothing happened"), *lines[1:]]))


@pytest.mark.parametrize(
    "damage",
    [
        forged,
        in_segment(1, lambda data: data.replace(b"web-3", b"web-X", 1)),
        in_segment(1, lambda data: b"".join(data.splitlines(keepends=True)[:-1])),
        in_segment(1, lambda data: data[:-20]),
        in_segment(1, lambda data: b""),
    ],
)
def test_what_is_wrong_stops_the_log_and_every_later_start(copy: Path, damage: Callable[[Path], object]) -> None:
    first, following = starts(copy)[1:3]
    damage(copy)
    log = open_log(copy, reread_bytes=0)
    with pytest.raises(AuditDamaged) as found:
        Rereading(log, copy, QuickFiles()).run()
    assert first <= found.value.index <= following
    assert log.health().state is State.BROKEN
    assert log.health().reason == f"The sealed records of the audit log were read again: {found.value}"
    with pytest.raises(AuditUnavailable, match="were read again"):
        log.append(event())
    log.close()
    assert starting_points.sizes(QuickFiles(), Layout(copy)) == []
    with pytest.raises(AuditDamaged):
        open_log(copy, reread_bytes=0)


def test_a_segment_that_vanishes_while_the_log_is_open_is_missed(copy: Path) -> None:
    log, first = open_log(copy, reread_bytes=0), starts(copy)[1]
    Layout(copy).segment(first).unlink()
    with pytest.raises(AuditDamaged, match=f"The segment that begins at {first} is missing") as found:
        Rereading(log, copy, QuickFiles()).run()
    assert found.value.index == first
    log.close()


def test_records_and_kept_hashes_changed_together_are_still_not_what_was_signed(copy: Path) -> None:
    forged(copy)
    first = starts(copy)[1]
    lines = Layout(copy).segment(first).read_bytes().splitlines(keepends=True)
    Layout(copy).segment_hashes(first).write_bytes(b"".join(leaf_hash(decode(line)) for line in lines))
    log = open_log(copy, reread_bytes=0)
    with pytest.raises(AuditDamaged, match="not those that were signed"):
        Rereading(log, copy, QuickFiles()).run()
    log.close()


def test_the_changed_record_is_named_by_the_hash_that_was_kept_of_it(copy: Path) -> None:
    path, first = Layout(copy).segment(starts(copy)[1]), starts(copy)[1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], changed(lines[1], message="nothing happened"), *lines[2:]]))
    log = open_log(copy, reread_bytes=0)
    with pytest.raises(AuditDamaged, match=f"as far as can be seen from {first + 1} on") as found:
        Rereading(log, copy, QuickFiles()).run()
    assert found.value.index == first + 1
    log.close()


def test_a_disk_that_does_not_read_stops_the_log(copy: Path) -> None:
    class Unreadable(QuickFiles):
        def open_for_reading(self, path: Path) -> BinaryIO:
            if path == Layout(copy).segment(0):
                raise OSError(5, "Input/output error")
            return super().open_for_reading(path)

    log = open_log(copy, reread_bytes=0)
    with pytest.raises(OSError, match="Input/output error"):
        Rereading(log, copy, Unreadable()).run()
    assert log.health().state is State.BROKEN
    log.close()


@pytest.mark.parametrize("damage", [lambda data: data[32:64] + data[:32] + data[64:], lambda data: data[:-32], lambda data: b""])
def test_wrong_hashes_of_right_records_are_made_anew_and_the_wrong_ones_kept(copy: Path, damage: Callable[[bytes], bytes]) -> None:
    first = starts(copy)[1]
    path = Layout(copy).segment_hashes(first)
    right = path.read_bytes()
    path.write_bytes(damage(right))
    reread(copy).close()
    assert path.read_bytes() == right
    assert (Layout(copy).torn / path.name).read_bytes() == damage(right)
    assert said(copy)[0] == (Action.REPAIR, f"the hashes kept of the segment that begins at {first} were not those of its records")
    assert verify(copy, KEY).result is Result.OK


def test_wrong_or_missing_nodes_of_the_tree_are_made_anew(copy: Path) -> None:
    layout = Layout(copy)
    right = {path.name: path.read_bytes() for path in layout.trees.iterdir()}
    assert len(right) == len(starts(copy)) - 1
    layout.segment_tree(0).write_bytes(b"x" * 32)
    layout.segment_tree(starts(copy)[2]).unlink()
    reread(copy).close()
    assert {path.name: path.read_bytes() for path in layout.trees.iterdir()} == right


def test_of_removed_segments_the_kept_hashes_are_read(tmp_path: Path) -> None:
    time = Time()
    log_of_days(tmp_path, 385, time)
    log = open_log(tmp_path, time=time)
    remove(log, tmp_path, allowed(tmp_path, time.now), CONTROLLER)
    Rereading(log, tmp_path, QuickFiles()).run()
    log.close()
    path = Layout(tmp_path).segment_hashes(0)
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    log = open_log(tmp_path, time=time, reread_bytes=0)
    with pytest.raises(AuditDamaged, match="not those that were signed"):
        Rereading(log, tmp_path, QuickFiles()).run()
    log.close()
