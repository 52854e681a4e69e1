"""The development clock's offset, kept in a ConfigMap so that it survives a restart. For development clouds only.

The controller asks for it by name once a second; in production neither the ConfigMap nor the right to read it exists.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.failures import Retry, Stop

log = logging.getLogger(__name__)

NAME = "govcloud-dev-clock"
_CONFIG_MAPS = "v1/configmaps"
_KEY = "offsetSeconds"
_POLL_SECONDS = 1.0


class OffsetWatcher:
    """Knows how far the development clock is ahead, and tells when that changes."""

    def __init__(self, api: KubeApi, namespace: str, moved: Callable[[timedelta, timedelta], None]) -> None:
        """Read the offset now. `moved(before, after)` records a jump, in the watcher's thread."""
        self._api = api
        self._namespace = namespace
        self._moved = moved
        self._ended = Event()
        self._offset = read_offset(api, namespace)

    def offset(self) -> timedelta:
        """How far the clock is ahead, as last seen."""
        return self._offset

    def start(self, tell: Callable[[], None]) -> None:
        """Watch until the process ends, and call `tell` after each jump."""
        Thread(target=self._watch, args=(tell,), name="dev-clock", daemon=True).start()

    def _watch(self, tell: Callable[[], None]) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            try:
                seen = read_offset(self._api, self._namespace)
            except (Retry, Stop) as error:
                log.warning("the development clock cannot be read and stays where it is: %s", error)
                continue
            if seen > self._offset:
                before, self._offset = self._offset, seen
                self._moved(before, seen)
                tell()


def read_offset(api: KubeApi, namespace: str) -> timedelta:
    """How far the clock is ahead; zero where nobody moved it."""
    found = api.read(path_of(_CONFIG_MAPS, NAME, namespace=namespace)) or {}
    return timedelta(seconds=int((found.get("data") or {}).get(_KEY, "0")))


def advance_clock(api: KubeApi, namespace: str, by: timedelta) -> timedelta:
    """Set the clock ahead by `by`; the new offset.

    Raises:
        Retry, Stop: the cluster did not answer, or refused, for instance because the user may not.
    """
    offset = read_offset(api, namespace) + by
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME},
        "data": {_KEY: str(int(offset.total_seconds()))},
    }
    if api.create(path_of(_CONFIG_MAPS, namespace=namespace), body) is None:
        api.merge(path_of(_CONFIG_MAPS, NAME, namespace=namespace), {"data": body["data"]})
    return offset
