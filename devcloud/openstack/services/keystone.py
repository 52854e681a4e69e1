"""Keystone, and Placement beside it: the one project that can share a process with another."""

from __future__ import annotations

import os
import sys

from devcloud.openstack.services.runtime import Runtime


def run(runtime: Runtime) -> None:
    _keystone(runtime)
    _placement(runtime)


def _keystone(runtime: Runtime) -> None:
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = runtime.conf("keystone.conf")
    sys.argv = ["keystone"]
    from keystone.server import wsgi

    # One request at a time: Keystone's AuthContextMiddleware keeps the token of the request on itself, so that with two
    # threads a caller can be taken for the caller of another request. Production gives it processes, not threads.
    runtime.serve(wsgi.initialize_public_application(), "keystone", threads=1)


def _placement(runtime: Runtime) -> None:
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = runtime.conf("placement")
    from placement import wsgi

    runtime.serve(wsgi.init_application(), "placement", threads=8)
