"""What this controller wrote last into the statuses that its decisions rest on, in a file beside the audit log, where nobody of the cluster writes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock

from govcloud.core.canonical import canonical
from govcloud.core.remembered import NOTHING, Remembered, Said
from govcloud.failures import Retry
from govcloud.reasons import Reason

_SETTINGS = ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL")
"""One flush a write, and no memory shared with other processes, which not every file system can: this one is alone."""

_TABLE = "CREATE TABLE IF NOT EXISTS statuses (uid TEXT PRIMARY KEY, now TEXT NOT NULL, before TEXT, records INTEGER NOT NULL) STRICT"
_WRITE = (
    "INSERT INTO statuses VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET now = excluded.now, before = excluded.before, records = excluded.records"
)


_NOBODY = ""
"""In place of a uid: so that an empty book has a moment, too."""


class StatusBookUnusable(Exception):
    """The file cannot be used; the sentence says what to do. The controller does not start."""


class StatusBook:
    """By the uid of an object. Each object is written by one thread at a time. This one lasts as long as it is held."""

    def __init__(self, known: Mapping[str, Remembered] | None = None) -> None:
        self._known = dict(known or {})

    def knows(self, uid: str) -> bool:
        """Whether this controller ever wrote a status of the object, or was about to."""
        return uid in self._known

    def of(self, uid: str) -> Remembered:
        """What is remembered of the object."""
        return self._known.get(uid, NOTHING)

    def keep(self, uid: str, said: Said) -> None:
        """Remember what is about to be written; durable when this returns.

        Raises:
            Retry: the disk does not take it.
        """
        kept = self._known.get(uid)
        if kept is None or kept.now != said:
            then = Remembered(said, before=(kept or NOTHING).now)
            self._store(uid, then)
            self._known[uid] = then

    def arrived(self, uid: str) -> None:
        """What was kept last lies in the cluster now: what lay there before would have been put back."""
        self._known[uid] = Remembered(self._known[uid].now)

    def forget(self, uid: str) -> None:
        """The object is gone.

        Raises:
            Retry: the disk does not take it.
        """
        self._drop(uid)
        self._known.pop(uid, None)

    def _store(self, uid: str, then: Remembered) -> None:
        """Where it lasts longer."""

    def _drop(self, uid: str) -> None:
        """There, too."""


class FileStatusBook(StatusBook):
    """An SQLite database of one table. Safe to use from several threads.

    Args:
        recorded: how many records the audit log has. It is kept with each status, so that a copy of the past can be told.

    Raises:
        sqlite3.Error: the file cannot be read.
    """

    def __init__(self, path: Path, recorded: Callable[[], int] = lambda: 0) -> None:
        self._lock = Lock()
        self._recorded = recorded
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for setting in _SETTINGS:
            self._database.execute(f"PRAGMA {setting}")
        self.is_new = not self._database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'statuses'").fetchone()
        super().__init__({} if self.is_new else dict(self._rows()))

    def take_over(self, shown: Mapping[str, Said]) -> None:
        """Begin with what the cluster shows, by uid: where nothing is remembered, or only the past, there is nothing else to go by. All of it, or nothing."""
        with self._lock, self._database as transaction:
            transaction.execute("BEGIN")
            transaction.execute(_TABLE)
            taken = {_NOBODY: {}, **shown}
            transaction.executemany(_WRITE, [(uid, canonical(said), None, self._recorded()) for uid, said in taken.items()])
        self._known |= {uid: Remembered(said) for uid, said in shown.items()}
        self.is_new = False

    def records(self) -> int:
        """How many records the audit log had when something was kept last."""
        with self._lock:
            (count,) = self._database.execute("SELECT coalesce(max(records), 0) FROM statuses").fetchone()
        return int(count)

    def close(self) -> None:
        """Give the file back, once nobody is writing into it."""
        with self._lock:
            self._database.close()

    def _rows(self) -> Iterator[tuple[str, Remembered]]:
        for uid, now, before in self._database.execute("SELECT uid, now, before FROM statuses WHERE uid <> ''"):
            yield uid, Remembered(json.loads(now), json.loads(before) if before else None)

    def _store(self, uid: str, then: Remembered) -> None:
        before = None if then.before is None else canonical(then.before)
        self._execute(_WRITE, (uid, canonical(then.now), before, self._recorded()))

    def _drop(self, uid: str) -> None:
        self._execute("DELETE FROM statuses WHERE uid = ?", (uid,))

    def _execute(self, statement: str, values: tuple[str | int | None, ...]) -> None:
        try:
            with self._lock:
                self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise Retry(Reason.STATUS_NOT_KEPT, f"the status cannot be kept on the controller's disk: {error}", timedelta(seconds=10)) from error


@contextmanager
def open_status_book(path: Path, recorded: Callable[[], int] = lambda: 0) -> Iterator[FileStatusBook]:
    """The book inside a block.

    Raises:
        StatusBookUnusable: it is damaged. It is not put aside unasked: then the next thing to go by would be what anybody wrote.
    """
    try:
        book = FileStatusBook(path, recorded)
    except (sqlite3.DatabaseError, ValueError) as error:
        message = f"{path} cannot be read ({error}). Remove it, and the next start takes over what the statuses in the cluster say, whoever wrote that"
        raise StatusBookUnusable(message) from error
    try:
        yield book
    finally:
        book.close()
