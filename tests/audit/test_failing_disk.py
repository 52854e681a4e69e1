"""No record, no effect: whatever call to the disk fails, an acknowledged record is never lost and the log never lies."""

import contextlib
import errno
import itertools
from pathlib import Path

import pytest
from audit.logs import (
    KEY,
    FaultyFiles,
    FullDisk,
    LossyFiles,
    QuickFiles,
    event,
    fail_at,
    fail_from,
    intent,
    open_log,
    outcome,
)

from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.layout import Layout
from govcloud.audit.query import search
from govcloud.audit.records import Action
from govcloud.audit.state import State
from govcloud.audit.verify import Result, verify

SMALL = {"segment_bytes": 1_500, "ballast_bytes": 64}


def run(directory: Path, files: FaultyFiles, count: int = 8) -> list[str]:
    """A writer's life on this disk; the ids that were acknowledged."""
    acknowledged: list[str] = []
    try:
        log = open_log(directory, files, **SMALL)
    except AuditUnavailable:
        return acknowledged
    for number in range(count):
        try:
            acknowledged.append(log.append(intent(f"web-{number}")).id)
        except AuditUnavailable:
            continue
    log.close()
    return acknowledged


def calls_of_a_whole_life(directory: Path) -> int:
    files = FaultyFiles(lambda *_: None)
    run(directory, files)
    return files.calls


def assert_nothing_is_lost(directory: Path, acknowledged: list[str]) -> None:
    log = open_log(directory, new_id=lambda: "after")  # a restart on a healthy disk
    log.append(event())
    log.close()
    ids = [record.id for record in search(directory)]
    assert [one for one in ids if one in acknowledged] == acknowledged
    assert verify(directory, KEY).result is Result.OK
    layout = Layout(directory)
    sealed = sorted(path.stem for path in layout.segments.iterdir())[:-1]
    assert {path.stem for path in layout.hashes.iterdir()} >= set(sealed), "hashes are kept before a segment is left"


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_any_single_failing_call_loses_nothing_acknowledged(tmp_path: Path, code: int) -> None:
    for number in range(1, calls_of_a_whole_life(tmp_path / "whole") + 1):
        directory = tmp_path / f"{number}"
        acknowledged = run(directory, FaultyFiles(fail_at(number, code), partial=9))
        assert_nothing_is_lost(directory, acknowledged)


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS])
def test_a_disk_that_is_gone_for_good_loses_nothing_acknowledged(tmp_path: Path, code: int) -> None:
    """EROFS: the kernel has remounted it read-only."""
    for number in range(1, calls_of_a_whole_life(tmp_path / "whole") + 1):
        directory = tmp_path / f"{number}"
        acknowledged = run(directory, FaultyFiles(fail_from(number, code), partial=number % 40))
        assert_nothing_is_lost(directory, acknowledged)


@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
def test_power_loss_at_any_call_loses_only_what_was_not_flushed(tmp_path: Path, part: float) -> None:
    for number in range(1, calls_of_a_whole_life(tmp_path / "whole") + 1):
        directory, files = tmp_path / f"{number}", LossyFiles(fail_from(number))
        acknowledged = run(directory, files)
        files.go_down(lambda unflushed: int(unflushed * part))
        assert_nothing_is_lost(directory, acknowledged)


