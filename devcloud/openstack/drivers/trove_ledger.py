"""A guest that only keeps a list of its databases and users. No server runs; nothing can connect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trove.common import exception

from devcloud.openstack.drivers.trove_guest import Guest, Row, name_and_host, name_of, page
from devcloud.paths import write_atomically


class LedgerGuest(Guest):
    """MySQL's guest. The list outlives a restart of the cloud."""

    @property
    def _path(self) -> Path:
        return self.layout.trove / "ledgers" / f"{self.instance}.json"

    def _read(self) -> Row:
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}

    def _change(self, **changes: Any) -> None:
        write_atomically(self._path, json.dumps({**self._read(), **changes}, indent=1), mode=0o600)

    def is_running(self) -> bool:
        return bool(self._read().get("running"))

    @property
    def _databases(self) -> dict[str, Row]:
        return dict(self._read().get("databases", {}))

    @property
    def _users(self) -> dict[str, Row]:
        return dict(self._read().get("users", {}))

    # ---- life

    def prepare(
        self, memory_mb: int, packages: Any, databases: list[Row] | None, users: list[Row] | None, **_options: Any
    ) -> None:
        self._change(running=True, root=False)
        self.create_database(databases or [])
        self.create_user(users or [])
        self.joined()
        self.report_now()

    def stop_db(self, do_not_start_on_reboot: bool = False) -> None:
        self._change(running=False)
        self.report_now()

    def restart(self) -> None:
        self._change(running=True)
        self.report_now()

    def start_db_with_conf_changes(self, config_contents: Any, ds_version: Any = None) -> None:
        self.restart()

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    # ---- databases

    def create_database(self, databases: list[Row]) -> None:
        self._change(databases={**self._databases, **{name_of(row): row for row in databases}})

    def delete_database(self, database: Row) -> None:
        self._change(databases={name: row for name, row in self._databases.items() if name != name_of(database)})

    def list_databases(self, limit: int | None = None, marker: str | None = None, include_marker: bool = False) -> Any:
        return page(list(self._databases.values()), name_of, limit, marker, include_marker)

    # ---- users

    def create_user(self, users: list[Row]) -> None:
        self._change(users={**self._users, **{name_and_host(row): row for row in users}})

    def delete_user(self, user: Row) -> None:
        self._change(users={key: row for key, row in self._users.items() if key != name_and_host(user)})

    def list_users(self, limit: int | None = None, marker: str | None = None, include_marker: bool = False) -> Any:
        return page(list(self._users.values()), name_and_host, limit, marker, include_marker)

    def get_user(self, username: str, hostname: str) -> Row:
        try:
            return self._users[f"{username}@{hostname}"]
        except KeyError:
            raise exception.UserNotFound(uuid=username) from None

    def list_access(self, username: str, hostname: str) -> list[Row]:
        return list(self.get_user(username, hostname)["_databases"])

    def grant_access(self, username: str, hostname: str, databases: list[str]) -> None:
        user = self.get_user(username, hostname)
        granted = [row for row in user["_databases"] if name_of(row) not in databases]
        granted += [{"_name": name, "_collate": None, "_character_set": None} for name in databases]
        self.create_user([{**user, "_databases": granted}])

    def revoke_access(self, username: str, hostname: str, database: str) -> None:
        user = self.get_user(username, hostname)
        self.create_user([{**user, "_databases": [row for row in user["_databases"] if name_of(row) != database]}])

    def change_passwords(self, users: list[Row]) -> None:
        for change in users:
            user = self.get_user(change["name"], change["host"])
            self.create_user([{**user, "_password": change["password"]}])

    def is_root_enabled(self) -> bool:
        return bool(self._read().get("root"))
