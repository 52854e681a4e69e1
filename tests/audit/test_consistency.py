"""Proofs made from what came in between are those made from everything."""

from collections.abc import Iterator

import pytest
from audit.trees import tree_over
from hypothesis import given, settings
from hypothesis import strategies as st

from govcloud.audit.consistency import Prover
from govcloud.audit.merkle import GrowingTree, is_consistent, leaf_hash

LEAVES = [leaf_hash(bytes([number])) for number in range(130)]


def prover(count: int = len(LEAVES)) -> Prover:
    return Prover(lambda start: iter(LEAVES[start:count]))


@given(st.lists(st.tuples(st.integers(1, 130), st.integers(0, 130)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_proof_is_the_one_over_all_leaves_in_any_order_of_asking(asked: list[tuple[int, int]]) -> None:
    tree, mine = tree_over(LEAVES), prover()
    for old, more in asked:
        new = min(130, old + more)
        proof = mine.proof(old, new)
        assert proof == tree.consistency_proof(old, new)
        assert is_consistent(old, mine.root(old), new, tree.root(new), proof)


def test_nothing_begins_everything() -> None:
    assert prover().proof(0, 7) == ()
    assert prover().root(0) == GrowingTree().root()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (3, 2, "sizes 3 and 2 are not in order"),
        (-1, 2, "sizes -1 and 2 are not in order"),
        (2, 200, "there are fewer than 200 leaves"),
        (200, 201, "there are fewer than 201 leaves"),
    ],
)
def test_what_is_not_there_is_not_proven(old: int, new: int, why: str) -> None:
    with pytest.raises(ValueError, match=r"^" + why + "$"):
        prover().proof(old, new)


def test_the_root_of_what_is_not_there_is_not_guessed() -> None:
    with pytest.raises(ValueError, match=r"^there are only 5 of 6 leaves$"):
        prover(5).root(6)


def test_no_leaf_is_read_twice_while_time_goes_forward_and_none_too_many() -> None:
    read = list[int]()

    def leaves(start: int) -> Iterator[bytes]:
        for number in range(start, len(LEAVES)):
            read.append(number)
            yield LEAVES[number]

    mine = Prover(leaves)
    mine.root(7)
    mine.root(7)
    assert read == list(range(7))
    read.clear()
    mine.proof(9, 12)
    assert sorted(read) == [7, 8, 9, 10, 11]
    read.clear()
    mine.root(3)
    assert read == [0, 1, 2], "only back in time everything is read again"
