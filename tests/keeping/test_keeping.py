"""The log's keeping as the controller wires it: copies, holds and retention together, by the machine's own time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from audit.logs import KEY, Time, event, open_log
from pydantic import ValidationError

from govcloud.adapters.memory import FixedClock, Wire
from govcloud.adapters.memory.copies import MemoryCopies
from govcloud.audit.query import search
from govcloud.audit.verify import Result, verify
from govcloud.audit_keeping import EXPECTED, Keeping
from govcloud.core.log_retention import retention_fault
from govcloud.housekeeping import Housekeeping
from govcloud.metrics import Metrics
from govcloud.settings import Settings
from policies.shelf import shipped


def test_a_year_later_only_what_the_store_has_held_for_a_year_is_removed(tmp_path: Path) -> None:
    time, store_clock = Time(), FixedClock(Time().now)
    log = open_log(tmp_path, time=time)
    store = MemoryCopies(Wire(), store_clock)
    keeping = Keeping(log, tmp_path, store, dict, time.wall, days=365, seal_after=timedelta(days=1))
    housekeeping = Housekeeping(keeping.tasks(), EXPECTED)
    for _ in range(37):
        log.append(event())
        time.advance(10 * 86_400)
        for task in keeping.tasks():
            housekeeping.do(task.name)
    assert next(search(tmp_path)).sequence == 0, "the store's own clock stood still"
    store_clock.advance(timedelta(days=366))
    housekeeping.do("retention of the audit log")
    assert next(search(tmp_path)).sequence > 0
    log.close()
    assert verify(tmp_path, KEY).result is Result.OK


def test_the_lag_is_a_metric_and_when_it_is_long_a_hint(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path, time=time)
    keeping = Keeping(log, tmp_path, MemoryCopies(Wire(), FixedClock(time.now)), dict, time.wall)
    housekeeping, metrics = Housekeeping(keeping.tasks(), EXPECTED), Metrics(lambda: 0, dict)
    metrics.watch_copies(keeping.lag, keeping.lock)
    log.append(event())
    time.advance(3 * 3_600 - 10)
    assert housekeeping.hints() == []
    time.advance(20)
    (hint,) = housekeeping.hints()
    assert hint.startswith("copies of the audit log: 1 records are not copied yet, the oldest is 3:00:1")
    assert metrics.registry.get_sample_value("govcloud_audit_uncopied_records") == 1
    assert int(metrics.registry.get_sample_value("govcloud_audit_uncopied_seconds") or 0) == 3 * 3_600 + 10
    log.close()


@pytest.mark.parametrize("days", ["364", "0", "-1", "many"])
def test_fewer_days_than_the_law_demands_do_not_start(days: str) -> None:
    with pytest.raises(ValidationError, match="audit_retention_days"):
        Settings.from_environment({"GOVCLOUD_STATE_DIR": "/state", "GOVCLOUD_AUDIT_RETENTION_DAYS": days})


def test_three_years_are_the_default() -> None:
    assert Settings.from_environment({"GOVCLOUD_STATE_DIR": "/state"}).audit_retention_days == 1_095


def test_a_pack_that_demands_more_is_named_with_its_source() -> None:
    jiujiang = shipped().pack("jiujiang")
    edition = jiujiang.editions[0]
    stricter = edition.model_copy(update={"log_retention": edition.log_retention.model_copy(update={"value": 1_826})})
    packs = (jiujiang, jiujiang.model_copy(update={"editions": (edition, stricter)}))
    assert retention_fault(1_825, packs) == "the pack jiujiang demands 1826 days (JJ 26); 1825 is too few"
    assert retention_fault(1_826, packs) is None


def test_the_packs_that_ship_are_content_with_the_default() -> None:
    assert retention_fault(1_095, shipped().packs.values()) is None
