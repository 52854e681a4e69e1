"""What proves no tampering and should be known: silence, a clock that went back, an older leadership."""

from datetime import timedelta
from pathlib import Path

import pytest
from audit.logs import KEY, START, Time, event, open_log
from audit.verdicts import said_offline

from govcloud.audit.query import search
from govcloud.audit.verify import Result, verify


def test_a_clock_that_goes_back_is_marked_and_the_order_stays(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path, time=time)
    log.append(event())
    time.now -= timedelta(hours=1)
    log.append(event())
    log.append(event())
    log.close()
    assert [r.clock_regressed for r in search(tmp_path)] == [False, True, False]
    report = verify(tmp_path, KEY)
    assert report.result is Result.OK
    assert any("went back before record 1" in remark for remark in report.remarks)


def test_a_clock_that_stands_still_did_not_go_back(tmp_path: Path) -> None:
    log = open_log(tmp_path, clock=lambda: START)
    log.append_many([event(), event()])
    log.close()
    assert [r.clock_regressed for r in search(tmp_path)] == [False, False]


def test_long_silence_is_remarked(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path / "audit", time=time)
    log.append(event())
    time.advance(300)
    log.append(event())
    log.close()
    gap = "no record for 0:05:00.001000 before record 1"
    assert gap in verify(tmp_path / "audit", KEY).remarks
    assert said_offline(tmp_path / "audit", KEY).remarks == (gap,)


@pytest.mark.parametrize(("seconds", "told"), [(179.999, 0), (180, 1)])
def test_a_late_heartbeat_is_no_silence(tmp_path: Path, seconds: float, told: int) -> None:
    time = Time()
    log = open_log(tmp_path / "audit", time=time)
    log.append(event())
    time.advance(seconds)
    log.append(event())
    log.close()
    assert len(said_offline(tmp_path / "audit", KEY).remarks) == told
    assert sum("no record" in remark for remark in verify(tmp_path / "audit", KEY).remarks) == told


def test_many_remarks_about_single_records_are_counted_not_listed(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path / "audit", time=time)
    for _ in range(31):
        log.append(event())
        time.advance(300)
    log.close()
    remarks = verify(tmp_path / "audit", KEY).remarks
    assert (len(remarks), remarks[-1]) == (21, "10 more remarks about single records")
    remarks = said_offline(tmp_path / "audit", KEY).remarks
    assert (len(remarks), remarks[-1]) == (21, "10 more gaps")


def test_an_old_leadership_that_writes_again_is_remarked(tmp_path: Path) -> None:
    for fence in ("lease/1", "lease/2", "lease/1"):
        log = open_log(tmp_path, fence=fence)
        log.append(event())
        log.close()
    assert any("older leadership" in remark for remark in verify(tmp_path, KEY).remarks)
