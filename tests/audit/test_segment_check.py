"""What was kept of a segment when it was sealed, against what is read of it now."""

from pathlib import Path

import pytest
from audit.logs import QuickFiles

from govcloud.audit.layout import Layout
from govcloud.audit.segment_check import SegmentCheck
from govcloud.audit.verdict import Finding, Result

LEAVES = [bytes([number]) * 32 for number in range(5)]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Hashes were kept of a segment of five records that begins at 7."""
    (tmp_path / "hashes").mkdir()
    layout = Layout(tmp_path)
    layout.segment_hashes(7).write_bytes(b"".join(LEAVES))
    return layout


def read(layout: Layout, first: int, leaves: list[bytes]) -> SegmentCheck:
    check = SegmentCheck(QuickFiles(), layout)
    check.begin(first)
    for leaf in leaves:
        check.add(leaf)
    return check


def found(layout: Layout, leaves: list[bytes]) -> tuple[Result, str, int | None]:
    with pytest.raises(Finding) as ended:
        read(layout, 7, leaves).begin(99)
    return ended.value.result, str(ended.value), ended.value.index


def test_the_same_records_pass(layout: Layout) -> None:
    check = read(layout, 7, LEAVES)
    assert check.first_difference() is None
    check.begin(12)


def test_another_record_is_named(layout: Layout) -> None:
    for changed in range(5):
        other = [*LEAVES[:changed], b"x" * 32, *LEAVES[changed + 1 :]]
        what = f"Record {7 + changed} does not fit the hash that was kept of it"
        assert found(layout, other) == (Result.TAMPERED, what, 7 + changed)
        assert type(read(layout, 7, other).first_difference()) is int


def test_the_first_of_several_is_named(layout: Layout) -> None:
    assert read(layout, 7, [LEAVES[0], LEAVES[2], LEAVES[1], *LEAVES[3:]]).first_difference() == 8


@pytest.mark.parametrize("count", [1, 4, 6])
def test_another_number_of_records_is_found(layout: Layout, count: int) -> None:
    what = "The hashes kept of the segment that begins at 7 are not as many as its records"
    assert found(layout, [*LEAVES, b"x" * 32][:count]) == (Result.TAMPERED, what, None)


def test_while_it_is_read_only_what_was_read_is_compared(layout: Layout) -> None:
    assert read(layout, 7, LEAVES[:2]).first_difference() is None
    assert read(layout, 7, [LEAVES[0], b"x" * 32]).first_difference() == 8


def test_of_a_segment_without_kept_hashes_nothing_is_said(layout: Layout) -> None:
    check = read(layout, 12, LEAVES)
    assert check.first_difference() is None
    check.begin(17)


def test_nothing_is_said_before_anything_was_read(layout: Layout) -> None:
    layout.segment_hashes(0).write_bytes(b"".join(LEAVES))
    SegmentCheck(QuickFiles(), layout).begin(0)
    read(layout, 7, []).begin(12)
