"""Working days on the official Chinese calendar, make-up working days included; days begin and end in Asia/Shanghai."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import chinese_calendar

from govcloud.api.calendar import OwnCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)


def official_day(moment: datetime) -> date:
    """The day that it is in China at this moment."""
    return moment.astimezone(SHANGHAI).date()


def beginning_of(day: date) -> datetime:
    """The first moment of a day in China."""
    return datetime.combine(day, time.min, SHANGHAI)


@dataclass(frozen=True)
class Span:
    """From one moment to another."""

    begin: datetime
    end: datetime

    def touches(self, day: date) -> bool:
        """Whether any of this day in China lies in the span."""
        return official_day(self.begin) <= day <= official_day(self.end)


def _published_working_day(day: date) -> bool | None:
    """Whether offices work on this day by the published calendar; None for a year that is not published."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # the library's way to say that it has no data for this year
        return None


@dataclass(frozen=True)
class Calendar:
    """The official calendar, with the days that a jurisdiction sets otherwise.

    Attributes:
        holidays: days off here, whatever the official calendar says.
        working_days: days worked here, whatever the official calendar says.
        complete_years: years whose days off and make-up days are all among these, so that nothing is missing where nothing was published.
    """

    holidays: frozenset[date] = frozenset()
    working_days: frozenset[date] = frozenset()
    complete_years: frozenset[int] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on this day. A year whose holidays are not published yet counts weekends only."""
        if day in self.holidays or day in self.working_days:
            return day in self.working_days
        published = _published_working_day(day)
        return day.weekday() < 5 if published is None else published

    def is_known(self, day: date) -> bool:
        """Whether the holidays of this day's year are known."""
        return _published_working_day(day) is not None or day.year in self.complete_years

    def unknown_years(self, begin: datetime, end: datetime) -> tuple[int, ...]:
        """The years between two moments whose holidays are not known."""
        years = range(official_day(begin).year, official_day(end).year + 1)
        return tuple(year for year in years if not self.is_known(date(year, 1, 1)))

    def last_day(self, start: date, days: int, stops: Sequence[Span] = ()) -> date:
        """The `days`-th working day after `start`, which does not count itself. Days on which the clock stood still do not count either."""
        counted = islice(self._counted_days_after(start, stops), days)
        return max(counted, default=start)

    def deadline(self, start: datetime, days: int, stops: Sequence[Span] = ()) -> datetime:
        """End (the first moment after it, in the zone of `start`) of the `days`-th working day after the day of `start`."""
        return beginning_of(self.last_day(official_day(start), days, stops) + _DAY).astimezone(start.tzinfo)

    def _counted_days_after(self, day: date, stops: Sequence[Span]) -> Iterator[date]:
        while True:
            day += _DAY
            if self.is_working_day(day) and not any(stop.touches(day) for stop in stops):
                yield day


def calendar_of(own: OwnCalendar) -> Calendar:
    """The calendar that holds in a jurisdiction."""
    return Calendar(
        holidays=frozenset(entry.day for entry in own.days if entry.kind == "Holiday"),
        working_days=frozenset(entry.day for entry in own.days if entry.kind == "WorkingDay"),
        complete_years=frozenset(own.complete_years),
    )


def months_after(start: datetime, months: int) -> datetime:
    """End (the last moment) of the same day so many months later, or of that month's last day (Civil Code, articles 201 and 202)."""
    day = official_day(start)
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    last = date(year, month, min(day.day, monthrange(year, month)[1]))
    return beginning_of(last + _DAY).astimezone(start.tzinfo)
