"""What is sealed is copied, read back and recorded; what was lost here comes back whole; a crash anywhere costs nothing."""

from datetime import timedelta
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, QuickFiles, Time, event, fill, open_log

from govcloud.adapters.memory import Crash, FixedClock, Wire
from govcloud.adapters.memory.copies import MemoryCopies
from govcloud.audit.copies import HASHES, MANIFESTS, SEGMENTS, CopyDiffers, hashes_name, manifest_of, sealed
from govcloud.audit.copying import Copying, Lag
from govcloud.audit.keyring_copies import KEYRINGS
from govcloud.audit.layout import Layout
from govcloud.audit.log import AuditLog
from govcloud.audit.proofs import newest_checkpoint
from govcloud.audit.query import search
from govcloud.audit.reader import Damage
from govcloud.audit.records import Action, Outcome, Phase
from govcloud.audit.restoring import restore
from govcloud.audit.status import status_of
from govcloud.audit.verify import Result, verify
from govcloud.failures import Retry
from govcloud.reasons import Reason

HOUR = timedelta(hours=1)
UNREACHABLE = Retry(Reason.CLOUD_UNREACHABLE, "Swift does not answer")


class World:
    """A log, its clock, a store of copies, and what ships from one to the other; another process each time it is opened."""

    def __init__(self, directory: Path, *, national: bool = False) -> None:
        self.directory, self.time, self.national = directory, Time(), national
        self.wire = Wire()
        self.store = MemoryCopies(self.wire, FixedClock(self.time.now))
        self.opened()

    def opened(self) -> None:
        self.log: AuditLog = open_log(self.directory, time=self.time, national=self.national)
        self.copying = Copying(self.log, self.directory, self.store, CONTROLLER, self.time.wall, QuickFiles())

    def reopened(self) -> None:
        self.wire.restart()
        self.log.close()
        self.opened()

    def record(self, segments: int) -> None:
        """So many segments of three records, all of them sealed."""
        for _ in range(segments):
            self.log.append_many([event()] * 3)
            self.log.seal()

    def segments(self) -> list[tuple[int, int]]:
        return sealed(QuickFiles(), Layout(self.directory))

    def said(self, phase: Phase) -> list[tuple[str, Outcome]]:
        records = [r for r in search(self.directory) if r.action is Action.BACKUP and r.phase is phase]
        return [(record.target.id, record.outcome) for record in records]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "audit")


def test_every_sealed_segment_is_copied_with_what_belongs_to_it_once(world: World) -> None:
    world.record(4)
    before = world.segments()
    world.copying.run()
    puts = list(world.wire.writes)
    shipped = [name for first, end in before for name in names_of(world, first, end)]
    assert [name for name in world.store.objects if name.startswith(HASHES)] == [hashes_name(first, "sha256") for first, _ in before]
    assert puts == [f"put {name}" for name in (*shipped, "keyrings/0000000000000000.txt")]
    assert world.said(Phase.INTENT) == [(str(first), Outcome.PENDING) for first, _ in before]
    assert world.said(Phase.OUTCOME) == [(str(first), Outcome.SUCCESS) for first, _ in before]


def names_of(world: World, first: int, end: int) -> tuple[str, str, str]:
    manifest = manifest_of(QuickFiles(), Layout(world.directory), first, end)
    return manifest.segment_name, hashes_name(first, "sha256"), manifest.name


def test_what_is_open_longer_than_an_hour_is_sealed_and_copied(world: World) -> None:
    world.log.append(event())
    world.time.advance(3_500)
    world.copying.run()
    assert world.segments() == []
    world.time.advance(100)
    world.copying.run()
    assert world.segments() == [(0, 2)]
    assert len(world.store.objects) == 4


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (None, "copies of this log go to memory, which has no retention lock: whoever administers it can delete them"),
        (timedelta(days=1_095), "copies of this log go to memory, where nobody can delete them for 1095 days after they were stored"),
    ],
)
def test_each_life_says_once_where_copies_go_and_whether_they_are_locked(world: World, lock: timedelta | None, said: str) -> None:
    world.store.locked = lock
    for _ in range(2):
        assert world.copying.lock() is None, "nobody was asked yet"
        world.copying.run()
        world.copying.run()
        assert world.copying.lock() == lock
        world.reopened()
    assert [record.message for record in search(world.directory) if record.action is Action.CONFIGURE] == [said, said]


