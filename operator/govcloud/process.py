"""The controller's process, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from datetime import timedelta
from threading import Event, Thread
from typing import NoReturn

from govcloud import handlers, health
from govcloud.adapters.kube_api import KubeApi
from govcloud.liveness import Jumps, Pulse
from govcloud.settings import Settings
from govcloud.wiring import wired

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=20)
"""How long what is under way may take to end after SIGTERM. What does not end is continued by the next start."""

_LOOK_SECONDS = 0.5


def run_controller(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code of the process."""
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with wired(settings, KubeApi.from_environment(), _end_at_once) as (controller, publisher):
        # Before anybody can see that we live. Until here there is nothing to bring to an end, and who waits for the Lease just goes.
        told = told_by_signals()
        pulse = Pulse(handlers.WATCHED)
        checks = health.Checks(lambda: controller.fault() or pulse.fault(), controller.hindrance, lambda: (*controller.hints(), *publisher.hints()))
        controller.metrics.watch_publication(publisher.names(), publisher.lag)
        server = health.serve("127.0.0.1", settings.health_port, checks, controller.metrics.registry)
        controller.start()
        code = watch_until_told(controller, pulse, told)
        if not controller.stop(PATIENCE):
            log.warning("some work did not end within %s; the next start continues it", PATIENCE)
        server.shutdown()
    return code


def told_by_signals() -> Event:
    """What SIGTERM and SIGINT set from now on."""
    told = Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, lambda *_: told.set())
    return told


def watch_until_told(listener: handlers.Listener, pulse: Pulse, told: Event) -> int:
    """Watch until we are told to end (0), or the watch ends by itself or falls silent (1: a restart helps).

    The watch has a thread of its own: in the main thread kopf would take the signals for itself, and an orderly end could not be told
    from a fault.
    """
    ended, jumps = Event(), Jumps()

    def watch() -> None:
        try:
            asyncio.run(handlers.watch(handlers.registry_for(listener, pulse.heard), told))
        finally:
            ended.set()

    Thread(target=watch, name="watch", daemon=True).start()
    while not (ended.wait(_LOOK_SECONDS) or told.is_set() or pulse.fault()):
        if jump := jumps.look():
            listener.everything_changed(f"the wall clock jumped by {jump}")
    if not told.is_set():
        log.error("%s; the process ends so that it is started anew", pulse.fault() or "the watch ended by itself")
        told.set()  # what of the watch is still alive need not go on
        return 1
    ended.wait(PATIENCE.total_seconds())
    return 0


def _end_at_once(why: str) -> NoReturn:
    """Without the Lease nothing may be written any more, and nothing waits for what is under way."""
    log.critical("%s: the process ends at once", why)
    os._exit(1)
