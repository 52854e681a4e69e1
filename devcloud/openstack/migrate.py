"""Makes all database schemas, each project in a fork of one process that has loaded the shared libraries.

Runs inside the OpenStack environment, once for a template: `python -m devcloud.openstack.migrate <directory>`.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable

from devcloud.openstack import identities
from devcloud.openstack.services.barbican import read_configuration as configure_barbican
from devcloud.openstack.services.runtime import Runtime, allow_eventlet, choose_native_threads, runtime_from_arguments

_SHARED = (
    "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "alembic", "alembic.op", "oslo_config.cfg", "oslo_log.log",
    "oslo_messaging", "oslo_db.sqlalchemy.enginefacade", "oslo_versionedobjects.base", "oslo_policy.policy",
    "keystoneauth1.session", "webob", "requests", "stevedore", "cryptography.fernet", "openstack.connection",
)  # fmt: skip
_AT_ONCE = 2

# A cell's database is a template that Nova fills in from [database]connection: address and password may change.
_CELL = "{scheme}://{username}:{password}@{hostname}:{port}/%s?{query}"


def keystone(runtime: Runtime) -> None:
    sys.argv = ["keystone-manage", "--config-file", runtime.conf("keystone.conf"), "db_sync"]
    from keystone.cmd import manage

    manage.main()
    identities.create(runtime)


def nova(runtime: Runtime) -> None:
    sys.argv = ["nova-manage", "--config-file", runtime.conf("nova.conf")]
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    from nova import config, context, objects
    from nova.cmd import manage
    from nova.db import migration

    config.parse_args(sys.argv)
    objects.register_all()
    migration.db_sync(database="api")
    cells = manage.CellV2Commands()
    cells.map_cell0(database_connection=_CELL % "nova_cell0")
    administrator = context.get_admin_context()
    cell0 = objects.CellMapping.get_by_uuid(administrator, objects.CellMapping.CELL0_UUID)
    with context.target_cell(administrator, cell0) as in_cell0:
        migration.db_sync(None, context=in_cell0)
    migration.db_sync(None)
    cells.create_cell(name="cell1", database_connection=_CELL % "nova", transport_url="fake://")


def neutron(runtime: Runtime) -> None:
    allow_eventlet()
    sys.argv = ["neutron-db-manage", "--config-file", runtime.conf("neutron.conf"),
                "--config-file", runtime.conf("ml2.ini"), "upgrade", "heads"]  # fmt: skip
    from alembic import op
    from neutron.db.migration import cli

    execute = op.execute
    # One migration (d553edeb540f) converts a character set in a way that only MySQL knows.
    op.execute = lambda sql, *rest, **options: None if "CHARACTER SET" in str(sql) else execute(sql, *rest, **options)
    cli.main()


def cinder(runtime: Runtime) -> None:
    allow_eventlet()
    sys.argv = ["cinder-manage", "--config-file", runtime.conf("cinder.conf"), "db", "sync"]
    from cinder.cmd import manage

    manage.main()


def glance(runtime: Runtime) -> None:
    sys.argv = ["glance-manage", "--config-file", runtime.conf("glance/glance-api.conf"), "db_sync"]
    from glance.cmd import manage

    manage.main()


def barbican(runtime: Runtime) -> None:
    configure_barbican(runtime)
    from barbican.model.migration import commands

    commands.upgrade()


def placement(runtime: Runtime) -> None:
    sys.argv = ["placement-manage", "--config-dir", runtime.conf("placement"), "db", "sync"]
    from placement.cmd import manage

    manage.main()


def trove(runtime: Runtime) -> None:
    allow_eventlet()
    os.environ["NO_EVENTLET_MONKEYPATCH"] = "1"
    from sqlalchemy import Text
    from sqlalchemy.ext.compiler import compiles

    # Its migrations give texts a length, which PostgreSQL's type does not have.
    compiles(Text, "postgresql")(lambda _type, _compiler, **_options: "TEXT")
    sys.argv = ["trove-manage", "--config-file", runtime.conf("trove.conf"), "db_sync"]
    from trove.cmd import manage

    manage.main()


# The longest first.
PROJECTS: tuple[Callable[[Runtime], None], ...] = (neutron, nova, keystone, cinder, glance, placement, trove, barbican)


def main() -> None:
    runtime = runtime_from_arguments()
    choose_native_threads()
    for module in _SHARED:
        importlib.import_module(module)
    waiting, failed = list(PROJECTS), []
    running: dict[int, tuple[str, float]] = {}
    while waiting or running:
        while waiting and len(running) < _AT_ONCE:
            project = waiting.pop(0)
            running[_fork(project, runtime)] = (project.__name__, time.monotonic())
        pid, status = os.wait()
        name, began = running.pop(pid)
        print(f"schema of {name} made in {time.monotonic() - began:.1f} s, status {status}", flush=True)
        if status:
            failed.append(name)
    if failed:
        sys.exit(f"no schema for {', '.join(failed)}: see migrate-*.log in {runtime.layout.log}")


def _fork(project: Callable[[Runtime], None], runtime: Runtime) -> int:
    pid = os.fork()
    if pid == 0:
        log = os.open(runtime.layout.log / f"migrate-{project.__name__}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os._exit(_exit_status(project, runtime))
    return pid


def _exit_status(project: Callable[[Runtime], None], runtime: Runtime) -> int:
    try:
        project(runtime)
    except SystemExit as end:
        return 0 if end.code in (None, 0, False) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main()
