"""Stores for the engine's states: a PostgreSQL of its own, and a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.s3_server import S3Server, running_s3

from devcloud.openstack.postgres import Server
from devcloud.ports import choose

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
    server = Server(directory / "postgresql", "127.0.0.1", choose(["states"], {})["states"], directory / "postgresql.log")
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


@dataclass(frozen=True)
class StateBucket:
    """A bucket of a store that speaks S3."""

    server: S3Server
    name: str

    @property
    def url(self) -> str:
        """In the words of the engine's own client."""
        return f"s3://{self.name}?endpoint={self.server.endpoint}&s3ForcePathStyle=true&region=us-east-1"

    def everything(self) -> str:
        """What the engine has written there, as text."""
        client = self.server.administrator
        listed = client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return "".join(client.get_object(Bucket=self.name, Key=each["Key"])["Body"].read().decode() for each in listed)


@contextmanager
def states_in_a_bucket(directory: Path) -> Iterator[StateBucket]:
    """Start a server with an empty bucket; stop it at the end."""
    with running_s3(directory) as server:
        yield StateBucket(server, server.make(locked=False))
