"""Glance's API; it has no other service."""

from __future__ import annotations

import os
import sys

from devcloud.openstack.services.runtime import Runtime


def run(runtime: Runtime) -> None:
    os.environ["OS_GLANCE_CONFIG_DIR"] = runtime.conf("glance")
    sys.argv = ["glance-api"]
    from glance.common import wsgi_app

    runtime.serve(wsgi_app.init_app(), "glance", threads=8)
