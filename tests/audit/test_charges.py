"""What use costs, and that nothing is charged twice, or not at all, however often and wherever its writing was interrupted."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from audit.logs import CONTROLLER, START, record
from hypothesis import given
from hypothesis import strategies as st

from govcloud.audit.charges import CHINA, Total, UnknownPeriod, amount, charges, joined, months, rounded, totals
from govcloud.audit.records import Reason
from govcloud.audit.usage import Interval, Item, Rate, ledger, start_entry

WEB = Item("r-1", "jj-health", "web", "vm.small", "jiujiang")
PRICE = Rate(Decimal(2), "instance", Decimal("120.50"))


def used(since: datetime, until: datetime | None, rate: Rate = PRICE, plan: int = 1, item: Item = WEB) -> Interval:
    return Interval(item, rate, since, until, plan, 0)


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("since", "until", "share"),
    [
        ("2026-05-01", "2026-06-01", Fraction(1)),
        ("2026-02-01", "2026-03-01", Fraction(1)),
        ("2026-01-01", "2027-01-01", Fraction(12)),
        ("2026-02-01", "2026-02-15", Fraction(1, 2)),
        ("2026-04-16", "2026-05-01", Fraction(1, 2)),
        ("2026-04-16", "2026-06-01", Fraction(3, 2)),
        ("2026-12-31", "2027-01-02", Fraction(2, 31)),
        ("2026-05-01", "2026-05-01", Fraction(0)),
    ],
)
def test_a_month_is_a_month_in_china_and_a_part_of_it_its_share(since: str, until: str, share: Fraction) -> None:
    assert months(china(since), china(until)) == share
    assert months(china(since).astimezone(UTC), china(until).astimezone(UTC)) == share


@pytest.mark.parametrize(
    ("exact", "cents"), [("1/200", "0.01"), ("1/201", "0.00"), ("301/200", "1.51"), ("299/200", "1.50"), ("7", "7.00")]
)
def test_amounts_are_rounded_half_up_to_the_cent(exact: str, cents: str) -> None:
    assert str(rounded(Fraction(exact))) == cents


def test_quantity_times_price_times_months() -> None:
    assert amount(used(START, None), china("2026-06-01"), china("2026-07-01")) == Decimal("241.00")
    with pytest.raises(UnknownPeriod, match=r"^Record 0 has a price for a year; only months are known$"):
        amount(used(START, None, Rate(Decimal(1), "x", Decimal(1), period="year")), START, START)


moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(st.lists(moments, min_size=3, max_size=3))
def test_what_is_cut_in_two_costs_together_what_it_cost(cuts: list[datetime]) -> None:
    first, second, third = sorted(cuts)
    assert months(first, second) + months(second, third) == months(first, third)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(0, 10, [(2, 4), (6, 10)]), (3, 7, [(3, 4), (6, 7)]), (4, 6, []), (None, 5, [(2, 4)]), (0, 2, []), (9, 9, [])],
)
def test_only_the_part_that_was_asked_for_is_charged(
    since: int | None, until: int, expected: list[tuple[int, int]]
) -> None:
    at = [START + timedelta(days=day) for day in range(11)]
    found = charges([used(at[2], at[4]), used(at[6], None)], None if since is None else at[since], at[until])
    assert [(charge.since, charge.until) for charge in found] == [(at[a], at[b]) for a, b in expected]


def test_what_touches_and_is_the_same_is_one() -> None:
    at = [START + timedelta(days=day) for day in range(5)]
    other = Item("r-1", "jj-health", "web", "vm.large")
    parts = [used(at[0], at[1]), used(at[0], at[3], item=other), used(at[1], at[2]), used(at[3], None)]
    assert joined(parts) == [used(at[0], at[2]), parts[1], parts[3]]
    for different in (used(at[1], at[2], plan=2), used(at[1], at[2], Rate(Decimal(3), "instance", Decimal("120.50")))):
        assert joined([used(at[0], at[1]), different]) == [used(at[0], at[1]), different]


def test_counties_and_the_city_owe_what_their_own_units_used() -> None:
    since, until = china("2026-06-01"), china("2026-07-01")
    euro = Rate(Decimal(1), "instance", Decimal(7), currency="EUR")
    lent = Item("r-2", "school-1", "web", "vm.small", "jiujiang", "ruichang")
    also = Item("r-3", "school-2", "web", "vm.small", "jiujiang", "ruichang")
    parts = [used(since, until, item=item) for item in (also, WEB, lent)] + [used(since, until, euro, item=lent)]
    found = charges(parts, None, until)
    assert totals(found, by_unit=False) == [
        Total("jiujiang", "", "", 1, Decimal("241.00"), "CNY"),
        Total("jiujiang", "ruichang", "", 2, Decimal("482.00"), "CNY"),
        Total("jiujiang", "ruichang", "", 1, Decimal("7.00"), "EUR"),
    ]
    assert [(t.county, t.unit, t.amount, t.currency) for t in totals(found, by_unit=True)] == [
        ("", "jj-health", Decimal("241.00"), "CNY"),
        ("ruichang", "school-1", Decimal("241.00"), "CNY"),
        ("ruichang", "school-1", Decimal("7.00"), "EUR"),
        ("ruichang", "school-2", Decimal("241.00"), "CNY"),
    ]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(0, 3))
def test_a_start_that_was_written_again_changes_no_amount(waits: Sequence[int], after: int) -> None:
    now, entries = START, []
    for wait in waits:
        now += timedelta(hours=wait)
        entries.append(start_entry(WEB, PRICE, now, initiator=CONTROLLER, reason=Reason(plan_number=1)))
    records = [record(entry, sequence=number) for number, entry in enumerate(entries)]
    end = now + timedelta(hours=after)
    begin = START + timedelta(hours=waits[0])
    found = charges(ledger(records), None, end)
    assert sum((each.amount for each in found), Decimal(0)) == (amount(used(begin, None), begin, end) if end > begin else 0)
    assert len(found) <= 1
