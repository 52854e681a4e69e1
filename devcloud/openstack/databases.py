"""The PostgreSQL server behind one Trove instance: its files, its address, its bytes on the instance's volume.

While it runs, its data lies in a directory of its own. When it is stopped, the data is written to the first bytes of the
instance's Cinder volume, as a real server's disk would hold it, and read from there when it is started again: a copy of
the volume made meanwhile is a copy of the database. When the volume is copied while the server runs, the server is held still, and
what its files hold at that moment is written to the volume first (`write_through`): what a power failure would leave.

A replica is a server that follows another one's log (`replica_of`), made from a base backup of it.

Standard library only: the launcher starts and stops these servers, Trove's guest makes and changes them.
"""

from __future__ import annotations

import fcntl
import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from devcloud.openstack import postgres
from devcloud.openstack.database_volumes import check, extract, holds_database, pack, unpack
from devcloud.openstack.layout import Layout
from devcloud.openstack.standstill import standing_still
from devcloud.paths import write_atomically
from devcloud.ports import LOOPBACK, choose

SUPERUSER = "postgres"
STANDARD_PORT = 5432
SETTINGS = {
    "fsync": "off", "max_connections": "50", "shared_buffers": "16MB", "wal_level": "replica", "max_wal_senders": "6",
    "min_wal_size": "8MB", "max_wal_size": "32MB", "wal_keep_size": "64MB", "jit": "off",
}  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """Where a database listens, and what it was last told to do. Kept in <instance id>.json, for clients to read.

    `volume` is the name of its volume's file; `replica_of` the instance whose log it follows, empty for one that is written to.
    """

    instance: str
    host: str
    port: int
    running: bool
    superuser_password: str
    volume: str = ""
    replica_of: str = ""


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

    def is_at_rest(self) -> bool:
        """Whether nobody moves its data at this moment, as starting and stopping it do."""
        try:
            with self._lock.open("a") as file:
                return _taken(file.fileno())
        except FileNotFoundError:
            return True

    @property
    def _lock(self) -> Path:
        return self._home / "lock"

    def create(self, volume: Path, archive: Path | None = None) -> None:
        """A new instance's database, running.

        It holds what `archive` (a base backup) holds, else what the volume holds (if it was made from another
        instance's), else nothing.
        """
        self._home.mkdir()
        with self._alone():
            self._fill(volume, archive)
            if self.endpoint.replica_of:
                self._server.follow_another()
            else:
                password = self.endpoint.superuser_password
                self._server.sql_while_stopped(f"alter user {SUPERUSER} password '{password}'")
            self._start(volume)

    def _fill(self, volume: Path, archive: Path | None) -> None:
        if archive is not None:
            with archive.open("rb") as file:
                extract(file, self._data)
        elif holds_database(volume):
            unpack(volume, self._data)
        else:
            copy(self._layout.blank_database, self._data)

    def start(self, volume: Path) -> None:
        """Starts the server with the data that the volume holds, unless it runs already. Raises VolumeUnusable."""
        self._home.mkdir(exist_ok=True)
        with self._alone():
            if not self._data.exists():
                unpack(volume, self._data)
            self._start(volume)

    def stop(self, volume: Path) -> None:
        """Stops the server and leaves its data on the volume, and nowhere else. Raises VolumeUnusable."""
        if self._data.exists():
            with self._alone():
                self._server.stop()
                pack(self._data, volume)
                check(volume)
                shutil.rmtree(self._data)
        self._remember(running=False)

    def write_through(self, volume: Path) -> None:
        """Writes to the volume what the server's files hold at this moment, while it runs; one that was stopped has left all there.

        Raises VolumeUnusable.
        """
        if not self._home.exists():
            return
        with self._alone():
            if self._data.exists():
                pid = self._server.pid()
                with standing_still(pid) if pid is not None else nullcontext():
                    pack(self._data, volume)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time moves data between the server's files and its volume: Trove's guest, or Cinder.

        It asks again and again, for in Trove's process a thread that waited in the kernel would hold up all others.
        """
        with self._lock.open("a") as file:
            while not _taken(file.fileno()):
                time.sleep(0.05)
            yield

    def restart(self) -> None:
        """Stops and starts the server, its data staying where it is."""
        with self._alone():
            self._server.stop()
            self._start()

    def stop_following(self) -> None:
        """Makes a replica a database of its own, which is written to."""
        self._server.promote()
        self.endpoint = replace(self.endpoint, replica_of="")
        self._remember(running=True)

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

    def _start(self, volume: Path | None = None) -> None:
        if volume is not None:
            self.endpoint = replace(self.endpoint, volume=volume.name)
        if (followed := load(self._layout, self.endpoint.replica_of)) is not None:
            there = followed.endpoint
            self._server.follow(there.host, there.port, SUPERUSER, there.superuser_password)
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
    try:
        return Database(layout, Endpoint(**json.loads(record(layout, instance).read_text())))
    except FileNotFoundError:
        return None


def new(layout: Layout, instance: str, superuser_password: str, replica_of: str = "") -> Database:
    """A database that is not made yet, at a free address. A replica has the superuser, and the password, of what it follows."""
    host, port = free_address()
    made = Endpoint(instance, host, port, running=False, superuser_password=superuser_password, replica_of=replica_of)
    return Database(layout, made)


def every(layout: Layout) -> Iterator[Database]:
    """All databases of a cloud, running or not."""
    for path in sorted(layout.trove.glob("*.json")):
        if (found := load(layout, path.stem)) is not None:
            yield found


def on_volume(layout: Layout, volume: Path) -> Database | None:
    """The database whose volume this file is, or None."""
    return next((each for each in every(layout) if each.endpoint.volume == volume.name), None)


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


def _taken(descriptor: int) -> bool:
    """Whether the lock on a file could be had at once; the kernel releases it when the file is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
