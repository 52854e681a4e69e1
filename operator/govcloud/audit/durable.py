"""A file that only grows, and whose every append is on the disk when it returns.

Sorts the errors of a disk into the two that matter: full (the file is as it was before) and broken (nothing is known
any more: after a failed flush the kernel calls the lost pages clean, so a second flush would lie). Never here: a retry.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import FileSystem, write_all

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskFull(Exception):
    """No room; what was begun was taken back, durably."""


class DiskBroken(Exception):
    """The disk failed; nothing may be written through this process any more."""


@contextmanager
def broken_on_error(what: str) -> Iterator[None]:
    """Any `OSError` inside is a `DiskBroken` that says what was being done."""
    try:
        yield
    except OSError as error:
        raise DiskBroken(f"{what}: {error.strerror or error}") from error


@contextmanager
def sorted_errors(what: str) -> Iterator[None]:
    """An `OSError` inside is a `DiskFull` or a `DiskBroken`. Only for what leaves nothing behind when it fails."""
    try:
        yield
    except OSError as error:
        kind = DiskFull if error.errno in _FULL else DiskBroken
        raise kind(f"{what}: {error.strerror or error}") from error


class DurableFile:
    """Opened once by the one writer. `size` is what is known to be on the disk."""

    def __init__(self, files: FileSystem, path: Path) -> None:
        """Raises `DiskFull`, `DiskBroken`."""
        self._files = files
        self.path = path
        with sorted_errors(f"cannot open {path}"):
            self._descriptor = files.open_for_append(path)
        with broken_on_error(f"cannot make {path} durable"):
            self.size = files.size(self._descriptor)
            files.flush(self._descriptor)
            files.flush_directory(path.parent)

    def append(self, data: bytes) -> None:
        """Durable on return. Raises `DiskFull` (nothing was added) or `DiskBroken`."""
        try:
            write_all(self._files, self._descriptor, data)
        except OSError as error:
            self._take_back(error)
        with broken_on_error(f"cannot flush {self.path}"):
            self._files.flush(self._descriptor)
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Shortens the file, durably. Raises `DiskBroken`."""
        with broken_on_error(f"cannot shorten {self.path}"):
            self._files.truncate(self._descriptor, size)
            self._files.flush(self._descriptor)
        self.size = size

    def close(self) -> None:
        """Everything is durable already; an error here changes nothing that was promised."""
        self._files.close(self._descriptor)

    def _take_back(self, error: OSError) -> None:
        if error.errno not in _FULL:
            raise DiskBroken(f"cannot write {self.path}: {error.strerror or error}") from error
        self.cut(self.size)
        raise DiskFull(f"no room for {self.path}") from error
