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

    runtime.serve(wsgi.initialize_public_application(), "keystone", threads=8)


def _placement(runtime: Runtime) -> None:
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = runtime.conf("placement")
    from placement import wsgi

    runtime.serve(wsgi.init_application(), "placement", threads=8)
