"""Who may have written to a machine's volume since it was frozen: Nova keeps what was done with each server, and when.

A volume that was attached to another server for a while and is not any more is not found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from govcloud.adapters.openstack_backup_names import Task
from govcloud.adapters.openstack_bench import Bench
from govcloud.adapters.openstack_helper_volumes import shown
from govcloud.adapters.openstack_login import Login

_LETS_WRITE = frozenset({"create", "attach_volume", "start", "reboot", "resume", "unpause", "rescue", "unrescue", "rebuild", "unshelve"})
"""Nova's actions after which a server may write to its volumes (nova/compute/instance_actions.py)."""


def servers_writing_since(bench: Bench, task: Task) -> str:
    """What is to be told of servers that have the part's volume and could write to it after it was frozen; empty where there are none."""
    volume = shown(bench.backups, "volumes", task.part.source_id) or {}
    servers = sorted(str(attachment["server_id"]) for attachment in volume.get("attachments", ()))
    ran = [server for server in servers if any(at > task.spec.frozen_at for at in _let_write_at(bench.backups, server))]
    return f"{task.title} was proven, and after that server {', '.join(ran)} was started or given a volume: it may have written to it" if ran else ""


def _let_write_at(login: Login, server: str) -> Iterator[datetime]:
    """When a server was let write; never for one that is gone."""
    told = login.find("compute", f"/servers/{server}/os-instance-actions") or {"instanceActions": []}
    for action in told["instanceActions"]:
        if action["action"] in _LETS_WRITE:
            yield datetime.fromisoformat(action["start_time"]).replace(tzinfo=UTC)
