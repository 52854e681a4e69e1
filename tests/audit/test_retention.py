"""Nothing goes before its time, by either clock; what goes leaves its hashes and a record."""

import errno
import hashlib
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, SIGNER, FaultyFiles, QuickFiles, Time, event, intent, open_log, outcome

from govcloud.audit import verify_offline
from govcloud.audit.durable import DiskBroken
from govcloud.audit.errors import AuditDamaged
from govcloud.audit.holds import Hold
from govcloud.audit.layout import Layout
from govcloud.audit.notes import Signer
from govcloud.audit.proofs import at, check, export, newest_checkpoint
from govcloud.audit.query import search
from govcloud.audit.records import Action, Outcome, Phase, Target
from govcloud.audit.retention import DEFAULT_DAYS, MINIMUM_DAYS, Policy, Segment, removable, remove
from govcloud.audit.rotation import rotate
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit.verify import Result, verify

YEAR = Policy(MINIMUM_DAYS)


def log_of_days(
    directory: Path, days: int, time: Time, step_hours: int = 24, files: QuickFiles | None = None, signer: Signer = SIGNER
) -> None:
    """A record a day, as heartbeats would be every minute."""
    log = open_log(directory, time=time, segment_bytes=3_000, files=files, signer=signer)
    for _ in range(days * 24 // step_hours):
        log.append_many([event(unit="jj-health")])
        time.advance(step_hours * 3_600)
    log.close()


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """A log that was written for 385 days, and the moment at its end."""
    directory, time = tmp_path_factory.mktemp("old") / "audit", Time()
    log_of_days(directory, 385, time)
    return directory, time.now


LONG_AGO = timedelta(days=400)


def allowed(
    directory: Path, now: datetime, policy: Policy = YEAR, archived: timedelta | None = LONG_AGO
) -> list[Segment]:
    return removable(directory, KEY, policy, now, lambda _: archived)


def hold(request: str = "", unit: str = "", sequence: int = 10**6) -> Hold:
    return Hold("case-1", request, unit, "inspection", "zhao.min", sequence)


@pytest.mark.parametrize("days", [0, 1, 180, MINIMUM_DAYS - 1])
def test_a_setting_below_a_year_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match="at least 365 days"):
        Policy(days)


def test_three_years_are_the_default() -> None:
    assert Policy().days == DEFAULT_DAYS == 1_095


def test_what_is_older_than_the_policy_may_go_and_nothing_else(old: tuple[Path, datetime]) -> None:
    directory, now = old
    segments = allowed(directory, now)
    assert segments
    assert segments[0].first == 0
    limit = now - timedelta(days=365)
    records = list(search(directory))
    assert all(record.time <= limit for record in records[: segments[-1].end])
    assert records[segments[-1].end + 8].time > limit, "the next segment is not wholly expired"
    assert allowed(directory, now, Policy(386)) == []


def test_a_year_is_over_when_all_of_it_is_over(old: tuple[Path, datetime]) -> None:
    _, now = old
    year, moment = timedelta(days=365), timedelta(microseconds=1)
    assert Segment(0, 1, now - year, lived_since=year).expired(YEAR, now)
    assert not Segment(0, 1, now - year + moment, lived_since=year).expired(YEAR, now)
    assert not Segment(0, 1, now - year, lived_since=year - moment).expired(YEAR, now)


def test_when_all_is_over_the_segment_that_is_written_to_stays(tmp_path: Path) -> None:
    time = Time()
    log_of_days(tmp_path, 20, time)
    time.advance(LONG_AGO.total_seconds())
    log_of_days(tmp_path, 1, time)
    over = allowed(tmp_path, time.now)
    starts = [int(path.stem) for path in sorted(Layout(tmp_path).segments.iterdir())]
    assert ([segment.first for segment in over], over[-1].end) == (starts[:-1], starts[-1])


