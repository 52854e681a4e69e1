"""Checkpoints of the audit log in Swift: an object each, under a name that is written once.

Container `govcloud-audit-checkpoints` of the project that keeps the backups holds `<log>/<size>`: the first 16 hexadecimal
digits of the SHA-256 of the log's origin, and the size in 16 digits. An older copy of the log that is put back cannot take
their place: a name that exists is never written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from govcloud.adapters.openstack_login import Login
from govcloud.adapters.openstack_swift import Container
from govcloud.audit.notes import BadNote, parse
from govcloud.audit.own_words import PUBLICATION
from govcloud.audit.publishing import OtherHistory, PlaceUnavailable
from govcloud.failures import Retry, Stop
from stacks.provider.journal import EffectContext, effect

CONTAINER = "govcloud-audit-checkpoints"


class CheckpointContainer:
    """A `govcloud.audit.publishing.Place`.

    Args:
        login: the login scoped to the project that keeps them; asked for when it is needed.
        origin: name of the log.
    """

    name = "object storage"
    keeps_all = True

    def __init__(self, login: Callable[[], Login], origin: str) -> None:
        self._login = login
        self._log = hashlib.sha256(origin.encode()).hexdigest()[:16]
        self._container: Container | None = None

    def newest(self) -> str | None:
        """The longest checkpoint's note."""
        try:
            container = self._opened()
            last = container.last(f"{self._log}/")
            found = container.content(last) if last else None
        except (Retry, Stop) as error:
            raise PlaceUnavailable(str(error)) from error
        return None if found is None else found.decode(errors="replace")

    def publish(self, note: str, size: int) -> None:
        """Store a note under the name of its size."""
        try:
            self._store(f"{self._log}/{size:016d}", note, size)
        except (Retry, Stop) as error:
            raise PlaceUnavailable(str(error)) from error

    def _store(self, name: str, note: str, size: int) -> None:
        container = self._opened()
        there = container.content(name)
        if there is not None:
            _refuse_other(there.decode(errors="replace"), note)
            return
        with effect(_context(self._log, size)):
            if not container.exists():
                container.make({})
            container.put(name, note.encode(), "text/plain; charset=utf-8", only_new=True)

    def _opened(self) -> Container:
        if self._container is None:
            login = self._login()
            self._container = Container(login, login.project_id, CONTAINER)
        return self._container


def _refuse_other(there: str, note: str) -> None:
    """Signatures may differ: a witness adds one with its own time."""
    try:
        same = parse(there).checkpoint == parse(note).checkpoint
    except BadNote:
        same = False
    if not same:
        raise OtherHistory(there)


def _context(log: str, size: int) -> EffectContext:
    key = hashlib.sha256(f"{log}/{size}".encode()).hexdigest()[:40]
    return EffectContext(
        owner="",
        stack="audit",
        urn=f"audit/checkpoint/{size}",
        type=PUBLICATION,
        operation="create",
        key=key,
        plan=0,
    )
