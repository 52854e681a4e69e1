"""Receivers hear of every state, at least once, in order; crashes, refusals and receivers that are away stop nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reconcile.world import NAME, START, UNIT, Crash, World, jurisdiction_spec

from govcloud.adapters.memory.notifier import MemoryNoticeBook, MemoryNotifier
from govcloud.api.notification import MOST_NOTICES
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.verify import Result
from govcloud.failures import Retry, Stop
from govcloud.notifications import Courier, Means
from govcloud.reasons import Reason

URL = "https://approval.jiujiang.example/events"
KEY = b"k" * 32
AWAY = Retry(Reason.RECEIVER_UNREACHABLE, "no answer")


class City(World):
    """A world whose jurisdiction wants to be told. `courier` is the controller's; each of its calls is made by hand."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.receiver, self.book = MemoryNotifier(self.wire), MemoryNoticeBook(self.wire)
        self.want_to_be_told()
        self.hire()

    def want_to_be_told(self, url: str = URL) -> None:
        told = {"url": url, "secretRef": {"key": "jiujiang"}}
        self.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(notifications=told))

    def hire(self) -> None:
        """A courier who remembers nothing."""
        self.courier = Courier(Means(self.audit, self.receiver, self.book, lambda _: KEY, self.clock.now))

    def step(self, name: str = NAME) -> Any:
        done = super().step(name)
        if done.outbox is not None:
            self.courier.hand_over(done.outbox)
        return done

    def restart_controller(self) -> None:
        super().restart_controller()
        self.hire()

    def deliver(self) -> None:
        self.courier.deliver("jiujiang")

    def told(self, field: str = "phase") -> list[Any]:
        """A field of each event that arrived."""
        return [event["data"].get(field) for event in self.receiver.events()]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path / "audit")
    yield made
    made.wire.restart()
    made.audit.close()


def waiting(city: City) -> City:
    """The superior unit is asked."""
    city.apply()
    city.run()
    return city


def test_a_state_is_told_as_a_cloud_event(city: City) -> None:
    waiting(city).deliver()
    event = city.receiver.events()[-1]
    data = event["data"]

    assert {"specversion", "id", "source", "type"} <= event.keys()
    assert (event["specversion"], event["type"]) == ("1.0", "dev.govcloud.request.changed")
    assert event["source"] == "/apis/govcloud.dev/v1alpha1/namespaces/health-center/cloudservicerequests/orders"
    assert (data["phase"], data["waitingFor"], data["plan"], data["unit"]) == ("AwaitingApproval", "superior-unit", 1, UNIT)
    assert event["id"].startswith(f"{data['uid']}-{data['number']}-")
    assert event["time"] == START.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_whole_life_is_told_in_order(city: City) -> None:
    waiting(city).deliver()
    for step in ("superior-unit", "authority"):
        city.decide(step)
        city.run()
        city.deliver()

    assert city.told("number") == list(range(1, len(city.told()) + 1))
    assert list(dict.fromkeys(city.told())) == ["Planning", "AwaitingApproval", "Provisioning", "Trial"]


def test_a_state_that_comes_again_is_another_event(city: City) -> None:
    complete = waiting(city).request().spec["application"]
    for application in ([], complete):
        city.apply(application=application)
        city.run()
        city.deliver()
    ids = [event["id"] for event in city.receiver.events()]

    assert city.told("waitingFor").count("superior-unit") == 2
    assert len(ids) == len(set(ids)) == len(city.receiver.accepted)


def test_at_rest_nothing_is_sent_and_nothing_is_written(city: City) -> None:
    waiting(city).deliver()

    assert city.writes_in(lambda: (city.step(), city.deliver())) == []


def test_where_nobody_wants_to_know_nothing_is_kept(world: World) -> None:
    world.apply()
    world.run()

    assert world.status().progress.notices == ()
    assert world.step().outbox.receiver is None  # type: ignore[union-attr]


def test_what_is_sent_holds_no_secret_and_no_free_text(city: City) -> None:
    city.to_trial()
    city.deliver()
    sent = b" ".join(city.receiver.accepted).decode()
    secrets = [value for values in city.cluster.secrets.values() for value in values.values()]

    assert secrets and not any(secret in sent for secret in secrets if len(secret) > 8)
    assert KEY.decode() not in sent + str(city.receiver.headers)
    assert "message" not in sent