@pytest.mark.parametrize("national", [False, True], ids=["one tree", "two trees"])
def test_copies_from_before_hashes_went_with_them_get_theirs_once(tmp_path: Path, national: bool) -> None:
    world = World(tmp_path / "audit", national=national)
    world.record(3)
    world.copying.run()
    whole = dict(world.store.objects)
    world.store.objects = {name: kept for name, kept in whole.items() if not name.startswith(f"{HASHES}000000000000000")}
    world.reopened()
    world.copying.run()
    missing = sorted(whole.keys() & {name for name in world.store.objects if name.startswith(HASHES)})
    assert missing == sorted(name for name in whole if name.startswith(HASHES))
    assert all(world.store.objects[name][0] == whole[name][0] for name in missing)
    completed = [r for r in search(world.directory) if r.message.startswith("complete the copy of records") and r.phase is Phase.OUTCOME]
    assert [record.outcome for record in completed] == [Outcome.SUCCESS] * 2, "of the newest the whole copy is looked at once more"
    assert completed[0].message.endswith("read back and equal")
    writes = len(world.wire.writes)
    world.copying.run()
    assert len(world.wire.writes) == writes


def test_an_old_segment_that_was_changed_keeps_no_new_one_from_being_copied(world: World) -> None:
    world.record(2)
    world.copying.run()
    del world.store.objects[hashes_name(0, "sha256")]
    Layout(world.directory).segment_hashes(0).write_bytes(bytes(96))
    world.reopened()
    world.record(1)
    with pytest.raises(CopyDiffers, match="Segment 0 is not what was sealed"):
        world.copying.run()
    assert world.said(Phase.OUTCOME)[-1] == (str(world.segments()[-1][0]), Outcome.SUCCESS)
    assert hashes_name(0, "sha256") not in world.store.objects


def test_the_lag_is_what_a_lost_disk_would_take_along(world: World) -> None:
    world.record(4)
    world.time.advance(1_000)
    lag = world.copying.lag()
    assert (lag.records, int(lag.age.total_seconds())) == (12, 1_000)
    world.copying.run()
    assert world.copying.lag().records == len(world.said(Phase.INTENT) + world.said(Phase.OUTCOME)) + 1
    assert str(Lag(3, timedelta(seconds=90.7))) == "3 records are not copied yet, the oldest is 0:01:30 old"


def test_nothing_to_copy_is_no_lag(world: World) -> None:
    assert world.copying.lag() == Lag(0, timedelta())


def test_a_first_record_that_is_being_written_is_no_lag_yet_and_a_damaged_one_is_said(world: World) -> None:
    path = Layout(world.directory).segment(0)
    path.write_bytes(b"0000023b c43f3086 {")
    assert world.copying.lag() == Lag(0, timedelta())
    path.write_bytes(b"0000023b c43f3086 {}\n")
    with pytest.raises(Damage):
        world.copying.lag()


def test_a_store_that_does_not_answer_is_recorded_and_tried_again(world: World) -> None:
    world.record(2)
    (first, _), *_ = world.segments()
    world.wire.fail_next("put segments/", UNREACHABLE)
    with pytest.raises(Retry):
        world.copying.run()
    assert world.said(Phase.OUTCOME) == [(str(first), Outcome.FAILURE)]
    world.log.append(event())  # recording goes on meanwhile
    world.copying.run()
    assert world.said(Phase.OUTCOME)[1] == (str(first), Outcome.SUCCESS)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 11))
