"""When admission was guarded: whatever happens between two looks, no decision passes for proven that was made while the policies were not intact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, cast

import pytest
from approvals.offices import MORNING, decision, filed
from hypothesis import given, settings
from hypothesis import strategies as st

from govcloud.core.guard import CLOCKS_APART, SETTLING, Guard, PolicyLook, Window, was_unguarded
from govcloud.core.objects import ApprovalObject
from govcloud.observe import look_at_admission
from govcloud.ports import ClusterView

SECOND = timedelta(seconds=1)


@dataclass
class Town:
    """A cluster with one policy, people who decide, and a controller that looks at it now and then. Tells what was really the case.

    The controller asks one of several API servers. Each takes up a policy after a while, and their clocks are apart.
    """

    now: timedelta = timedelta(0)
    intact: bool = True
    enforced_from: timedelta = timedelta(0)
    generation: int = 1
    remembered: Guard = field(default_factory=Guard)
    filed: list[ApprovalObject] = field(default_factory=list)
    forged: set[str] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)
    numbers: count[int] = field(default_factory=count)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def is_altered(self) -> None:
        self.intact, self.generation = False, self.generation + 1

    def is_restored(self, lag: timedelta = SECOND) -> None:
        if not self.intact:
            self.intact, self.generation = True, self.generation + 1
            self.enforced_from = self.now + lag

    def is_restored_before_a_slow_server(self) -> None:
        self.is_restored(30 * SECOND)

    def decides(self, clock: timedelta = timedelta(0), elsewhere: timedelta = timedelta(0)) -> None:
        """Somebody files a decision; while the policies are not intact, or not enforced again yet, nobody knows who."""
        name = f"number-{next(self.numbers)}"
        made = filed(decision(), (MORNING + self.now + clock).replace(microsecond=0), name=name)
        self.filed.append(made)
        if not self.intact or self.now < self.enforced_from + elsewhere:
            self.forged.add(made.uid)

    def decides_where_the_clock_is_ahead(self) -> None:
        self.decides(CLOCKS_APART, SETTLING - SECOND)

    def decides_where_the_clock_is_behind(self) -> None:
        self.decides(-CLOCKS_APART, SETTLING - SECOND)

    # What the controller asks for

    def guard(self) -> Guard:
        return self.remembered

    def approvals(self) -> tuple[ApprovalObject, ...]:
        return tuple(self.filed)

    def policies(self, *, tried: bool = False) -> PolicyLook:
        unenforced = "it lets in a forgery" if tried and self.now < self.enforced_from else None
        fault = unenforced if self.intact else "a policy is gone"
        return PolicyLook(MORNING + self.now, fault, {"policy": f"uid/{self.generation}"})

    def is_looked_at(self) -> None:
        found = look_at_admission(cast(ClusterView, self))
        self.remembered = Guard.model_validate_json(found.guard.model_dump_json())
        if found.fault is None:
            self.proven |= {a.uid for a in self.filed if not was_unguarded(self.remembered.windows, a)}

    def unproven(self) -> set[str]:
        return {a.uid for a in self.filed if was_unguarded(self.remembered.windows, a)}


DECIDES = ["decides", "decides_where_the_clock_is_ahead", "decides_where_the_clock_is_behind"]
EVENTS = st.lists(
    st.one_of(
        st.sampled_from(["is_altered", "is_restored", "is_restored_before_a_slow_server", "is_looked_at"]),
        st.sampled_from(DECIDES),
        st.sampled_from([0.3, 0.5, 1.0, 60.0]),
    ),
    max_size=40,
)


def played(events: Sequence[str | float]) -> Town:
    town = Town()
    town.is_looked_at()
    for event in (10.0, *events, 2.0, "is_restored", 40.0, "is_looked_at"):
        if isinstance(event, str):
            getattr(town, event)()
        else:
            town.passes(event)
    return town


@settings(max_examples=400, deadline=None)
@given(EVENTS)
def test_what_was_made_unguarded_never_counts(events: list[str | float]) -> None:
    town = played(events)
    assert town.forged <= town.unproven()
    assert not town.forged & town.proven, "not even for a moment"


@settings(max_examples=200, deadline=None)
@given(EVENTS)
def test_what_counted_once_counts_for_ever(events: list[str | float]) -> None:
    """A window that opens later does not reach back to what was seen under intact policies: nothing that began freezes by it."""
    town = played(events)
    assert not town.proven & town.unproven()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*DECIDES, "is_looked_at"]), st.sampled_from([0.3, 1.0, 60.0])), max_size=30))
def test_policies_that_nobody_touches_put_nothing_in_doubt(events: list[str | float]) -> None:
    assert played(events).unproven() == set()


@settings(max_examples=100, deadline=None)
@given(EVENTS)
def test_a_second_look_tells_nothing_new(events: list[str | float]) -> None:
    town = played(events)
    before = town.remembered
    town.passes(3600)
    town.is_looked_at()
    assert town.remembered == before, "at rest, nothing is written"


def test_before_the_first_look_nothing_is_known() -> None:
    town = Town()
    town.decides()
    town.passes(5)
    town.is_looked_at()
    assert town.unproven() == {"uid-of-number-0"}
    assert town.remembered.windows == (Window(since=None, until=MORNING + 5 * SECOND + SETTLING + CLOCKS_APART),)
    assert town.remembered.counts_from == MORNING + 6 * SECOND + SETTLING + CLOCKS_APART


def test_a_forged_decision_in_the_very_second_of_a_look_is_found() -> None:
    town = Town()
    town.is_looked_at()
    town.passes(60)
    town.decides()
    town.is_looked_at()
    town.passes(0.1)
    town.is_altered()
    town.decides()
    town.is_restored()
    town.passes(60)
    town.is_looked_at()
    assert town.unproven() == {"uid-of-number-1"}


STORIES: list[Any] = [
    pytest.param(["is_altered", "decides_where_the_clock_is_behind", "is_restored"], id="dated before the window"),
    pytest.param([0.9, "is_altered", "is_restored", 1.0, "is_looked_at", 1.9, "decides_where_the_clock_is_ahead"], id="dated after its end"),
    pytest.param(["is_altered", "is_restored_before_a_slow_server", 5.0, "is_looked_at", 10.0, "decides"], id="not enforced yet"),
]


@pytest.mark.parametrize("events", STORIES)
def test_neither_another_clock_nor_a_slow_server_lets_a_forgery_pass(events: list[str | float]) -> None:
    town = played(["decides", "is_looked_at", 1.0, *events, 60.0, "is_looked_at"])
    assert town.unproven() == town.forged == {"uid-of-number-1"}
    assert not town.forged & town.proven


def test_an_open_window_stays_one_window() -> None:
    town = played(["is_altered", "is_looked_at", 60.0, "decides", "is_looked_at", "is_restored", "is_altered", 1.0, "is_looked_at"])
    assert len(town.remembered.windows) == 2  # that before the first look, and this
