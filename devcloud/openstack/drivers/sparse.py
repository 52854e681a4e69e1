"""Sparse files: files whose unwritten ranges ("holes") take no space and read as zeros.

Reading a hole is not free: the kernel fills memory with zeros for it. What reads whole volumes therefore asks where the holes
are, and takes ready-made zeros for them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

GIB = 1 << 30


def grow(path: Path, size: int) -> None:
    """Makes a file at least `size` bytes long; creates it if need be. Never shortens it."""
    with path.open("ab") as file:
        if file.tell() < size:
            file.truncate(size)


def copy(source: Path, target: Path) -> None:
    """Copies a file, holes and all: costs what its data costs, not what its length would."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], check=True)


class Reader:
    """Reads a file in pieces of `piece` bytes; pieces without data are all one and the same object, `zeros`."""

    def __init__(self, file: BinaryIO, piece: int) -> None:
        self.zeros = bytes(piece)
        self._file = file
        self._end = os.fstat(file.fileno()).st_size

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end."""
        start = self._file.tell()
        if size != len(self.zeros) or start + size > self._end or self._next_data(start) < start + size:
            self._file.seek(start)
            return self._file.read(size)
        self._file.seek(start + size)
        return self.zeros

    def pieces(self, length: int) -> Iterator[bytes]:
        """The next `length` bytes, piece by piece."""
        while length > 0 and (piece := self.read(min(len(self.zeros), length))):
            length -= len(piece)
            yield piece

    def _next_data(self, start: int) -> int:
        try:
            return os.lseek(self._file.fileno(), start, os.SEEK_DATA)
        except OSError:  # there is none from here to the end
            return self._end
