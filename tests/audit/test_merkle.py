"""The tree against the RFC's own recursive definitions, written here a second time, and against published roots."""

import hashlib
from collections.abc import Sequence

import pytest
from audit.trees import tree_over
from hypothesis import given
from hypothesis import strategies as st

from govcloud.audit.merkle import (
    GrowingTree,
    Tree,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
    sha256,
    sm3,
)

# Leaves and roots of the test vectors of the Certificate Transparency reference implementation.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def split(size: int) -> int:
    """RFC 9162: k is the largest power of two smaller than n."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def mth(data: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash of RFC 9162 2.1.1, over entries."""
    if not data:
        return hashlib.sha256().digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 9162 2.1.3.1."""
    if len(data) == 1:
        return []
    k = split(len(data))
    return [*path(m, data[:k]), mth(data[k:])] if m < k else [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 2.1.4.1."""
    if m == len(data):
        return [] if whole else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole=whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], whole=False), mth(data[:k])]


def entries(size: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(size)]


def tree_of(size: int) -> Tree:
    return tree_over(leaf_hash(entry) for entry in entries(size))


def test_roots_are_the_published_ones() -> None:
    growing = GrowingTree()
    assert growing.root() == hashlib.sha256(b"").digest()
    for size, (leaf, root) in enumerate(zip(CT_LEAVES, CT_ROOTS, strict=True), start=1):
        growing.append(leaf_hash(leaf))
        assert growing.root().hex() == root
        assert tree_over(map(leaf_hash, CT_LEAVES[:size])).root().hex() == root


@given(st.integers(0, 200))
def test_roots_are_those_of_the_definition(size: int) -> None:
    growing = GrowingTree()
    for entry in entries(size):
        growing.append(leaf_hash(entry))
    assert growing.root() == tree_of(size).root() == tree_of(200).root(size) == mth(entries(size))
    assert growing.size == size


@given(st.data())
def test_inclusion_proofs_are_those_of_the_definition_and_prove(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    index = data.draw(st.integers(0, size - 1))
    proof = tree_of(200).inclusion_proof(index, size)
    assert list(proof) == path(index, entries(size))
    assert root_from_inclusion(leaf_hash(entries(size)[index]), index, size, proof) == mth(entries(size))


@given(st.data())
def test_consistency_proofs_are_those_of_the_definition_and_prove(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 200))
    old = data.draw(st.integers(1, new))
    proof = tree_of(200).consistency_proof(old, new)
    assert list(proof) == subproof(old, entries(new), whole=True)
    assert is_consistent(old, mth(entries(old)), new, mth(entries(new)), proof)


@given(st.data())
def test_a_changed_inclusion_proof_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 100))
    index = data.draw(st.integers(0, size - 1))
    proof = list(tree_of(size).inclusion_proof(index, size))
    leaf, root = leaf_hash(entries(size)[index]), mth(entries(size))
    place = data.draw(st.integers(0, len(proof) - 1))
    proof[place] = sha256(proof[place])
    assert root_from_inclusion(leaf, index, size, proof) != root
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index))
    assert not _leads_to(root, leaf, other, size, tree_of(size).inclusion_proof(index, size))


def _leads_to(root: bytes, leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bool:
    try:
        return root_from_inclusion(leaf, index, size, proof) == root
    except ValueError:
        return False


@given(st.data())
def test_a_changed_history_is_not_consistent(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 100))
    old = data.draw(st.integers(1, new - 1))
    changed = entries(old)
    changed[data.draw(st.integers(0, old - 1))] = b"other"
    proof = tree_of(new).consistency_proof(old, new)
    assert not is_consistent(old, mth(changed), new, mth(entries(new)), proof)
    assert not is_consistent(old, mth(entries(old)), new, mth(entries(new)), proof[:-1])
    assert not is_consistent(old, mth(entries(old)), new, mth(entries(new)), [*proof, proof[-1]])


