"""Trove's guests: what would run inside of each database server runs in Trove's own process.

Trove speaks with a guest through an object that has one method for each remote call. `client` (the option
remote_guest_client names it) makes that object: PostgreSQL's instances get a real server, MySQL's a ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oslo_log import log
from trove.datastore import models as datastores
from trove.guestagent import models as agents
from trove.instance import models as instances
from trove.instance import service_status, tasks

from devcloud.openstack import databases
from devcloud.openstack.layout import Layout

Row = dict[str, Any]
"""A database or a user as Trove sends it: keys with an underscore before their names."""

LOG = log.getLogger(__name__)
HEARTBEAT_SECONDS = 30
LOOK_SECONDS = 2

_layout: list[Layout] = []


def use(layout: Layout) -> None:
    """Says where the guests keep their things. To be called once, before Trove answers."""
    _layout.append(layout)


def reachable_addresses(layout: Layout, instance: str) -> list[Row]:
    """Where a client on this machine reaches an instance's database; none if no server is behind it.

    The address in the instance's own network is real in Neutron, but no packet gets there.
    """
    database = databases.load(layout, instance)
    return [{"address": database.endpoint.host, "type": "public"}] if database else []


def keep_reporting(layout: Layout) -> None:
    """Does for ever what guests do by themselves: a heartbeat now and then, and going away with their instance."""
    while True:
        for _ in range(HEARTBEAT_SECONDS // LOOK_SECONDS):
            time.sleep(LOOK_SECONDS)
            for guest in _known(layout):
                _carefully(_look_after, guest)
        report_all(layout)


def report_all(layout: Layout) -> None:
    """Every guest tells how its database is."""
    for guest in _known(layout):
        _carefully(_report_if_at_rest, guest)


def _report_if_at_rest(guest: Guest) -> None:
    row = guest.row
    if not row.deleted and row.task_status == tasks.InstanceTasks.NONE and guest.is_at_rest():
        guest.report_now()


def _look_after(guest: Guest) -> None:
    row = guest.row
    if row.deleted:
        guest.remove()
    elif row.task_status == tasks.InstanceTasks.RESIZING:
        # Trove stops the database, has Nova resize the server, and expects that its boot starts the database.
        if not guest.is_running():
            guest.restart()
        guest.report_now()


def _carefully(action: Callable[[Guest], None], guest: Guest) -> None:
    """One guest's trouble is written down and does not keep the others waiting."""
    try:
        action(guest)
    except Exception:
        LOG.exception("guest of instance %s", guest.instance)


def _known(layout: Layout) -> list[Guest]:
    """The guests that have something here. Of a deleted instance, Trove forgets even the kind: the files tell it."""
    from devcloud.openstack.drivers.trove_ledger import LedgerGuest
    from devcloud.openstack.drivers.trove_postgresql import PostgresGuest

    servers = [PostgresGuest(layout, path.stem, None) for path in layout.trove.glob("*.json")]
    return [*servers, *(LedgerGuest(layout, path.stem, None) for path in layout.trove.glob("ledgers/*.json"))]


def client(context: Any, id: str, manager: str | None = None) -> Guest:
    """The guest of an instance."""
    from devcloud.openstack.drivers.trove_ledger import LedgerGuest
    from devcloud.openstack.drivers.trove_postgresql import PostgresGuest

    kind = PostgresGuest if (manager or _manager_of(id)) == "postgresql" else LedgerGuest
    return kind(_layout[0], id, context)


def _manager_of(instance: str) -> str:
    version = instances.DBInstance.find_by(id=instance).datastore_version_id
    return str(datastores.DatastoreVersion.load_by_uuid(version).manager)


class Guest:
    """What all guests share. Calls that have nothing to do here do nothing; calls that are missing fail by name."""

    def __init__(self, layout: Layout, instance: str, context: Any) -> None:
        self.layout = layout
        self.instance = instance
        self.context = context

    # ---- the instance, as Trove's database has it

    @property
    def row(self) -> Any:
        return instances.DBInstance.find_by(id=self.instance)

    @property
    def volume(self) -> Path:
        """The file of the instance's Cinder volume."""
        return self.layout.volumes / f"volume-{self.row.volume_id}"

    def report(self, status: Any) -> None:
        """What the guest's heartbeat would tell; it counts for 90 seconds."""
        known = instances.InstanceServiceStatus.find_by(instance_id=self.instance)
        known.set_status(status)
        known.save()

    def report_now(self) -> None:
        """Tells how the database is at the moment."""
        statuses = service_status.ServiceStatuses
        self.report(statuses.HEALTHY if self.is_running() else statuses.SHUTDOWN)

    def is_running(self) -> bool:
        """Whether the database answers."""
        raise NotImplementedError

    def is_at_rest(self) -> bool:
        """Whether the database is neither being started nor being stopped: one that has just stopped is not on its volume yet."""
        return True

    def restart(self) -> None:
        """Starts the database; stops it before if it runs."""
        raise NotImplementedError

    def remove(self) -> None:
        """To be called when the instance is gone: deletes what is left of it."""
        raise NotImplementedError

    def joined(self) -> None:
        """The first sign of life of a new guest."""
        agents.AgentHeartBeat.create(instance_id=self.instance)

    # ---- calls that are answered alike, or have nothing to do

    def get_hwinfo(self) -> Row:
        return {"mem_total": 524288, "num_cpus": 1}

    def get_diagnostics(self) -> Row:
        return {"version": "1", "fd_size": 0, "vm_size": 0, "vm_peak": 0, "vm_rss": 0, "vm_hwm": 0, "threads": 1}

    def rpc_ping(self) -> bool:
        return True

    def mount_volume(self, device_path: str | None = None, mount_point: str | None = None) -> None:
        """Volumes are files: there is nothing to mount."""

    def unmount_volume(self, device_path: str | None = None, mount_point: str | None = None) -> None:
        """Volumes are files: there is nothing to unmount."""

    def resize_fs(self, device_path: str | None = None, mount_point: str | None = None, online: bool = False) -> None:
        """There is no file system on the volume."""

    def update_overrides(self, overrides: Row, remove: bool = False) -> None:
        """Configuration groups are accepted and change nothing."""

    def apply_overrides(self, overrides: Row) -> None:
        """Configuration groups are accepted and change nothing."""

    def reset_configuration(self, configuration: Any) -> None:
        """The configuration is the development cloud's own."""

    def get_volume_info(self) -> Row:
        """Used and total space of the volume, in GiB; nothing while there is none yet."""
        if not self.volume.exists():
            return {"used": 0, "total": 0}
        status = self.volume.stat()
        return {"used": round(status.st_blocks * 512 / (1 << 30), 2), "total": status.st_size / (1 << 30)}


def page(
    rows: list[Row], key: Any, limit: int | None, marker: str | None, include_marker: bool
) -> tuple[list[Row], Any]:
    """One page of a list as Trove pages: by the last name of the page before. Returns it and the next marker."""
    ordered = sorted(rows, key=key)
    if marker is not None:
        ordered = [row for row in ordered if key(row) > marker or (include_marker and key(row) == marker)]
    if limit and len(ordered) > limit:
        return ordered[:limit], key(ordered[limit - 1])
    return ordered, None


def name_of(row: Row) -> str:
    return str(row["_name"])


def name_and_host(row: Row) -> str:
    """How Trove marks a user in a list."""
    return f"{row['_name']}@{row['_host'] or '%'}"
