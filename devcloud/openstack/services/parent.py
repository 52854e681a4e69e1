"""The parent of the services: imports once what all of them need, then forks a process for each project.

A project is one process, its services threads of it, because oslo.config keeps one global configuration a process. Forking
saves the imports (two seconds of processor time each) and shares their memory.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from types import FrameType

from devcloud.openstack.services.runtime import (
    Runtime,
    choose_native_threads,
    run_privileged_code_in_process,
    runtime_from_arguments,
    say,
    wake_up_instead_of_polling,
)
from devcloud.paths import write_atomically

PROJECTS = ("keystone", "nova", "neutron", "cinder", "glance", "barbican")
SHARED = (
    "sqlalchemy", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "psycopg2", "alembic", "oslo_config.cfg",
    "oslo_log.log", "oslo_messaging", "oslo_messaging.rpc", "oslo_db.sqlalchemy.enginefacade", "oslo_policy.policy",
    "oslo_context.context", "oslo_serialization.jsonutils", "oslo_utils.timeutils", "oslo_versionedobjects.base",
    "oslo_middleware", "oslo_concurrency.processutils", "oslo_concurrency.lockutils",
    "oslo_reports.guru_meditation_report", "oslo_cache.core", "oslo_upgradecheck.upgradecheck",
    "oslo_service.service", "oslo_limit.limit", "keystonemiddleware.auth_token", "keystoneauth1.session",
    "keystoneauth1.loading", "requests", "urllib3", "webob", "webob.dec", "webob.exc", "routes", "paste.deploy",
    "paste.urlmap", "jsonschema", "cryptography.fernet", "cryptography.hazmat.primitives.serialization", "lxml.etree",
    "stevedore", "dogpile.cache", "netaddr", "yaml", "waitress", "osprofiler.initializer", "openstack.connection",
    "dateutil.parser", "os_traits", "os_resource_classes", "tooz.coordination", "taskflow.engines", "glanceclient.v2",
    "microversion_parse", "neutronclient.v2_0.client", "cinderclient.v3.client", "castellan.key_manager",
    "os_brick.initiator.connector", "barbicanclient.client", "rfc3986", "futurist", "prettytable",
)  # fmt: skip
_SET_NAME = 15  # prctl's PR_SET_NAME


def main() -> None:
    runtime = runtime_from_arguments()
    choose_native_threads()
    run_privileged_code_in_process()
    for module in SHARED:
        importlib.import_module(module)
    # What is loaded by now is never collected: its pages stay shared with the children.
    gc.collect()
    gc.freeze()
    say("shared libraries loaded")
    children = {_fork(project, runtime): project for project in PROJECTS}
    write_atomically(runtime.layout.pids, json.dumps({project: pid for pid, project in children.items()}))
    _supervise(children)


def _supervise(children: dict[int, str]) -> None:
    """Ends with its children; when one of them ends by itself, ends the rest: half a cloud helps nobody."""

    def end_all(_signal: int, _frame: FrameType | None) -> None:
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end_all)
    while children:
        pid, status = os.wait()
        say(f"{children.pop(pid)} ended with status {status}")
        end_all(signal.SIGTERM, None)


def _fork(project: str, runtime: Runtime) -> int:
    pid = os.fork()
    if pid == 0:
        _be(project, runtime)
    return pid


def _be(project: str, runtime: Runtime) -> None:
    """The life of a child. Never returns."""
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    _log_to(runtime, project)
    ctypes.CDLL(None).prctl(_SET_NAME, f"os-{project}".encode(), 0, 0, 0)
    began = time.monotonic()
    try:
        wake_up_instead_of_polling()
        service = importlib.import_module(f"devcloud.openstack.services.{project}")
        services = service.run(runtime)
    except BaseException:
        # Whatever it was, it is written down and the parent is told by the exit status.
        traceback.print_exc()
        os._exit(1)
    say(f"{project} started in {time.monotonic() - began:.1f} s: {services or 'API only'}")
    while True:
        signal.pause()


def _log_to(runtime: Runtime, project: str) -> None:
    log = os.open(runtime.layout.log / f"{project}.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())


if __name__ == "__main__":
    main()
