"""Barbican's API; it makes keys while the caller waits, and has no other service."""

from __future__ import annotations

import sys
from pathlib import Path

from devcloud.openstack.services.runtime import Runtime


def run(runtime: Runtime) -> None:
    read_configuration(runtime)
    _write_bytes_as_text()
    from paste import deploy

    # Where the package's sample lies: its own entry point knows only /etc.
    pipelines = Path(sys.prefix) / "etc" / "barbican" / "barbican-api-paste.ini"
    # One request at a time: of two first keys of a project at once, one finds the project made, and on PostgreSQL cannot go on after that.
    runtime.serve(deploy.loadapp(f"config:{pipelines}"), "barbican", threads=1)


def _write_bytes_as_text() -> None:
    """Barbican writes encoded bytes (base64, Fernet) into columns of text. MySQL takes them as they are, PostgreSQL as `\\x…`."""
    from psycopg2.extensions import QuotedString, register_adapter

    register_adapter(bytes, lambda value: QuotedString(value.decode("ascii")))


def read_configuration(runtime: Runtime) -> None:
    """To be called before Barbican is imported: each of its modules reads the files of a fixed place when it is loaded."""
    from oslo_config import cfg

    known, file = cfg.CONF, runtime.conf("barbican/barbican.conf")
    cfg.find_config_files = lambda *_arguments, **_options: [file]
    import barbican.common.config  # noqa: F401

    # Barbican puts a configuration of its own in this place, without the options of the libraries that were loaded before.
    cfg.CONF = known
    known([], project="barbican", default_config_files=[file])
