"""Calls that wait for one flush: in order, never split, each told what is its own."""

import pytest
from audit.logs import event, intent, outcome
from hypothesis import given
from hypothesis import strategies as st

from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.tickets import BATCH_RECORDS, Receipt, Ticket, batches, refuse, settle


def ticket(size: int) -> Ticket:
    return Ticket((event(),) * size)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([5_000], [[5_000]]),
        ([400, 600], [[400, 600]]),
        ([400, 601], [[400], [601]]),
        ([400, 400, 400], [[400, 400], [400]]),
        ([1, 1_000, 1_000, 1], [[1], [1_000], [1_000], [1]]),
        ([1_001, 999, 1, 1], [[1_001], [999, 1], [1]]),
    ],
)
def test_a_group_is_as_large_as_one_flush_may_be(sizes: list[int], expected: list[list[int]]) -> None:
    assert [[len(one.entries) for one in batch] for batch in batches(map(ticket, sizes))] == expected


@given(st.lists(st.integers(1, 1_500), max_size=12))
def test_nothing_is_lost_or_turned_round(sizes: list[int]) -> None:
    tickets = [ticket(size) for size in sizes]
    grouped = list(batches(tickets))
    assert [one for batch in grouped for one in batch] == tickets
    assert all(len(batch) == 1 or sum(len(one.entries) for one in batch) <= BATCH_RECORDS for batch in grouped)


def test_each_gets_the_receipts_of_its_own_entries() -> None:
    tickets = [ticket(2), ticket(1)]
    receipts = [Receipt(number, f"id-{number}") for number in range(3)]
    assert not any(one.settled for one in tickets)
    settle(tickets, receipts)
    assert [one.result() for one in tickets] == [tuple(receipts[:2]), tuple(receipts[2:])]
    assert all(one.settled for one in tickets)


def test_what_was_refused_says_why_and_what_was_not_even_that_says_so() -> None:
    refused, forgotten = ticket(1), ticket(1)
    refuse([refused], "the disk is full")
    assert (refused.settled, forgotten.settled) == (True, False)
    with pytest.raises(AuditUnavailable, match=r"^the disk is full$"):
        refused.result()
    with pytest.raises(AuditUnavailable, match=r"^The audit log stopped in the middle of a write$"):
        forgotten.result()


def test_outcomes_alone_begin_nothing_new() -> None:
    assert Ticket((outcome("id-1"), outcome("id-2"))).only_outcomes
    assert not Ticket((outcome("id-1"), intent())).only_outcomes