def test_each_attempt_has_an_intent_before_and_an_outcome_after(city: City) -> None:
    waiting(city)
    city.wire.fail_next("notify", AWAY)
    with pytest.raises(Retry):
        city.deliver()
    city.deliver()
    records = [record for record in city.audit.records() if record.action == "notify"]

    assert [(r.phase, r.outcome) for r in records][:4] == [
        ("intent", "pending"),
        ("outcome", "unknown"),
        ("intent", "pending"),
        ("outcome", "success"),
    ]
    assert city.audit.open_intents() == ()
    assert records[0].target.name == URL


def test_if_nothing_can_be_recorded_nothing_is_sent(city: City) -> None:
    waiting(city)
    city.wire.fail_next("audit.", AuditUnavailable("the disk is full"), times=9)
    with pytest.raises(AuditUnavailable):
        city.deliver()

    assert city.receiver.accepted == []


def test_a_receiver_that_is_away_hears_all_of_it_later_and_stops_no_work(city: City) -> None:
    waiting(city)
    city.wire.fail_next("notify", AWAY, times=10**6)
    for step in ("superior-unit", "authority"):
        with pytest.raises(Retry):
            city.deliver()
        city.decide(step)
        city.run()
    assert city.status().phase == "Trial"
    city.wire.forgive()
    city.deliver()

    assert list(dict.fromkeys(city.told())) == ["Planning", "AwaitingApproval", "Provisioning", "Trial"]


def test_a_receiver_that_is_away_for_long_hears_the_newest_and_sees_the_gap(city: City) -> None:
    complete = waiting(city).request().spec["application"]
    for _ in range(MOST_NOTICES):
        for application in ([], complete):
            city.apply(application=application)
            city.run()
    city.deliver()
    numbers = city.told("number")

    assert numbers[0] > 1
    assert numbers == list(range(numbers[0], numbers[0] + MOST_NOTICES))


def test_a_notice_that_is_refused_does_not_hold_up_other_requests(city: City) -> None:
    waiting(city)
    city.apply("second")
    city.run("second")
    city.wire.fail_next("notify", Stop(Reason.RECEIVER_REFUSED, "400"))
    with pytest.raises(Stop):
        city.deliver()
    assert set(city.told("name")) == {"second"}
    city.deliver()
    assert set(city.told("name")) == {"orders", "second"}


def test_a_lost_book_tells_again_under_the_same_ids(city: City) -> None:
    waiting(city).deliver()
    first = list(city.receiver.accepted)
    city.book.lose()
    city.restart_controller()
    city.run()
    city.deliver()

    assert city.receiver.accepted == first * 2


def test_a_new_url_counts_at_once(city: City) -> None:
    waiting(city).want_to_be_told("https://elsewhere.example/events")
    city.run()

    assert "notify https://elsewhere.example/events" in city.writes_in(city.deliver)


def test_who_does_not_want_to_know_any_more_is_left_alone(city: City) -> None:
    waiting(city).cluster.put_jurisdiction("jiujiang", jurisdiction_spec())
    city.run()

    assert city.writes_in(city.deliver) == []


def test_something_unforeseen_is_recorded_too(city: City) -> None:
    waiting(city)
    city.wire.fail_next("notify", KeyError("a fault of ours"))
    with pytest.raises(KeyError):
        city.deliver()

    assert city.audit.open_intents() == ()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_anywhere_loses_nothing(tmp_path: Path, after: bool) -> None:
    """At every write of the courier in turn: audit, POST, book."""
    expected: list[str] = []
    for number in range(1, 40):
        city = waiting(City(tmp_path / f"audit-{number}"))
        begun = len(city.wire.writes)
        city.wire.fail_at(begun + number, Crash(), after=after)
        try:
            city.deliver()
        except Crash:
            city.restart_controller()
            city.run()
            city.deliver()
            survived = True
        else:
            survived = False
        expected = expected or city.told()
        assert city.told() == expected, number
        assert len(city.receiver.accepted) <= len(expected) + 1, number
        assert city.audit.open_intents() == ()
        assert city.audit.verified().result is Result.OK
        city.audit.close()
        if not survived:
            assert number > 4 * len(expected), "each event takes two records, a POST and a mark"
            return
    raise AssertionError("it never ended")


def test_nobody_waits_for_the_courier(city: City) -> None:
    """Handing over returns at once, whatever the receiver does: sending is another thread's work."""
    assert "notify" not in " ".join(city.writes_in(lambda: waiting(city)))
    assert len(city.courier.queue) == 1
