"""Whether what was proven is still what there is, on a cloud on loopback: what counts as written since, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from adapters.openstack_kit import PROJECTS, Cloud, Logins, backup_of, running_cloud
from provider.provider_kit import FastClock

from govcloud.adapters.openstack_backups import OpenStackBackups
from govcloud.adapters.openstack_waiting import Poller
from govcloud.api.backup import BackupStatus, Part, PartStatus
from govcloud.ports import BackupObject


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


def proven(cloud: Cloud, part: Part) -> BackupObject:
    """A set with the part, backed up, restored and found equal."""
    backup, status = backup_of(part), PartStatus(name=part.name)
    while status.state != "Cleaned":
        status = backups_on(cloud).advance(backup, status)
    return replace(backup, status=BackupStatus(parts=(status,)))


def backups_on(cloud: Cloud) -> OpenStackBackups:
    clock = FastClock()
    return OpenStackBackups(Logins(cloud, clock=clock), Poller(clock))


def volume(cloud: Cloud) -> Part:
    return Part(name="data", service="portal", how="Volume", source_id=cloud.volume())


def container(cloud: Cloud) -> Part:
    cloud.container("files", {"a": b"1", "b": b"2"})
    return Part(name="files", service="portal", how="Container", source_id="files")


@pytest.mark.parametrize(
    ("action", "hours", "is_told"),
    [("start", 1, True), ("reboot", 1, True), ("attach_volume", 1, True), ("start", -1, False), ("stop", 1, False), ("create", -1, False)],
)
def test_a_server_that_was_let_write_after_the_freezing_is_told(cloud: Cloud, action: str, hours: int, is_told: bool) -> None:
    part = volume(cloud)
    backup = proven(cloud, part)
    at = (backup.spec.frozen_at + timedelta(hours=hours)).replace(tzinfo=None).isoformat()
    actions = cloud.server(part.source_id)
    actions += [{"action": action, "start_time": at}, {"action": "stop", "start_time": at}]
    assert bool(backups_on(cloud).changed(backup)) == is_told


def test_a_server_or_a_volume_that_is_gone_wrote_nothing(cloud: Cloud) -> None:
    part = volume(cloud)
    backup = proven(cloud, part)
    cloud.server(part.source_id)
    cloud.things["server"].clear()
    assert backups_on(cloud).changed(backup) == {}
    cloud.things["volume"].clear()
    assert backups_on(cloud).changed(backup) == {}


def test_an_object_that_is_gone_by_then_is_in_the_backup(cloud: Cloud) -> None:
    backup = proven(cloud, container(cloud))
    held = cloud.swift[PROJECTS["unit"], "files"].objects
    del held["a"]
    assert backups_on(cloud).changed(backup) == {}
    held["b"] = (b"3", {})
    assert "1 of its objects are not in that as they are now" in backups_on(cloud).changed(backup)["files"]


def test_a_container_that_is_gone_changed_nothing(cloud: Cloud) -> None:
    backup = proven(cloud, container(cloud))
    del cloud.swift[PROJECTS["unit"], "files"]
    assert backups_on(cloud).changed(backup) == {}
