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
    from neutron import server
    from neutron.server import api

    runtime.serve(server.boot_server(api.api_server, prog="neutron-api"), "neutron", threads=12)
