"""Trove: API, task manager and conductor, with the guests, in one process of green threads."""

from __future__ import annotations

import eventlet
import eventlet.wsgi

eventlet.monkey_patch(all=True)

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from devcloud.openstack.layout import HOST  # noqa: E402
from devcloud.openstack.services.runtime import Runtime, runtime_from_arguments, say  # noqa: E402


def main() -> None:
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    runtime = runtime_from_arguments()
    conf = _configure(runtime)
    _install_guests(runtime)
    _start_services(conf)
    application = _api(conf)
    listener = eventlet.listen((HOST, runtime.ports["trove"]), backlog=128, reuse_port=False)
    say(f"trove answers on port {runtime.ports['trove']}")
    eventlet.wsgi.server(listener, runtime.witnessed(application, "trove"), log_output=False)


def _configure(runtime: Runtime) -> Any:
    from oslo_service import backend

    backend.init_backend(backend.BackendType.EVENTLET)
    sys.argv = ["trove", "--config-file", runtime.conf("trove.conf")]
    from trove.cmd.common import initialize

    conf = initialize()
    from trove.common import cfg, notification
    from trove.instance import models

    notification.DBaaSAPINotification.register_notify_callback(models.persist_instance_fault)
    cfg.set_api_config_defaults()
    return conf


def _install_guests(runtime: Runtime) -> None:
    from trove.instance import models

    from devcloud.openstack.drivers import trove_guest

    trove_guest.use(runtime.layout)
    load_addresses = models.load_simple_instance_addresses

    def with_reachable_address(context: Any, row: Any) -> None:
        load_addresses(context, row)
        row.addresses = [*trove_guest.reachable_addresses(runtime.layout, row.id), *row.addresses]

    models.load_simple_instance_addresses = with_reachable_address
    trove_guest.report_all(runtime.layout)
    eventlet.spawn(trove_guest.keep_reporting, runtime.layout)


def _start_services(conf: Any) -> None:
    from trove.common.rpc import service
    from trove.conductor import api as conductor
    from trove.taskmanager import api as taskmanager

    for topic, manager, version in (
        (conf.taskmanager_queue, conf.taskmanager_manager, taskmanager.API.API_LATEST_VERSION),
        (conf.conductor_queue, conf.conductor_manager, conductor.API.API_LATEST_VERSION),
    ):
        one = service.RpcService(
            key=None, manager=manager, topic=topic, rpc_api_version=version, host="devcloud", binary="trove"
        )
        eventlet.spawn(one.start)


def _api(conf: Any) -> Any:
    from paste import deploy

    return deploy.loadapp(f"config:{conf.find_file(conf.api_paste_config)}", name="trove")


if __name__ == "__main__":
    main()
