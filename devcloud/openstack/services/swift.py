"""Swift: proxy, account, container and object servers, in one process of green threads."""

from __future__ import annotations

import eventlet
import eventlet.wsgi

eventlet.patcher.monkey_patch(all=False, socket=True, select=True, thread=True, time=True)

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from devcloud.openstack.layout import HOST  # noqa: E402
from devcloud.openstack.services.runtime import Runtime, runtime_from_arguments, say  # noqa: E402

_BACKENDS = ("account", "container", "object")
_HASH = b"devcloud"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    runtime = runtime_from_arguments()
    _point_swift_at(runtime.conf("swift/swift.conf"))
    for kind in _BACKENDS:
        _write_ring(runtime, kind)
    servers = [_start(runtime, kind, f"swift-{kind}") for kind in _BACKENDS]
    servers.append(_start(runtime, "proxy", "swift"))
    for server in servers:
        server.wait()


def _point_swift_at(configuration: str) -> None:
    """Swift reads /etc/swift/swift.conf when it is imported, and keeps copies of what it read in several modules."""
    from swift.common import constraints, storage_policy, utils
    from swift.common import ring as _ring  # noqa: F401
    from swift.common.utils import config

    for module in (utils, config, constraints, storage_policy, storage_policy.utils):
        if hasattr(module, "SWIFT_CONF_FILE"):
            module.SWIFT_CONF_FILE = configuration
    for name, loaded in list(sys.modules.items()):
        if name.startswith("swift.") and hasattr(loaded, "HASH_PATH_SUFFIX"):
            vars(loaded).update(HASH_PATH_PREFIX=_HASH, HASH_PATH_SUFFIX=_HASH)
    storage_policy.reload_storage_policies()
    constraints.reload_constraints()


def _write_ring(runtime: Runtime, kind: str) -> None:
    """A ring of one device: where each account, container or object lies. Written anew, for the ports may change."""
    from swift.common.ring.builder import RingBuilder

    port = runtime.ports[f"swift-{kind}"]
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({
        "id": 0, "region": 1, "zone": 1, "weight": 1, "device": "d1", "meta": "",
        "ip": HOST, "port": port, "replication_ip": HOST, "replication_port": port,
    })  # fmt: skip
    builder.rebalance()
    builder.get_ring().save(runtime.conf(f"swift/{kind}.ring.gz"))


def _start(runtime: Runtime, kind: str, port: str) -> Any:
    from swift.common.utils import get_logger
    from swift.common.wsgi import SwiftHttpProtocol, loadapp

    application = loadapp(runtime.conf(f"swift/{kind}-server.conf"), global_conf={"log_requests": "false"})
    if kind == "proxy":
        # Only the proxy has clients; its calls to the other three are not writes of anybody's.
        application = runtime.witnessed(application, "swift")
    listener = eventlet.listen((HOST, runtime.ports[port]), backlog=512, reuse_port=False)
    say(f"swift's {kind} server answers on port {runtime.ports[port]}")
    return eventlet.spawn(
        eventlet.wsgi.server, listener, application, get_logger({"log_name": "swift"}, log_to_console=False),
        custom_pool=eventlet.GreenPool(512), protocol=SwiftHttpProtocol, log_output=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