def test_the_same_size_is_consistent_only_with_the_same_root() -> None:
    root = mth(entries(5))
    assert is_consistent(5, root, 5, root, ())
    assert not is_consistent(5, root, 5, mth(entries(4)), ())
    assert not is_consistent(5, root, 5, root, (root,))


@pytest.mark.parametrize("old", [1, 2, 4, 8])
def test_a_log_that_signs_its_old_root_for_a_larger_size_is_not_consistent(old: int) -> None:
    root = mth(entries(old))
    for new in range(old + 1, 3 * old + 1):
        assert not is_consistent(old, root, new, root, ())


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, 9)])
def test_proofs_for_what_is_not_there_are_refused(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=rf"^no leaf {index} in a tree of {size} out of 8$"):
        tree_of(8).inclusion_proof(index, size)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (6, 5)])
def test_a_place_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=rf"^no leaf {index} in a tree of {size}$"):
        root_from_inclusion(bytes(32), index, size, ())


def test_the_only_leaf_is_its_own_proof() -> None:
    assert root_from_inclusion(bytes(32), 0, 1, ()) == bytes(32)
    assert tree_of(1).inclusion_proof(0, 1) == ()
    assert tree_of(1).consistency_proof(1, 1) == ()


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (1, 9)])
def test_consistency_of_what_is_not_there_is_refused(old: int, new: int) -> None:
    with pytest.raises(ValueError, match=rf"^no tree of {old} within {new} out of 8$"):
        tree_of(8).consistency_proof(old, new)
    if old == 0 or old > new:
        with pytest.raises(ValueError, match=rf"^sizes {old} and {new} are not in order$"):
            is_consistent(old, b"", new, b"", ())


def test_proofs_of_the_wrong_length_are_refused() -> None:
    proof, leaf = tree_of(8).inclusion_proof(3, 8), leaf_hash(entries(8)[3])
    with pytest.raises(ValueError, match=r"^the proof is too short$"):
        root_from_inclusion(leaf, 3, 8, proof[:-1])
    with pytest.raises(ValueError, match=r"^the proof is too long$"):
        root_from_inclusion(leaf, 3, 8, [*proof, leaf])
    with pytest.raises(ValueError, match="no leaf"):
        root_from_inclusion(leaf, 8, 8, proof)


def test_sm3_is_the_standards_sm3() -> None:
    """GB/T 32905-2016, appendix A.1."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    tree = GrowingTree(sm3)
    for entry in (b"a", b"b", b"c"):
        tree.append(leaf_hash(entry, sm3))
    left = sm3(b"\x01" + sm3(b"\x00a") + sm3(b"\x00b"))
    assert tree.root() == sm3(b"\x01" + left + sm3(b"\x00c"))


@given(st.data())
def test_every_part_of_the_second_tree_is_by_its_own_hash(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 40))
    old = data.draw(st.integers(1, new))
    leaves = [leaf_hash(entry, sm3) for entry in entries(new)]
    tree, growing = tree_over(leaves, sm3), GrowingTree(sm3)
    for leaf in leaves:
        growing.append(leaf)
    assert tree.root() == growing.root() != tree_of(new).root()
    proof = tree.inclusion_proof(old - 1, new)
    assert root_from_inclusion(leaves[old - 1], old - 1, new, proof, sm3) == tree.root()
    assert is_consistent(old, tree.root(old), new, tree.root(), tree.consistency_proof(old, new), sm3)


def test_no_leaves_have_the_hash_of_nothing() -> None:
    assert tree_over([]).root() == tree_over([leaf_hash(b"")]).root(0) == GrowingTree().root() == sha256(b"")
    assert tree_over([], sm3).root() == GrowingTree(sm3).root() == sm3(b"")


def test_the_peaks_are_the_roots_of_the_largest_complete_subtrees() -> None:
    growing, leaves = GrowingTree(), [leaf_hash(entry) for entry in entries(13)]
    for leaf in leaves:
        growing.append(leaf)
    ranges = [(0, 8), (8, 12), (12, 13)]
    assert growing.peaks() == {(start, end): tree_over(leaves[start:end]).root() for start, end in ranges}
    assert GrowingTree().peaks() == {}
