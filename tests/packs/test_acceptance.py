"""Six months of stable running before the final acceptance (XH-B 18), counted by the calendar; what interrupts them begins them anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from packs.conftest import Open
from packs.places import Place

from govcloud.core.calendar import months_after
from policies.shelf import shipped

XH = shipped().pack("xinhua")


@pytest.fixture
def running(place: Open) -> Place:
    """In its trial run."""
    here = place(XH)
    here.begin()
    return here


def promotion(here: Place) -> list[str]:
    here.apply(**here.wish("Promote"))
    return here.run()


def test_it_is_too_early_on_the_last_day_and_not_after_it(running: Place) -> None:
    since = running.status().progress.running_since
    assert since is not None
    end = months_after(since, 6)
    running.clock.advance(end - running.clock.now() - timedelta(seconds=1))
    with running.nothing_touched():
        assert promotion(running) == ["Refuse"]
    message = running.condition("Stalled").message
    assert "6 months of stable running" in message and "2026-03-02" in message and "[XH-B 18]" in message

    running.clock.advance(timedelta(seconds=1))
    assert running.run() == ["Freeze", "Await"]


def test_a_stop_in_between_begins_the_months_anew(running: Place) -> None:
    running.clock.advance(timedelta(days=30))
    running.run()
    running.carry_out(suspended=True)
    assert running.status().progress.running_since is None
    running.clock.advance(timedelta(days=5))
    running.carry_out(suspended=False)
    running.clock.advance(timedelta(days=160))
    assert promotion(running) == ["Refuse"], "195 days after the beginning, 160 after the stop"

    running.clock.advance(timedelta(days=30))
    assert running.run() == ["Freeze", "Await"]


def test_what_is_stopped_is_not_accepted(running: Place) -> None:
    running.clock.advance(timedelta(days=200))
    running.run()
    running.carry_out(suspended=True)
    assert promotion(running) == ["Refuse"]
    assert "it is stopped" in running.condition("Stalled").message


def test_a_change_while_it_runs_is_no_stop(running: Place) -> None:
    since = running.status().progress.running_since
    running.clock.advance(timedelta(days=100))
    running.run()
    running.carry_out(**running.wish("Change"))
    assert running.status().progress.running_since == since


def test_elsewhere_nobody_waits(place: Open) -> None:
    here = place(shipped().pack("jiujiang"))
    here.begin()
    assert promotion(here) == ["Freeze", "Await"]


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        ("2026-03-02", 6, "2026-09-02"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2027-08-31", 6, "2028-02-29"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-01-15", 24, "2028-01-15"),
        ("2026-05-05", 0, "2026-05-05"),
    ],
)
def test_months_end_with_the_same_day_or_the_months_last(day: str, months: int, last: str) -> None:
    start = datetime.fromisoformat(f"{day}T09:00:00+08:00").astimezone(UTC)
    end = datetime.fromisoformat(f"{last}T00:00:00+08:00") + timedelta(days=1)

    assert months_after(start, months) == end
    assert months_after(start, months).tzinfo == UTC
