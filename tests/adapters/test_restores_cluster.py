"""Volumes restored on the real engine, Cinder and Barbican: the old bytes are back, and the run that replaces a volume finds it and makes none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openstack
import pytest
from adapters.restore_kit import MOMENT, restoring
from adapters.stack_tenants import ENOUGH, JURISDICTION, Tenant, clouds_file, new_tenant
from provider.provider_kit import MemoryJournal

from devcloud.paths import state_directory
from govcloud.adapters.openstack_backups import OpenStackBackups
from govcloud.adapters.openstack_login import CloudLogins, login_with
from govcloud.adapters.openstack_restores import OpenStackRestores
from govcloud.adapters.pulumi_stacks import PulumiStacks
from govcloud.api.backup import BackedUpRequest, BackupSpec, BackupStatus, Part, PartStatus
from govcloud.api.unit import UnitStatus
from govcloud.core.objects import BackupObject
from govcloud.core.plan import Plan
from stacks.diff import allowed_operations, diff
from stacks.program import Program

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

OLD, NEW = b"the patients' records", b"nothing of use now..."


@pytest.fixture
def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    with new_tenant(tmp_path) as made:
        yield made


def file_of(volume: str) -> Path:
    """Where the development cloud keeps the bytes of a volume. What is written into it stands for what a guest writes."""
    return next(state_directory().rglob(f"volume-{volume}"))


def write(volume: str, content: bytes) -> None:
    with file_of(volume).open("r+b") as bytes_of_it:
        bytes_of_it.write(content)
        bytes_of_it.flush()
        os.fsync(bytes_of_it.fileno())


def read(volume: str, size: int = len(OLD)) -> bytes:
    with file_of(volume).open("rb") as bytes_of_it:
        return bytes_of_it.read(size)


def wanted(tenant: Tenant, offering: str) -> Program:
    return tenant.program({
        "lan": {"network": {"cidr": "10.20.0.0/24"}},
        "web": {"virtualMachine": {"offering": "small", "image": "cirros", "bootVolumeGib": 1, "bootVolumeOffering": offering, "network": "lan"}},
        "data": {"blockStorage": {"sizeGib": 1, "offering": offering, "attachTo": {"service": "web"}}},
    })  # fmt: skip


def backed_up(backups: OpenStackBackups, tenant: Tenant, made: dict[str, str]) -> dict[str, PartStatus]:
    parts = tuple(Part(name=name, service="data", how="Volume", source_id=id_) for name, id_ in made.items())
    spec = BackupSpec(
        kind="Regular", number=1, request=BackedUpRequest(**tenant.key.model_dump()), unit=tenant.unit.name, jurisdiction="jiujiang", plan=1,
        plan_digest="sha256:" + "0" * 64, project_id=tenant.project, backup_project="govcloud-backups",
        quarantine_project="govcloud-quarantine", frozen_at=MOMENT, parts=parts, retain_until=MOMENT,
    )  # fmt: skip
    backup = BackupObject("the-set", tenant.key.uid, spec, BackupStatus())
    statuses = {part.name: PartStatus(name=part.name) for part in parts}
    for name in statuses:
        while statuses[name].state != "Cleaned":
            statuses[name] = backups.advance(backup, statuses[name])
            assert statuses[name].state != "Mismatch"
    return statuses


def carried_out(stacks: PulumiStacks, restores: OpenStackRestores, tenant: Tenant, plan: Plan) -> Any:
    """As the controller does it once everything is stopped and backed up; each call twice, as after a crash."""
    assert plan.restore is not None
    unit = replace(tenant.unit, status=UnitStatus(project_id=tenant.project))
    for volume in plan.restore.volumes:
        for step in (restores.copy, restores.prove, lambda plan, volume: restores.hand_over(plan, volume, unit)):
            step(plan, volume)
            step(plan, volume) if step != restores.prove else None
    return stacks.up(tenant.key, tenant.unit, plan.number, plan.resources(), plan.allowed())


def left(tenant: Tenant) -> list[str]:
    """Helpers of the request in the backup and quarantine projects."""
    found: list[str] = []
    for project in ("govcloud-backups", "govcloud-quarantine"):
        cloud = openstack.connect(cloud=project)
        listed = [*cloud.block_storage.volumes(), *cloud.block_storage.snapshots(), *cloud.block_storage.transfers()]
        found += [each.name for each in listed if (getattr(each, "metadata", None) or {}).get("govcloud_backup_of") == tenant.key.uid]
        found += [each.name for each in cloud.block_storage.transfers() if each.name.startswith("govcloud-restore")]
        found += [each.name for each in cloud.image.images() if each.name.startswith("govcloud-restore")]
    return found


@pytest.mark.parametrize("offering", ["disk", "safe"], ids=["plain", "encrypted"])
def test_the_old_bytes_are_back_on_the_machine_and_the_next_run_plans_nothing(tenant: Tenant, offering: str) -> None:
    journal = MemoryJournal()
    logins = CloudLogins("govcloud", journal, Path(clouds_file()))
    program = wanted(tenant, offering)
    with tenant.stacks(journal) as stacks:
        restores = OpenStackRestores(logins, lambda unit: login_with(stacks.login_of(unit), journal))
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        made = stacks.up(tenant.key, tenant.unit, 1, program, allowed_operations(diff(None, program)))
        before = {name: made.resources[name][1] for name in ("data", "web-0-boot")}
        boot = read(before["web-0-boot"], 1 << 20)
        write(before["data"], OLD)
        statuses = backed_up(OpenStackBackups(logins), tenant, before)
        for volume in before.values():
            write(volume, NEW)

        plan = restoring(tenant.key, tenant.unit.name, program, statuses)
        done = carried_out(stacks, restores, tenant, plan)
        after = {name: done.resources[name][1] for name in before}
        assert read(after["data"]) == OLD and read(after["web-0-boot"], 1 << 20) == boot
        assert not set(after.values()) & set(before.values())
        shown = {name: tenant.admin.block_storage.get_volume(id_) for name, id_ in after.items()}
        assert {(each.status, each.is_encrypted) for each in shown.values()} == {("in-use", offering == "safe")}
        server = tenant.admin.compute.get_server(done.resources["web-0"][1])
        assert (server.status, {each["id"] for each in server.attached_volumes}) == ("ACTIVE", set(after.values()))
        assert stacks.up(tenant.key, tenant.unit, 3, plan.resources(), frozenset()).operations == {"same": len(program.resources)}
        assert tenant.found()["volume", "data"] == 1 and left(tenant) == []
        stacks.look_for_drift(tenant.unit, [tenant.key])
        assert stacks.drift(tenant.key) == ()

        write(after["data"], NEW)
        again = restoring(tenant.key, tenant.unit.name, plan.resources(), {"data": statuses["data"]}, 4)
        twice = carried_out(stacks, restores, tenant, again).resources["data"][1]
        assert read(twice) == OLD and twice != after["data"] and left(tenant) == []
    _forget(tenant, statuses)


def _forget(tenant: Tenant, statuses: dict[str, PartStatus]) -> None:
    backups = openstack.connect(cloud="govcloud-backups").block_storage
    for status in statuses.values():
        backups.delete_backup(str(status.backup_id))
