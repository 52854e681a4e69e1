"""Legal holds: what must not be removed although its time is over.

Somebody who may orders a hold, or its release, where orders are kept and never changed; the log records each order once it is
seen, and from then on what counts is the log: an order that vanishes releases nothing. Never here: where orders are kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .files import FileSystem, RealFiles
from .layout import Layout
from .reader import read_log, removed_leaves
from .records import Action, Entry, Initiator, InitiatorType, Outcome, Phase, Record, Target, escape_invisible

TARGET_KIND = "LegalHold"
RELEASED = ".released"
"""Ends the name of the order that releases the hold of the same name."""


class BadOrder(ValueError):
    """An order that cannot be read. Until somebody looks, nothing is removed."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keeps every record of a request or of a unit."""

    name: str
    request: str
    """uid; empty where the hold is on a unit."""
    unit: str
    reason: str
    by: str
    """Who ordered it."""
    sequence: int
    """The record that says so; it is kept as well."""

    def covers(self, record: Record) -> bool:
        """Whether the record must be kept for it."""
        of_it = record.request == self.request if self.request else record.unit == self.unit
        return of_it or record.sequence == self.sequence


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wrote down: a hold (on a request or a unit), or with neither of them a release."""

    by: str
    reason: str
    request: str = ""
    unit: str = ""

    def text(self) -> str:
        """As it is kept: who ordered it comes first, so that admission can compare it with who writes it."""
        said = {"by": self.by, "reason": self.reason, "request": self.request, "unit": self.unit}
        return json.dumps({key: value for key, value in said.items() if value}, ensure_ascii=False, separators=(",", ":"))


def parse_order(name: str, text: str) -> Order:
    """Raises `BadOrder`."""
    try:
        said = json.loads(text)
        order = Order(**{str(key): str(value) for key, value in said.items()})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadOrder(f"The order {name} of a legal hold cannot be read, so nothing is removed: {text[:100]!r}") from error
    on_one_thing = bool(order.request) != bool(order.unit)
    if not order.by or not order.reason or (name.endswith(RELEASED) == on_one_thing):
        raise BadOrder(f"The order {name} must say by whom and why, and a hold exactly one request or unit")
    return order


def in_log(directory: Path, files: FileSystem | None = None) -> Iterator[Record]:
    """Every record about a legal hold. Raises `FileNotFoundError` when there is no log, `Damage`."""
    disk, layout = files or RealFiles(), Layout(directory)
    if not disk.exists(layout.segments):
        raise FileNotFoundError(f"There is no audit log in {directory}")
    for stored in read_log(disk, layout, removed_leaves(disk, layout).count):
        if TARGET_KIND.encode() in stored.payload and (record := stored.record()).target.kind == TARGET_KIND:
            yield record


def unrecorded(orders: Mapping[str, str], records: Iterable[Record]) -> list[Entry]:
    """What the log has to record so that it knows all orders; nothing when it does. Raises `BadOrder`."""
    parsed = {name: parse_order(name, text) for name, text in sorted(orders.items())}
    known = {(record.target.id, record.action) for record in records if record.target.kind == TARGET_KIND}
    entries = [_entry(name, order) for name, order in parsed.items()]
    return [entry for entry in entries if (entry.target.id, entry.action) not in known]


def _entry(name: str, order: Order) -> Entry:
    releases = name.endswith(RELEASED)
    return Entry(
        phase=Phase.EVENT,
        action=Action.DISABLE if releases else Action.ENABLE,
        outcome=Outcome.SUCCESS,
        initiator=Initiator(id=escape_invisible(order.by)[:256], type=InitiatorType.PERSON),
        target=Target(kind=TARGET_KIND, id=name.removesuffix(RELEASED)),
        message=order.reason,
        # Not in the fields that decide about a unit's own export: a unit need not learn that it is looked into.
        attributes={key: value for key, value in (("request", order.request), ("unit", order.unit)) if value},
    )


def active(records: Iterable[Record]) -> dict[str, Hold]:
    """The holds that are in force, by name. A name is used once: a released hold never comes back."""
    found: dict[str, Hold] = {}
    released: set[str] = set()
    for record in _about_holds(records):
        name = record.target.id
        if record.action is Action.DISABLE:
            released.add(name)
        else:
            found.setdefault(name, _hold(record))
    return {name: hold for name, hold in found.items() if name not in released}


def _about_holds(records: Iterable[Record]) -> Iterator[Record]:
    return (r for r in records if r.target.kind == TARGET_KIND and r.action in (Action.ENABLE, Action.DISABLE))


def _hold(record: Record) -> Hold:
    said = record.attributes
    who, why = record.initiator.id, record.message
    return Hold(record.target.id, said.get("request", ""), said.get("unit", ""), why, who, record.sequence)
