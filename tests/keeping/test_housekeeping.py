"""Tasks run at their own time; one that fails is said and tried again, and keeps no other from running."""

from __future__ import annotations

from datetime import timedelta

import pytest
from waiting import until

from devcloud.patience import PATIENCE
from govcloud.housekeeping import Housekeeping, Task

HOUR = timedelta(hours=1)


class Count:
    """A task that fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.runs = failures, 0

    def __call__(self) -> None:
        self.runs += 1
        if self.runs <= self.failures:
            raise ValueError("not now")


def test_every_task_runs_at_the_start_and_again_in_its_time() -> None:
    often, seldom = Count(), Count()
    keeping = Housekeeping((Task("often", timedelta(milliseconds=1), often), Task("seldom", HOUR, seldom)))
    keeping.start()
    until(lambda: often.runs > 3 and seldom.runs == 1)
    assert keeping.alive()
    assert keeping.stop(timedelta(seconds=PATIENCE))
    assert seldom.runs == 1


def test_a_failure_is_said_until_it_is_over() -> None:
    task = Count(failures=1)
    keeping = Housekeeping((Task("copies", HOUR, task),), expected=(ValueError,))
    with pytest.raises(ValueError, match="not now"):
        keeping.do("copies")
    assert keeping.hints() == ["copies: not now"]
    assert keeping.do("copies") == HOUR
    assert keeping.hints() == []


def test_of_what_nobody_expected_only_the_type_is_told() -> None:
    keeping = Housekeeping((Task("copies", HOUR, Count(failures=1)),))
    with pytest.raises(ValueError, match="not now"):
        keeping.do("copies")
    assert keeping.hints() == ["copies: ValueError"]


def test_one_that_fails_does_not_keep_others_from_running() -> None:
    bad, good = Count(failures=100), Count()
    keeping = Housekeeping((Task("bad", HOUR, bad), Task("good", timedelta(milliseconds=1), good)), (ValueError,))
    keeping.start()
    until(lambda: bad.runs >= 1 and good.runs > 2)
    keeping.stop(timedelta(seconds=PATIENCE))


def test_what_somebody_should_know_is_told_although_nothing_fails() -> None:
    keeping = Housekeeping((Task("copies", HOUR, Count(), lambda: "3 hours behind"), Task("quiet", HOUR, Count())))
    assert keeping.hints() == ["copies: 3 hours behind"]
