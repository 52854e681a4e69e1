"""Which request may be sent again, and when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stacks.provider import retry

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
BUDGET = retry.RetryBudget(attempts=4, seconds=60.0, first_pause=0.5, longest_pause=15.0)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_may_have_happened_is_not_sent_again(method: str, status: int) -> None:
    assert not retry.may_repeat_after_status(method, status)
    assert not retry.may_repeat_after_lost_connection(method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "get"])
@pytest.mark.parametrize("status", [502, 503, 504])
def test_reading_and_deleting_by_id_are_sent_again(method: str, status: int) -> None:
    assert retry.may_repeat_after_status(method, status)
    assert retry.may_repeat_after_lost_connection(method)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_refusal_for_haste_is_repeated_for_every_method(method: str) -> None:
    assert retry.may_repeat_after_status(method, 429)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 413, 500])
def test_other_answers_are_final(status: int) -> None:
    assert not retry.may_repeat_after_status("GET", status)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("soon", None),
        ("-3", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry.retry_after(header, NOW) == seconds


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [retry.pause_before(n, None, 0.0, retry.RetryBudget(attempts=9)) for n in range(2, 9)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]


def test_a_service_that_wants_more_time_than_there_is_is_left_alone() -> None:
    assert retry.pause_before(2, 61.0, 0.0, BUDGET) is None
    assert retry.pause_before(3, 10.0, 51.0, BUDGET) is None
    assert retry.pause_before(3, 9.0, 51.0, BUDGET) == 9.0


def test_the_number_of_attempts_is_bounded() -> None:
    assert retry.pause_before(4, None, 0.0, BUDGET) is not None
    assert retry.pause_before(5, None, 0.0, BUDGET) is None