class Brim(QuickFiles):
    """A disk with room for so many bytes; what is removed makes room again."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = super().write(descriptor, data[: self.room])
        self.room -= written
        return written

    def truncate(self, descriptor: int, size: int) -> None:
        self.room += self.size(descriptor) - size
        super().truncate(descriptor, size)

    def remove(self, path: Path) -> None:
        self.room += path.stat().st_size if path.exists() else 0
        super().remove(path)

    def free_bytes(self, directory: Path) -> int:
        return self.room


@pytest.mark.parametrize("step", [47, pytest.param(1, marks=pytest.mark.soak)])
def test_a_disk_that_fills_up_at_any_byte_of_a_record_and_of_a_rotation_loses_nothing(tmp_path: Path, step: int) -> None:
    for room in range(600, 3_600, step):
        directory, acknowledged = tmp_path / f"{room}", list[str]()
        log = open_log(directory, Brim(room), segment_bytes=1_500, ballast_bytes=2_048)
        for number in range(6):
            with contextlib.suppress(AuditUnavailable):
                acknowledged.append(log.append(intent(f"web-{number}")).id)
        assert not log.health().writable or len(acknowledged) == 6
        log.close()
        assert_nothing_is_lost(directory, acknowledged)


def test_after_a_failed_flush_nothing_is_accepted_any_more(tmp_path: Path) -> None:
    broken = {"now": False}
    files = FaultyFiles(lambda _, name: errno.EIO if broken["now"] and name == "flush" else None)
    log = open_log(tmp_path, files)
    log.append(intent())
    broken["now"] = True
    with pytest.raises(AuditUnavailable, match="cannot flush"):
        log.append(intent())
    broken["now"] = False  # the disk says that it is well again; the kernel may have dropped pages meanwhile
    with pytest.raises(AuditUnavailable, match="restart the controller"):
        log.append(outcome("whatever"))
    assert log.health().state is State.BROKEN
    assert not log.health().writable


def test_a_full_disk_refuses_intents_but_records_how_running_effects_ended(tmp_path: Path) -> None:
    files = FullDisk()
    log = open_log(tmp_path, files)
    begun = log.append(intent())
    files.full = True
    why = f"no room for {Layout(tmp_path).segment(0)}"
    with pytest.raises(AuditUnavailable, match=rf"^The audit log has no room \({why}\)\. Make room on the disk; it goes on by itself$"):
        log.append(intent("too late"))
    log.append(outcome(begun.id))
    assert log.health().state is State.FULL
    assert log.open_intents() == ()
    log.close()
    assert [r.action for r in search(tmp_path)] == [Action.CREATE, Action.DISABLE, Action.CREATE]
    assert verify(tmp_path, KEY).result is Result.OK


def test_recording_goes_on_by_itself_when_there_is_room_again(tmp_path: Path) -> None:
    files = FullDisk()
    log = open_log(tmp_path, files)
    files.full = True
    with pytest.raises(AuditUnavailable):
        log.append(intent())
    files.full = False
    assert log.append(intent("again")).sequence == 2  # after what was said about the pause and its end
    assert log.health().writable
    log.close()
    assert [(r.action, r.message) for r in search(tmp_path)] == [
        (Action.DISABLE, "the disk is full: nothing new is begun until there is room"),
        (Action.ENABLE, "there is room again"),
        (Action.CREATE, ""),
    ]


def test_the_pulse_also_notices_that_there_is_room_again(tmp_path: Path) -> None:
    files = FullDisk()
    log = open_log(tmp_path, files)
    files.full = True
    with pytest.raises(AuditUnavailable):
        log.append(intent())
    log.tick()
    assert not log.health().writable
    files.full = False
    log.tick()
    assert log.health().writable
    log.close()


@pytest.mark.parametrize(
    ("call", "full_before", "doing"),
    [
        ("remove", False, "cannot release the space set aside"),
        ("reserve", True, "cannot set space aside again"),
    ],
)
def test_a_disk_that_fails_while_it_is_full_is_said_to_be_broken_and_at_what(
    tmp_path: Path, call: str, full_before: bool, doing: str
) -> None:
    class Failing(FullDisk):
        def _maybe_fail(self, name: str) -> None:
            if name == call and failing:
                raise OSError(errno.EIO, "Input/output error")
            super()._maybe_fail(name)

    failing, files = False, Failing()
    log = open_log(tmp_path, files)
    files.full, failing = True, not full_before
    with pytest.raises(AuditUnavailable):
        log.append(intent())
    files.full, failing = False, True
    with pytest.raises(AuditUnavailable) as refused:
        log.append(intent())
    why = f"The audit log is broken: {doing}: Input/output error. See to the disk, then restart the controller"
    assert (str(refused.value), log.health().state) == (why, State.BROKEN)


def test_hashes_that_cannot_be_kept_seal_no_segment(tmp_path: Path) -> None:
    begun = False
    log = open_log(tmp_path, FaultyFiles(lambda _, name: errno.EIO if name == "rename" and begun else None))
    log.append(event())
    begun = True
    why = r"^The audit log is broken: cannot keep the hashes of a segment: Input/output error\. See to the disk"
    with pytest.raises(AuditUnavailable, match=why):
        log.seal()
    log.close()
    assert [path.name for path in Layout(tmp_path).segments.iterdir()] == ["0000000000000000.log"]


def test_when_even_the_reserve_is_used_up_the_log_says_so(tmp_path: Path) -> None:
    files = FullDisk()
    log = open_log(tmp_path, files)
    begun = log.append(intent())
    files.full = True
    with pytest.raises(AuditUnavailable):
        log.append(intent())
    files.spare = 0
    with pytest.raises(AuditUnavailable, match="set aside for the end is used up"):
        log.append(outcome(begun.id))


@pytest.mark.parametrize(
    ("call", "doing"),
    [
        ("make_directory", "cannot make {log}"),
        ("lock", "cannot lock {log}/lock"),
        ("open_for_append", "cannot read the log"),
        ("reserve", "cannot read the log"),
    ],
)
def test_a_disk_that_fails_at_the_start_is_told_with_what_was_being_done(tmp_path: Path, call: str, doing: str) -> None:
    class Sick(FaultyFiles):
        def lock(self, path: Path) -> int:
            self._maybe_fail("lock")
            return super().lock(path)

    told = rf"^The audit log cannot be opened: {doing.format(log=tmp_path)}: Input/output error$"
    with pytest.raises(AuditUnavailable, match=told):
        open_log(tmp_path, Sick(lambda _, name: errno.EIO if name == call else None))
    open_log(tmp_path).close()


def test_no_room_at_the_start_is_a_clear_refusal(tmp_path: Path) -> None:
    files = FaultyFiles(lambda _, name: errno.ENOSPC if name == "reserve" else None)
    with pytest.raises(AuditUnavailable, match="No space left"):
        open_log(tmp_path, files)
    open_log(tmp_path).close()  # and the lock was given back


def test_a_quota_that_only_large_writes_hit_does_not_loop(tmp_path: Path) -> None:
    class Quota(FaultyFiles):
        def write(self, descriptor: int, data: bytes) -> int:
            if len(data) > 5_000:
                raise OSError(errno.EDQUOT, "quota")
            return super().write(descriptor, data)

    log = open_log(tmp_path, Quota(lambda *_: None))
    with pytest.raises(AuditUnavailable):
        log.append_many([intent(f"web-{n}") for n in range(20)])
    log.append(intent("small"))
    log.close()
    assert verify(tmp_path, KEY).result is Result.OK


def test_an_unforeseen_error_in_the_writer_settles_everyone_and_stops_it(tmp_path: Path) -> None:
    ids = itertools.chain(["one"], itertools.repeat(""))  # an empty id is refused by the record itself
    log = open_log(tmp_path, new_id=lambda: next(ids))
    log.append(intent())
    with pytest.raises(ValueError, match="id"):
        log.append(intent())
    with pytest.raises(AuditUnavailable, match=r"^The audit log is broken: a write was interrupted\. See"):
        log.append(intent())
