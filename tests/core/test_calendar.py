"""Working days as the State Council published them, year by year: holidays, and the weekends that are worked in return."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govcloud.core.calendar import SHANGHAI, has_official_data, is_working_day, official_day, working_days_after

# Year: Spring Festival and National Day (first and last day off), and the weekend days worked for each.
PUBLISHED = {
    2019: (("02-04", "02-10"), ("02-02", "02-03"), ("10-01", "10-07"), ("09-29", "10-12")),
    2020: (("01-24", "02-02"), ("01-19",), ("10-01", "10-08"), ("09-27", "10-10")),
    2021: (("02-11", "02-17"), ("02-07", "02-20"), ("10-01", "10-07"), ("09-26", "10-09")),
    2022: (("01-31", "02-06"), ("01-29", "01-30"), ("10-01", "10-07"), ("10-08", "10-09")),
    2023: (("01-21", "01-27"), ("01-28", "01-29"), ("09-29", "10-06"), ("10-07", "10-08")),
    2024: (("02-10", "02-17"), ("02-04", "02-18"), ("10-01", "10-07"), ("09-29", "10-12")),
    2025: (("01-28", "02-04"), ("01-26", "02-08"), ("10-01", "10-08"), ("09-28", "10-11")),
    2026: (("02-15", "02-23"), ("02-14", "02-28"), ("10-01", "10-07"), ("09-20", "10-10")),
}


def day(year: int, text: str) -> date:
    return date.fromisoformat(f"{year}-{text}")


def days(year: int, first: str, last: str) -> list[date]:
    start = day(year, first)
    return [start + timedelta(days=n) for n in range((day(year, last) - start).days + 1)]


OFF = [d for year, (spring, _, national, _) in PUBLISHED.items() for d in days(year, *spring) + days(year, *national)]
MADE_UP = [day(year, text) for year, (_, spring, _, national) in PUBLISHED.items() for text in (*spring, *national)]


@pytest.mark.parametrize("holiday", OFF, ids=str)
def test_a_holiday_is_no_working_day(holiday: date) -> None:
    assert not is_working_day(holiday)


@pytest.mark.parametrize("weekend", MADE_UP, ids=str)
def test_a_weekend_day_that_is_worked_in_return_is_a_working_day(weekend: date) -> None:
    assert weekend.weekday() >= 5
    assert is_working_day(weekend)


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_years_that_count_have_official_data(year: int) -> None:
    assert has_official_data(date(year, 1, 1)) and has_official_data(date(year, 12, 31))


def test_a_year_that_is_not_published_counts_weekends_only_and_says_so() -> None:
    assert not has_official_data(date(2040, 10, 1))
    assert is_working_day(date(2040, 10, 1))  # a Monday, National Day: nobody has said so yet
    assert not is_working_day(date(2040, 10, 6))


DEADLINES = {
    # Asked at (in Shanghai), working days -> last working day
    "over a weekend": ("2026-03-05T09:00", 3, "2026-03-10"),
    "over National Day, with a Saturday worked": ("2024-09-30T15:00", 3, "2024-10-10"),
    "into the Saturday worked in return": ("2025-10-08T10:00", 3, "2025-10-11"),
    "over Spring Festival": ("2026-02-13T17:00", 3, "2026-02-25"),
    "from a holiday": ("2023-10-02T12:00", 1, "2023-10-07"),
    "none": ("2026-03-05T09:00", 0, "2026-03-05"),
}


@pytest.mark.parametrize(("asked", "count", "last"), DEADLINES.values(), ids=DEADLINES.keys())
def test_a_deadline_is_the_end_of_its_last_working_day_in_shanghai(asked: str, count: int, last: str) -> None:
    start = datetime.fromisoformat(asked).replace(tzinfo=SHANGHAI).astimezone(UTC)
    end = working_days_after(start, count)

    assert end.astimezone(SHANGHAI) == datetime.combine(
        date.fromisoformat(last) + timedelta(days=1), datetime.min.time(), SHANGHAI
    )
    assert end.tzinfo is UTC


def test_the_day_begins_at_midnight_in_shanghai() -> None:
    before, after = datetime(2025, 12, 31, 15, 59, tzinfo=UTC), datetime(2025, 12, 31, 16, 0, tzinfo=UTC)

    assert (official_day(before), official_day(after)) == (date(2025, 12, 31), date(2026, 1, 1))


def test_whoever_is_asked_after_midnight_has_a_day_more() -> None:
    before, after = datetime(2026, 3, 3, 15, 59, tzinfo=UTC), datetime(2026, 3, 3, 16, 0, tzinfo=UTC)

    assert working_days_after(after, 1) - working_days_after(before, 1) == timedelta(days=1)


MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2026, 10, 31), timezones=st.just(UTC))


@given(MOMENTS, st.integers(0, 20), st.integers(0, 10))
def test_a_longer_term_never_ends_earlier(start: datetime, term: int, more: int) -> None:
    assert start < working_days_after(start, term) <= working_days_after(start, term + more)


@given(MOMENTS, st.integers(1, 20))
def test_exactly_so_many_working_days_lie_in_the_term(start: datetime, term: int) -> None:
    end = official_day(working_days_after(start, term))
    first = official_day(start) + timedelta(days=1)
    inside = [first + timedelta(days=n) for n in range((end - first).days)]

    assert sum(map(is_working_day, inside)) == term
    assert is_working_day(inside[-1])
