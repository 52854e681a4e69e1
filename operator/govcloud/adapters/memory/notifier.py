"""Twins of what the courier works with: a receiver that answers as it is told, and a book that survives as a file does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from govcloud.adapters.memory.wire import Wire


class MemoryNotifier:
    """`notifications.Notifier`. Every POST passes the wire, where it can be made to fail, before or after it was accepted.

    Attributes:
        accepted: bodies in the order in which they arrived.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.accepted: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Accept it."""
        with self._wire.write(f"notify {url}"):
            self.accepted.append(body)
            self.headers.append(headers)

    def events(self) -> list[dict[str, Any]]:
        """What arrived, each event once: the first of those with one id."""
        found: dict[str, dict[str, Any]] = {}
        for body in self.accepted:
            event = json.loads(body)
            found.setdefault(event["id"], event)
        return list(found.values())


class MemoryNoticeBook:
    """`notifications.NoticeBook`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._told: dict[str, str] = {}

    def last_told(self, request: str) -> str | None:
        """As last noted."""
        self._wire.read()
        return self._told.get(request)

    def told(self, request: str, event: str) -> None:
        """Note it."""
        with self._wire.write("book"):
            self._told[request] = event

    def lose(self) -> None:
        """The file is gone."""
        self._told.clear()