def test_of_a_log_without_records_nothing_is_removed(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    assert allowed(tmp_path, Time().now + LONG_AGO) == []


def test_a_wall_clock_that_runs_ahead_removes_nothing(tmp_path: Path) -> None:
    time = Time()
    log_of_days(tmp_path, 10, time)
    time.now += timedelta(days=800)
    log_of_days(tmp_path, 1, time)
    assert allowed(tmp_path, time.now) == []


def test_a_wall_clock_that_runs_ahead_day_by_day_removes_nothing(tmp_path: Path) -> None:
    """It is set a day ahead between any two records: only what nobody can set says that no year has passed."""
    time = Time()
    log = open_log(tmp_path, time=time, segment_bytes=3_000)
    for _ in range(400):
        log.append(event())
        time.now += timedelta(days=1)
    log.close()
    assert allowed(tmp_path, time.now) == []


def test_over_a_restart_of_the_machine_no_time_is_counted(tmp_path: Path) -> None:
    time = Time()
    log_of_days(tmp_path, 200, time)
    time.advance(timedelta(days=300).total_seconds())
    log_of_days(tmp_path, 2, time, files=RestartedFiles())
    assert allowed(tmp_path, time.now) == []


class RestartedFiles(QuickFiles):
    """The same disk after the machine was started anew."""

    def boot_id(self) -> str:
        return "another"


def test_a_wall_clock_that_is_behind_removes_nothing(old: tuple[Path, datetime]) -> None:
    directory, now = old
    assert allowed(directory, now - timedelta(days=30)) == []


def test_what_is_not_archived_stays(old: tuple[Path, datetime]) -> None:
    directory, now = old
    assert allowed(directory, now, archived=None) == []


@pytest.mark.parametrize(("days", "goes"), [(364, False), (365, True)])
def test_what_the_archive_has_not_held_long_enough_by_its_own_clock_stays(
    old: tuple[Path, datetime], days: int, goes: bool
) -> None:
    directory, now = old
    assert bool(allowed(directory, now, archived=timedelta(days=days))) is goes


def test_a_legal_hold_by_unit_or_request_keeps_everything_from_there_on(old: tuple[Path, datetime]) -> None:
    directory, now = old
    assert allowed(directory, now, Policy(365, (hold(unit="other"), hold(unit="jj-health")))) == []
    assert allowed(directory, now, Policy(365, (hold(request=event().request),))) == []
    assert allowed(directory, now, Policy(365, (hold(unit="other"), hold(request="other"))))


def test_the_record_of_a_hold_is_kept_as_long_as_the_hold(old: tuple[Path, datetime]) -> None:
    directory, now = old
    assert allowed(directory, now, Policy(365, (hold(unit="other", sequence=0),))) == []


def test_an_intent_that_was_never_settled_keeps_its_segment(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path, time=time, segment_bytes=600)
    begun = log.append(intent())
    log.close()
    log_of_days(tmp_path, 385, time)
    assert allowed(tmp_path, time.now) == []
    log = open_log(tmp_path, time=time)
    log.append(outcome(begun.id))
    log.close()
    assert allowed(tmp_path, time.now)


def test_a_log_that_is_not_whole_loses_nothing(tmp_path: Path) -> None:
    time = Time()
    log_of_days(tmp_path, 3, time)
    first, rest = Layout(tmp_path).segment(0).read_bytes().split(b"\n", 1)
    Layout(tmp_path).segment(0).write_bytes(first + b"\n" + rest.replace(b"jj-health", b"jj-wealth", 1))
    with pytest.raises(AuditDamaged, match="not whole") as refused:
        allowed(tmp_path, time.now + LONG_AGO)
    assert refused.value.index == 1


def test_a_log_that_cannot_even_be_begun_to_read_loses_nothing(tmp_path: Path) -> None:
    time = Time()
    log_of_days(tmp_path, 3, time)
    Layout(tmp_path).segment(0).write_bytes(b"x" + Layout(tmp_path).segment(0).read_bytes()[1:])
    with pytest.raises(AuditDamaged, match=r"^Nothing is removed from a log that is not whole: Damaged: record 0 ") as refused:
        allowed(tmp_path, time.now)
    assert refused.value.index == 0


def offline(directory: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, int | None]:
    capsys.readouterr()
    code = verify_offline.main(["log", str(directory), "--key", str(Layout(directory).public_key)])
    return code, json.loads(capsys.readouterr().out)["first_bad"]


def test_after_removal_the_rest_is_whole_continued_and_provable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    time = Time()
    log_of_days(tmp_path, 385, time)
    segments = allowed(tmp_path, time.now)
    end = segments[-1].end
    first_left = next(record for record in search(tmp_path) if record.sequence == end)
    log = open_log(tmp_path, time=time)
    remove(log, tmp_path, segments, CONTROLLER)
    log.close()
    assert not Layout(tmp_path).segment(0).exists()

    report = verify(tmp_path, KEY)
    assert report.result is Result.OK, report.what
    assert any(f"records 0 to {end - 1} were removed" in remark for remark in report.remarks)
    assert offline(tmp_path, capsys) == (0, None)
    assert next(search(tmp_path)) == first_left
    assert check(export(tmp_path, at(end)), KEY).records == (first_left.stored(),)
    fences = [(r.action, r.phase) for r in search(tmp_path) if r.action is Action.DELETE]
    assert len(fences) == 2 * len(segments)

    log = open_log(tmp_path, time=time)
    assert log.open_intents() == ()
    log.append(event())
    log.close()
    assert verify(tmp_path, KEY).result is Result.OK


def test_what_removal_is_recorded_as(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    (segment, *_), data = allowed(directory, now), Layout(directory).segment(0).read_bytes()
    log = open_log(tmp_path / "audit")
    remove(log, tmp_path / "audit", [segment], CONTROLLER)
    log.close()
    *_, intended, done = search(tmp_path / "audit")
    assert [(r.phase, r.outcome) for r in (intended, done)] == [(Phase.INTENT, Outcome.PENDING), (Phase.OUTCOME, Outcome.SUCCESS)]
    assert done.intent == intended.id
    for record in (intended, done):
        assert (record.action, record.initiator) == (Action.DELETE, CONTROLLER)
        assert record.target == Target(kind="AuditSegment", id="0")
        assert record.message == f"retention: records 0 to {segment.end - 1} expired and are archived"
        assert record.attributes == {"first": "0", "end": str(segment.end), "digest": hashlib.sha256(data).hexdigest()}


def test_a_disk_that_does_not_let_go_is_said(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    log = open_log(tmp_path / "audit")
    stubborn = FaultyFiles(lambda _, name: errno.EIO if name == "remove" else None)
    with pytest.raises(DiskBroken, match=r"^cannot remove an expired segment: Input/output error$"):
        remove(log, tmp_path / "audit", allowed(directory, now), CONTROLLER, stubborn)
    assert [intent.action for intent in log.open_intents()] == [Action.DELETE]
    log.close()
    assert verify(tmp_path / "audit", KEY).result is Result.OK


def test_a_log_whose_key_was_changed_in_what_is_gone_goes_on(tmp_path: Path) -> None:
    time, audit, key_file = Time(), tmp_path / "audit", tmp_path / "signing.key"
    key_file.write_text(SIGNER.text() + "\n")
    key_file.chmod(0o600)
    log_of_days(audit, 10, time)
    rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    signer = load_or_create_signer(key_file)
    log_of_days(audit, 10, time, signer=signer)
    time.advance(LONG_AGO.total_seconds())
    log_of_days(audit, 1, time, signer=signer)
    log = open_log(audit, time=time, signer=signer)
    remove(log, audit, allowed(audit, time.now), CONTROLLER)
    log.close()
    assert next(search(audit)).sequence > 10
    log_of_days(audit, 2, time, signer=signer)
    assert verify(audit, KEY).result is verify(audit, signer.public_key).result is Result.OK


def test_segments_that_vanish_without_a_record_are_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_of_days(tmp_path, 10, Time())
    Layout(tmp_path).segment(0).unlink()
    assert (verify(tmp_path, KEY).result, verify(tmp_path, KEY).first_bad) == (Result.INCOMPLETE, 0)
    assert offline(tmp_path, capsys) == (2, 0)


def test_kept_hashes_that_are_changed_do_not_fit_the_signatures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    time = Time()
    log_of_days(tmp_path, 385, time)
    log = open_log(tmp_path, time=time)
    remove(log, tmp_path, allowed(tmp_path, time.now)[:1], CONTROLLER)
    log.close()
    hashes = Layout(tmp_path).segment_hashes(0)
    data = bytearray(hashes.read_bytes())
    data[10] ^= 1
    hashes.write_bytes(data)
    assert verify(tmp_path, KEY).result is Result.TAMPERED
    assert offline(tmp_path, capsys)[0] == 1
    hashes.unlink()
    assert verify(tmp_path, KEY).result is Result.INCOMPLETE
    assert offline(tmp_path, capsys)[0] == 2


def test_a_segment_whose_hashes_are_not_kept_stays(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    Layout(tmp_path / "audit").segment_hashes(0).unlink()
    assert allowed(tmp_path / "audit", now) == []


def test_a_removal_is_announced_and_signed_before_the_file_goes(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    seen: list[int] = []

    class Watching(QuickFiles):
        def remove(self, path: Path) -> None:
            if path.suffix == ".log":
                assert verify(tmp_path / "audit", KEY).open_intents == 1
                seen.append(newest_checkpoint(tmp_path / "audit").checkpoint.size)
            super().remove(path)

    log = open_log(tmp_path / "audit")
    before = log.health().records
    remove(log, tmp_path / "audit", allowed(tmp_path / "audit", now)[:1], CONTROLLER, Watching())
    log.close()
    assert seen == [before + 1]


def test_only_the_oldest_can_be_removed(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    end = allowed(directory, now)[-1].end
    log = open_log(directory)
    with pytest.raises(ValueError, match=rf"^Only the oldest segment can be removed, not the one that begins at {end}$"):
        remove(log, directory, [Segment(end, end + 1, now)], CONTROLLER)
    log.close()
