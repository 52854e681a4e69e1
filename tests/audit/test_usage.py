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
from govcloud.audit.records import Action, Entry, Outcome, Phase, Reason, Target
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


def test_a_ledger_record_names_everything_that_its_price_depends_on() -> None:
    item = Item("r-1", "jj-health", "web", "vm.small", "jiujiang", "ruichang")
    began = start(item, Rate(Decimal("2"), "instance", Decimal("120.50"), "CNY", "month"), 1)
    ended = stop(item, 2)
    for entry in (began, ended):
        assert (entry.phase, entry.action, entry.outcome) == (Phase.EVENT, Action.METER, Outcome.SUCCESS)
        assert entry.target == Target(kind="Usage", id="r-1/web/vm.small")
        assert (entry.request, entry.unit, entry.reason, entry.initiator) == ("r-1", "jj-health", PLAN, CONTROLLER)
    named = {"service": "web", "offering": "vm.small"}
    rate = {"quantity": "2", "measure": "instance", "price": "120.50", "currency": "CNY", "period": "month"}
    whose = {"jurisdiction": "jiujiang", "county": "ruichang"}
    assert began.attributes == {"mark": "start", "at": "2026-05-01T09:00:00.000000Z", **named, **rate, **whose}
    assert ended.attributes == {"mark": "stop", "at": "2026-05-01T10:00:00.000000Z", **named}
    assert [interval.item for interval in ledger([record(began)])] == [item]
    assert start(WEB, ONE, 0).attributes.keys() == {"mark", "at", *named, *rate}


def test_intervals_stand_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    entries = [start(WEB, ONE, 0), start(DATA, ONE, 0), stop(DATA, 1), stop(WEB, 2), start(DATA, ONE, 2)]
    assert [i.started_by for i in ledger(search(written(tmp_path, *entries)))] == [0, 1, 4]


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
    with pytest.raises(LedgerError, match=r"^Record 2 stops r-1/web/vm\.small, which does not run$") as refused:
        ledger(search(written(tmp_path, start(WEB, ONE, 0), stop(WEB, 1), stop(WEB, 2))))
    assert refused.value.sequence == 2


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"^Record 1 ends r-1/web/vm\.small before it began$") as refused:
        ledger(search(written(tmp_path, start(WEB, ONE, 5), start(WEB, ONE, 4))))
    assert refused.value.sequence == 1


UNREADABLE = "is no readable ledger record: "


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"quantity": "many"}, UNREADABLE),
        ({"price": ""}, UNREADABLE),
        ({"mark": "pause"}, f"{UNREADABLE}'pause' is not a valid Mark"),
        ({"at": "noon"}, "has no readable time"),
        ({"at": None}, "has no readable time"),
        ({"measure": None}, f"{UNREADABLE}'measure'"),
        ({"mark": None}, UNREADABLE),
    ],
)
def test_an_unreadable_ledger_record_is_refused(tmp_path: Path, change: dict[str, str | None], why: str) -> None:
    entry = start(WEB, ONE, 0)
    said = {key: value for key, value in (entry.attributes | change).items() if value is not None}
    with pytest.raises(LedgerError, match=rf"^Record 1 {why}") as refused:
        ledger(search(written(tmp_path, event(), entry.model_copy(update={"attributes": said}))))
    assert refused.value.sequence == 1


def test_other_records_are_passed_over(tmp_path: Path) -> None:
    other = event(action=Action.METER, target=Target(kind="Quota"))
    assert ledger(search(written(tmp_path, event(), other))) == []
