"""A regular backup on the real control planes, of a machine and a container in use; a termination beside it; and the purge of both."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from audit.logs import open_log
from cluster.worlds import world_of
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from provider.provider_kit import MemoryJournal

from devcloud.demo import looks
from devcloud.demo.requests import Request
from devcloud.demo.world import World
from govcloud.adapters.kube_admission import installed_manifests
from govcloud.adapters.kube_api import KubeApi
from govcloud.adapters.kube_cluster import KubeCluster
from govcloud.adapters.openstack_backups import OpenStackBackups
from govcloud.adapters.openstack_login import CloudLogins
from govcloud.core.objects import BackupObject
from govcloud.purging import Purging

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

A_WEEK = "7d"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A controller that makes regular backups; afterwards the ordinary one runs again."""
    with world_of("backups", Path(tmp_path_factory.mktemp("backups")), {"GOVCLOUD_BACKUP_WORKERS": "1"}) as world:
        yield world


@pytest.fixture(scope="module")
def asked(world: World) -> Request:
    """A machine and a container in a trial, with objects in it."""
    asked = Request(world, "requests/health-survey.yaml")
    asked.manifest["metadata"]["name"] = f"backed-up-{os.urandom(4).hex()}"
    asked.manifest["spec"]["services"].append({"name": "answers", "objectStorage": {"quotaGib": 1, "offering": "object-standard"}})
    asked.apply()
    asked.approve_all("Provision")
    asked.until("the trial runs", lambda status: status["phase"] == "Trial")
    _put(asked, "answer-1.json", b'{"yes": 1}')
    _put(asked, "2026/问卷 1.json", b"\x00\xff" * 4096)
    return asked


def test_what_runs_is_backed_up_each_interval_and_proven_without_being_stopped(asked: Request) -> None:
    world, before = asked.world, _in_the_project(asked)
    _advance_a_week(world)
    backup = _until(asked, 1, "Verified")
    for part in backup["status"]["parts"]:
        assert part["state"] == "Cleaned"
        assert (part["sourceSha256"], part["sourceBytes"]) == (part["restoredSha256"], part["restoredBytes"])
    assert {part["name"] for part in backup["status"]["parts"]} == {part["name"] for part in backup["spec"]["parts"]}
    assert _in_the_project(asked) == before != []
    assert _machines(asked) == {"ACTIVE"}
    assert _left(asked, "snapshot", "volume") == []
    shown = asked.until("says so", lambda status: status.get("regularBackups", {}).get("newestVerified"))["regularBackups"]
    assert (shown["everyDays"], shown["newestVerified"]["name"]) == (7, backup["metadata"]["name"])
    story = world.govcloud("explain", f"csreq/{asked.name}", "-n", asked.namespace, kubeconfig=world.environment.kubeconfig_of("operations"))
    assert backup["metadata"]["name"] in story.out
    columns = world.must(None, "get", "csbak", backup["metadata"]["name"], "--no-headers").split()
    assert columns[1] == "Regular" and "Verified" in columns and asked.name in columns


def test_a_termination_beside_a_regular_backup_goes_through_with_its_own_proof(asked: Request) -> None:
    world = asked.world
    asked.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}))
    asked.until_planned("Terminate")
    _advance_a_week(world)
    world.until("the second backup holds a snapshot", lambda: _left(asked, "snapshot"))
    asked.approve_all("Terminate")
    record = asked.until("has ended", lambda status: status["phase"] == "Terminated")["progress"]["termination"]
    assert record["backupVerifiedAt"] and record["absenceProvedAt"]
    assert _left(asked, "snapshot", "volume") == []
    assert _backup(asked, 2)["status"]["state"] in ("Failed", "Verified")
    kinds = [(each["spec"]["kind"], each["status"]["state"]) for each in _backups(asked)]
    assert ("Termination", "Verified") in kinds and ("Regular", "Verified") in kinds


