"""PostgreSQL on a machine of ours, where the cloud has no database service: the catalog's offering then names an image.

The machine sets itself up at its first start, from user data only: PostgreSQL of the image's distribution (Debian's packages and layout),
its data on a volume of its own. The user data holds no password but a SCRAM verifier, from which the password cannot be read back.
Nothing has run inside a guest yet: what is tested is the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from stacks import machines, network
from stacks.kind import Model, Offering, Quota, Scope
from stacks.naming import named
from stacks.program import CloudConfig, Joined, Program, Resource, ScramVerifier, Secret, Value
from stacks.security_rules import DEFAULT_RULES, SecurityRule, security_group

BOOT_GIB = 10
PORT = 5432

_DEVICE = "/dev/vdb"
_MOUNT = "/srv/data"
_STATEMENTS = "/root/first-statements.sql"


class PostgresqlSettings(Model):
    """The settings of PostgreSQL that a unit may choose; everything else is the distribution's."""

    max_connections: Annotated[int, Field(ge=10, le=5000)] | None = Field(
        None, description="most connections at once, 10 to 5000"
    )
    shared_buffers_mib: Annotated[int, Field(ge=16, le=262144)] | None = Field(
        None, description="memory for caching pages in MiB, 16 to 262144"
    )
    work_mem_mib: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None, description="memory of one sort or hash in MiB, 1 to 4096"
    )
    statement_timeout_seconds: Annotated[int, Field(ge=0, le=86400)] | None = Field(
        None, description="longest run of one statement in seconds, 0 to 86400; 0: no limit"
    )


def program(scope: Scope, offering: Offering, storage_gib: int, chosen: str, setup: Mapping[str, Value]) -> Program:
    """The machine with its two volumes, reachable from its own network only. `setup`: the user data's document."""
    return Program(tuple(_resources(scope, offering, storage_gib, chosen, setup)))


def machine_of(service: str) -> str:
    """Logical name of the machine."""
    return named(service, "machine")


def _resources(
    scope: Scope, offering: Offering, storage_gib: int, chosen: str, setup: Mapping[str, Value]
) -> Iterator[Resource]:
    machine, data = machine_of(scope.service), named(scope.service, "data")
    neighbours = network.networks_of(scope)[chosen].cidr
    yield from security_group([SecurityRule(protocol="tcp", port_min=PORT, remote_prefix=neighbours)], scope)
    yield machines.port(machine, chosen, scope)
    yield machines.boot_volume(machine, BOOT_GIB, scope.images[str(offering.image)], offering.volume_type, scope)
    yield machines.volume(data, storage_gib, offering.volume_type, scope)
    # On the machine from its first start on: attached later, the volume would be missed by the guest's set-up.
    yield machines.server(machine, offering.flavor, scope, {"user_data": CloudConfig(setup)}, also=(data,))


@dataclass(frozen=True)
class Client:
    """Who may use which database, from where. The names are letters, digits and underscores."""

    database: str
    user: str
    password: Secret
    neighbours: str


def setup_of(service: str, version: str, client: Client, settings: PostgresqlSettings) -> dict[str, Value]:
    """What the machine does at its first start, as cloud-init's document."""
    major = version.partition(".")[0]
    return {
        "hostname": service,
        "fs_setup": ({"device": _DEVICE, "filesystem": "ext4", "label": "data", "overwrite": False},),
        "mounts": (("LABEL=data", _MOUNT, "ext4", "defaults,nofail", "0", "2"),),
        "package_update": True,
        "write_files": tuple(_files(f"/etc/postgresql/{major}/main", client, settings)),
        "packages": (f"postgresql-{major}",),
        "runcmd": (
            ("systemctl", "restart", "postgresql"),
            ("sh", "-c", f"su postgres -c 'psql -v ON_ERROR_STOP=1' < {_STATEMENTS} && rm {_STATEMENTS}"),
        ),
    }


def _files(configuration: str, client: Client, settings: PostgresqlSettings) -> Iterator[Value]:
    """The first two are there before PostgreSQL is installed, the deferred ones are written after it."""
    yield _file("/etc/postgresql-common/createcluster.conf", f"data_directory = '{_MOUNT}/%v/%c'\n", "0644")
    yield _file(_STATEMENTS, _statements(client), "0600")
    yield {**_file(f"{configuration}/conf.d/govcloud.conf", _settings(settings), "0644"), "defer": True}
    access = f'host "{client.database}" "{client.user}" {client.neighbours} scram-sha-256\n'
    rights: dict[str, Value] = {"owner": "postgres:postgres", "append": True, "defer": True}
    yield {**_file(f"{configuration}/pg_hba.conf", access, "0640"), **rights}


def _file(path: str, content: Value, mode: str) -> dict[str, Value]:
    return {"path": path, "content": content, "owner": "root:root", "permissions": mode}


def _statements(client: Client) -> Value:
    role = f'CREATE ROLE "{client.user}" LOGIN PASSWORD \''
    database = f'\';\nCREATE DATABASE "{client.database}" OWNER "{client.user}";\n'
    return Joined((role, ScramVerifier(client.password), database))


def _settings(settings: PostgresqlSettings) -> str:
    chosen = {
        "listen_addresses": "'*'",
        "password_encryption": "'scram-sha-256'",
        "max_connections": settings.max_connections,
        "shared_buffers": _with_unit(settings.shared_buffers_mib, "MB"),
        "work_mem": _with_unit(settings.work_mem_mib, "MB"),
        "statement_timeout": _with_unit(settings.statement_timeout_seconds, "s"),
    }
    return "".join(f"{name} = {value}\n" for name, value in chosen.items() if value is not None)


def _with_unit(value: int | None, unit: str) -> str | None:
    """PostgreSQL's MB is a MiB."""
    return None if value is None else f"{value}{unit}"


def quota(offering: Offering, storage_gib: int) -> Quota:
    """The machine lies in the unit's project like every other."""
    return Quota(
        instances=1,
        cores=offering.vcpus,
        ram=offering.ram_mib,
        volumes=2,
        gigabytes=BOOT_GIB + storage_gib,
        ports=1,
        security_groups=1,
        security_group_rules=1 + DEFAULT_RULES,
    )
