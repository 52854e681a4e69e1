"""Working days on the official Chinese calendar, make-up working days included; days begin and end in Asia/Shanghai."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")


def official_day(moment: datetime) -> date:
    """The day that it is in China at this moment."""
    return moment.astimezone(SHANGHAI).date()


def is_working_day(day: date) -> bool:
    """Whether offices work on this day. A year whose holidays are not published yet counts weekends only."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # the library's way to say that it has no data for this year
        return day.weekday() < 5


def has_official_data(day: date) -> bool:
    """Whether the holidays of this day's year are known."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def working_days_after(start: datetime, days: int) -> datetime:
    """End (the last moment, in UTC) of the `days`-th working day after the day of `start`. The day of `start` does not count."""
    day = official_day(start)
    left = days
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day)
    end_of_day = datetime.combine(day + timedelta(days=1), time.min, SHANGHAI)
    return end_of_day.astimezone(start.tzinfo)


def months_after(start: datetime, months: int) -> datetime:
    """End (the last moment) of the same day so many months later, or of that month's last day (Civil Code, articles 201 and 202)."""
    day = official_day(start)
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    last = date(year, month, min(day.day, monthrange(year, month)[1]))
    return datetime.combine(last + timedelta(days=1), time.min, SHANGHAI).astimezone(start.tzinfo)
