"""Regular backups on a cloud on loopback, of sources that go on being used; and the removal of what any backup left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from adapters.crash_kit import Crash, a_crash_at_every_write, live_on
from adapters.openstack_kit import OWNER, PROJECTS, Cloud, backup_of, running_cloud
from adapters.test_openstack_backups import (
    FEW,
    KINDS,
    STATES,
    backups_kept,
    backups_on,
    left_over,
    part_of,
    to_the_end,
    up_to,
)
from provider.provider_kit import Answer, MemoryJournal, Seen

from govcloud.api.backup import Part, PartStatus
from govcloud.failures import Stop
from govcloud.ports import BackupObject
from govcloud.reasons import Reason

MANIFESTS = (PROJECTS["govcloud-backups"], "govcloud-manifests")
LIST = f"{OWNER}/portal-regular-1/the-container.objects"
BEFORE_THE_END = ["Pending", *STATES[:-1]]


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


def regular(*parts: Part) -> BackupObject:
    return backup_of(*parts, name="portal-regular-1", kind="Regular")


def with_parts(backup: BackupObject, *parts: PartStatus) -> BackupObject:
    """The backup once this was written down."""
    return replace(backup, status=backup.status.model_copy(update={"parts": parts}))


def lines(cloud: Cloud) -> dict[str, str]:
    """The list of objects beside the manifest: name and SHA-256."""
    text = cloud.swift[MANIFESTS].objects[LIST][0].decode()
    return {name: sha256 for name, _, sha256 in map(json.loads, text.splitlines())}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def when_read(name: str, act: Callable[[], object]) -> Callable[[Seen], Answer | None]:
    """Something happens to the unit's container just before an object of it is read, once."""
    waiting = [act]

    def before(seen: Seen) -> Answer | None:
        if waiting and seen.method == "GET" and seen.path.split("?")[0].endswith(f"AUTH_{PROJECTS['unit']}/files/{name}"):
            waiting.pop()()
        return None

    return before


# Of what goes on


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_in_use_is_proven_step_by_step_and_only_its_backup_stays(cloud: Cloud, kind: str) -> None:
    backup = regular(part_of(cloud, kind))
    statuses = to_the_end(backups_on(cloud), backup, PartStatus(name=backup.spec.parts[0].name))
    assert [status.state for status in statuses] == STATES
    final = statuses[-1]
    assert final.source_sha256 is not None
    assert (final.source_sha256, final.source_bytes, final.ids) == (final.restored_sha256, final.restored_bytes, {})
    assert left_over(cloud) == [] and backups_kept(cloud) == 1


def test_a_database_is_not_stopped(cloud: Cloud) -> None:
    backup = regular(part_of(cloud, "DatabaseVolume"))
    to_the_end(backups_on(cloud), backup, PartStatus(name="the-databasevolume"))
    assert [instance["service_status"] for instance in cloud.things["instance"].values()] == ["HEALTHY"]


def test_an_object_that_changes_meanwhile_is_in_the_backup_as_it_was_read(cloud: Cloud) -> None:
    part = part_of(cloud, "Container", {"a": b"1", "b": b"2"})
    objects = cloud.swift[PROJECTS["unit"], "files"].objects
    cloud.before = when_read("b", lambda: objects.update(b=(b"newer", {})))
    final = to_the_end(backups_on(cloud), regular(part), PartStatus(name=part.name))[-1]
    assert (final.state, final.objects, lines(cloud)) == ("Cleaned", 2, {"a": sha(b"1"), "b": sha(b"newer")})
    assert final.message.startswith("1 objects were changed or deleted")


def test_an_object_that_is_gone_before_its_turn_is_left_out(cloud: Cloud) -> None:
    part = part_of(cloud, "Container", {"a": b"1", "b": b"2", "c": b"3"})
    objects = cloud.swift[PROJECTS["unit"], "files"].objects
    cloud.before = when_read("a", lambda: objects.pop("b"))
    final = to_the_end(backups_on(cloud), regular(part), PartStatus(name=part.name))[-1]
    assert (final.state, final.objects, sorted(lines(cloud))) == ("Cleaned", 2, ["a", "c"])
    assert "not at all" in final.message


def test_a_container_to_which_somebody_writes_all_the_time_comes_to_an_end(cloud: Cloud) -> None:
    part = part_of(cloud, "Container", FEW)
    objects, count = cloud.swift[PROJECTS["unit"], "files"].objects, iter(range(10_000))

    def busy(seen: Seen) -> Answer | None:
        if seen.method == "GET" and f"AUTH_{PROJECTS['unit']}/files" in seen.path:
            objects["a/../b"] = (str(next(count)).encode(), {})
            objects[f"new-{next(count)}"] = (b"x", {})
        return None

    cloud.before = busy
    final = to_the_end(backups_on(cloud), regular(part), PartStatus(name=part.name))[-1]
    assert final.state == "Cleaned" and final.source_sha256 == final.restored_sha256


