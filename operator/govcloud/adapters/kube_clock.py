"""The development clock's offset, kept in a ConfigMap so that it survives a restart. For development clouds only.

The controller asks for it by name once a second; in production neither the ConfigMap nor the right to read it exists.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

from kubernetes import client, config

log = logging.getLogger(__name__)

NAME = "govcloud-dev-clock"
_KEY = "offsetSeconds"
_POLL_SECONDS = 1.0


class OffsetWatcher:
    """Knows how far the development clock is ahead, and tells when that changes."""

    def __init__(self, api: client.CoreV1Api, namespace: str, moved: Callable[[timedelta, timedelta], None]) -> None:
        """Read the offset now. `moved(before, after)` is called in the watcher's thread at each jump."""
        self._api = api
        self._namespace = namespace
        self._moved = moved
        self._ended = Event()
        self._offset = read_offset(api, namespace)

    def offset(self) -> timedelta:
        """How far the clock is ahead, as last seen."""
        return self._offset

    def start(self) -> None:
        """Watch until the process ends."""
        Thread(target=self._watch, name="dev-clock", daemon=True).start()

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            try:
                seen = read_offset(self._api, self._namespace)
            except (client.ApiException, OSError) as error:
                log.warning("the development clock cannot be read (%s); it stays where it is", type(error).__name__)
                continue
            if seen > self._offset:
                before, self._offset = self._offset, seen
                self._moved(before, seen)


def read_offset(api: client.CoreV1Api, namespace: str) -> timedelta:
    """How far the clock is ahead; zero where nobody moved it."""
    try:
        found = api.read_namespaced_config_map(NAME, namespace, _request_timeout=10)
    except client.ApiException as error:
        if error.status == 404:
            return timedelta(0)
        raise
    return timedelta(seconds=int((found.data or {}).get(_KEY, "0")))


def advance_clock(namespace: str, by: timedelta) -> timedelta:
    """Set the clock ahead by `by`, with the login of KUBECONFIG; the new offset.

    Raises:
        kubernetes.client.ApiException: the cluster refused, for instance because the user may not.
    """
    config.load_kube_config()
    api = client.CoreV1Api()
    offset = read_offset(api, namespace) + by
    body = {"metadata": {"name": NAME}, "data": {_KEY: str(int(offset.total_seconds()))}}
    try:
        api.patch_namespaced_config_map(NAME, namespace, body, _request_timeout=10)
    except client.ApiException as error:
        if error.status != 404:
            raise
        api.create_namespaced_config_map(namespace, body, _request_timeout=10)
    return offset
