"""Working days as the State Council published them, year by year: holidays, and the weekends that are worked in return."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govcloud.api.calendar import OwnCalendar
from govcloud.core.calendar import SHANGHAI, Calendar, Span, calendar_of, official_day

OFFICIAL = Calendar()

NOTICES = {
    # Year: the notices of the State Council's General Office; every weekend day that is worked in that year.
    2019: ("国办发明电〔2018〕15号, 〔2019〕3号", "02-02 02-03 04-28 05-05 09-29 10-12"),
    2020: ("国办发明电〔2019〕16号, 〔2020〕1号", "01-19 04-26 05-09 06-28 09-27 10-10"),
    2021: ("国办发明电〔2020〕27号", "02-07 02-20 04-25 05-08 09-18 09-26 10-09"),
    2022: ("国办发明电〔2021〕11号", "01-29 01-30 04-02 04-24 05-07 10-08 10-09"),
    2023: ("国办发明电〔2022〕16号", "01-28 01-29 04-23 05-06 06-25 10-07 10-08"),
    2024: ("国办发明电〔2023〕7号", "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12"),
    2025: ("国办发明电〔2024〕12号", "01-26 02-08 04-27 09-28 10-11"),
    2026: ("国办发明电〔2025〕7号", "01-04 02-14 02-28 05-09 09-20 10-10"),
}

# Year: Spring Festival and National Day in the same notices: first and last day off, and the weekend days worked for each.
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
    assert not OFFICIAL.is_working_day(holiday)


@pytest.mark.parametrize("weekend", MADE_UP, ids=str)
def test_a_weekend_day_that_is_worked_in_return_is_a_working_day(weekend: date) -> None:
    assert weekend.weekday() >= 5
    assert OFFICIAL.is_working_day(weekend)


@pytest.mark.parametrize(("year", "notice"), [(year, notice) for year, (notice, _) in NOTICES.items()])
def test_exactly_the_weekend_days_of_the_notice_are_worked(year: int, notice: str) -> None:
    every_day = days(year, "01-01", "12-31")
    worked = {d for d in every_day if d.weekday() >= 5 and OFFICIAL.is_working_day(d)}

    assert worked == {day(year, text) for text in NOTICES[year][1].split()}, notice


def test_the_spring_festival_of_2020_was_prolonged() -> None:
    """国办发明电〔2020〕1号: off until 2 February, so that the Saturday that was to be worked was not."""
    assert not any(OFFICIAL.is_working_day(d) for d in days(2020, "01-24", "02-02"))
    assert OFFICIAL.is_working_day(date(2020, 2, 3))


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_years_that_count_have_official_data(year: int) -> None:
    assert OFFICIAL.is_known(date(year, 1, 1)) and OFFICIAL.is_known(date(year, 12, 31))


def test_a_year_that_is_not_published_counts_weekends_only_and_says_so() -> None:
    assert not OFFICIAL.is_known(date(2040, 10, 1))
    assert OFFICIAL.is_working_day(date(2040, 10, 1))  # a Monday, National Day: nobody has said so yet
    assert not OFFICIAL.is_working_day(date(2040, 10, 6))


DEADLINES = {
    # Asked at (in Shanghai), working days -> last working day
    "over a weekend": ("2026-03-05T09:00", 3, "2026-03-10"),
    "over National Day, with a Saturday worked": ("2024-09-30T15:00", 3, "2024-10-10"),
    "into the Saturday worked in return": ("2025-10-08T10:00", 3, "2025-10-11"),
    "over Spring Festival": ("2026-02-13T17:00", 3, "2026-02-25"),
    "over the end of a year": ("2025-12-30T09:00", 3, "2026-01-05"),  # 4 January is a Sunday that is worked
    "over the end of a year that began with a make-up day off": ("2022-12-29T09:00", 2, "2023-01-03"),
    "over Labour Day, a Saturday worked after it": ("2024-04-30T09:00", 3, "2024-05-08"),
    "to the leap day": ("2024-02-28T09:00", 1, "2024-02-29"),
    "from a holiday": ("2023-10-02T12:00", 1, "2023-10-07"),
    "none": ("2026-03-05T09:00", 0, "2026-03-05"),
}


@pytest.mark.parametrize(("asked", "count", "last"), DEADLINES.values(), ids=DEADLINES.keys())
def test_a_deadline_is_the_end_of_its_last_working_day_in_shanghai(asked: str, count: int, last: str) -> None:
    start = datetime.fromisoformat(asked).replace(tzinfo=SHANGHAI).astimezone(UTC)
    end = OFFICIAL.deadline(start, count)

    assert end.astimezone(SHANGHAI) == datetime.combine(
        date.fromisoformat(last) + timedelta(days=1), datetime.min.time(), SHANGHAI
    )
    assert end.tzinfo is UTC


def test_the_day_begins_at_midnight_in_shanghai() -> None:
    before, after = datetime(2025, 12, 31, 15, 59, tzinfo=UTC), datetime(2025, 12, 31, 16, 0, tzinfo=UTC)

    assert (official_day(before), official_day(after)) == (date(2025, 12, 31), date(2026, 1, 1))


def test_whoever_is_asked_after_midnight_has_a_day_more() -> None:
    before, after = datetime(2026, 3, 3, 15, 59, tzinfo=UTC), datetime(2026, 3, 3, 16, 0, tzinfo=UTC)

    assert OFFICIAL.deadline(after, 1) - OFFICIAL.deadline(before, 1) == timedelta(days=1)


QUICK = settings(max_examples=40)
MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2026, 10, 31), timezones=st.just(UTC))


@QUICK
@given(MOMENTS, st.integers(0, 20), st.integers(0, 10))
def test_a_longer_term_never_ends_earlier(start: datetime, term: int, more: int) -> None:
    assert start < OFFICIAL.deadline(start, term) <= OFFICIAL.deadline(start, term + more)


@QUICK
@given(MOMENTS, st.integers(1, 20))
def test_exactly_so_many_working_days_lie_in_the_term(start: datetime, term: int) -> None:
    end = official_day(OFFICIAL.deadline(start, term))
    first = official_day(start) + timedelta(days=1)
    inside = [first + timedelta(days=n) for n in range((end - first).days)]

    assert sum(map(OFFICIAL.is_working_day, inside)) == term
    assert OFFICIAL.is_working_day(inside[-1])


@QUICK
@given(MOMENTS, st.integers(1, 20))
def test_a_deadline_never_falls_on_a_day_off(start: datetime, term: int) -> None:
    last = official_day(OFFICIAL.deadline(start, term) - timedelta(microseconds=1))

    assert OFFICIAL.is_working_day(last)
    assert official_day(start) < last


@QUICK
@given(st.dates(date(2019, 1, 1), date(2026, 10, 1)), st.integers(0, 15), st.integers(0, 15))
def test_some_working_days_and_then_some_more_are_all_of_them(start: date, some: int, more: int) -> None:
    assert OFFICIAL.last_day(OFFICIAL.last_day(start, some), more) == OFFICIAL.last_day(start, some + more)


@QUICK
@given(MOMENTS, MOMENTS, st.integers(0, 20))
def test_who_is_asked_later_is_due_no_earlier(one: datetime, other: datetime, term: int) -> None:
    first, second = sorted((one, other))

    assert OFFICIAL.deadline(first, term) <= OFFICIAL.deadline(second, term)


# While somebody else has to act


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


STOPS = {
    # From, until, with three working days from Monday 2 March 2026 -> last working day
    "none": ([], "2026-03-05"),
    "over a whole day": ([("2026-03-03T17:00", "2026-03-05T09:00")], "2026-03-10"),
    "within a day": ([("2026-03-04T10:00", "2026-03-04T11:00")], "2026-03-06"),
    "on the day that does not count anyway": ([("2026-03-02T10:00", "2026-03-02T11:00")], "2026-03-05"),
    "over a weekend": ([("2026-03-07T10:00", "2026-03-08T11:00")], "2026-03-05"),
    "twice": ([("2026-03-03T10:00", "2026-03-03T11:00"), ("2026-03-05T10:00", "2026-03-05T11:00")], "2026-03-09"),
    "after it was due": ([("2026-03-06T10:00", "2026-03-09T11:00")], "2026-03-05"),
}


@pytest.mark.parametrize(("stops", "last"), STOPS.values(), ids=STOPS.keys())
def test_days_on_which_the_clock_stood_still_do_not_count(stops: list[tuple[str, str]], last: str) -> None:
    spans = [Span(shanghai(begin), shanghai(end)) for begin, end in stops]

    due = OFFICIAL.deadline(shanghai("2026-03-02T09:00"), 3, spans)

    assert official_day(due) - timedelta(days=1) == date.fromisoformat(last)


@QUICK
@given(MOMENTS, st.integers(0, 10), st.lists(st.tuples(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=30))), max_size=4))
def test_standing_still_never_makes_a_term_shorter(
    start: datetime, term: int, stops: list[tuple[datetime, timedelta]]
) -> None:
    spans = [Span(begin, begin + length) for begin, length in stops]

    assert OFFICIAL.deadline(start, term, spans) >= OFFICIAL.deadline(start, term)


# A jurisdiction's own days


def own(*entries: tuple[str, str], **more: Any) -> Calendar:
    named = [{"day": day_, "kind": kind, "document": "九府办发〔2026〕3号"} for day_, kind in entries]
    return calendar_of(OwnCalendar.model_validate({"days": named, **more}))


def test_a_jurisdiction_sets_days_of_its_own() -> None:
    calendar = own(("2026-03-03", "Holiday"), ("2026-03-07", "WorkingDay"))

    assert not calendar.is_working_day(date(2026, 3, 3)) and OFFICIAL.is_working_day(date(2026, 3, 3))
    assert calendar.is_working_day(date(2026, 3, 7)) and not OFFICIAL.is_working_day(date(2026, 3, 7))
    assert calendar.last_day(date(2026, 3, 2), 4) == date(2026, 3, 7)


def test_the_years_that_nobody_published_are_named() -> None:
    begin, end = datetime(2026, 12, 30, tzinfo=UTC), datetime(2028, 1, 3, tzinfo=UTC)

    assert OFFICIAL.unknown_years(begin, end) == (2027, 2028)
    assert OFFICIAL.unknown_years(begin, begin) == ()


def test_a_year_that_a_jurisdiction_lists_whole_is_known() -> None:
    calendar = own(("2027-01-01", "Holiday"), completeYears=[2027])

    assert calendar.is_known(date(2027, 6, 1)) and not calendar.is_known(date(2028, 6, 1))
    assert not own(("2027-01-01", "Holiday")).is_known(date(2027, 6, 1))
    assert calendar.last_day(date(2026, 12, 31), 1) == date(2027, 1, 4)