def test_older_versions_of_objects_in_use_are_in_the_backup(cloud: Cloud) -> None:
    part = part_of(cloud, "Container", {"a": b"1"})
    held = cloud.swift[PROJECTS["unit"], "files"]
    held.headers["X-Versions-Enabled"] = "True"
    held.old["a", "7"] = b"before"
    final = to_the_end(backups_on(cloud), regular(part), PartStatus(name=part.name))[-1]
    assert (final.state, final.objects) == ("Cleaned", 2)


@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it took effect"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_write_leaves_nothing_twice_and_nothing_behind(kind: str, sent: bool) -> None:
    for cloud, journal in a_crash_at_every_write(sent, more_than=6):
        live_on(map(partial(backups_on, cloud), (journal, None)), regular(part_of(cloud, kind)), partial(_use, cloud))
        assert left_over(cloud) == [] and backups_kept(cloud) == 1, journal
        assert cloud.made["backup"] <= 1 and cloud.made["snapshot"] <= 1, journal


def _use(cloud: Cloud) -> None:
    """While nobody looked, an object went and another one came."""
    held = cloud.swift.get((PROJECTS["unit"], "files"))
    if held is not None:
        held.objects.pop("line\nbreak", None)
        held.objects["later"] = (b"3", {})


# Removal


@pytest.mark.parametrize("state", BEFORE_THE_END)
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_given_up_leaves_nothing_however_far_it_came(cloud: Cloud, kind: str, state: str) -> None:
    part = part_of(cloud, kind)
    backups, backup = backups_on(cloud), regular(part)
    status = up_to(state, backups, backup)
    backups.clear(with_parts(backup, status))
    assert left_over(cloud) == [] and backups_kept(cloud) == 0
    assert not any(name.endswith(".objects") for held in (cloud.swift.get(MANIFESTS),) if held for name in held.objects)
    backups.clear(with_parts(backup, status))


def test_of_one_that_differs_backups_and_the_copy_that_differs_stay(cloud: Cloud) -> None:
    cloud.swapped = b"\1" * (1 << 10)
    volume, files = part_of(cloud, "Volume"), part_of(cloud, "Container")
    backups, backup = backups_on(cloud), regular(volume, files)
    differs = to_the_end(backups, backup, PartStatus(name=volume.name))[-1]
    equal = PartStatus(name=files.name)
    while equal.state != "Verified":
        equal = backups.advance(backup, equal)
    backups.clear(with_parts(backup, differs, equal))
    assert differs.state == "Mismatch" and backups_kept(cloud) == 2
    assert [thing.split()[0] for thing in left_over(cloud)] == ["volume"], "the copy that differs"
    assert cloud.of("snapshot", "govcloud-backups") == []


@pytest.mark.parametrize("made", [regular, backup_of], ids=["regular", "of a termination"])
def test_a_purge_removes_everything_but_the_manifest_and_is_recorded_as_one(cloud: Cloud, made: Callable[..., BackupObject]) -> None:
    parts = [part_of(cloud, kind) for kind in KINDS]
    journal = MemoryJournal()
    backups, backup = backups_on(cloud, journal), made(*parts)
    backup = with_parts(backup, *(to_the_end(backups, backup, PartStatus(name=part.name))[-1] for part in parts))
    backups.store_manifest(backup)
    begun = len(journal.intents)
    backups.purge(backup)
    assert left_over(cloud) == [] and backups_kept(cloud) == 0
    assert [name.split("/")[-1] for name in cloud.swift[MANIFESTS].objects] == ["manifest.json"]
    assert {context.operation for context, _ in journal.intents[begun:]} == {"purge"}
    backups.purge(backup)


@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it took effect"])
def test_a_crash_at_any_write_of_a_purge_is_continued(sent: bool) -> None:
    for cloud, journal in a_crash_at_every_write(sent, more_than=4):
        parts = [part_of(cloud, kind) for kind in ("Volume", "Container")]
        backup = regular(*parts)
        backup = with_parts(backup, *(to_the_end(backups_on(cloud), backup, PartStatus(name=part.name))[-1] for part in parts))
        try:
            backups_on(cloud, journal).purge(backup)
        except Crash:
            backups_on(cloud).purge(backup)
        assert left_over(cloud) == [] and backups_kept(cloud) == 0, journal


def test_a_backup_that_cannot_be_deleted_is_told_and_nothing_says_that_it_is_gone(cloud: Cloud) -> None:
    part = part_of(cloud, "Volume")
    backups, backup = backups_on(cloud), regular(part)
    backup = with_parts(backup, to_the_end(backups, backup, PartStatus(name=part.name))[-1])
    for kept in cloud.things["backup"].values():
        kept["status"] = "error_deleting"
    with pytest.raises(Stop, match="error_deleting") as refused:
        backups.purge(backup)
    assert refused.value.reason is Reason.RESOURCE_FAILED
