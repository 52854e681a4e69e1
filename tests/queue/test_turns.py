"""Turns: never more than there are places, nobody is forgotten, nobody is passed over."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govcloud.turns import Turns


class House:
    """Visits that go on side by side, and who was called."""

    def __init__(self, most: int) -> None:
        self.called: list[str] = []
        self.turns: Turns[str] = Turns(most, self.called.append)
        self.inside: dict[str, ExitStack] = {}
        self.placed: set[str] = set()

    def comes(self, key: str, asks: bool = True) -> bool:
        """Begin a visit; whether it has a place."""
        self.inside[key] = ExitStack()
        has_turn = self.inside[key].enter_context(self.turns.visit(key))
        if asks and has_turn():
            self.placed.add(key)
        return key in self.placed

    def goes(self, key: str) -> None:
        self.placed.discard(key)
        self.inside.pop(key).close()


def test_who_finds_no_place_waits_and_is_called() -> None:
    house = House(1)
    assert house.comes("a")
    assert not house.comes("b")
    house.goes("b")
    assert house.turns.waiting == 1
    assert house.called == []

    house.goes("a")
    assert house.called == ["b"]
    assert not house.comes("c"), "the place is kept for the one that was called"
    assert house.comes("b")


def test_a_place_that_comes_free_while_one_hears_no_is_kept_for_it() -> None:
    house = House(1)
    house.comes("a")
    house.comes("b")
    house.goes("a")
    house.goes("b")
    assert house.called == ["b"]
    assert house.comes("b")


def test_who_was_called_and_needs_no_place_any_more_gives_it_on() -> None:
    house = House(1)
    for key in "abc":
        house.comes(key)
    for key in "bca":
        house.goes(key)
    assert house.called == ["b"]

    house.comes("b", asks=False)
    house.goes("b")
    assert house.called == ["b", "c"]


def test_a_visit_may_ask_twice() -> None:
    turns: Turns[str] = Turns(1, lambda _: None)
    with turns.visit("a") as has_turn:
        assert has_turn()
        assert has_turn()


def test_a_place_is_free_again_after_a_failure() -> None:
    house = House(1)
    with pytest.raises(ZeroDivisionError), house.turns.visit("a") as has_turn:
        assert has_turn() / 0
    assert house.comes("b")


@given(st.integers(1, 3), st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=60))
def test_nobody_waits_for_ever(most: int, moves: list[tuple[str, bool]]) -> None:
    """Visits begin and end in any order, with or without need of a place. Once everybody who is called comes, nobody waits and nothing is taken."""
    house = House(most)
    for key, asks in moves:
        if key in house.inside:
            house.goes(key)
        else:
            house.comes(key, asks)
        assert len(house.placed) <= most
        assert not house.turns.waiting or house.turns.taken == most
    for key in list(house.inside):
        house.goes(key)
    while house.called:
        key = house.called.pop(0)
        house.comes(key)
        house.goes(key)
    assert (house.turns.waiting, house.turns.taken) == (0, 0)


def test_places_are_given_in_the_order_of_asking() -> None:
    house = House(2)
    for key in "abcdef":
        house.comes(key)
    for key in "fedcba":
        house.goes(key)
    for number in range(4):
        assert house.called[number:] == list("cdef")[number : number + 2]
        assert house.comes(house.called[number])
        house.goes(house.called[number])
