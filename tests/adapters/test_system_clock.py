"""The two clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from govcloud.adapters.system_clock import DevClock, SystemClock


def test_the_system_clock_is_the_machines_and_says_its_zone() -> None:
    before, now, after = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)
    assert before <= now <= after and now.utcoffset() == timedelta(0)


def test_the_development_clock_runs_ahead_by_whatever_the_offset_is_now() -> None:
    offsets = iter([timedelta(0), timedelta(days=16)])
    clock = DevClock(lambda: next(offsets))
    first, second = clock.now(), clock.now()
    assert timedelta(days=16) <= second - first < timedelta(days=16, minutes=1)


def test_the_development_clock_never_runs_behind() -> None:
    with pytest.raises(ValueError, match="cannot run behind"):
        DevClock(lambda: timedelta(seconds=-1)).now()
