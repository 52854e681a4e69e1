"""The hashes that are kept for ever: all of them or none, and never all in memory at once."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from audit.logs import QuickFiles, fill

from govcloud.audit.kept_hashes import leaves_from
from govcloud.audit.layout import Layout
from govcloud.audit.reader import kept_before, removed_leaves, segment_starts


class Watched(QuickFiles):
    """Remembers what was opened."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open_for_reading(self, path: Path) -> BinaryIO:
        self.opened.append(path.name)
        return super().open_for_reading(path)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Of a log of several sealed segments."""
    directory = tmp_path_factory.mktemp("kept") / "audit"
    fill(directory, 40, segment_bytes=3_000)
    return Layout(directory)


def test_hashes_before_a_segment_are_those_of_all_records_before_it(layout: Layout) -> None:
    starts = segment_starts(QuickFiles(), layout)
    kept = kept_before(QuickFiles(), layout, starts[3])
    stored = b"".join(layout.segment_hashes(first).read_bytes() for first in starts[:3])
    assert (b"".join(kept), kept.count) == (stored, starts[3])


def test_one_segment_at_a_time_is_held(layout: Layout) -> None:
    files, starts = Watched(), segment_starts(QuickFiles(), layout)
    leaves = iter(kept_before(files, layout, starts[3]))
    files.opened.clear()
    for _ in range(starts[1]):
        next(leaves)
    assert files.opened == [layout.segment_hashes(0).name]
    next(leaves)
    assert files.opened[1:] == [layout.segment_hashes(starts[1]).name]


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-1], lambda content: content[:-32]])
def test_none_are_taken_unless_all_are_there(layout: Layout, damage: Callable[[bytes], bytes]) -> None:
    starts = segment_starts(QuickFiles(), layout)
    path = layout.segment_hashes(starts[1])
    whole = path.read_bytes()
    try:
        path.write_bytes(damage(whole))
        kept = kept_before(QuickFiles(), layout, starts[3])
        assert (list(kept), kept.count) == ([], 0)
    finally:
        path.write_bytes(whole)


def test_leaves_are_read_from_anywhere_to_anywhere(layout: Layout) -> None:
    end = segment_starts(QuickFiles(), layout)[4]
    leaves = list(kept_before(QuickFiles(), layout, end))
    for start in range(end + 1):
        for stop in range(end + 1):
            assert list(leaves_from(QuickFiles(), layout, start, stop)) == leaves[start:stop]


def test_reading_leaves_ends_where_none_were_kept_and_holds_one_segment_at_a_time(layout: Layout) -> None:
    files, starts = Watched(), segment_starts(QuickFiles(), layout)
    assert len(list(leaves_from(files, layout, 0, 10**6))) == starts[-1]
    files.opened.clear()
    assert len(next(leaves_from(files, layout, 0, starts[3]))) == 32
    assert files.opened == [layout.segment_hashes(0).name]


def test_of_a_log_that_begins_at_its_first_record_nothing_was_removed(layout: Layout, tmp_path: Path) -> None:
    assert removed_leaves(QuickFiles(), layout).count == 0
    assert removed_leaves(QuickFiles(), Layout(tmp_path / "no log")).count == 0
