"""Cinder: API, scheduler, volume and backup services, in one process."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from devcloud.openstack.services.runtime import Runtime, allow_eventlet


def run(runtime: Runtime) -> list[Any]:
    allow_eventlet()
    _no_thread_pool_proxies()
    application = _api(runtime)
    _make_rules()
    _heartbeat_for_each_service()
    services = _start_services()
    runtime.serve(application, "cinder", threads=12)
    return services


def _no_thread_pool_proxies() -> None:
    """Cinder hands files to eventlet's thread pool; from a native thread, the second such call waits for ever."""
    from eventlet import tpool

    tpool.Proxy = lambda thing, *_args, **_options: thing
    tpool.execute = lambda function, *args, **options: function(*args, **options)


def _api(runtime: Runtime) -> Any:
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
    sys.argv = ["cinder", "--config-file", runtime.conf("cinder.conf")]
    from cinder import monkey_patch

    monkey_patch.patch()
    # Both register options, which must be known when the configuration is read.
    from cinder.cmd import backup, volume  # noqa: F401
    from cinder.wsgi import wsgi

    return wsgi.initialize_application()


def _make_rules() -> None:
    """Cinder makes its rules at the first request; a second one that comes meanwhile finds none, and is refused."""
    from cinder import policy

    policy.init()


def _heartbeat_for_each_service() -> None:
    """Cinder keeps the service's id in the class, for it expects one service a process.

    With several, only the last would report itself, and the others would count as down after three minutes.
    """
    from cinder import service

    one_at_a_time = threading.Lock()
    report = service.Service.report_state

    def report_own_state(self: Any) -> None:
        with one_at_a_time:
            service.Service.service_id = self.origin_service_id
            report(self)

    service.Service.report_state = report_own_state


def _start_services() -> list[Any]:
    import os_brick
    from cinder import utils
    from cinder.cmd import volume
    from cinder.common import constants
    from oslo_config import cfg

    conf = cfg.CONF
    os_brick.setup(conf)
    started = []
    for backend in conf.enabled_backends:
        conf.register_opt(volume.host_opt, group=backend)
        started.append(_start(
            host=f"{conf.host}@{backend}", service_name=backend, binary=constants.VOLUME_BINARY, coordination=True
        ))  # fmt: skip
    limit = utils.semaphore_factory(conf.backup_max_operations, 1)
    started.append(_start(
        binary="cinder-backup", coordination=True, service_name="backup", process_number=1, semaphore=limit
    ))  # fmt: skip
    # Last: it waits for the capabilities that the volume services announce.
    started.append(_start(binary="cinder-scheduler"))
    return started


def _start(**options: Any) -> Any:
    from cinder import service

    created = service.Service.create(**options)
    created.start()
    return created
