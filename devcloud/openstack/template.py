"""The template: the data of a cloud that has just been bootstrapped. A fresh cloud is a copy of it.

Making the schemas of nine projects takes half a minute; copying them takes a second. Paths are in no
database; the ports, which stand in Keystone's catalog, are written there at every start by `relocate`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from devcloud.openstack import databases, identities, install, postgres
from devcloud.openstack.layout import HOST, PASSWORD, SOURCE, Layout

KEPT = 4
"""Templates in the cache. One is used for a second or two at a time, when a fresh cloud copies it."""

SUPERUSER = "devcloud"
DATABASES = ("keystone", "glance", "placement", "nova_api", "nova_cell0", "nova", "neutron", "cinder", "trove", "barbican")

# The databases are made anew by every reset: nothing in them is worth waiting for a disk.
SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "max_connections": "300", "shared_buffers": "64MB", "min_wal_size": "16MB",
    "max_wal_size": "64MB", "jit": "off", "ssl": "off",
}  # fmt: skip
_MADE_FROM = ("migrate.py", "identities.py", "bootstrap.py", "template.py", "databases.py",
              "settings", "drivers", "services")  # fmt: skip


# Each endpoint keeps its path and gets the address of the service whose type it has.
_RELOCATE = """
    update endpoint set url = regexp_replace(endpoint.url, '^http://[^/]+', wanted.address)
    from service, (values ROWS) as wanted (kind, address)
    where endpoint.service_id = service.id and service.type = wanted.kind;
"""
# Trove compares booleans with 0 and 1, which only MySQL takes.
_BOOLEANS_FROM_INTEGERS = """
    update pg_cast set castcontext = 'i' where castsource = 'integer'::regtype and casttarget = 'boolean'::regtype;
"""


def path(cache: Path) -> Path:
    """Where the template of this source lies, made or not."""
    sources = [file for name in _MADE_FROM for file in _python_files(SOURCE / name)]
    server = str(postgres.binaries())
    return cache / "openstack" / f"template-{install.digest(sources, [install.environment_key(), server])}"


def prune(cache: Path) -> None:
    """Deletes all but the newest templates: each change of the source makes another one of 200 MB."""
    made = [found for found in (cache / "openstack").glob("template-*") if (found / "data").exists()]
    for old in sorted(made, key=lambda found: found.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _python_files(where: Path) -> list[Path]:
    return sorted(where.rglob("*.py")) if where.is_dir() else [where]


def server(layout: Layout) -> postgres.Server:
    """The database server of the services."""
    return postgres.Server(layout.postgres, HOST, layout.ports()["postgres"], layout.log / "postgres.log")


def create_databases(database_server: postgres.Server) -> None:
    """Makes the cluster, starts it, and makes one empty database a project."""
    database_server.initialise(SUPERUSER, PASSWORD, SETTINGS)
    database_server.start()
    _sql(database_server, "postgres", "".join(f"create database {name};\n" for name in DATABASES))
    _sql(database_server, "trove", _BOOLEANS_FROM_INTEGERS)


def create_blank_database(layout: Layout) -> None:
    """Makes what the databases of Trove's instances are copies of: it saves each of them two seconds."""
    blank = postgres.Server(layout.blank_database, HOST, 0, layout.log / "blank-database.log")
    blank.initialise(databases.SUPERUSER, PASSWORD, databases.SETTINGS)


def relocate(layout: Layout) -> None:
    """Writes this cloud's ports into Keystone's catalog."""
    ports = layout.ports()
    services = [(kind, ports[port]) for kind, _name, port, _path in identities.CATALOG] + [
        ("identity", ports["keystone"])
    ]
    rows = ", ".join(f"('{kind}', 'http://{HOST}:{port}')" for kind, port in services)
    _sql(server(layout), "keystone", _RELOCATE.replace("ROWS", rows))


def _sql(database_server: postgres.Server, database: str, statements: str) -> None:
    database_server.sql(database, statements, SUPERUSER, PASSWORD)
