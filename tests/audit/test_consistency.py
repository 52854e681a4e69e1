"""Proofs made from what came in between are those made from everything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govcloud.audit.consistency import Prover
from govcloud.audit.merkle import GrowingTree, Tree, is_consistent, leaf_hash

LEAVES = [leaf_hash(bytes([number])) for number in range(130)]


def prover(count: int = len(LEAVES)) -> Prover:
    return Prover(lambda start: iter(LEAVES[start:count]))


@given(st.lists(st.tuples(st.integers(1, 130), st.integers(0, 130)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_proof_is_the_one_over_all_leaves_in_any_order_of_asking(asked: list[tuple[int, int]]) -> None:
    tree, mine = Tree(LEAVES), prover()
    for old, more in asked:
        new = min(130, old + more)
        proof = mine.proof(old, new)
        assert proof == tree.consistency_proof(old, new)
        assert is_consistent(old, mine.root(old), new, tree.root(new), proof)


def test_nothing_begins_everything() -> None:
    assert prover().proof(0, 7) == ()
    assert prover().root(0) == GrowingTree().root()


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2), (2, 200), (200, 201)])
def test_what_is_not_there_is_not_proven(old: int, new: int) -> None:
    with pytest.raises(ValueError, match=r"order|only"):
        prover().proof(old, new)


def test_the_root_of_what_is_not_there_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="only 5 of 6"):
        prover(5).root(6)
