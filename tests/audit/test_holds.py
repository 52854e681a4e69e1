"""A hold counts from the moment the log says it, until somebody releases it; what vanishes releases nothing."""

from datetime import timedelta
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, QuickFiles, Time, event, open_log, record

from govcloud.audit.expiry import Expiry
from govcloud.audit.holds import RELEASED, BadOrder, Hold, Order, active, in_log, parse_order, unrecorded
from govcloud.audit.layout import Layout
from govcloud.audit.log import AuditLog
from govcloud.audit.query import search
from govcloud.audit.records import Action, Initiator, InitiatorType, Outcome, Phase, Target
from govcloud.audit.retention import Segment
from govcloud.audit.verify import Result, verify

UNIT = Order("zhao.min", "inspection 2026-17", unit="jj-health")
RELEASE = Order("qian.li", "it ended")


class World:
    """A log of 400 days, and what orders its retention."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.time = directory, Time()
        self.orders: dict[str, str] = {}
        self.archived = timedelta(days=400)
        self.log = self.opened()

    def opened(self) -> AuditLog:
        log = open_log(self.directory, time=self.time, segment_bytes=3_000)
        self.expiry = Expiry(
            log, self.directory, 365, lambda: self.orders, self._archive, CONTROLLER, self.time.wall, QuickFiles()
        )
        return log

    def live(self, days: int) -> None:
        for _ in range(days // 4):
            self.log.append(event())
            self.time.advance(4 * 86_400)

    def oldest(self) -> int:
        return next(search(self.directory)).sequence

    def _archive(self, segment: Segment) -> timedelta:
        return self.archived


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_order_is_recorded_once_with_who_and_why(world: World) -> None:
    world.orders["case-1"] = UNIT.text()
    world.expiry.record_orders()
    world.expiry.record_orders()
    (said,) = in_log(world.directory)
    assert (said.action, said.target.id, said.message) == (Action.ENABLE, "case-1", "inspection 2026-17")
    assert (said.initiator.id, said.initiator.type) == ("zhao.min", InitiatorType.PERSON)
    assert said.unit == "", "a unit need not learn from its own export that it is looked into"
    world.log.close()
    world.log = world.opened()
    world.expiry.record_orders()
    assert list(in_log(world.directory)) == [said]


def test_a_hold_keeps_what_is_over_until_it_is_released(world: World) -> None:
    world.live(400)
    world.orders["case-1"] = UNIT.text()
    world.expiry.run()
    assert world.oldest() == 0
    world.orders["case-1" + RELEASED] = RELEASE.text()
    world.expiry.run()
    assert world.oldest() > 0
    world.log.close()
    assert verify(world.directory, KEY).result is Result.OK


def test_an_order_that_vanishes_releases_nothing(world: World) -> None:
    world.live(400)
    world.orders["case-1"] = UNIT.text()
    world.expiry.record_orders()
    world.orders.clear()
    world.expiry.run()
    assert world.oldest() == 0
    hold = Hold("case-1", "", "jj-health", "inspection 2026-17", "zhao.min", 100)
    assert active(in_log(world.directory)) == {"case-1": hold}


def test_an_order_that_cannot_be_read_stops_all_removal(world: World) -> None:
    world.live(400)
    world.orders["case-1"] = "keep everything, please"
    with pytest.raises(BadOrder, match="case-1"):
        world.expiry.run()
    assert world.oldest() == 0


def test_without_orders_what_is_over_goes_and_what_is_not_stays(world: World) -> None:
    world.live(400)
    world.archived = timedelta(days=10)
    world.expiry.run()
    assert world.oldest() == 0
    world.archived = timedelta(days=400)
    world.expiry.run()
    gone = world.oldest()
    assert gone > 0
    assert not Layout(world.directory).segment(0).exists()
    deletions = [each.phase for each in search(world.directory) if each.action is Action.DELETE]
    assert deletions == ["intent", "outcome"] * (len(deletions) // 2)
    world.expiry.run()
    assert world.oldest() == gone


def test_a_released_hold_does_not_come_back_under_its_name(world: World) -> None:
    orders = {"case-1": UNIT.text(), "case-1" + RELEASED: RELEASE.text()}
    world.log.append_many(unrecorded(orders, []))
    world.log.append_many(unrecorded({"case-1": UNIT.text()}, []))
    assert active(in_log(world.directory)) == {}


def test_a_hold_on_a_request_covers_that_request_only() -> None:
    hold = Hold("case-1", "uid-1", "", "why", "zhao.min", 9)
    assert hold.covers(record(event(request="uid-1")))
    assert not hold.covers(record(event(request="uid-2", unit="")))


@pytest.mark.parametrize(
    ("order", "attributes"),
    [(UNIT, {"unit": "jj-health"}), (Order("zhao.min", "inspection 2026-17", request="uid-1"), {"request": "uid-1"})],
)
def test_what_is_recorded_of_an_order_is_the_hold_and_tells_the_unit_nothing(order: Order, attributes: dict[str, str]) -> None:
    (entry,) = unrecorded({"case-1": order.text()}, [])
    assert (entry.phase, entry.action, entry.outcome) == (Phase.EVENT, Action.ENABLE, Outcome.SUCCESS)
    assert entry.initiator == Initiator(id="zhao.min", type=InitiatorType.PERSON)
    assert (entry.target, entry.message) == (Target(kind="LegalHold", id="case-1"), "inspection 2026-17")
    assert (entry.unit, entry.request, entry.attributes) == ("", "", attributes)
    (said,) = active([record(entry, sequence=7)]).values()
    assert said == Hold("case-1", order.request, order.unit, "inspection 2026-17", "zhao.min", 7)
    (entry,) = unrecorded({"case-1" + RELEASED: RELEASE.text()}, [])
    assert (entry.action, entry.target.id, entry.message, entry.attributes) == (Action.DISABLE, "case-1", "it ended", {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("case-1", "{}"),
        ("case-1", "[]"),
        ("case-1", "[" * 9_000),
        ("case-1", '{"by":"zhao","reason":"x"}'),
        ("case-1", '{"by":"zhao","reason":"x","unit":"a","request":"b"}'),
        ("case-1", '{"by":"zhao","unit":"a"}'),
        ("case-1", '{"reason":"x","unit":"a"}'),
        ("case-1", '{"by":"zhao","reason":"x","unit":"a","until":"2027"}'),
        ("case-1" + RELEASED, '{"by":"zhao","reason":"x","unit":"a"}'),
    ],
)
def test_an_order_says_by_whom_why_and_what_or_it_is_none(name: str, text: str) -> None:
    with pytest.raises(BadOrder) as refused:
        parse_order(name, text)
    unreadable = f"The order {name} of a legal hold cannot be read, so nothing is removed: {text[:100]!r}"
    unclear = f"The order {name} must say by whom and why, and a hold exactly one request or unit"
    whole = '"by"' in text and '"reason"' in text and "until" not in text
    assert str(refused.value) == (unclear if whole else unreadable)


@pytest.mark.parametrize("order", [UNIT, RELEASE, Order("赵敏", "审计", request="uid-1")])
def test_an_order_reads_back_as_it_was_written_and_begins_with_its_author(order: Order) -> None:
    name = "case-1" if order.unit or order.request else "case-1" + RELEASED
    assert parse_order(name, order.text()) == order
    assert order.text().startswith(f'{{"by":"{order.by}",')
