"""A PostgreSQL of its own for the engine's states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provider.provider_kit import unused_port

from devcloud.openstack.postgres import Server

USER, PASSWORD, DATABASE = "keeper", "correct horse", "states"


@dataclass(frozen=True)
class Store:
    """Where it is, and the file with the password to it."""

    server: Server
    url: str
    password_file: Path

    def everything(self) -> str:
        """What the engine has written into its table, as text."""
        dump = self.server.data / "dump"
        rows = "select convert_from(decode(data->>'data', 'base64'), 'UTF8') from pulumi_state"
        self.server.sql(DATABASE, f"copy ({rows}) to '{dump}';", USER, PASSWORD)
        return dump.read_text(encoding="utf-8")


@contextmanager
def states_in_postgresql(directory: Path) -> Iterator[Store]:
    """Start it, with an empty database; stop it at the end."""
    server = Server(directory / "postgresql", "127.0.0.1", unused_port(), directory / "postgresql.log")
    server.initialise(USER, PASSWORD, {"fsync": "off"})
    server.start()
    try:
        server.sql("postgres", f"create database {DATABASE};", USER, PASSWORD)
        file = directory / "pgpass"
        file.write_text(f"127.0.0.1:{server.port}:{DATABASE}:{USER}:{PASSWORD}\n")
        file.chmod(0o600)
        yield Store(server, f"postgres://{USER}@127.0.0.1:{server.port}/{DATABASE}?sslmode=disable", file)
    finally:
        server.stop()
