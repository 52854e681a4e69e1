"""Databases with a real PostgreSQL: what a copy of the volume holds while the server runs, and replicas."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devcloud.openstack import databases, postgres, template
from devcloud.openstack.database_volumes import check, unpack
from devcloud.openstack.databases import SUPERUSER, Database
from devcloud.openstack.layout import Layout
from devcloud.patience import PATIENCE

PASSWORD = "secret"


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A development cloud's directory with nothing in it but what databases are copies of."""
    layout = Layout(tmp_path_factory.mktemp("cloud"))
    layout.make()
    template.create_blank_database(layout)
    return layout


@pytest.fixture
def made(blank: Layout, tmp_path: Path) -> Iterator[Callable[[str, str], Database]]:
    """Makes a running database with a volume of 1 GiB; the second name is the one that it follows."""
    running: list[Database] = []

    def make(name: str, follows: str = "") -> Database:
        database = databases.new(blank, f"{tmp_path.name}-{name}", PASSWORD, follows and f"{tmp_path.name}-{follows}")
        running.append(database)
        archive = tmp_path / f"{name}.tar" if follows else None
        if archive is not None:
            running[0].back_up(archive)
        database.create(_volume(tmp_path, name), archive)
        return database

    yield make
    for database in running:
        database.remove()


def _volume(directory: Path, name: str) -> Path:
    path = directory / f"volume-{name}"
    if not path.exists():
        with path.open("wb") as file:
            file.truncate(1 << 30)
    return path


def query(database: Database, statement: str) -> subprocess.CompletedProcess[str]:
    endpoint = database.endpoint
    address = ["-h", endpoint.host, "-p", str(endpoint.port), "-U", SUPERUSER, "-d", "postgres"]
    command = [str(postgres.binaries() / "psql"), *address, "-tAc", statement]
    environment = {"PGPASSWORD": PASSWORD, "PGCONNECT_TIMEOUT": f"{PATIENCE:.0f}"}
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)


def answer(database: Database, statement: str) -> str:
    return query(database, statement).stdout.strip()


def eventually(database: Database, statement: str, wanted: str) -> bool:
    """Whether a replica comes to the same answer within five minutes."""
    waiting = f"do $$ begin for i in 1..3000 loop exit when ({statement})::text = '{wanted}'; perform pg_sleep(0.1); end loop; end $$"
    query(database, waiting)
    return answer(database, statement) == wanted


Make = Callable[..., Database]


def test_a_copy_of_the_volume_of_a_running_database_recovers_by_its_log_and_has_the_rows(
    made: Make, blank: Layout, tmp_path: Path
) -> None:
    volume, database = _volume(tmp_path, "one"), made("one")
    query(database, "create table t as select generate_series(1, 1000) a")
    database.write_through(volume)
    assert query(database, "insert into t values (0)").returncode == 0, "it goes on as if nothing had been"

    check(volume)
    again = tmp_path / "again"
    unpack(volume, again)
    log = tmp_path / "again.log"
    server = postgres.Server(again, *databases.free_address(), log)
    server.start()
    try:
        there = replace(database.endpoint, host=server.host, port=server.port)
        assert answer(Database(blank, there), "select count(*) from t") == "1000"
    finally:
        server.stop()
    assert "database system was not properly shut down; automatic recovery in progress" in log.read_text()


def test_every_row_committed_before_the_copy_is_in_it_and_none_half(made: Make, blank: Layout, tmp_path: Path) -> None:
    """Two tables that every transaction keeps equal, while clients write all the time."""
    volume, database = _volume(tmp_path, "busy"), made("busy")
    query(database, "create table t (a int); create table u (a int)")
    script = tmp_path / "writes.sql"
    script.write_text("begin; insert into t values (1); insert into u values (1); commit;\n" * 100_000)
    endpoint = database.endpoint
    address = ["-h", endpoint.host, "-p", str(endpoint.port), "-U", SUPERUSER, "-d", "postgres"]
    command = [str(postgres.binaries() / "psql"), *address, "-q", "-f", str(script)]
    writers = [subprocess.Popen(command, env={"PGPASSWORD": PASSWORD}) for _ in range(2)]
    try:
        assert eventually(database, "select (count(*) > 100)::text from t", "true")
        before = int(answer(database, "select count(*) from t"))
        database.write_through(volume)
        after = int(answer(database, "select count(*) from t"))
        more = f"select (count(*) > {after})::text from t"  # noqa: S608  a number of ours
        assert eventually(database, more, "true"), "they go on as if nothing had been"
        assert {writer.poll() for writer in writers} <= {None, 0}, "holding it still cost no client its connection"
    finally:
        for writer in writers:
            writer.terminate()
            writer.wait()

    database.pause()
    again = tmp_path / "again"
    unpack(volume, again)
    server = postgres.Server(again, *databases.free_address(), tmp_path / "again.log")
    server.start()
    try:
        copy = Database(blank, replace(endpoint, host=server.host, port=server.port))
        counts = answer(copy, "select count(*), (select count(*) from u) from t").split("|")
    finally:
        server.stop()
    assert counts[0] == counts[1]
    assert before <= int(counts[0]) <= after


def test_a_replica_has_what_its_primary_has_and_takes_no_writes(made: Make) -> None:
    primary = made("primary")
    query(primary, "create table t as select generate_series(1, 10) a")
    replica = made("replica", "primary")
    assert answer(replica, "select count(*) from t") == "10"
    query(primary, "insert into t values (11)")
    assert eventually(replica, "select count(*) from t", "11")
    assert "read-only transaction" in query(replica, "insert into t values (12)").stderr


def test_a_replica_follows_its_primary_through_a_stop_and_to_another_address(made: Make, tmp_path: Path) -> None:
    primary = made("primary")
    query(primary, "create table t (a int)")
    replica = made("replica", "primary")
    primary.stop(_volume(tmp_path, "primary"))
    replica.pause()
    primary._move(*databases.free_address())
    primary.start(_volume(tmp_path, "primary"))
    replica.resume()
    query(primary, "insert into t values (1)")
    assert eventually(replica, "select count(*) from t", "1")


def test_a_replica_that_stops_following_takes_writes_and_its_primary_goes_on(made: Make) -> None:
    primary = made("primary")
    query(primary, "create table t (a int)")
    replica = made("replica", "primary")
    replica.stop_following()
    assert query(replica, "insert into t values (1)").returncode == 0
    assert answer(primary, "select count(*) from t") == "0"
