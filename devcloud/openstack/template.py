"""The template: the data of a cloud that has just been bootstrapped. A fresh cloud is a copy of it.

Making the schemas of eight projects takes half a minute; copying them takes a second. Paths are in no
database; the ports, which stand in Keystone's catalog, are written there at every start by `relocate`.
"""

from __future__ import annotations

from pathlib import Path

from devcloud.openstack import databases, identities, install, postgres
from devcloud.openstack.layout import HOST, PASSWORD, SOURCE, Layout

SUPERUSER = "devcloud"
DATABASES = ("keystone", "glance", "placement", "nova_api", "nova_cell0", "nova", "neutron", "cinder", "trove")

# The databases are made anew by every reset: nothing in them is worth waiting for a disk.
SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "max_connections": "300", "shared_buffers": "64MB", "min_wal_size": "16MB",
    "max_wal_size": "64MB", "jit": "off", "ssl": "off",
}  # fmt: skip
_MADE_FROM = ("migrate.py", "identities.py", "bootstrap.py", "template.py", "databases.py",
              "settings", "drivers", "services")  # fmt: skip


def path(cache: Path) -> Path:
    """Where the template of this source lies, made or not."""
    sources = [file for name in _MADE_FROM for file in _python_files(SOURCE / name)]
    server = str(postgres.binaries())
    return cache / "openstack" / f"template-{install.digest(sources, [install.environment_key(), server])}"


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
    # Trove compares booleans with 0 and 1, which only MySQL takes.
    cast = "castsource = 'integer'::regtype and casttarget = 'boolean'::regtype"
    _sql(database_server, "trove", f"update pg_cast set castcontext = 'i' where {cast};")


def create_blank_database(layout: Layout) -> None:
    """Makes what the databases of Trove's instances are copies of: it saves each of them two seconds."""
    blank = postgres.Server(layout.blank_database, HOST, 0, layout.log / "blank-database.log")
    blank.initialise(databases.SUPERUSER, PASSWORD, databases.SETTINGS)


def relocate(layout: Layout) -> None:
    """Writes this cloud's ports into Keystone's catalog."""
    ports = layout.ports()
    services = [(kind, ports[port]) for kind, _name, port, _path in identities.CATALOG] + [("identity", ports["keystone"])]
    rows = ", ".join(f"('{kind}', {port})" for kind, port in services)
    _sql(server(layout), "keystone", f"""
        update endpoint set url = regexp_replace(endpoint.url, '^http://[^/:]+:[0-9]+', 'http://{HOST}:' || wanted.port)
        from service, (values {rows}) as wanted (kind, port)
        where endpoint.service_id = service.id and service.type = wanted.kind;
    """)


def _sql(database_server: postgres.Server, database: str, statements: str) -> None:
    database_server.sql(database, statements, SUPERUSER, PASSWORD)
