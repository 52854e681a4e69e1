"""The usage ledger, as records of the log: what was used by whom, from when to when, at which price, under which plan.

A metered item is started once, changed by the next start (its old quantity ends in the same moment in which the new one
begins), and stopped. So gaps and overlaps cannot be written; what contradicts this is refused when it is read.
Never here: money, which is a pure function of these intervals (`charges`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from .records import Action, Attributes, Entry, Initiator, Outcome, Phase, Reason, Record, Target

TARGET_KIND = "Usage"
"""Kind of the target of every ledger record; its id is the metered item."""


class Mark(StrEnum):
    """What a ledger record says about its item."""

    START = "start"
    """From now on this quantity at this price; ends the quantity before, if there was one."""
    STOP = "stop"


class LedgerError(ValueError):
    """A ledger record contradicts those before it; `sequence` is the record."""

    def __init__(self, message: str, sequence: int) -> None:
        super().__init__(message)
        self.sequence = sequence


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is paid for: a service of a request, or one quantity of it (such as `db/storage`)."""

    request: str
    """uid of the request."""
    unit: str
    service: str
    offering: str
    """Name in the catalog."""
    jurisdiction: str = ""
    """Whose prices and rules hold; empty in records of before it was kept."""
    county: str = ""
    """Who pays for the unit, where that is not the jurisdiction itself (JJ 5)."""

    @property
    def id(self) -> str:
        """Identity in the ledger."""
        return f"{self.request}/{self.service}/{self.offering}"


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of it, and the price agreed on."""

    quantity: Decimal
    measure: str
    """Such as `instance`, `GiB`."""
    price: Decimal
    """Per measure and billing period, as in the catalog."""
    currency: str = "CNY"
    period: str = "month"


@dataclass(frozen=True, slots=True)
class Interval:
    """Used without a break, at one rate. `until` is excluded; None while it still runs."""

    item: Item
    rate: Rate
    since: datetime
    until: datetime | None
    plan_number: int | None
    started_by: int
    """Sequence of the record."""


def start_entry(item: Item, rate: Rate, at: datetime, *, initiator: Initiator, reason: Reason) -> Entry:
    """The ledger record for a promotion, or for a change of quantity or price. `at` is UTC."""
    attributes = {
        "mark": Mark.START.value,
        "service": item.service,
        "offering": item.offering,
        "quantity": str(rate.quantity),
        "measure": rate.measure,
        "price": str(rate.price),
        "currency": rate.currency,
        "period": rate.period,
        "at": _text(at),
        **{name: value for name, value in (("jurisdiction", item.jurisdiction), ("county", item.county)) if value},
    }
    return _entry(item, attributes, initiator, reason)


def stop_entry(item: Item, at: datetime, *, initiator: Initiator, reason: Reason) -> Entry:
    """The ledger record for the end of use. `at` is UTC."""
    attributes = {"mark": Mark.STOP.value, "service": item.service, "offering": item.offering, "at": _text(at)}
    return _entry(item, attributes, initiator, reason)


def _entry(item: Item, attributes: Attributes, initiator: Initiator, reason: Reason) -> Entry:
    return Entry(
        phase=Phase.EVENT,
        action=Action.METER,
        outcome=Outcome.SUCCESS,
        initiator=initiator,
        target=Target(kind=TARGET_KIND, id=item.id),
        request=item.request,
        unit=item.unit,
        reason=reason,
        attributes=attributes,
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ledger(records: Iterable[Record]) -> list[Interval]:
    """The intervals in the order in which they began. Records of other actions are passed over.

    Raises `LedgerError` on a stop without a start, on a mark earlier than the one before it, on an unreadable one.
    """
    closed: list[Interval] = []
    running: dict[str, Interval] = {}
    for record in records:
        if record.action is not Action.METER or record.target.kind != TARGET_KIND:
            continue
        before = running.pop(record.target.id, None)
        if before:
            _append_unless_empty(closed, replace(before, until=_not_before(before.since, record)))
        if _mark(record) is Mark.START:
            running[record.target.id] = _interval(record)
        elif before is None:
            raise LedgerError(f"Record {record.sequence} stops {record.target.id}, which does not run", record.sequence)
    return sorted([*closed, *running.values()], key=lambda interval: (interval.since, interval.started_by))


def _append_unless_empty(closed: list[Interval], interval: Interval) -> None:
    """Two changes in one moment leave nothing in between."""
    if interval.until != interval.since:
        closed.append(interval)


def _not_before(since: datetime, record: Record) -> datetime:
    at = _at(record)
    if at < since:
        raise LedgerError(f"Record {record.sequence} ends {record.target.id} before it began", record.sequence)
    return at


def _interval(record: Record) -> Interval:
    said = record.attributes
    try:
        item = Item(record.request, record.unit, said["service"], said["offering"], said.get("jurisdiction", ""), said.get("county", ""))
        quantity, price = Decimal(said["quantity"]), Decimal(said["price"])
        rate = Rate(quantity, said["measure"], price, said["currency"], said["period"])
    except (KeyError, InvalidOperation) as error:
        raise LedgerError(f"Record {record.sequence} is no readable ledger record: {error}", record.sequence) from error
    return Interval(item, rate, _at(record), None, record.reason.plan_number, record.sequence)


def _mark(record: Record) -> Mark:
    try:
        return Mark(record.attributes.get("mark", ""))
    except ValueError as error:
        raise LedgerError(f"Record {record.sequence} is no readable ledger record: {error}", record.sequence) from error


def _at(record: Record) -> datetime:
    try:
        return datetime.fromisoformat(record.attributes.get("at", ""))
    except ValueError as error:
        raise LedgerError(f"Record {record.sequence} has no readable time", record.sequence) from error
