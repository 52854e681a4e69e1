"""Calls of `append` that wait for the flush that carries them: in which groups, and who is told what. Never here: a disk."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .errors import AuditUnavailable
from .records import Entry, Phase

BATCH_RECORDS = 1_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record is on the disk."""

    sequence: int
    id: str
    """What an outcome names as its `intent`."""


class Ticket:
    """The entries of one call, waiting."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self.receipts: tuple[Receipt, ...] | None = None
        self.refusal: str | None = None

    @property
    def settled(self) -> bool:
        """Whether its caller can be told something."""
        return self.receipts is not None or self.refusal is not None

    @property
    def only_outcomes(self) -> bool:
        """Whether it begins nothing new."""
        return all(entry.phase is Phase.OUTCOME for entry in self.entries)

    def result(self) -> tuple[Receipt, ...]:
        """What its caller gets. Raises `AuditUnavailable`."""
        if self.receipts is None:
            raise AuditUnavailable(self.refusal or "The audit log stopped in the middle of a write")
        return self.receipts


def batches(tickets: Iterable[Ticket]) -> Iterator[list[Ticket]]:
    """Tickets in order, in groups for one flush each; a ticket is never split."""
    batch: list[Ticket] = []
    count = 0
    for ticket in tickets:
        if batch and count + len(ticket.entries) > BATCH_RECORDS:
            yield batch
            batch, count = [], 0
        batch.append(ticket)
        count += len(ticket.entries)
    if batch:
        yield batch


def settle(tickets: Iterable[Ticket], receipts: Sequence[Receipt]) -> None:
    """Hand each ticket the receipts of its own entries."""
    start = 0
    for ticket in tickets:
        end = start + len(ticket.entries)
        ticket.receipts = tuple(receipts[start:end])
        start = end


def refuse(tickets: Iterable[Ticket], why: str) -> None:
    """Tell them that nothing of theirs was recorded."""
    for ticket in tickets:
        ticket.refusal = why
