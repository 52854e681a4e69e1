"""Leadership: one at a time, given up before another can take it, taken over only from who shows no sign of life or is known to be dead."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from govcloud.adapters.kube_holder import Holder
from govcloud.adapters.kube_lease import Leadership, Terms
from govcloud.failures import Retry
from govcloud.reasons import Reason

Raw = dict[str, Any]


@dataclass
class Store:
    """One Lease as the API server keeps it: every write needs the version that was read. `away`: it does not answer."""

    lease: Raw | None = field(default_factory=lambda: {"metadata": {"name": "govcloud-controller", "resourceVersion": "1"}, "spec": {}})
    away: bool = False
    loses_answers: bool = False

    def read(self, path: str) -> Raw | None:
        self._answer()
        return copy.deepcopy(self.lease)

    def replace(self, path: str, body: Mapping[str, Any]) -> Raw:
        self._answer()
        assert self.lease is not None
        version = self.lease["metadata"]["resourceVersion"]
        if body["metadata"]["resourceVersion"] != version:
            raise Retry(Reason.CONFLICT, "modified")
        stored = self._stored(body, int(version) + 1)
        if self.loses_answers:
            raise Retry(Reason.CLUSTER_UNREACHABLE, "no answer")
        return stored

    def _answer(self) -> None:
        if self.away:
            raise Retry(Reason.CLUSTER_UNREACHABLE, "away")

    def _stored(self, body: Mapping[str, Any], version: int) -> Raw:
        self.lease = copy.deepcopy(dict(body))
        self.lease["metadata"] = {**body["metadata"], "resourceVersion": str(version)}
        return copy.deepcopy(self.lease)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Candidate:
    """One process that wants to lead, on a machine of its own unless told otherwise."""

    name: str
    store: Store
    clock: Clock
    lost: list[str] = field(default_factory=list)
    holder: Holder | None = None

    def __post_init__(self) -> None:
        holder = self.holder or Holder(self.name, f"boot-of-{self.name}", "pid:[1]", 7, "7")
        self.lead = Leadership(self.store, Terms("govcloud-system", holder), self.lost.append, self.clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def first(store: Store, clock: Clock) -> Candidate:
    return Candidate("first", store, clock)


@pytest.fixture
def second(store: Store, clock: Clock) -> Candidate:
    return Candidate("second", store, clock)


def test_the_first_takes_a_free_lease_and_the_second_does_not(first: Candidate, second: Candidate) -> None:
    assert first.lead.try_to_acquire()
    assert first.lead.is_held
    assert not second.lead.try_to_acquire()
    assert not second.lead.is_held


def test_a_lease_that_is_not_there_is_waited_for(store: Store, first: Candidate, caplog: pytest.LogCaptureFixture) -> None:
    store.lease, installed = None, store.lease
    with caplog.at_level("INFO"):
        assert not first.lead.try_to_acquire()
    assert "apply --server-side -f deploy/rbac/controller.yaml" in caplog.text
    store.lease = installed
    assert first.lead.try_to_acquire()


def test_two_that_see_a_free_lease_do_not_both_get_it(store: Store, first: Candidate, second: Candidate) -> None:
    assert first.lead.try_to_acquire()
    first.lead.release()
    free = copy.deepcopy(store.lease)
    assert first.lead.try_to_acquire()
    store.read = lambda path: free  # type: ignore[method-assign]  # the second read before the first wrote
    assert not second.lead.try_to_acquire()


def test_who_renews_stays(clock: Clock, first: Candidate, second: Candidate) -> None:
    first.lead.try_to_acquire()
    for _ in range(30):
        clock.now += 2
        first.lead.renew()
        assert first.lead.is_held
        assert not second.lead.try_to_acquire()
    assert first.lead.token == 1


def test_a_holder_gives_up_before_another_can_take_over(
    clock: Clock, store: Store, first: Candidate, second: Candidate
) -> None:
    """Nobody may act between losing and the other's taking: at no moment are there two."""
    first.lead.try_to_acquire()
    second.lead.try_to_acquire()
    taken_over_after = None
    for _ in range(100):
        clock.now += 0.25
        if second.lead.try_to_acquire():
            taken_over_after = clock.now - 1000
            break
        assert not second.lead.is_held
    assert taken_over_after is not None
    assert 15 < taken_over_after <= 15.5
    assert not first.lead.is_held
    assert second.lead.token == 2