def test_a_crash_at_any_write_costs_nothing(world: World, number: int, after: bool) -> None:
    world.record(3)
    world.wire.fail_at(number, Crash(), after=after)
    with pytest.raises(Crash):
        world.copying.run()
    world.reopened()
    world.copying.run()
    assert verify(world.directory, KEY).result is Result.OK
    copied = {name for name in world.store.objects if name.startswith(MANIFESTS)}
    assert copied == {names_of(world, first, end)[-1] for first, end in world.segments()}
    assert len(world.wire.writes) - len(set(world.wire.writes)) == (not after), "nothing is stored twice"


def test_after_a_start_the_newest_copy_is_read_back_once_more_and_the_others_are_not(world: World) -> None:
    world.record(4)
    world.copying.run()
    shipped, writes = world.said(Phase.OUTCOME), len(world.wire.writes)
    world.reopened()
    world.copying.run()
    assert world.said(Phase.OUTCOME)[len(shipped) :] == shipped[-1:]
    assert len(world.wire.writes) == writes


def test_a_copy_that_is_something_else_is_left_as_it_is_and_said(world: World) -> None:
    world.record(2)
    first, end = world.segments()[0]
    name, *_ = names_of(world, first, end)
    world.store.objects[name] = (b"something else", world.store.clock.now())
    with pytest.raises(CopyDiffers, match="left as it is"):
        world.copying.run()
    assert world.store.objects[name][0] == b"something else"
    assert world.said(Phase.OUTCOME) == [(str(first), Outcome.FAILURE)]


@pytest.mark.parametrize("extra", [0, 1])
def test_another_log_never_takes_the_place_of_this_ones_copies(world: World, tmp_path: Path, extra: int) -> None:
    world.record(2)
    world.copying.run()
    other = World(tmp_path / "other")
    other.store.objects = dict(world.store.objects)
    other.log.append_many([event(message="another history")] * (3 + extra))
    other.log.seal()
    other.record(1)
    with pytest.raises(CopyDiffers):
        other.copying.run()
    assert other.store.objects == world.store.objects


def test_copies_of_what_retention_removed_here_are_no_other_logs(world: World) -> None:
    world.record(2)
    world.copying.run()
    world.log.close()
    for path in sorted(Layout(world.directory).segments.iterdir())[:-1]:
        path.unlink()
    world.opened()
    said = world.said(Phase.OUTCOME)
    world.store.objects = {name: kept for name, kept in world.store.objects.items() if "0000000000000000" in name}
    world.copying.run()
    assert world.said(Phase.OUTCOME) == said


def test_a_segment_that_was_changed_after_it_was_sealed_is_not_copied(world: World) -> None:
    world.record(2)
    path = Layout(world.directory).segment_hashes(0)
    path.write_bytes(bytes(len(path.read_bytes())))
    with pytest.raises(CopyDiffers, match="not what was sealed"):
        world.copying.run()
    path.unlink()
    with pytest.raises(CopyDiffers, match="not what was sealed"):
        world.copying.run()
    assert world.store.objects == {}


# Restoring


@pytest.fixture
def copied(world: World) -> World:
    world.record(4)
    world.copying.run()
    world.log.close()
    return world


def test_what_was_copied_comes_back_whole_and_can_be_gone_on_with(copied: World, tmp_path: Path) -> None:
    target, seen = tmp_path / "restored", list[int]()
    report = restore(copied.store, target, KEY, progress=lambda manifest: seen.append(manifest.end), files=QuickFiles())
    end = report.records
    assert (report.result, report.signed, report.key) == (Result.OK, end, KEY.text())
    assert seen[-1] == end
    original = [record.stored() for record in search(copied.directory)]
    assert [record.stored() for record in search(target)] == original[:end]
    for folder in ("segments", "hashes"):
        for path in sorted((target / folder).iterdir())[:-1]:
            assert path.read_bytes() == (copied.directory / folder / path.name).read_bytes()
    log = open_log(target, time=copied.time)
    log.append(event())
    log.close()
    assert verify(target, KEY).result is Result.OK