def test_what_is_over_is_purged_and_the_record_of_the_termination_stays(asked: Request, tmp_path: Path) -> None:
    world = asked.world
    _purge(asked, datetime.now(UTC), tmp_path)
    assert len(_left(asked, "backup")) >= 2, "nothing is over yet by the machine's own clock"
    for years in (1, 2):
        _purge(asked, datetime.now(UTC) + timedelta(days=400 * years), tmp_path)
    assert _left(asked, "backup", "snapshot", "volume") == []
    assert not [each.name for each in world.cloud("govcloud-backups").object_store.containers() if asked.uid in each.name]
    (left,) = _backups(asked)
    assert (left["spec"]["kind"], left["status"]["state"]) == ("Termination", "Purged")
    assert left["status"]["purgedAt"] and left["status"]["parts"][0]["sourceSha256"]
    manifests = [each.name for each in world.cloud("govcloud-backups").object_store.objects("govcloud-manifests", prefix=asked.uid)]
    assert manifests and {name.rpartition("/")[2] for name in manifests} == {"manifest.json"}


# What the tests do and look for


class _Mine(KubeCluster):
    """The cluster with no other backups than those of one request: a round that is years ahead must not touch those of other tests."""

    def __init__(self, api: KubeApi, uid: str) -> None:
        super().__init__(api, installed_manifests(), "test", lambda: datetime.now(UTC))
        self._uid = uid

    def backups(self) -> Sequence[BackupObject]:
        return self.backups_of(self._uid)


def _purge(asked: Request, now: datetime, directory: Path) -> None:
    environment, configuration = asked.world.environment, Configuration()
    config.load_kube_config(str(environment.kubeconfig_of("controller")), client_configuration=configuration)
    logins = CloudLogins("govcloud", MemoryJournal(), environment.clouds_file)
    audit = open_log(directory / f"{now:%Y%m%d%H%M%S%f}")
    Purging(_Mine(KubeApi(ApiClient(configuration)), asked.uid), OpenStackBackups(logins), audit, tuple, lambda: now).run()
    assert audit.open_intents() == ()
    audit.close()


def _advance_a_week(world: World) -> None:
    moved = world.govcloud("dev", "clock", "advance", A_WEEK)
    assert not moved.refused, moved.err


def _put(asked: Request, name: str, content: bytes) -> None:
    container = next(item for item in looks.everything_of(asked.world, asked.uid) if item.kind == "container")
    url = f"{looks.account_url(asked.world, container.project)}/{quote(container.name)}/{quote(name)}"
    asked.world.cloud("govcloud").session.put(url, data=content)


def _backups(asked: Request) -> list[dict[str, Any]]:
    """Those of the request, in no order."""
    listed = asked.world.must(None, "get", "csbak", "-l", f"govcloud.dev/request={asked.uid}", "-o", "json")
    return list(json.loads(listed)["items"])


def _backup(asked: Request, number: int) -> dict[str, Any]:
    """A regular backup; empty while it is not there."""
    return next((each for each in _backups(asked) if each["spec"]["number"] == number), {})


def _until(asked: Request, number: int, state: str) -> dict[str, Any]:
    def seen() -> Any:
        backup = _backup(asked, number)
        return backup if backup.get("status", {}).get("state") == state else None

    return dict(asked.world.until(f"regular backup {number} is {state}", seen))


def _in_the_project(asked: Request) -> list[looks.Seen]:
    project = str(asked.world.get("usingunit", asked.manifest["spec"]["unit"])["status"]["projectId"])
    return looks.in_project(looks.everything_of(asked.world, asked.uid), project)


def _machines(asked: Request) -> set[str]:
    servers = asked.world.cloud().compute.servers(all_projects=True, details=True)
    return {server.status for server in servers if server.metadata.get("govcloud_request") == asked.uid}


def _left(asked: Request, *kinds: str) -> list[str]:
    """What lies in the backup and quarantine projects for the request, of these kinds."""
    found = []
    for project in ("govcloud-backups", "govcloud-quarantine"):
        storage = asked.world.cloud(project).block_storage
        listed = {"snapshot": storage.snapshots, "volume": storage.volumes, "backup": storage.backups}
        each_kind = ((kind, each) for kind in kinds for each in listed[kind](details=True))
        found += [f"{kind} {each.name}" for kind, each in each_kind if (each.metadata or {}).get("govcloud_backup_of") == asked.uid]
    return found
