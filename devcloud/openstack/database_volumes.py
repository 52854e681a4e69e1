"""The bytes that a database leaves on its instance's volume: a header of 4096 bytes (one line that names the format, one of JSON with length
and SHA-256) and a tar archive of the data directory.

Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from devcloud.openstack import postgres

MAGIC = b"govcloud-postgresql 1\n"
HEADER_BYTES = 4096


class VolumeUnusable(Exception):
    """A volume holds no database, a damaged one, or has no room for one; the message says which."""


def pack(data: Path, volume: Path) -> None:
    """Writes a data directory to a volume. Raises VolumeUnusable if the volume is too small; it is then unchanged."""
    size = volume.stat().st_size
    needed = HEADER_BYTES + _tar_size(data)
    if needed > size:
        raise VolumeUnusable(
            f"the database needs {needed >> 20} MiB, its volume has {size >> 20}: make the volume larger"
        )
    with volume.open("r+b") as file:
        # What an earlier, longer archive left behind would be no harm, but no zeros either.
        file.truncate(HEADER_BYTES)
        file.seek(HEADER_BYTES)
        _tar(data, file)
        length = file.seek(0, os.SEEK_END) - HEADER_BYTES
        header = _header({"length": length, "sha256": _sha256(file, length)})
        file.seek(0)
        file.write(header)
        file.truncate(size)


def unpack(volume: Path, data: Path) -> None:
    """Makes a data directory from what a volume holds. Raises VolumeUnusable."""
    check(volume)
    with volume.open("rb") as file:
        file.seek(HEADER_BYTES)
        extract(file, data)


def extract(archive: BinaryIO, data: Path) -> None:
    """Makes a data directory from a tar archive, read from where the file stands."""
    data.mkdir(mode=0o700)
    # The position that tar starts from is the descriptor's, not that of Python's buffer.
    os.lseek(archive.fileno(), archive.tell(), os.SEEK_SET)
    subprocess.run(["tar", "--extract", "--preserve-permissions", "--directory", str(data)], stdin=archive, check=True)
    give_all_to_postgres(data)


def check(volume: Path) -> None:
    """Raises VolumeUnusable unless a volume holds a whole database."""
    with volume.open("rb") as file:
        noted = read_header(file)
        if _sha256(file, int(str(noted["length"]))) != noted["sha256"]:
            raise VolumeUnusable(f"the database on {volume.name} is damaged: its bytes do not have the noted SHA-256")


def holds_database(volume: Path) -> bool:
    """Whether a volume holds what `pack` writes."""
    with volume.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_header(file: BinaryIO) -> Mapping[str, object]:
    """Length and SHA-256 of the archive on a volume. Raises VolumeUnusable."""
    file.seek(0)
    head = file.read(HEADER_BYTES)
    if not head.startswith(MAGIC):
        raise VolumeUnusable("the volume holds no database")
    found: Mapping[str, object] = json.loads(head[len(MAGIC) :].partition(b"\n")[0])
    return found


def give_all_to_postgres(data: Path) -> None:
    """After an archive of another machine, the numbers of its owners mean nothing here."""
    for path in [data, *data.rglob("*")]:
        postgres.give_to_postgres(path)


def _header(content: Mapping[str, object]) -> bytes:
    return (MAGIC + json.dumps(content).encode() + b"\n").ljust(HEADER_BYTES, b"\0")


def _tar(data: Path, target: BinaryIO) -> None:
    target.flush()
    command = ["tar", "--create", "--numeric-owner", "--sort=name", "--directory", str(data), "."]
    subprocess.run(command, stdout=target, check=True)


def _tar_size(data: Path) -> int:
    """An upper bound: each file is padded to blocks of 512 bytes and has a header; the archive ends with 10 KiB."""
    entries = [path.lstat().st_size for path in data.rglob("*")]
    return sum(size + 2048 for size in entries) + (20 << 10)


def _sha256(file: BinaryIO, length: int) -> str:
    total, left = hashlib.sha256(), length
    file.seek(HEADER_BYTES)
    while left > 0 and (piece := file.read(min(1 << 20, left))):
        total.update(piece)
        left -= len(piece)
    return total.hexdigest()
