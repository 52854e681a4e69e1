"""What is being written while it is read."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from audit.logs import QuickFiles, fill

from govcloud.audit.layout import Layout
from govcloud.audit.reader import MAX_LINE_BYTES, Damage, read_segment


class Growing(QuickFiles):
    """A file that comes in pieces: each read sees one more."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def open_for_reading(self, path: Path) -> BinaryIO:
        return cast(BinaryIO, _Pieces(self.pieces))


class _Pieces(BytesIO):
    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(pieces[0])
        self._rest = pieces[1:]

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if self._rest and self.tell() == len(self.getvalue()):
            at = self.tell()
            self.write(self._rest.pop(0))
            self.seek(at)
        return line


def frames(tmp_path: Path) -> bytes:
    fill(tmp_path, 2)
    return Layout(tmp_path).segment(0).read_bytes()


@pytest.mark.parametrize("cuts", [(300,), (10, 20), (300, 301, 650)])
def test_a_record_that_grows_while_it_is_read_is_no_damage(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    whole = frames(tmp_path)
    pieces = [whole[start:end] for start, end in zip((0, *cuts), (*cuts, len(whole)), strict=True)]
    assert len(list(read_segment(Growing(*pieces), tmp_path, 0, last=True))) == 2


def test_one_that_grows_no_more_is_unfinished(tmp_path: Path) -> None:
    whole = frames(tmp_path)
    with pytest.raises(Damage) as found:
        list(read_segment(Growing(whole[:300], whole[300:-5]), tmp_path, 0, last=True))
    assert (found.value.index, found.value.unfinished) == (1, True)


def test_what_never_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(Damage) as found:
        list(read_segment(Growing(b"x" * (3 * MAX_LINE_BYTES)), tmp_path, 0, last=True))
    assert not found.value.unfinished
