"""The PostgreSQL server behind one Trove instance: its files, its address, its bytes on the instance's volume.

While it runs, its data lies in a directory of its own. When it is stopped, the data is written to the first bytes of the
instance's Cinder volume, as a real server's disk would hold it, and read from there when it is started again: a copy of
the volume made meanwhile is a copy of the database. What a volume holds is a header of 4096 bytes (one line that names the
format, one of JSON with length and SHA-256) and a tar archive.

Standard library only: the launcher starts and stops these servers, Trove's guest makes and changes them.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from devcloud.openstack import postgres
from devcloud.openstack.layout import Layout
from devcloud.paths import write_atomically
from devcloud.ports import LOOPBACK, choose

SUPERUSER = "postgres"
STANDARD_PORT = 5432
MAGIC = b"govcloud-postgresql 1\n"
HEADER_BYTES = 4096
SETTINGS = {
    "fsync": "off", "max_connections": "50", "shared_buffers": "16MB", "wal_level": "replica", "max_wal_senders": "2",
    "min_wal_size": "8MB", "max_wal_size": "32MB", "jit": "off",
}  # fmt: skip


class VolumeUnusable(Exception):
    """A volume holds no database, a damaged one, or has no room for one; the message says which."""


@dataclass(frozen=True)
class Endpoint:
    """Where a database listens, and what it was last told to do. Kept in <instance id>.json, for clients to read."""

    instance: str
    host: str
    port: int
    running: bool
    superuser_password: str


class Database:
    """The database of one instance."""

    def __init__(self, layout: Layout, endpoint: Endpoint) -> None:
        self._layout = layout
        self.endpoint = endpoint

    @property
    def instance(self) -> str:
        return self.endpoint.instance

    @property
    def _home(self) -> Path:
        return self._layout.trove / self.instance

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _server(self) -> postgres.Server:
        return postgres.Server(self._data, self.endpoint.host, self.endpoint.port, self._home / "postgresql.log")

    def answers(self) -> bool:
        return self._data.exists() and self._server.pid() is not None

    def create(self, volume: Path, archive: Path | None = None) -> None:
        """A new instance's database, running.

        It holds what `archive` (a base backup) holds, else what the volume holds (if it was made from another
        instance's), else nothing.
        """
        self._home.mkdir()
        if archive is not None:
            with archive.open("rb") as file:
                extract(file, self._data)
        elif holds_database(volume):
            unpack(volume, self._data)
        else:
            copy(self._layout.blank_database, self._data)
        self._server.sql_while_stopped(f"alter user {SUPERUSER} password '{self.endpoint.superuser_password}'")
        self._start()

    def start(self, volume: Path) -> None:
        """Starts the server with the data that the volume holds, unless it runs already. Raises VolumeUnusable."""
        if not self._data.exists():
            self._home.mkdir(exist_ok=True)
            unpack(volume, self._data)
        self._start()

    def stop(self, volume: Path) -> None:
        """Stops the server and leaves its data on the volume, and nowhere else. Raises VolumeUnusable."""
        if self._data.exists():
            self._server.stop()
            pack(self._data, volume)
            check(volume)
            shutil.rmtree(self._data)
        self._remember(running=False)

    def restart(self) -> None:
        """Stops and starts the server, its data staying where it is."""
        self._server.stop()
        self._start()

    def pause(self) -> None:
        """Stops the server while the cloud is down; `resume` continues with the same data."""
        if self._data.exists():
            self._server.stop()

    def resume(self) -> None:
        """Starts what ran when the cloud was stopped, at its old address if that is still free."""
        if self.endpoint.running and self._data.exists() and self._server.pid() is None:
            if not is_free_at(self.endpoint.host, self.endpoint.port):
                self._move(*free_address())
            self._start()

    def back_up(self, archive: Path) -> None:
        """Writes a base backup of the running database."""
        self._server.base_backup(archive, SUPERUSER, self.endpoint.superuser_password)

    def remove(self) -> None:
        """Stops the server and deletes all that is left of it here."""
        self.pause()
        shutil.rmtree(self._home, ignore_errors=True)
        record(self._layout, self.instance).unlink(missing_ok=True)

    def _start(self) -> None:
        self._server.start()
        self._remember(running=True)

    def _move(self, host: str, port: int) -> None:
        self.endpoint = replace(self.endpoint, host=host, port=port)

    def _remember(self, *, running: bool) -> None:
        self.endpoint = replace(self.endpoint, running=running)
        write_atomically(record(self._layout, self.instance), json.dumps(asdict(self.endpoint), indent=1), mode=0o600)


def record(layout: Layout, instance: str) -> Path:
    """The file that tells clients where the database of an instance listens."""
    return layout.trove / f"{instance}.json"


def load(layout: Layout, instance: str) -> Database | None:
    """The database of an instance, or None if there is none here."""
    path = record(layout, instance)
    return Database(layout, Endpoint(**json.loads(path.read_text()))) if path.exists() else None


def new(layout: Layout, instance: str, superuser_password: str) -> Database:
    """A database that is not made yet, at a free address."""
    host, port = free_address()
    return Database(layout, Endpoint(instance, host, port, running=False, superuser_password=superuser_password))


def every(layout: Layout) -> Iterator[Database]:
    """All databases of a cloud, running or not."""
    for path in sorted(layout.trove.glob("*.json")):
        yield Database(layout, Endpoint(**json.loads(path.read_text())))


def free_address() -> tuple[str, int]:
    """A loopback address of its own with PostgreSQL's standard port, as an instance in a network would have.

    All of 127.0.0.0/8 is loopback and open to everyone. If the standard port is taken on all of it, another port.
    """
    for _ in range(100):
        host = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
        if is_free_at(host, STANDARD_PORT):
            return host, STANDARD_PORT
    return LOOPBACK, choose(["database"], {})["database"]


def is_free_at(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def copy(source: Path, target: Path) -> None:
    """Copies a data directory with its owners: PostgreSQL's files belong to its own user."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", f"{source}/.", str(target)], check=True)


# ---- the bytes on the volume


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
