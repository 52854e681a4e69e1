"""Neutron's API; there are no agents to talk to."""

from __future__ import annotations

import os
import sys

from devcloud.openstack.services.runtime import Runtime, allow_eventlet


def run(runtime: Runtime) -> None:
    allow_eventlet()
    os.environ["OS_NEUTRON_CONFIG_DIR"] = str(runtime.layout.conf)
    os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf;ml2.ini"
    sys.argv = ["neutron-server"]
    from neutron import policy, server
    from neutron.server import api

    application = server.boot_server(api.api_server, prog="neutron-api")
    # Neutron makes its rules at the first request; a second one that comes meanwhile finds none, and is refused.
    policy.init()
    runtime.serve(application, "neutron", threads=12)
