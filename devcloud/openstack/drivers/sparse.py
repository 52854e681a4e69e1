"""Sparse files: files whose unwritten ranges take no space and read as zeros."""

from __future__ import annotations

import subprocess
from pathlib import Path

GIB = 1 << 30


def grow(path: Path, size: int) -> None:
    """Makes a file at least `size` bytes long; creates it if need be. Never shortens it."""
    with path.open("ab") as file:
        if file.tell() < size:
            file.truncate(size)


def copy(source: Path, target: Path) -> None:
    """Copies a file, holes and all: costs what its data costs, not what its length would."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], check=True)
