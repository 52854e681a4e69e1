"""Reading and copying files with holes: the same bytes as ever, without the cost of their zeros."""

import random
from pathlib import Path

import pytest

from devcloud.openstack.drivers import sparse

MIB = 1 << 20
PIECE = 64 << 10


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """17 MiB and a bit, with data in the middle of a piece, over a border of pieces, and at the very end."""
    path = tmp_path / "volume"
    dice = random.Random(7)
    with path.open("wb") as target:
        for start, length in ((3 * MIB + 100, 10), (5 * MIB - 7, 4000), (17 * MIB, 123)):
            target.seek(start)
            target.write(dice.randbytes(length))
    return path


def used(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_the_pieces_are_the_files_bytes(file: Path) -> None:
    with file.open("rb", buffering=0) as source:
        pieces = list(sparse.Reader(source, PIECE).pieces(file.stat().st_size))
    assert b"".join(pieces) == file.read_bytes()


def test_empty_pieces_are_not_read(file: Path) -> None:
    with file.open("rb", buffering=0) as source:
        reader = sparse.Reader(source, PIECE)
        pieces = list(reader.pieces(file.stat().st_size))
    with_data = [piece for piece in pieces if piece is not reader.zeros]
    assert 4 <= len(with_data) <= 5


@pytest.mark.parametrize(("start", "length"), [(0, 1), (3 * MIB, PIECE), (5 * MIB - 100, 3 * MIB + 5), (17 * MIB, 200)])
def test_any_part_can_be_read(file: Path, start: int, length: int) -> None:
    with file.open("rb", buffering=0) as source:
        source.seek(start)
        found = b"".join(sparse.Reader(source, PIECE).pieces(length))
    assert found == file.read_bytes()[start : start + length]


def test_the_position_is_that_of_an_ordinary_file(file: Path) -> None:
    with file.open("rb") as source:
        reader = sparse.Reader(source, PIECE)
        positions = []
        while reader.read(PIECE):
            positions.append(reader.tell())
    assert positions == [min(end, file.stat().st_size) for end in range(PIECE, file.stat().st_size + PIECE, PIECE)]


def test_a_copy_is_equal_and_has_the_holes(file: Path, tmp_path: Path) -> None:
    sparse.copy(file, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()
    assert used(tmp_path / "copy") < MIB


def test_growing_makes_longer_and_never_shorter(file: Path) -> None:
    before = file.read_bytes()
    sparse.grow(file, 20 * MIB)
    assert file.read_bytes() == before.ljust(20 * MIB, b"\0")
    sparse.grow(file, MIB)
    assert file.stat().st_size == 20 * MIB
