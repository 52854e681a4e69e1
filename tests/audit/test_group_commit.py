"""Appends of several threads that wait at the same time share a flush, and each is told the truth."""

import threading
from pathlib import Path

from audit.logs import KEY, QuickFiles, event, intent, open_log, outcome
from waiting import until

from govcloud.audit.query import effects, recent, search
from govcloud.audit.verify import Result, verify


class CountingFiles(QuickFiles):
    def __init__(self) -> None:
        self.flushes = 0
        self.gate = threading.Event()
        self.gate.set()

    def flush(self, descriptor: int) -> None:
        self.flushes += 1
        self.gate.wait()


def test_waiting_appends_share_one_flush(tmp_path: Path) -> None:
    files = CountingFiles()
    log = open_log(tmp_path, files)
    files.flushes = 0
    files.gate.clear()
    first, *others = threads = [threading.Thread(target=log.append, args=(intent(f"web-{n}"),)) for n in range(8)]
    first.start()
    until(lambda: files.flushes == 1)
    for thread in others:
        thread.start()
    until(lambda: len(log._waiting) == 7)  # behind the one that is in its flush
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
    stop, reports = threading.Event(), [verify(tmp_path, KEY)]

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
    reports.append(verify(tmp_path, KEY))
    assert [(r.result, r.what) for r in reports if r.result is not Result.OK] == []
    assert reports[-1].records > reports[0].records


def test_many_records_at_once_are_one_flush(tmp_path: Path) -> None:
    files = CountingFiles()
    log = open_log(tmp_path, files)
    files.flushes = 0
    assert [receipt.sequence for receipt in log.append_many([event()] * 2_500)] == list(range(2_500))
    assert files.flushes == 2, "the records, and the checkpoint that they made due"
    assert log.append_many([]) == ()
    log.close()
