"""What everybody may rely on who backs something up through the `Backups` port. Tried on every implementation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from adapters.openstack_kit import running_cloud
from contracts.backup_worlds import InMemory, OnLoopback, OnOpenStack, World

from devcloud.paths import state_directory
from govcloud.api.backup import BackupStatus, Part, PartStatus
from govcloud.ports import BackupObject

KINDS = ("Volume", "DatabaseVolume", "Container")
EMPTY_GIB = "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"
"""SHA-256 of 2**30 zeros: what a disk has on which nothing was ever written."""
STATES = ["Frozen", "SourceRead", "BackedUp", "Restored", "RestoreRead", "Verified", "Cleaned"]
WORLDS = ["memory", "loopback", pytest.param("openstack", marks=pytest.mark.cluster)]
LONG = pytest.mark.parametrize("world", ["memory", "loopback", pytest.param("openstack", marks=[pytest.mark.cluster, pytest.mark.soak])], indirect=True)
"""On real OpenStack only in the soak."""


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    match request.param:
        case "memory":
            yield InMemory()
        case "loopback":
            with running_cloud() as cloud:
                yield OnLoopback(cloud)
        case _:
            real = OnOpenStack(state_directory() / "clouds.yaml")
            yield real
            real.clean_up()


def part_of(world: World, kind: str) -> Part:
    return Part(name=f"the-{kind.lower()}", service="portal", how=kind, source_id=world.source(kind))  # type: ignore[arg-type]


def advanced(world: World, backup: BackupObject, status: PartStatus) -> PartStatus:
    """One step, as the reconciler takes it."""
    if status.state == "Pending" and backup.spec.kind == "Termination":
        world.backups.quiesce(backup.spec, status.name)
    return world.backups.advance(backup, status)


def lived(world: World, backup: BackupObject, name: str) -> list[PartStatus]:
    """Every status of a part until it is cleaned or a mismatch."""
    statuses = [PartStatus(name=name)]
    while statuses[-1].state not in ("Cleaned", "Mismatch"):
        statuses.append(advanced(world, backup, statuses[-1]))
    return statuses[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_goes_through_every_step_and_only_its_backup_stays(world: World, kind: str) -> None:
    part = part_of(world, kind)
    backup = world.backup(part)
    statuses = lived(world, backup, part.name)
    final = statuses[-1]
    assert [status.state for status in statuses] == STATES
    assert re.fullmatch("[0-9a-f]{64}", final.source_sha256 or "") and final.source_sha256 != EMPTY_GIB
    assert (final.source_sha256, final.source_bytes) == (final.restored_sha256, final.restored_bytes)
    assert final.backup_id is not None and final.ids == {}
    assert (world.helpers(), world.kept()) == ([], 1)
    world.backups.purge(backup)
    assert (world.helpers(), world.kept()) == ([], 0)
    world.backups.purge(backup)


def test_a_container_in_use_is_proven_in_the_same_way(world: World) -> None:
    assert _is_proven_in_use(world, "Container").source_bytes


@LONG
def test_a_volume_in_use_is_proven_in_the_same_way(world: World) -> None:
    assert _is_proven_in_use(world, "Volume").source_sha256 != EMPTY_GIB


@LONG
def test_a_database_in_use_is_proven_in_the_same_way(world: World) -> None:
    """It is not stopped; what its server has written by then is in the backup."""
    assert _is_proven_in_use(world, "DatabaseVolume").source_sha256 != EMPTY_GIB


def _is_proven_in_use(world: World, kind: str) -> PartStatus:
    part = part_of(world, kind)
    final = lived(world, world.backup(part, kind="Regular"), part.name)[-1]
    assert final.state == "Cleaned" and final.source_sha256 is not None
    assert (final.source_sha256, final.source_bytes) == (final.restored_sha256, final.restored_bytes)
    assert (world.helpers(), world.kept()) == ([], 1)
    return final


@LONG
@pytest.mark.parametrize("state", STATES[:-1])
def test_one_that_is_given_up_leaves_nothing(world: World, state: str) -> None:
    part = part_of(world, "Volume")
    backup, status = world.backup(part, kind="Regular"), PartStatus(name=part.name)
    while status.state != state:
        status = world.backups.advance(backup, status)
    world.backups.clear(replace(backup, status=backup.status.model_copy(update={"parts": (status,)})))
    assert (world.helpers(), world.kept()) == ([], 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_may_be_repeated_as_after_a_crash(world: World, kind: str) -> None:
    """The status of the first try was never stored; the second finds what the first made."""
    part = part_of(world, kind)
    backup, status = world.backup(part), PartStatus(name=part.name)
    for state in STATES:
        first, status = advanced(world, backup, status), advanced(world, backup, status)
        assert (first.state, status.state) == (state, state)
        assert (first.source_sha256, first.restored_sha256) == (status.source_sha256, status.restored_sha256)
    assert (world.helpers(), world.kept()) == ([], 1)


@pytest.mark.parametrize("kind", ["Volume", "Container"])
def test_a_restored_copy_that_differs_is_a_mismatch(world: World, kind: str) -> None:
    part = part_of(world, kind)
    backup, status = world.backup(part), PartStatus(name=part.name)
    while status.state != "BackedUp":
        status = advanced(world, backup, status)
    world.spoil(backup, part)
    while status.state not in ("Verified", "Mismatch"):
        status = advanced(world, backup, status)
    assert status.state == "Mismatch" and status.source_sha256 != status.restored_sha256


@LONG
@pytest.mark.parametrize("kind", ["Volume", "Container"])
def test_what_may_have_been_written_after_its_proof_is_told(world: World, kind: str) -> None:
    told_before, told_after = _told_around_a_write(world, kind)
    assert (told_before, list(told_after)) == ({}, [f"the-{kind.lower()}"])


@pytest.mark.parametrize("world", ["memory", "loopback"], indirect=True)
def test_so_is_a_database_that_somebody_started_again(world: World) -> None:
    told_before, told_after = _told_around_a_write(world, "DatabaseVolume")
    assert (told_before, list(told_after)) == ({}, ["the-databasevolume"])


def _told_around_a_write(world: World, kind: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    part = part_of(world, kind)
    backup = world.backup(part)
    proven = replace(backup, status=BackupStatus(parts=(lived(world, backup, part.name)[-1],)))
    before = world.backups.changed(proven)
    world.write_into(part)
    return before, world.backups.changed(proven)


def test_telling_a_part_to_be_quiet_twice_is_harmless_and_for_a_volume_nothing(world: World) -> None:
    parts = [part_of(world, "DatabaseVolume"), part_of(world, "Volume")]
    backup = world.backup(*parts)
    for part in (*parts, *parts):
        world.backups.quiesce(backup.spec, part.name)
    assert advanced(world, backup, PartStatus(name=parts[0].name)).state == "Frozen"


def test_the_manifest_of_the_same_evidence_has_the_same_place_and_digest(world: World) -> None:
    part = part_of(world, "Container")
    plain = world.backup(part)
    done = BackupObject(plain.name, plain.uid, plain.spec, BackupStatus(parts=(lived(world, plain, part.name)[-1],)))
    location, digest = world.backups.store_manifest(done)
    assert world.backups.store_manifest(done) == (location, digest)
    assert location.startswith("govcloud-manifests/") and re.fullmatch("[0-9a-f]{64}", digest)
