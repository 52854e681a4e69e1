"""What use costs: a pure function of the intervals of the usage ledger.

A price holds for a calendar month of the Chinese calendar day (UTC+8); a part of a month costs its share of that month's seconds. So a
whole month costs exactly its price, and what is cut in two costs together what it cost before. Never here: discounts, evaluation,
settlement.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

from .usage import Interval

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


class UnknownPeriod(ValueError):
    """A price is for another period than a month."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one interval, or the part of it that was asked for, costs."""

    interval: Interval
    since: datetime
    until: datetime
    """Excluded: where the interval still runs, the moment that was asked for."""
    amount: Decimal
    """In the rate's currency, rounded half up to 0.01."""


def charges(intervals: Iterable[Interval], since: datetime | None, until: datetime) -> list[Charge]:
    """What was used from `since` (included; None: from the beginning) to `until` (excluded), in the order of the intervals.

    Raises `UnknownPeriod`.
    """
    return [
        Charge(interval, start, end, amount(interval, start, end))
        for interval in joined(intervals)
        for start, end in _part(interval, since, until)
    ]


@dataclass(frozen=True, slots=True)
class Total:
    """What one payer owes before evaluation and settlement: a county, or a jurisdiction for its own units (JJ 5)."""

    jurisdiction: str
    county: str
    """Empty where the jurisdiction pays itself."""
    unit: str
    """Empty where it is the sum of all units."""
    charges: int
    amount: Decimal
    currency: str


def totals(found: Iterable[Charge], *, by_unit: bool) -> list[Total]:
    """Sums by payer, or by payer and unit (JJ 27). Nothing is added up over currencies."""
    sums: dict[tuple[str, str, str, str], list[Decimal]] = defaultdict(list)
    for charge in found:
        item = charge.interval.item
        sums[item.jurisdiction, item.county, item.unit if by_unit else "", charge.interval.rate.currency].append(charge.amount)
    return [
        Total(jurisdiction, county, unit, len(amounts), sum(amounts, Decimal(0)), currency)
        for (jurisdiction, county, unit, currency), amounts in sorted(sums.items())
    ]


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals of one item, rate and plan that touch are one: a record that was written again cuts nothing in two."""
    found: list[Interval] = []
    last_of: dict[str, int] = {}
    for interval in intervals:
        before = last_of.get(interval.item.id)
        if before is not None and _continues(found[before], interval):
            found[before] = replace(found[before], until=interval.until)
        else:
            last_of[interval.item.id] = len(found)
            found.append(interval)
    return found


def _continues(before: Interval, after: Interval) -> bool:
    same = (before.item, before.rate, before.plan_number) == (after.item, after.rate, after.plan_number)
    return same and before.until == after.since


def _part(interval: Interval, since: datetime | None, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = interval.since if since is None else max(interval.since, since)
    end = until if interval.until is None else min(interval.until, until)
    if start < end:
        yield start, end


def amount(interval: Interval, since: datetime, until: datetime) -> Decimal:
    """What a part of an interval costs. Raises `UnknownPeriod`."""
    rate = interval.rate
    if rate.period != "month":
        raise UnknownPeriod(f"Record {interval.started_by} has a price for a {rate.period}; only months are known")
    exact = Fraction(rate.price) * Fraction(rate.quantity) * months(since, until)
    return rounded(exact)


def rounded(exact: Fraction) -> Decimal:
    """To 0.01, half up."""
    return Decimal((exact * 100 + Fraction(1, 2)) // 1).scaleb(-2)


def months(since: datetime, until: datetime) -> Fraction:
    """How many months lie between two moments, each part of a month as its share of that month."""
    total, start = Fraction(0), since.astimezone(CHINA)
    end = until.astimezone(CHINA)
    while start < end:
        first, following = _month_of(start)
        stop = min(following, end)
        total += Fraction(_microseconds(stop - start), _microseconds(following - first))
        start = stop
    return total


def _month_of(moment: datetime) -> tuple[datetime, datetime]:
    """Beginning of the month, and of the next one."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + timedelta(days=31)).replace(day=1)


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