def test_a_newer_checkpoint_says_what_the_copies_lack(copied: World, tmp_path: Path) -> None:
    newest = newest_checkpoint(copied.directory)
    report = restore(copied.store, tmp_path / "restored", KEY, newest, files=QuickFiles())
    assert (report.result, report.first_bad) == (Result.INCOMPLETE, report.records)


def test_only_an_empty_directory_is_restored_into(copied: World, tmp_path: Path) -> None:
    fill(tmp_path / "audit2", 2)
    with pytest.raises(FileExistsError, match="not empty"):
        restore(copied.store, tmp_path / "audit2", KEY)
    (tmp_path / "empty").mkdir()
    assert restore(copied.store, tmp_path / "empty", KEY, files=QuickFiles()).result is Result.OK


def test_an_empty_store_restores_nothing(world: World, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no copies"):
        restore(world.store, tmp_path / "restored", KEY)


def test_copies_that_were_changed_or_lack_one_are_refused(copied: World, tmp_path: Path) -> None:
    last = list(copied.store.names(MANIFESTS))[-1]  # only a checkpoint from elsewhere says that there was another
    for number, name in enumerate(sorted(name for name in copied.store.objects if not name.startswith(HASHES))):
        content, since = copied.store.objects.pop(name)
        if name.startswith(MANIFESTS) and name != last:
            with pytest.raises(CopyDiffers):
                restore(copied.store, tmp_path / f"lacking-{number}", KEY, files=QuickFiles())
        middle = len(content) // 2
        changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        copied.store.objects[name] = (changed, since)
        refused = tmp_path / f"changed-{number}"
        with pytest.raises(CopyDiffers):
            assert restore(copied.store, refused, KEY, files=QuickFiles()).result is not Result.OK
            raise CopyDiffers("the verdict says so")
        copied.store.objects[name] = (content, since)


def test_a_copy_that_is_missing_between_others_is_said(copied: World, tmp_path: Path) -> None:
    del copied.store.objects[list(copied.store.names(SEGMENTS))[1]]
    with pytest.raises(CopyDiffers, match="is missing, and older copies are there"):
        restore(copied.store, tmp_path / "restored", KEY, files=QuickFiles())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff"])
def test_what_is_no_manifest_is_said(copied: World, tmp_path: Path, content: bytes) -> None:
    name = next(iter(copied.store.names(MANIFESTS)))
    copied.store.objects[name] = (content, copied.time.now)
    with pytest.raises(CopyDiffers, match="no manifest"):
        restore(copied.store, tmp_path / "restored", KEY)


def test_a_manifest_under_another_name_is_refused(copied: World, tmp_path: Path) -> None:
    first, second, *_ = copied.store.names(MANIFESTS)
    copied.store.objects[second] = copied.store.objects[first]
    with pytest.raises(CopyDiffers, match="another segment"):
        restore(copied.store, tmp_path / "restored", KEY, files=QuickFiles())


# Status


def test_the_status_says_what_the_log_knows(copied: World) -> None:
    copied.time.advance(60)
    status = status_of(copied.directory, copied.time.now, QuickFiles())
    assert status.copied == 12
    assert status.records == status.signed == status.copied + status.uncopied
    assert status.segments == len(copied.segments()) + 1
    assert (status.removed, status.holds) == (0, ())
    assert 60 <= status.uncopied_seconds < 62
    assert status.oldest == "2026-05-01T08:00:00+00:00"


def test_there_is_nothing_else_in_the_store(copied: World) -> None:
    assert all(name.startswith((MANIFESTS, SEGMENTS, HASHES, KEYRINGS)) for name in copied.store.objects)
