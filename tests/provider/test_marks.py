"""Every object says which operation made it, in a place that survives the service's own rules."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.provider import marks
from stacks.provider.declarations.model import MarkIn
from stacks.provider.marks import Marks

KEY = marks.operation_key("uid", "urn:pulumi:s::p::t::n", 3)
OURS = Marks(KEY, "5c2f2a52-0000-4000-8000-000000000001")


def test_a_key_is_short_and_has_no_slash() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", KEY)


def test_a_key_depends_on_the_owner_the_resource_and_the_plan() -> None:
    keys = {marks.operation_key(owner, urn, plan) for owner in ("a", "b") for urn in ("x", "y") for plan in (1, 2)}
    assert len(keys) == 8


def test_parts_do_not_run_into_each_other() -> None:
    assert marks.operation_key("a", "b1", 1) != marks.operation_key("a", "b", 11)


@pytest.mark.parametrize("place", [place for place in MarkIn if place is not MarkIn.NOTHING])
@pytest.mark.parametrize(
    "body", [{"name": "n"}, {"name": "n", "description": "d", "tags": ["a=b"], "metadata": {"k": "v"}}]
)
def test_what_is_put_in_is_read_back(place: MarkIn, body: dict[str, Any]) -> None:
    found = marks.marks_of(marks.put_into(body, place, OURS))
    assert found.key == KEY
    assert found.owner == (None if place is MarkIn.NAME else OURS.owner)


def test_a_relation_carries_no_mark() -> None:
    assert marks.put_into({"name": "n"}, MarkIn.NOTHING, OURS) == {"name": "n"}


@given(st.text(max_size=150))
def test_a_description_comes_back_as_it_was_written(description: str) -> None:
    assert marks.out_of_description(marks.in_description(description, OURS)).rstrip() == description.rstrip()


@given(st.text(max_size=100))
def test_a_name_comes_back_as_it_was_written(name: str) -> None:
    assert marks.out_of_name(marks.in_name(name, OURS)) == name


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_metadata_comes_back_as_it_was_written(metadata: dict[str, str]) -> None:
    assert marks.out_of_metadata(marks.in_metadata(metadata, OURS), metadata) == metadata


def test_a_programs_own_word_about_the_owner_stands() -> None:
    assert marks.in_metadata({"govcloud_request": "theirs"}, OURS)["govcloud_request"] == "theirs"


@pytest.mark.parametrize(
    "shown", [{}, {"metadata": {}}, {"tags": None}, {"description": None, "name": None}, {"metadata": "x"}]
)
def test_a_stranger_carries_no_mark(shown: dict[str, Any]) -> None:
    assert marks.marks_of(shown) == Marks(None)


def test_tags_fit_into_nova() -> None:
    assert all(len(tag) <= 60 and "/" not in tag and "," not in tag for tag in marks.in_tags((), OURS))


def test_a_full_description_fits_into_neutron() -> None:
    assert len(marks.in_description("x" * 150, OURS)) <= 255
