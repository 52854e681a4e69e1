"""Names, keys and digests for any input: nothing collides, nothing escapes, nothing depends on order."""

from __future__ import annotations

import hashlib
import json

import pytest
from adapters.openstack_kit import backup_of
from hypothesis import given
from hypothesis import strategies as st

from govcloud.adapters.openstack_backup_names import KEY_CHARACTERS, operation_key, task
from govcloud.adapters.openstack_object_lines import Line, Listed, listing_digest, text_of
from govcloud.api.backup import Part

LARGEST = (1 << 53) - 1  # of JSON numbers that every reader reads alike: 8 PiB

digests = st.binary(max_size=4).map(lambda content: hashlib.sha256(content).hexdigest())
lines = st.builds(Line, st.text(), st.integers(0, LARGEST), digests)
containers = st.lists(lines, unique_by=lambda line: line.name)
words = st.text(max_size=20)
steps = st.sampled_from(["snapshot", "source-volume", "restored-volume", "source-image", "restored-image", "backup"])
# Part names and services as the API lets them through: one line, no control characters.
api_lines = st.from_regex(r"\A[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]{1,256}\Z")


@given(containers)
def test_lines_can_be_read_back_whatever_the_names(held: list[Line]) -> None:
    read = [Line(*json.loads(line)) for line in text_of(held).decode().split("\n")[:-1]]
    assert read == sorted(held, key=lambda line: line.name.encode())


@given(containers, st.randoms())
def test_the_order_in_which_objects_were_read_does_not_matter(held: list[Line], chance: object) -> None:
    shuffled = held.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert text_of(shuffled) == text_of(held)


@given(containers, containers)
def test_two_containers_have_the_same_lines_only_if_they_hold_the_same(one: list[Line], other: list[Line]) -> None:
    assert (text_of(one) == text_of(other)) == (set(one) == set(other))


@given(lines, st.integers(0, LARGEST))
def test_one_name_cannot_stand_for_two_objects(line: Line, size: int) -> None:
    with pytest.raises(ValueError, match="twice"):
        text_of([line, Line(line.name, size, line.sha256)])


def test_an_empty_container_has_the_digest_of_nothing() -> None:
    assert text_of([]) == b""


@given(
    st.lists(st.builds(Listed, st.text(), st.integers(0, LARGEST), st.text()), unique_by=lambda listed: listed.name),
    st.randoms(),
)
def test_a_listing_is_known_by_its_digest(listed: list[Listed], chance: object) -> None:
    shuffled = listed.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert listing_digest(shuffled) == listing_digest(listed)
    grown = [*listed, Listed("".join(each.name for each in listed) + "+", 0, "")]
    assert listing_digest(grown) != listing_digest(listed)


@given(st.tuples(words, words, words, words), st.tuples(words, words, words, words))
def test_different_steps_have_different_keys(one: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    assert (operation_key(*one) == operation_key(*other)) == (one == other)


@given(api_lines, api_lines, steps)
def test_keys_and_names_fit_where_they_have_to_go(name: str, service: str, step: str) -> None:
    part = Part(name=name, service=service, how="Volume", source_id="x")
    made = task("b" * 253, backup_of(part).spec, name)
    assert len(made.key(step)) == KEY_CHARACTERS and set(made.key(step)) <= set("0123456789abcdef")
    assert made.key(step) in made.name(step) and len(made.name(step)) <= 255  # Cinder
    container = made.container("backup")
    assert len(container.encode()) <= 256 and "/" not in container  # Swift
    assert container.isascii() and container.isprintable()


@given(api_lines, api_lines)
def test_two_parts_never_share_a_container(one: str, other: str) -> None:
    names = {
        task("b", backup_of(Part(name=name, service="s", how="Container", source_id="x")).spec, name).container(
            "backup"
        )
        for name in (one, other)
    }
    assert len(names) == len({one, other})


def test_a_helper_is_never_marked_as_a_resource_of_the_request() -> None:
    """Or the request's finalizer would wait for its own backups for ever."""
    part = Part(name="disk", service="portal", how="Volume", source_id="x")
    marks = task("b", backup_of(part).spec, "disk").marks("backup")
    assert "govcloud_request" not in marks and marks["govcloud_backup_of"] == backup_of(part).spec.request.uid
    assert all(len(value) <= 255 for value in marks.values())  # Cinder
