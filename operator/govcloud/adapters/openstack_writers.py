"""Who may have written to a machine's volume since it was frozen. Nova keeps what was done with each server, and when.

Whoever moves the volume to a server elsewhere, or lets Nova's clock and the controller's differ by more than a machine was on, is not found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from govcloud.adapters.openstack_backup_names import Task
from govcloud.adapters.openstack_bench import Bench
from govcloud.adapters.openstack_helper_volumes import shown
from govcloud.adapters.openstack_login import Login

_STARTS = frozenset({"start", "reboot", "resume", "unpause", "rescue", "unrescue", "rebuild", "unshelve"})
"""Nova's actions after which a server runs (https://docs.openstack.org/api-ref/compute/#servers-actions-servers-os-instance-actions)."""


def servers_started_since(bench: Bench, task: Task) -> str:
    """What is to be told of servers with the part's volume that were started after it was frozen; empty where there are none."""
    volume = shown(bench.backups, "volumes", task.part.source_id) or {}
    servers = sorted(str(attachment["server_id"]) for attachment in volume.get("attachments", ()))
    started = [server for server in servers if any(at > task.spec.frozen_at for at in _starts(bench.backups, server))]
    return f"{task.title} was proven, and then server {', '.join(started)} was started, which writes to it" if started else ""


def _starts(login: Login, server: str) -> Iterator[datetime]:
    """When a server was told to run; nothing of one that is gone."""
    told = login.find("compute", f"/servers/{server}/os-instance-actions") or {"instanceActions": []}
    for action in told["instanceActions"]:
        if action["action"] in _STARTS:
            yield datetime.fromisoformat(action["start_time"]).replace(tzinfo=UTC)
