"""The few things the log asks of a disk, as one small protocol; and the real disk.

Tests put a disk that fails behind the same protocol. Never here: what is written, or what a failure means.
"""

import fcntl
import os
import re
from pathlib import Path
from typing import BinaryIO, Protocol


class FileSystem(Protocol):
    """Every method raises `OSError` as the operating system does."""

    def make_directory(self, path: Path) -> None:
        """Makes the directory and its parents; one that exists is fine."""

    def names(self, directory: Path) -> list[str]:
        """The sorted names in a directory."""

    def exists(self, path: Path) -> bool:
        """Whether there is such a file."""

    def open_for_append(self, path: Path) -> int:
        """A descriptor that writes at the end only; the file is made if it is not there."""

    def open_for_reading(self, path: Path) -> BinaryIO:
        """A buffered stream."""

    def size(self, descriptor: int) -> int:
        """Bytes in the file."""

    def length(self, path: Path) -> int:
        """Bytes in the file of this name."""

    def write(self, descriptor: int, data: bytes) -> int:
        """Writes some of the data; says how many bytes."""

    def flush(self, descriptor: int) -> None:
        """Returns when the content is on the disk itself (fdatasync)."""

    def flush_directory(self, path: Path) -> None:
        """Returns when the names in the directory are on the disk itself (fsync)."""

    def truncate(self, descriptor: int, size: int) -> None:
        """Cuts the file to so many bytes."""

    def close(self, descriptor: int) -> None:
        """Gives the descriptor back."""

    def rename(self, source: Path, destination: Path) -> None:
        """Atomically takes the place of the destination."""

    def remove(self, path: Path) -> None:
        """Removes a file; one that is gone is fine."""

    def reserve(self, path: Path, size: int) -> None:
        """Makes a file that really occupies so many bytes."""

    def free_bytes(self, directory: Path) -> int:
        """Bytes an ordinary user can still write there."""

    def lock(self, path: Path) -> int:
        """A descriptor holding the exclusive lock; `BlockingIOError` when somebody else holds it."""

    def kind(self, directory: Path) -> str:
        """The type of file system, such as `ext4` or `nfs4`."""

    def boot_id(self) -> str:
        """What the kernel calls the time since it was started."""


class RealFiles:
    """The disk of this machine (Linux)."""

    def make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o750, parents=True, exist_ok=True)

    def names(self, directory: Path) -> list[str]:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in entries)

    def exists(self, path: Path) -> bool:
        return path.exists()

    def open_for_append(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def open_for_reading(self, path: Path) -> BinaryIO:
        return path.open("rb")

    def size(self, descriptor: int) -> int:
        return os.fstat(descriptor).st_size

    def length(self, path: Path) -> int:
        return path.stat().st_size

    def write(self, descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data)

    def flush(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def flush_directory(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, source: Path, destination: Path) -> None:
        source.rename(destination)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def reserve(self, path: Path, size: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)

    def free_bytes(self, directory: Path) -> int:
        status = os.statvfs(directory)
        return status.f_bavail * status.f_frsize

    def lock(self, path: Path) -> int:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def kind(self, directory: Path) -> str:
        return kind_of(directory.resolve(), Path("/proc/self/mounts").read_text(encoding="utf-8"))

    def boot_id(self) -> str:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def kind_of(place: Path, mounts: str) -> str:
    """By the kernel's table of mounts (fstab(5)): the longest mount point above the place decides, of equal ones the last."""
    lines = [line.split() for line in mounts.splitlines()]
    points = [(_unescaped(point), number, kind) for number, (_, point, kind, *_) in enumerate(lines)]
    above = [(len(point), number, kind) for point, number, kind in points if place.is_relative_to(point)]
    return max(above)[2] if above else "unknown"


def _unescaped(point: str) -> str:
    """Blanks, line ends and backslashes stand there as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point)


def write_atomically(files: FileSystem, path: Path, data: bytes) -> None:
    """The file holds either all of the old or all of the new data, whatever happens; durable on return."""
    temporary = path.with_name(f".{path.name}.new")
    files.remove(temporary)
    descriptor = files.open_for_append(temporary)
    try:
        write_all(files, descriptor, data)
        files.flush(descriptor)
    finally:
        files.close(descriptor)
    files.rename(temporary, path)
    files.flush_directory(path.parent)


def write_all(files: FileSystem, descriptor: int, data: bytes) -> None:
    """Writes until everything is written; a disk that takes nothing is an error, not an endless loop."""
    rest = memoryview(data)
    while rest:
        written = files.write(descriptor, bytes(rest))
        if written <= 0:
            raise OSError(5, "the disk took no byte of a write")
        rest = rest[written:]
