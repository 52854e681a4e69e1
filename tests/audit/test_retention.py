"""Nothing goes before its time, by any clock, nor what is held, unsettled or not archived."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, QuickFiles, Time, event, intent, open_log, outcome

from govcloud.audit.errors import AuditDamaged
from govcloud.audit.holds import Hold
from govcloud.audit.layout import Layout
from govcloud.audit.notes import Signer
from govcloud.audit.query import search
from govcloud.audit.retention import DEFAULT_DAYS, MINIMUM_DAYS, Policy, Segment, removable

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


def test_a_segment_whose_hashes_are_not_kept_stays(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    Layout(tmp_path / "audit").segment_hashes(0).unlink()
    assert allowed(tmp_path / "audit", now) == []
