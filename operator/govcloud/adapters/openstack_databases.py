"""What is special about a part that is a Trove instance: making the database write all it has and stop, and finding its volume.

For a regular backup nothing is stopped: the volume is taken as after a power failure, which a database recovers from by its own log.
"""

from __future__ import annotations

from govcloud.adapters.openstack_backup_names import Task
from govcloud.adapters.openstack_bench import Bench
from govcloud.adapters.openstack_login import Json, Login
from govcloud.adapters.openstack_waiting import Poller
from govcloud.failures import Stop
from govcloud.reasons import Reason

INSTANCE_TYPE = "openstack:database/instance:Instance"

_STOPPED = "SHUTDOWN"


def stop_database(login: Login, poller: Poller, task: Task) -> None:
    """Make the database of the part write everything to its volume and stop. One that has stopped already is left alone.

    Raises:
        Retry: it has not stopped yet.
        Stop: there is no such instance in the unit's project.
    """
    if not _has_stopped(_instance(login, task)):
        with task.effect(INSTANCE_TYPE, "update", "quiesce"):
            login.post("database", f"/mgmt/instances/{task.part.source_id}/action", {"stop": {}})
        poller.until(lambda: _has_stopped(_instance(login, task)) or None, f"database {task.part.source_id} to stop")


def database_started_since(bench: Bench, task: Task) -> str:
    """What is to be told where the part's database runs, which was stopped before its volume was frozen; empty where it does not, or is gone."""
    if (instance := _found(bench.backups, task)) is None or _has_stopped(instance):
        return ""
    return f"{task.title} was proven, and after that database {task.part.source_id} was started, which writes to it"


def volume_of_database(bench: Bench, task: Task) -> str:
    """Id of the volume that holds the data directory of the part's database, which for a termination is stopped first if it runs.

    Raises:
        Retry: the database has not stopped yet.
        Stop: there is no such instance in the unit's project, or it has no volume.
    """
    if not task.is_regular:
        stop_database(bench.backups, bench.poller, task)
    volume = _instance(bench.backups, task).get("volume") or {}
    if "id" not in volume:
        raise Stop(Reason.RESOURCE_FAILED, f"{task.title}: database {task.part.source_id} has no volume to back up")
    return str(volume["id"])


def _has_stopped(instance: Json) -> bool:
    return bool(instance["service_status"] == _STOPPED)


def _instance(login: Login, task: Task) -> Json:
    instance = _found(login, task)
    if instance is None or instance["tenant_id"] != task.spec.project_id:
        where = f"project {task.spec.project_id}"
        raise Stop(Reason.INVALID_INPUT, f"{task.title} names database {task.part.source_id}, which is not in {where}")
    return instance


def _found(login: Login, task: Task) -> Json | None:
    body = login.find("database", f"/mgmt/instances/{task.part.source_id}")
    return None if body is None else dict(body["instance"])
