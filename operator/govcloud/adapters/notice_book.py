"""`notifications.NoticeBook` in a file: which event of each request was told last."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

log = logging.getLogger(__name__)


class FileNoticeBook:
    """An SQLite database of one table. If it is lost, what requests still remember is told again.

    Raises:
        sqlite3.Error: the file cannot be read or written; so do all methods.
    """

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE IF NOT EXISTS told (request TEXT PRIMARY KEY, event TEXT NOT NULL) STRICT")

    def last_told(self, request: str) -> str | None:
        """Id of the event that was told last of a request."""
        with self._lock:
            row = self._database.execute("SELECT event FROM told WHERE request = ?", (request,)).fetchone()
        return str(row[0]) if row else None

    def told(self, request: str, event: str) -> None:
        """Note it; durable when this returns."""
        with self._lock:
            self._database.execute("INSERT INTO told VALUES (?, ?) ON CONFLICT DO UPDATE SET event = excluded.event", (request, event))

    def close(self) -> None:
        """Give the file back, once nobody is writing into it. Whoever comes later gets a `sqlite3.ProgrammingError`."""
        with self._lock:
            self._database.close()


@contextmanager
def open_book(path: Path) -> Iterator[FileNoticeBook]:
    """The book inside a block. One that is damaged is put aside: nobody's work may stop for it."""
    try:
        book = FileNoticeBook(path)
    except sqlite3.DatabaseError as error:
        log.warning("%s cannot be read (%s) and is put aside; some notifications are told again", path, error)
        path.replace(path.with_name(f"{path.name}.damaged"))
        book = FileNoticeBook(path)
    try:
        yield book
    finally:
        book.close()
