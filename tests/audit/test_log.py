"""What the writer promises while the disk is well."""

import threading
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, START, QuickFiles, Time, event, intent, open_log, outcome
from pydantic import ValidationError

from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.files import RealFiles
from govcloud.audit.layout import Layout
from govcloud.audit.log import AuditLog
from govcloud.audit.merkle import leaf_hash
from govcloud.audit.own_words import publication_event
from govcloud.audit.pulse import PULSE_SECONDS
from govcloud.audit.query import effects, recent, search
from govcloud.audit.records import Action, Outcome, Phase, Target
from govcloud.audit.state import State
from govcloud.audit.store import CHECKPOINT_RECORDS, CHECKPOINT_SECONDS
from govcloud.audit.verify import Report, Result, verify


class CountingFiles(QuickFiles):
    def __init__(self) -> None:
        self.flushes = 0
        self.gate = threading.Event()
        self.gate.set()

    def flush(self, descriptor: int) -> None:
        self.flushes += 1
        self.gate.wait()


def test_a_record_says_what_the_caller_said_and_what_the_log_knows(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    receipt = log.append(intent("web-1", message="create server", attributes={"method": "POST"}))
    log.close()
    (record,) = search(tmp_path)
    assert (record.id, record.sequence) == (receipt.id, receipt.sequence) == (record.id, 0)
    assert (record.phase, record.action, record.message) == (Phase.INTENT, Action.CREATE, "create server")
    assert record.attributes == {"method": "POST"}
    assert record.fence == "lease/1"
    assert record.boot == RealFiles().boot_id()
    assert 0 < (record.time - START).total_seconds() < 1
    assert int(record.monotonic) > 0


def test_every_record_links_to_the_stored_bytes_of_the_one_before(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append_many([intent("a"), intent("b"), intent("c")])
    log.close()
    records = list(search(tmp_path))
    assert records[0].prev == "0" * 64
    assert [r.prev for r in records[1:]] == [leaf_hash(r.stored()).hex() for r in records[:-1]]
    assert [r.commit for r in records] == [0, 0, 0]


def test_waiting_appends_share_one_flush(tmp_path: Path) -> None:
    files = CountingFiles()
    log = open_log(tmp_path, files)
    files.flushes = 0
    files.gate.clear()
    threads = [threading.Thread(target=log.append, args=(intent(f"web-{n}"),)) for n in range(8)]
    for thread in threads:
        thread.start()
    while len(log._waiting) < 7:  # one is in its flush, seven wait behind it
        pass
    files.gate.set()
    for thread in threads:
        thread.join()
    assert files.flushes == 2
    log.close()
    assert sorted(r.target.name for r in search(tmp_path)) == [f"web-{n}" for n in range(8)]


def test_many_threads_get_different_places_and_an_unbroken_log(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=20_000)
    places: list[int] = []

    def work() -> None:
        for _ in range(25):
            begun = log.append(intent())
            places.extend((begun.sequence, log.append(outcome(begun.id)).sequence))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert sorted(places) == list(range(300))
    report = verify(tmp_path, KEY)
    assert (report.result, report.records, report.open_intents) == (Result.OK, 300, 0)
    assert all(len(effect.outcomes) == 1 for effect in effects(search(tmp_path)))


def test_verification_of_a_log_that_is_being_written_raises_no_alarm(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=4_000)
    stop, reports = threading.Event(), list[Report]()

    def write() -> None:
        for _ in range(80):  # an end: on a busy machine a verifier might never catch up
            log.append_many([event(), event()])
            log.sign()
            stop.wait(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while writer.is_alive():
            reports.append(verify(tmp_path, KEY))
            recent(tmp_path, 3)
    finally:
        stop.set()
        writer.join()
        log.close()
    assert [(r.result, r.what) for r in reports if r.result is not Result.OK] == []
    assert reports[-1].records > reports[0].records


def test_one_writer_only(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(AuditUnavailable, match=rf"^Another process already writes the audit log in {tmp_path}$"):
        open_log(tmp_path)
    log.close()
    open_log(tmp_path).close()


def test_a_shared_file_system_is_refused(tmp_path: Path) -> None:
    class Shared(QuickFiles):
        def kind(self, directory: Path) -> str:
            return kind if directory == tmp_path else "ext4"

    for kind in ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.s3fs", "fuse.sshfs", "fuse.glusterfs"):
        with pytest.raises(AuditUnavailable, match=rf"^The audit log must be on a local disk; {tmp_path} is on {kind}$"):
            open_log(tmp_path, Shared())


def test_a_new_log_lies_durably_in_its_directory_with_its_key(tmp_path: Path) -> None:
    flushed = list[Path]()

    class Watched(QuickFiles):
        def flush_directory(self, path: Path) -> None:
            flushed.append(path)

    open_log(tmp_path / "audit", Watched()).close()
    assert flushed[:2] == [tmp_path, tmp_path / "audit"]
    assert Layout(tmp_path / "audit").public_key.read_text() == KEY.text() + "\n"
    assert {path.name for path in (tmp_path / "audit").iterdir() if path.is_dir()} == {"segments", "hashes", "trees", "starts", "checkpoints", "reads"}


def test_the_kind_of_this_disk_is_found(tmp_path: Path) -> None:
    assert RealFiles().kind(tmp_path) not in ("", "unknown")
    assert RealFiles().kind(Path("/proc/self")) == "proc"


def test_a_checkpoint_is_signed_after_a_thousand_records(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(CHECKPOINT_RECORDS // 100):
        assert log.health().signed_records == 0
        log.append_many([event()] * 100)
    assert log.health().signed_records == CHECKPOINT_RECORDS
    log.close()


def test_only_what_is_not_signed_yet_counts_towards_the_thousand(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append_many([event()] * 600)
    log.sign()
    log.append_many([event()] * 999)
    assert log.health().signed_records == 600
    log.append(event())
    assert log.health().signed_records == 1_600
    log.close()


def test_an_empty_segment_is_not_sealed_and_foreign_files_are_none(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event())
    (Layout(tmp_path).segments / "0000000000000000.log.bak").write_text("a copy that somebody made")
    for _ in range(2):
        log.seal()
    log.close()
    assert [path.name for path in Layout(tmp_path).hashes.iterdir()] == ["0000000000000000.sha256"]
    open_log(tmp_path).close()
    assert verify(tmp_path, KEY).result is Result.OK


def test_no_record_is_unsigned_for_more_than_a_minute_of_pulses(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path, time=time)
    log.append(event())
    time.advance(CHECKPOINT_SECONDS - PULSE_SECONDS - 1)
    log.tick()
    assert log.health().signed_records == 0
    time.advance(PULSE_SECONDS)
    log.tick()
    assert log.health().signed_records >= 1
    log.close()


def test_silence_is_broken_by_a_heartbeat(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path, time=time)
    log.tick()
    assert log.health().records == 0
    time.advance(CHECKPOINT_SECONDS)
    log.tick()
    log.tick()
    log.close()
    assert [(r.action, r.message) for r in search(tmp_path)] == [(Action.MONITOR, "heartbeat")]


def test_the_pulse_ticks_by_itself_and_ends_with_the_log(tmp_path: Path) -> None:
    before = threading.active_count()
    log = open_log(tmp_path, pulse=True)
    assert threading.active_count() == before + 1
    log.close()
    assert threading.active_count() == before


def test_full_segments_are_sealed_with_their_hashes(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=1_000)
    for _ in range(7):
        log.append(event())
    log.close()
    layout = Layout(tmp_path)
    leaves = b"".join(leaf_hash(r.stored()) for r in search(tmp_path))
    kept = b"".join(path.read_bytes() for path in sorted(layout.hashes.iterdir()))
    assert len(list(layout.segments.iterdir())) > 2
    assert leaves.startswith(kept)
    assert len(leaves) > len(kept) > 0


def test_a_closed_log_accepts_nothing_and_closing_twice_is_fine(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event())
    log.close()
    log.close()
    with pytest.raises(AuditUnavailable, match="closed"):
        log.append(event())
    with pytest.raises(AuditUnavailable, match="closed"):
        log.append(outcome("x"))
    assert log.health().state is State.CLOSED


def test_health_counts(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(intent())
    assert [record.target.name for record in log.open_intents()] == ["web-1"]
    health = log.health()
    assert (health.state, health.reason, health.records, health.open_intents) == (State.READY, "", 1, 1)
    assert health.writable
    assert str(health) == "ready"
    assert health.free_bytes > 0
    log.close()


def test_little_space_is_said_before_it_is_none(tmp_path: Path) -> None:
    class Small(QuickFiles):
        def free_bytes(self, directory: Path) -> int:
            return 1024**3 - 1

    log = open_log(tmp_path, Small())
    assert log.health().low_space
    log.close()


def test_a_disk_that_does_not_say_how_much_room_it_has_is_taken_for_full(tmp_path: Path) -> None:
    class Sick(QuickFiles):
        def free_bytes(self, directory: Path) -> int:
            raise OSError("no answer")

    log = open_log(tmp_path, Sick())
    assert (log.health().free_bytes, log.health().low_space, log.health().writable) == (0, True, True)
    log.close()


def test_many_records_at_once_are_one_flush(tmp_path: Path) -> None:
    files = CountingFiles()
    log = open_log(tmp_path, files)
    files.flushes = 0
    assert [receipt.sequence for receipt in log.append_many([event()] * 2_500)] == list(range(2_500))
    assert files.flushes == 2, "the records, and the checkpoint that they made due"
    assert log.append_many([]) == ()
    log.close()


@pytest.mark.parametrize(
    "update",
    [
        {"attributes": {"no name": "x"}},
        {"attributes": {"password": "x"}},
        {"unit": "two\nlines"},
        {"target": Target.model_construct(kind="", id="", name="", project="")},
        {"intent": "some"},
    ],
)
def test_an_entry_made_past_its_checks_is_refused_and_stops_no_one_else(
    tmp_path: Path, update: dict[str, object]
) -> None:
    log = open_log(tmp_path)
    with pytest.raises(ValidationError):
        log.append(event().model_copy(update=update))
    assert log.append(event()).sequence == 0
    log.close()


def test_foreign_words_put_in_past_the_checks_are_escaped_all_the_same(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event().model_copy(update={"attributes": {"documentNumber": "2026\u202e\n" + "x" * 999}}))
    log.close()
    (record,) = search(tmp_path)
    assert record.attributes["documentNumber"].startswith("2026\\u202e\\u000axxx")
    assert len(record.attributes["documentNumber"]) == 256


def test_a_segment_that_is_exactly_full_is_sealed(tmp_path: Path) -> None:
    one = open_log(tmp_path / "one")
    one.append(event())
    one.close()
    size = Layout(tmp_path / "one").segment(0).stat().st_size
    for most, segments in ((size, 2), (size + 1, 1)):
        log = open_log(tmp_path / str(most), segment_bytes=most)
        log.append(event())
        log.append(event())
        log.close()
        assert len(list(Layout(tmp_path / str(most)).segments.iterdir())) == segments


def test_the_leaves_from_any_sequence_on_are_those_of_the_records(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=1_500)
    for _ in range(8):
        log.append(event())
    leaves = [leaf_hash(record.stored()) for record in search(tmp_path)]
    assert 2 < len(list(Layout(tmp_path).segments.iterdir())) < 8
    assert [list(log.leaves(start)) for start in range(9)] == [leaves[start:] for start in range(9)]
    log.close()


def test_that_the_log_is_alive_and_published_adds_no_substance(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path, time=time)
    log.append(event())
    assert log.substance() == 1
    time.advance(CHECKPOINT_SECONDS)
    log.tick()
    log.append(publication_event("the witness", Outcome.SUCCESS, "it works again"))
    assert (log.health().records, log.substance()) == (3, 1)
    log.append(event())
    assert log.substance() == 4
    log.close()


def test_a_log_that_proves_to_be_another_accepts_nothing_more(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event())
    log.distrust("an older copy was put back")
    for refused in (lambda: log.append(event()), log.sign, log.seal):
        with pytest.raises(AuditUnavailable, match=r"^an older copy was put back$"):
            refused()
    assert (log.health().state, log.health().reason) == (State.BROKEN, "an older copy was put back")
    log.close()
    assert verify(tmp_path, KEY).signed == 0, "what is not to be trusted is not signed"


def test_left_to_itself_it_keeps_space_for_its_end_and_looks_after_itself(tmp_path: Path) -> None:
    time, others = Time(), set(threading.enumerate())
    log = AuditLog(tmp_path, clock=time.wall, monotonic=time.monotonic, signer=SIGNER, fence="lease/1")
    assert len(set(threading.enumerate()) - others) == 1
    assert Layout(tmp_path).ballast.stat().st_size == 64 * 1024**2
    assert len({receipt.id for receipt in log.append_many([event(), event()])}) == 2
    log.close()
    log = open_log(tmp_path, pulse=False)
    assert not set(threading.enumerate()) - others, "told to, it is looked after by somebody else"
    log.close()


def test_files_are_not_readable_by_everybody(tmp_path: Path) -> None:
    log = open_log(tmp_path / "audit", RealFiles())
    log.append(event())
    log.close()
    assert [path for path in (tmp_path / "audit").rglob("*") if path.stat().st_mode & 0o007] == []
