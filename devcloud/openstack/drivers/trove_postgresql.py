"""A guest with a real PostgreSQL server, started from the machine's binaries on a loopback address."""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql
from trove.common import exception

from devcloud.openstack.databases import SUPERUSER, Database, load, new
from devcloud.openstack.drivers import trove_backups as backups
from devcloud.openstack.drivers.trove_guest import Guest, Row, name_and_host, name_of, page
from devcloud.openstack.layout import Layout
from devcloud.patience import PATIENCE

_NOT_OURS = ["postgres", "template0", "template1"]
_FOLLOWS = "select from pg_stat_wal_receiver where status = 'streaming'"
_LIST_DATABASES = """
    select datname, datcollate, pg_encoding_to_char(encoding) from pg_database where datname <> all(%s)
"""
_LIST_USERS = """
    select u.usename, coalesce(array_agg(d.datname::text) filter (where d.datname is not null), '{}')
    from pg_user u left join pg_database d
      on d.datname <> all(%s) and exists (
        select from aclexplode(d.datacl) a where a.grantee = u.usesysid and a.privilege_type = 'CREATE')
    where u.usename <> all(%s) group by u.usename
"""


class PostgresGuest(Guest):
    """PostgreSQL's guest. Rights are granted as Trove's own guest grants them."""

    def __init__(self, layout: Layout, instance: str, context: Any) -> None:
        super().__init__(layout, instance, context)
        self._found = load(layout, instance)

    @property
    def _database(self) -> Database:
        if self._found is None:
            raise exception.GuestError(original_message=f"instance {self.instance} has no database server yet")
        return self._found

    def is_running(self) -> bool:
        return self._database.answers()

    def is_at_rest(self) -> bool:
        return self._database.is_at_rest()

    # ---- life

    def prepare(
        self, memory_mb: int, packages: Any, databases: list[Row] | None, users: list[Row] | None, root_password: str | None = None,
        snapshot: Any = None, backup_info: Row | None = None, **_options: Any,
    ) -> None:  # fmt: skip
        """Makes the server: empty, or with what a backup or a volume made from another instance's holds, or as a replica of another's."""
        self._found = self._follower_of(snapshot) if snapshot else new(self.layout, self.instance, secrets.token_urlsafe(24))
        with backups.fetched(self.context, backup_info) as archive:
            self._found.create(self.volume, archive)
        if snapshot:
            self._wait_until_it_follows()
        self.create_database(databases or [])
        self.create_user(users or [])
        if root_password:
            self.enable_root_with_password(root_password)
        self.joined()
        self.report_now()

    def _follower_of(self, snapshot: Row) -> Database:
        user = snapshot["replica_conf"]["replication_user"]
        return new(self.layout, self.instance, user["password"], replica_of=snapshot["master"]["instance"])

    def _wait_until_it_follows(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._query(_FOLLOWS, []):
            if time.monotonic() > deadline:
                raise exception.GuestError(original_message=f"instance {self.instance} does not follow its primary")
            time.sleep(0.2)

    def stop_db(self, do_not_start_on_reboot: bool = False) -> None:
        """Stops the server and writes its data to the volume: whoever copies the volume now, copies the database."""
        self._database.stop(self.volume)
        self.report_now()

    def restart(self) -> None:
        """Starts a stopped server from its volume; stops and starts a running one."""
        if self._database.answers():
            self._database.restart()
        else:
            self._database.start(self.volume)
        self.report_now()

    def start_db_with_conf_changes(self, config_contents: Any, ds_version: Any = None) -> None:
        self.restart()

    def remove(self) -> None:
        """What is left to do when the instance is gone."""
        if self._found is not None:
            self._found.remove()

    def create_backup(self, backup_info: Row) -> None:
        """A base backup of the running server, stored in the owner's object store."""
        backups.store(self.context, backup_info, self._database.back_up)

    def pre_create_backup(self, **_options: Any) -> Row:
        """Before Trove takes a snapshot of the volume."""
        self.stop_db()
        return {}

    def post_create_backup(self, **_options: Any) -> None:
        """After the snapshot."""
        self.restart()

    # ---- replicas

    def backup_required_for_replication(self) -> bool:
        """Yes, as with Trove's own guest: a replica starts from a backup of its primary, which Trove deletes afterwards."""
        return True

    def get_replication_snapshot(self, snapshot_info: Row, _replica_source_config: Any = None) -> Row:
        """What a replica of this database is made from: a base backup in the object store, and where and as whom to read the log."""
        self.create_backup(snapshot_info)
        endpoint = self._database.endpoint
        return {
            "dataset": {"datastore_manager": "postgresql", "snapshot_id": snapshot_info["id"]},
            "master": {"instance": self.instance, "host": endpoint.host, "port": endpoint.port},
            "replica_conf": {"replication_user": {"name": SUPERUSER, "password": endpoint.superuser_password}},
        }

    def detach_replica(self, for_failover: bool = False) -> None:
        """Makes a replica a database of its own."""
        self._database.stop_following()

    # ---- databases

    def create_database(self, databases: list[Row]) -> None:
        for row in databases:
            self._execute(sql.SQL("create database {} encoding {}").format(
                sql.Identifier(name_of(row)), sql.Literal(row.get("_character_set") or "UTF8")
            ))  # fmt: skip

    def delete_database(self, database: Row) -> None:
        self._execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name_of(database))))

    def list_databases(self, limit: int | None = None, marker: str | None = None, include_marker: bool = False) -> Any:
        found = self._query(_LIST_DATABASES, [_NOT_OURS])
        rows = [{"_name": name, "_collate": collate, "_character_set": encoding} for name, collate, encoding in found]
        return page(rows, name_of, limit, marker, include_marker)

    # ---- users

    def create_user(self, users: list[Row]) -> None:
        for row in users:
            self._execute(_with_password("create user {} password {}", name_of(row), row["_password"]))
            self.grant_access(name_of(row), row["_host"], [name_of(database) for database in row["_databases"]])

    def delete_user(self, user: Row) -> None:
        """Deletes a user; what it owns stays and belongs to the superuser."""
        who, heir = sql.Identifier(name_of(user)), sql.Identifier(SUPERUSER)
        for database in ["postgres", *(name_of(row) for row in self.list_databases()[0])]:
            self._execute(sql.SQL("reassign owned by {} to {}").format(who, heir), database)
            self._execute(sql.SQL("drop owned by {}").format(who), database)
        self._execute(sql.SQL("drop user {}").format(who))

    def list_users(self, limit: int | None = None, marker: str | None = None, include_marker: bool = False) -> Any:
        found = self._query(_LIST_USERS, [_NOT_OURS, _NOT_OURS])
        return page([_user(name, granted) for name, granted in found], name_and_host, limit, marker, include_marker)

    def get_user(self, username: str, hostname: str) -> Row:
        for row in self.list_users()[0]:
            if name_of(row) == username:
                return dict(row)
        raise exception.UserNotFound(uuid=username)

    def list_access(self, username: str, hostname: str) -> list[Row]:
        return list(self.get_user(username, hostname)["_databases"])

    def grant_access(self, username: str, hostname: str | None, databases: list[str]) -> None:
        who = sql.Identifier(username)
        for name in databases:
            self._execute(sql.SQL("grant all on database {} to {}").format(sql.Identifier(name), who))
            self._execute(sql.SQL("grant usage, create on schema public to {}").format(who), name)

    def revoke_access(self, username: str, hostname: str, database: str) -> None:
        who, where = sql.Identifier(username), sql.Identifier(database)
        self._execute(sql.SQL("revoke all on database {} from {}").format(where, who))
        self._execute(sql.SQL("revoke connect on database {} from public").format(where))
        self._execute(sql.SQL("revoke all on schema public from {}").format(who), database)

    def change_passwords(self, users: list[Row]) -> None:
        for change in users:
            self._execute(_with_password("alter user {} password {}", change["name"], change["password"]))

    def update_attributes(self, username: str, hostname: str, user_attrs: Row) -> None:
        name = user_attrs.get("name") or username
        if name != username:
            self._execute(sql.SQL("alter user {} rename to {}").format(sql.Identifier(username), sql.Identifier(name)))
        if user_attrs.get("password"):
            self._execute(_with_password("alter user {} password {}", name, user_attrs["password"]))

    # ---- the administrator of the instance's user

    def enable_root(self) -> Row:
        return self.enable_root_with_password(secrets.token_urlsafe(16))

    def enable_root_with_password(self, root_password: str | None = None) -> Row:
        """A superuser `root`, as Trove's guest makes one: `postgres` stays the guest's own."""
        password = root_password or secrets.token_urlsafe(16)
        exists = self._query("select from pg_user where usename = 'root'", [])
        statement = "alter user {} superuser password {}" if exists else "create user {} superuser password {}"
        self._execute(_with_password(statement, "root", password))
        return {"_name": "root", "_host": "%", "_password": password, "_databases": [], "_is_root": True}

    def disable_root(self) -> None:
        self.enable_root()

    def is_root_enabled(self) -> bool:
        return bool(self._query("select from pg_user where usename = 'root'", []))

    # ---- SQL

    def _connect(self, database: str) -> Any:
        endpoint = self._database.endpoint
        connection = psycopg2.connect(
            host=endpoint.host, port=endpoint.port, user=SUPERUSER, password=endpoint.superuser_password,
            dbname=database, connect_timeout=60, application_name="trove guest",
        )  # fmt: skip
        connection.autocommit = True
        return connection

    def _execute(self, statement: sql.Composable, database: str = "postgres") -> None:
        with closing(self._connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def _query(self, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
        with closing(self._connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())


def _with_password(statement: str, user: str, password: str) -> sql.Composable:
    return sql.SQL(statement).format(sql.Identifier(user), sql.Literal(password))


def _user(name: str, granted: list[str]) -> Row:
    rows = [{"_name": database, "_collate": None, "_character_set": None} for database in granted]
    return {"_name": name, "_host": "%", "_password": None, "_databases": rows, "_is_root": False}
