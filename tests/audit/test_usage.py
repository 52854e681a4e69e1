"""The usage ledger: intervals without gaps and overlaps, whatever happened in between."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, START, event, open_log, record
from hypothesis import given
from hypothesis import strategies as st

from govcloud.audit.query import search
from govcloud.audit.records import Action, Entry, Reason, Target
from govcloud.audit.usage import Item, LedgerError, Rate, ledger, start_entry, stop_entry

WEB = Item(request="r-1", unit="jj-health", service="web", offering="vm.small")
DATA = Item(request="r-1", unit="jj-health", service="data", offering="ssd")
ONE = Rate(Decimal(1), "instance", Decimal("120.50"))
HOUR = timedelta(hours=1)
PLAN = Reason(plan_number=3, article="JJ 16")


def start(item: Item, rate: Rate, hours: int) -> Entry:
    return start_entry(item, rate, START + hours * HOUR, initiator=CONTROLLER, reason=PLAN)


def stop(item: Item, hours: int) -> Entry:
    return stop_entry(item, START + hours * HOUR, initiator=CONTROLLER, reason=PLAN)


def written(directory: Path, *entries: Entry) -> Path:
    log = open_log(directory)
    log.append_many(entries)
    log.close()
    return directory


def test_what_was_used_from_when_to_when_at_which_price_under_which_plan(tmp_path: Path) -> None:
    grown = Rate(Decimal("200.5"), "GiB", Decimal("0.60"))
    small = Rate(Decimal(100), "GiB", Decimal("0.60"))
    log = written(tmp_path, start(WEB, ONE, 0), start(DATA, small, 0), event(), start(DATA, grown, 5), stop(WEB, 9))
    web, before, after = ledger(search(log))
    assert (web.item, web.rate, web.since, web.until) == (WEB, ONE, START, START + 9 * HOUR)
    assert (before.rate, before.since, before.until) == (small, START, START + 5 * HOUR)
    assert (after.rate, after.since, after.until) == (grown, START + 5 * HOUR, None)
    assert (web.plan_number, web.started_by, after.started_by) == (3, 0, 3)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=30))
def test_intervals_of_one_item_never_overlap_and_touch_unless_stopped(steps: list[tuple[bool, int]]) -> None:
    records, hours, running = [], 0, 0
    expected = timedelta()
    for starts, wait in steps:
        hours += wait
        expected += running * wait * HOUR
        if not starts and not running:
            continue
        entry = start(WEB, Rate(Decimal(hours), "x", Decimal(1)), hours) if starts else stop(WEB, hours)
        records.append(record(entry, sequence=len(records)))
        running = int(starts)
    intervals = ledger(records)
    for earlier, later in pairwise(intervals):
        assert earlier.until is not None
        assert earlier.since < earlier.until <= later.since
    used = sum(((i.until or START + hours * HOUR) - i.since for i in intervals), timedelta())
    assert used == expected


def test_a_stop_of_what_does_not_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="does not run") as refused:
        ledger(search(written(tmp_path, start(WEB, ONE, 0), stop(WEB, 1), stop(WEB, 2))))
    assert refused.value.sequence == 2


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="before it began") as refused:
        ledger(search(written(tmp_path, start(WEB, ONE, 5), start(WEB, ONE, 4))))
    assert refused.value.sequence == 1


@pytest.mark.parametrize(
    "change", [{"quantity": "many"}, {"price": ""}, {"mark": "pause"}, {"at": "noon"}, {"measure": None}]
)
def test_an_unreadable_ledger_record_is_refused(tmp_path: Path, change: dict[str, str | None]) -> None:
    entry = start(WEB, ONE, 0)
    said = {key: value for key, value in (entry.attributes | change).items() if value is not None}
    with pytest.raises(LedgerError, match="Record 0"):
        ledger(search(written(tmp_path, entry.model_copy(update={"attributes": said}))))


def test_other_records_are_passed_over(tmp_path: Path) -> None:
    other = event(action=Action.METER, target=Target(kind="Quota"))
    assert ledger(search(written(tmp_path, event(), other))) == []