def test_an_api_server_that_stays_away_ends_leadership_in_time(clock: Clock, store: Store, first: Candidate) -> None:
    first.lead.try_to_acquire()
    store.away = True
    for _ in range(4):
        clock.now += 2
        first.lead.renew()
        first.lead.check()
    assert first.lost == []
    clock.now += 2
    first.lead.check()
    first.lead.check()
    assert first.lost == ["the Lease could not be renewed for 10 s"]


def test_a_paused_process_knows_at_once_that_it_is_too_late(clock: Clock, first: Candidate, second: Candidate) -> None:
    first.lead.try_to_acquire()
    second.lead.try_to_acquire()
    clock.now += 20
    assert second.lead.try_to_acquire()
    assert not first.lead.is_held
    first.lead.renew()
    assert len(first.lost) == 1
    assert "second" in first.lost[0]


def test_a_renewal_whose_answer_was_lost_is_still_a_renewal_of_ours(
    clock: Clock, store: Store, first: Candidate
) -> None:
    first.lead.try_to_acquire()
    store.loses_answers = True
    clock.now += 2
    first.lead.renew()
    store.loses_answers = False
    clock.now += 2
    first.lead.renew()
    assert first.lost == []
    assert first.lead.is_held


def test_a_lease_that_was_deleted_is_lost(store: Store, first: Candidate) -> None:
    first.lead.try_to_acquire()
    assert store.lease is not None
    store.lease["metadata"]["resourceVersion"] = "99"
    store.lease["spec"]["holderIdentity"] = ""
    first.lead.renew()
    assert first.lost == ["the Lease is held by nobody"]


def test_after_an_orderly_end_the_next_one_does_not_wait(first: Candidate, second: Candidate) -> None:
    first.lead.try_to_acquire()
    first.lead.release()
    assert not first.lead.is_held
    assert second.lead.try_to_acquire()
    assert second.lead.token == 2
    assert first.lost == []


def test_a_restarted_process_takes_over_from_its_killed_self_at_once(store: Store, clock: Clock) -> None:
    us = Holder.this_process("here")
    killed = Candidate("killed", store, clock, holder=Holder("here", us.boot, us.numbering, us.pid, "0"))
    assert killed.lead.try_to_acquire()
    restarted = Candidate("restarted", store, clock, holder=us)
    assert restarted.lead.try_to_acquire()
    assert restarted.lead.token == 2


def test_a_live_process_of_the_same_machine_is_left_alone(store: Store, clock: Clock) -> None:
    us = Holder.this_process("here")
    assert Candidate("alive", store, clock, holder=us).lead.try_to_acquire()
    neighbour = Holder("here", us.boot, us.numbering, 1, "0")
    assert not Candidate("neighbour", store, clock, holder=neighbour).lead.try_to_acquire()


def test_waiting_for_leadership_ends_when_told(first: Candidate, second: Candidate) -> None:
    first.lead.try_to_acquire()
    told = threading.Event()
    told.set()
    assert not second.lead.acquire(told)


def test_times_that_would_allow_two_leaders_are_refused() -> None:
    holder = Holder("a", "b", "c", 1, "1")
    with pytest.raises(ValueError, match="two leaders"):
        Terms("govcloud-system", holder, duration=10, renew_deadline=10)
    with pytest.raises(ValueError, match="two leaders"):
        Terms("govcloud-system", holder, renew_deadline=2, retry_period=2)


@pytest.mark.parametrize(("duration", "given_up_after"), [(15, 10), (300, 200)])
def test_a_lease_of_any_length_is_given_up_after_two_thirds_of_it(duration: int, given_up_after: int) -> None:
    store, clock = Store(), Clock()
    lost: list[str] = []
    holder = Holder("a", "boot", "pid:[1]", 7, "7")
    lead = Leadership(store, Terms.lasting(duration, "govcloud-system", holder), lost.append, clock)
    assert lead.try_to_acquire()
    assert store.lease is not None and store.lease["spec"]["leaseDurationSeconds"] == duration
    clock.now += given_up_after - 0.5
    lead.check()
    assert lost == []
    clock.now += 0.5
    lead.check()
    assert lost == [f"the Lease could not be renewed for {given_up_after} s"]
