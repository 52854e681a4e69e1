"""Checkpoints of the audit log in Swift: an object each, under a name that is written once.

They are in container `govcloud-audit-checkpoints` of the project that keeps the backups, named as `checkpoint_objects` says.
"""

from __future__ import annotations

from collections.abc import Callable

from govcloud.adapters.checkpoint_objects import accounted, folder_of, object_name, refuse_other
from govcloud.adapters.openstack_login import Login
from govcloud.adapters.openstack_swift import Container
from govcloud.audit.publishing import PlaceUnavailable
from govcloud.failures import Retry, Stop
from stacks.provider.journal import effect

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
        self._log = folder_of(origin)
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
            self._store(object_name(self._log, size), note, size)
        except (Retry, Stop) as error:
            raise PlaceUnavailable(str(error)) from error

    def _store(self, name: str, note: str, size: int) -> None:
        container = self._opened()
        there = container.content(name)
        if there is not None:
            refuse_other(there.decode(errors="replace"), note)
            return
        with effect(accounted(self._log, size)):
            if not container.exists():
                container.make({})
            container.put(name, note.encode(), "text/plain; charset=utf-8", only_new=True)

    def _opened(self) -> Container:
        if self._container is None:
            login = self._login()
            self._container = Container(login, login.project_id, CONTAINER)
        return self._container

