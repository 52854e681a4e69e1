"""Nothing is unsigned for long, and no minute passes in silence."""

import threading
from pathlib import Path

from audit.logs import SIGNER, Time, event, open_log

from govcloud.audit.layout import Layout
from govcloud.audit.log import AuditLog
from govcloud.audit.pulse import PULSE_SECONDS
from govcloud.audit.query import search
from govcloud.audit.records import Action
from govcloud.audit.store import CHECKPOINT_RECORDS, CHECKPOINT_SECONDS


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
