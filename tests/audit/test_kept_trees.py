"""What is kept of the tree leads to the same proofs as the whole log, at their own cost; what is wrong there proves nothing wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from audit.logs import KEY, QuickFiles, event, open_log
from audit.test_starting_points import EVERYTHING, Watched, starts, written
from audit.test_tampering import changed
from audit.trees import tree_over
from hypothesis import given
from hypothesis import strategies as st

from govcloud.audit.errors import AuditDamaged
from govcloud.audit.layout import Layout
from govcloud.audit.merkle import leaf_hash
from govcloud.audit.notes import note_of
from govcloud.audit.proofs import NotProven, at, check, export, newest_checkpoint, prove
from govcloud.audit.query import search
from govcloud.audit.reader import find_record
from govcloud.audit.tree_files import KeptTree, NodeFile, place_of, stored_before


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """63 records; the last ones are in no sealed segment."""
    directory = tmp_path_factory.mktemp("whole") / "audit"
    written(directory, 31)
    return directory


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "audit")
    return tmp_path / "audit"


RECORDS = 63


@given(st.integers(min_value=1, max_value=300))
def test_every_complete_node_has_its_place_and_no_place_is_left_over(size: int) -> None:
    places = [place_of(level, number)[1] for level in range(10) for number in range(size >> level)]
    assert sorted(places) == list(range(stored_before(size)))


@given(st.integers(min_value=1, max_value=300), st.data())
def test_nodes_that_were_put_away_lead_to_the_same_roots_and_proofs(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    tree = tree_over(leaves)
    with NodeFile() as nodes:
        for leaf in leaves:
            nodes.add(leaf)
        assert nodes.size == size
        away = type(tree)(size, nodes.node)
        assert away.root() == tree.root()
        assert away.inclusion_proof(index, size) == tree.inclusion_proof(index, size)


def test_every_record_is_proven_without_reading_other_segments(whole: Path) -> None:
    sealed = starts(whole)[-1]
    records = {record.sequence: record.stored() for record in search(whole)}
    assert len(records) == RECORDS
    for sequence, stored in records.items():
        files = Watched()
        bundle = check(prove(whole, sequence, files), KEY)
        assert bundle.records == (stored,)
        assert set(files.opened) == {max(first for first in starts(whole) if first <= sequence)}
        if sequence < sealed:
            assert bundle.checkpoint.checkpoint.size == sealed
        else:
            assert bundle.checkpoint == newest_checkpoint(whole)


def test_there_is_no_proof_of_a_record_that_is_not_there(whole: Path) -> None:
    assert check(prove(whole, RECORDS), KEY).records == ()


@pytest.mark.parametrize(
    "damage",
    [
        lambda layout, first: layout.segment_tree(first).unlink(),
        lambda layout, first: layout.segment_tree(first).write_bytes(b""),
        lambda layout, first: layout.segment_tree(first).write_bytes(bytes(layout.segment_tree(first).stat().st_size)),
        lambda layout, first: shutil.rmtree(layout.trees),
        lambda layout, first: shutil.rmtree(layout.hashes),
        lambda layout, first: layout.segment_hashes(max(starts(layout.directory)[:-1])).write_bytes(b""),
    ],
)
def test_what_is_kept_wrongly_costs_time_only(copy: Path, damage: Callable[[Layout, int], object]) -> None:
    damage(Layout(copy), starts(copy)[1])
    for sequence in (0, starts(copy)[1], starts(copy)[2], starts(copy)[-1], RECORDS - 1):
        bundle = check(prove(copy, sequence), KEY)
        assert bundle.records == check(export(copy, at(sequence)), KEY).records != ()


def test_a_changed_record_is_not_proven(copy: Path) -> None:
    path, first = Layout(copy).segment(starts(copy)[1]), starts(copy)[1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], changed(lines[1], message="nothing happened"), *lines[2:]]))
    with pytest.raises(AuditDamaged):
        list(prove(copy, first + 1))
    assert check(prove(copy, first), KEY).records, "its neighbour still is what was signed"


def test_a_record_that_changes_while_it_is_exported_is_not_handed_out(copy: Path) -> None:
    lines = export(copy, lambda stored: stored.index in (0, 7))
    header, first = next(lines), next(lines)
    path = Layout(copy).segment(max(start for start in starts(copy) if start <= 7))
    path.write_bytes(path.read_bytes().replace(b"web-3", b"web-X"))
    with pytest.raises(AuditDamaged, match="record 7"):
        next(lines)
    with pytest.raises(NotProven):
        check([header, first], KEY)


def test_a_whole_record_that_takes_the_place_of_another_meanwhile_is_not_handed_out(copy: Path) -> None:
    lines = export(copy, at(7))
    next(lines)
    path = Layout(copy).segment(max(start for start in starts(copy) if start <= 7))
    frames = path.read_bytes().splitlines(keepends=True)
    wrong = [changed(frame, unit="jj-healty") if b'"sequence":7' in frame else frame for frame in frames]
    path.write_bytes(b"".join(wrong))
    with pytest.raises(AuditDamaged, match="Record 7 is not the one that was signed"):
        next(lines)


def test_every_record_is_found_by_halving_and_nothing_else_is(whole: Path) -> None:
    layout = Layout(whole)
    for record in search(whole):
        first = max(start for start in starts(whole) if start <= record.sequence)
        stored = find_record(QuickFiles(), layout, first, record.sequence)
        assert stored
        assert (stored.payload, stored.index, stored.leaf) == (record.stored(), record.sequence, leaf_hash(record.stored()))
        assert layout.segment(first).read_bytes()[stored.offset + 18 :].startswith(record.stored())
    assert find_record(QuickFiles(), layout, 0, RECORDS) is None
    assert find_record(QuickFiles(), layout, starts(whole)[2], 0) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"garbage\n" * 50, b"x" * 100_000, b"\n" * 1_000])
def test_in_what_is_no_segment_nothing_is_found(tmp_path: Path, content: bytes) -> None:
    Layout(tmp_path).segments.mkdir(parents=True)
    Layout(tmp_path).segment(0).write_bytes(content)
    assert find_record(QuickFiles(), Layout(tmp_path), 0, 0) is None


def test_every_stored_checkpoint_is_found_by_its_size(tmp_path: Path) -> None:
    log = open_log(tmp_path, reread_bytes=EVERYTHING)
    signed = []
    for _ in range(400):  # longer than what is read of the end at first
        log.append(event())
        log.sign()
        signed.append(log.newest())
    log.close()
    with Layout(tmp_path).notes.open("rb") as stream:
        assert [note_of(stream, size) for size in range(1, 401)] == signed
        assert note_of(stream, 0) is note_of(stream, 401) is note_of(stream, 40_000) is None


@pytest.mark.parametrize("records", [1, 2, 3, 4, 7, 8, 9])
def test_of_a_log_that_has_nothing_sealed_every_signed_record_is_proven(tmp_path: Path, records: int) -> None:
    log = open_log(tmp_path)
    log.append_many([event()] * records)
    log.sign()
    log.append(event())
    assert [len(check(prove(tmp_path, sequence), KEY).records) for sequence in range(records + 1)] == [1] * records + [0]
    log.close()


def test_of_a_log_without_sealed_segments_nothing_is_kept(tmp_path: Path) -> None:
    kept = KeptTree(QuickFiles(), Layout(tmp_path))
    assert kept.end == 0
