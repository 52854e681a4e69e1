"""Backups on a cloud on loopback: every step, every crash between two writes, every way in which evidence can be bad."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from adapters.crash_kit import CrashingJournal, a_crash_at_every_write, live_on
from adapters.openstack_kit import (
    ENCRYPTED,
    OWNER,
    PROJECTS,
    Cloud,
    Container,
    Logins,
    backup_of,
    running_cloud,
)
from provider.provider_kit import Answer, FastClock, MemoryJournal, Seen

from govcloud.adapters.openstack_backup_names import task
from govcloud.adapters.openstack_backups import OpenStackBackups
from govcloud.adapters.openstack_containers import OLD_VERSIONS_NOT_COVERED
from govcloud.adapters.openstack_waiting import Poller
from govcloud.api.backup import Part, PartStatus
from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.ports import BackupObject
from govcloud.reasons import Reason
from stacks.provider.journal import Journal

KINDS = ("Volume", "DatabaseVolume", "Container")
STATES = ["Frozen", "SourceRead", "BackedUp", "Restored", "RestoreRead", "Verified", "Cleaned"]
FEW = {"a/../b": b"1", "line\nbreak": b"2"}
HOSTILE = {
    "plain": b"1", "a/../b": b"2", "../../z": b"3", ".": b"4", "%2e%2e/q": b"5", "a//b": b"6", "line\nbreak": b"7",
    "中文/é": b"8", "q?x=1&y#f": b"9", "empty": b"", 'quo"te\\': b"10", " spaces ": b"11",
}  # fmt: skip


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


def backups_on(cloud: Cloud, journal: Journal | None = None, clock: FastClock | None = None) -> OpenStackBackups:
    """What a controller that has just started works with."""
    clock = clock or FastClock()
    return OpenStackBackups(Logins(cloud, journal, clock), Poller(clock))


def part_of(cloud: Cloud, kind: str, objects: dict[str, bytes] = FEW) -> Part:
    """A part of that kind whose source is there."""
    if kind == "Container":
        cloud.container("files", objects)
    sources = {"Volume": cloud.volume, "DatabaseVolume": cloud.database, "Container": lambda: "files"}
    return Part(name=f"the-{kind.lower()}", service="portal", how=kind, source_id=sources[kind]())  # type: ignore[arg-type]


def to_the_end(backups: OpenStackBackups, backup: BackupObject, status: PartStatus) -> list[PartStatus]:
    """Every status of a part until it no longer changes."""
    seen = [status]
    while (moved := backups.advance(backup, seen[-1])) != seen[-1]:
        seen.append(moved)
    return seen[1:]


def up_to(state: str, backups: OpenStackBackups, backup: BackupObject) -> PartStatus:
    """The first part once it has reached a state."""
    status = PartStatus(name=backup.spec.parts[0].name)
    while status.state != state:
        status = backups.advance(backup, status)
    return status


def left_over(cloud: Cloud) -> list[str]:
    """What is in the backup and quarantine projects besides backups."""
    ours = ("govcloud-backups", "govcloud-quarantine")
    helpers = [
        f"{kind} {thing['name']}"
        for kind in ("snapshot", "volume", "image")
        for p in ours
        for thing in cloud.of(kind, p)
    ]
    return helpers + [name for project, name in cloud.swift if project == PROJECTS["govcloud-quarantine"]]


def backups_kept(cloud: Cloud) -> int:
    """How many backups there are, in Cinder and in Swift."""
    containers = [
        name for project, name in cloud.swift if project == PROJECTS["govcloud-backups"] and name.startswith("backup-")
    ]
    return len(cloud.of("backup", "govcloud-backups")) + len(containers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_is_proven_step_by_step_and_only_its_backup_stays(cloud: Cloud, kind: str) -> None:
    backup = backup_of(part_of(cloud, kind))
    statuses = to_the_end(backups_on(cloud), backup, PartStatus(name=backup.spec.parts[0].name))
    assert [status.state for status in statuses] == STATES
    final = statuses[-1]
    assert (final.source_sha256, final.source_bytes) == (final.restored_sha256, final.restored_bytes)
    assert final.source_sha256 is not None and final.ids == {}
    assert left_over(cloud) == [] and backups_kept(cloud) == 1


def test_an_encrypted_backup_is_restored_into_a_volume_of_its_own_type(cloud: Cloud) -> None:
    source = cloud.volume(volume_type=ENCRYPTED)
    backup = backup_of(Part(name="data", service="portal", how="Volume", source_id=source))
    statuses = to_the_end(backups_on(cloud), backup, PartStatus(name="data"))
    assert [status.state for status in statuses] == STATES


@pytest.mark.parametrize("kind", KINDS)
def test_every_write_is_announced_for_its_part_before_it_is_sent(cloud: Cloud, kind: str) -> None:
    journal, part = MemoryJournal(), part_of(cloud, kind)
    to_the_end(backups_on(cloud, journal), backup_of(part), PartStatus(name=part.name))
    contexts = [context for context, _ in journal.intents]
    assert len(journal.outcomes) == len(contexts) > 5
    evidence = {context for context in contexts if context.urn.endswith("/manifest")}
    assert {context.urn for context in contexts if context not in evidence} == {
        f"backup/portal-terminate-3/{part.name}"
    }
    assert {(context.owner, context.stack, context.plan) for context in contexts} == {(OWNER, "backup", 3)}
    assert all(len(context.key) <= 40 and "/" not in context.key for context in contexts)


@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it took effect"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_write_leaves_nothing_twice_and_nothing_behind(kind: str, sent: bool) -> None:
    for cloud, journal in a_crash_at_every_write(sent, more_than=8):
        live_on(map(partial(backups_on, cloud), (journal, None)), backup_of(part_of(cloud, kind)))
        assert left_over(cloud) == [], journal
        assert backups_kept(cloud) == 1 and cloud.made["backup"] <= 1, journal
        assert cloud.made["snapshot"] <= 1, journal


@pytest.mark.soak
@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it took effect"])
@pytest.mark.parametrize("kind", KINDS)
def test_two_crashes_at_any_two_writes_leave_nothing_twice_and_nothing_behind(kind: str, sent: bool) -> None:
    for first, second in itertools.product(range(20), range(20)):
        with running_cloud() as cloud:
            journals = CrashingJournal(first, sent), CrashingJournal(second, sent), None
            live_on(map(partial(backups_on, cloud), journals), backup_of(part_of(cloud, kind)))
            assert left_over(cloud) == [], f"after crashes at writes {first} and {second}"
            assert backups_kept(cloud) == 1 and cloud.made["backup"] <= 1 and cloud.made["snapshot"] <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_can_be_repeated_with_the_old_status(cloud: Cloud, kind: str) -> None:
    backup = backup_of(part_of(cloud, kind))
    status = PartStatus(name=backup.spec.parts[0].name)
    for state in STATES:
        first = backups_on(cloud).advance(backup, status)
        again = backups_on(cloud).advance(backup, status)
        assert (first.state, again.source_sha256, again.restored_sha256) == (
            state,
            first.source_sha256,
            first.restored_sha256,
        )
        status = again
    assert cloud.made["backup"] <= 1 and cloud.made["snapshot"] <= 1 and left_over(cloud) == []


def test_a_create_whose_answer_was_lost_is_adopted(cloud: Cloud) -> None:
    backup, backups = backup_of(part_of(cloud, "Volume")), backups_on(cloud)
    cloud.after = lambda seen, answer: (
        Answer(drop=True) if seen.method == "POST" and "snapshots" in seen.path else answer
    )
    with pytest.raises(Retry) as lost:
        backups.advance(backup, PartStatus(name="the-volume"))
    assert lost.value.reason is Reason.CLOUD_UNREACHABLE
    assert backups.advance(backup, PartStatus(name="the-volume")).state == "Frozen"
    assert cloud.made["snapshot"] == 1


def test_a_create_that_was_lost_on_the_way_is_repeated_only_after_it_had_time_to_appear(cloud: Cloud) -> None:
    clock = FastClock()
    backup, backups = backup_of(part_of(cloud, "Volume")), backups_on(cloud, clock=clock)
    cloud.before = lambda seen: Answer(drop=True) if seen.method == "POST" and "snapshots" in seen.path else None
    with pytest.raises(Retry, match="lost"):
        backups.advance(backup, PartStatus(name="the-volume"))
    cloud.before = lambda _seen: None
    with pytest.raises(Retry, match="may still appear") as patient:
        backups.advance(backup, PartStatus(name="the-volume"))
    assert patient.value.after is not None and timedelta(0) < patient.value.after <= timedelta(seconds=61)
    clock.sleep(patient.value.after.total_seconds())
    assert backups.advance(backup, PartStatus(name="the-volume")).state == "Frozen"
    assert cloud.made["snapshot"] == 1


def test_two_objects_under_one_key_stop_everything_and_are_left_alone(cloud: Cloud) -> None:
    part = part_of(cloud, "Volume")
    backup = backup_of(part)
    name = task(backup.name, backup.spec, part.name).name("snapshot")
    facts = {
        "status": "available",
        "name": name,
        "metadata": {},
        "size": 0,
        "volume_id": part.source_id,
        "content": b"",
    }
    twins = [cloud._add("snapshot", PROJECTS["govcloud-backups"], **facts)["id"] for _ in range(2)]
    with pytest.raises(Stop) as refused:
        backups_on(cloud).advance(backup, PartStatus(name=part.name))
    assert refused.value.reason is Reason.DUPLICATES and all(twin in refused.value.message for twin in twins)
    assert set(cloud.things["snapshot"]) == set(twins)


def test_an_object_of_that_name_in_another_project_is_not_ours(cloud: Cloud) -> None:
    part = part_of(cloud, "Volume")
    backup = backup_of(part)
    name = task(backup.name, backup.spec, part.name).name("snapshot")
    cloud._add(
        "snapshot",
        PROJECTS["unit"],
        status="available",
        name=name,
        metadata={},
        size=0,
        volume_id="x",
        content=b"planted",
    )
    status = backups_on(cloud).advance(backup, PartStatus(name=part.name))
    assert [thing["id"] for thing in cloud.of("snapshot", "govcloud-backups")] == [status.ids["snapshot"]]


@pytest.mark.parametrize("kind", ["snapshot", "volume", "backup"])
def test_a_failure_state_is_told_in_the_services_own_words(cloud: Cloud, kind: str) -> None:
    def fail(seen: Seen, answer: Answer) -> Answer:
        for thing in cloud.things[kind].values():
            thing["status"] = "error" if thing["status"] == "creating" else thing["status"]
        return answer

    backup, backups = backup_of(part_of(cloud, "Volume")), backups_on(cloud)
    cloud.after = fail
    with pytest.raises(Stop) as stopped:
        to_the_end(backups, backup, PartStatus(name="the-volume"))
    assert stopped.value.reason is Reason.RESOURCE_FAILED
    assert "the storage is on fire" in stopped.value.message and kind in stopped.value.message


def test_an_image_that_glance_killed_is_a_failure(cloud: Cloud) -> None:
    def kill(_seen: Seen, answer: Answer) -> Answer:
        for image in cloud.things["image"].values():
            image["status"] = "killed"
        return answer

    backup, backups = backup_of(part_of(cloud, "Volume")), backups_on(cloud)
    frozen = up_to("Frozen", backups, backup)
    cloud.after = kill
    with pytest.raises(Stop, match="killed"):
        backups.advance(backup, frozen)


def test_a_wait_without_end_gives_way_and_says_what_it_waits_for(cloud: Cloud) -> None:
    def never_ready(_seen: Seen, answer: Answer) -> Answer:
        for snapshot in cloud.things["snapshot"].values():
            snapshot["looks"] = 0
        return answer

    cloud.after = never_ready
    with pytest.raises(Retry, match="still waiting for snapshot") as waiting:
        backups_on(cloud).advance(backup_of(part_of(cloud, "Volume")), PartStatus(name="the-volume"))
    assert waiting.value.reason is Reason.BACKUP_RUNNING
    assert cloud.made["snapshot"] == 1


@pytest.mark.parametrize("content", [b"one byte more", b""], ids=["longer", "shorter"])
def test_a_restored_volume_of_other_content_is_a_mismatch_and_stays_one(cloud: Cloud, content: bytes) -> None:
    part = Part(name="disk", service="portal", how="Volume", source_id=cloud.volume(b"" if content else b"\0"))
    backup, backups = backup_of(part), backups_on(cloud)
    status = PartStatus(name="disk", state="BackedUp", backup_id=_backup_in_cinder(cloud, content))
    source = b"" if content else b"\0"
    status = status.model_copy(
        update={"source_sha256": hashlib.sha256(source).hexdigest(), "source_bytes": len(source)}
    )
    final = to_the_end(backups, backup, status)[-1]
    assert final.state == "Mismatch" and "Nothing is destroyed" in final.message
    assert backups.advance(backup, final) == final
    assert cloud.of("volume", "govcloud-quarantine"), "the evidence of a mismatch is kept"


def _backup_in_cinder(cloud: Cloud, content: bytes) -> str:
    facts = {"status": "available", "name": "b", "metadata": {}, "size": 0, "volume_id": "x"}
    facts |= {"content": content, "volume_type": "standard"}
    return str(cloud._add("backup", PROJECTS["govcloud-backups"], **facts)["id"])


def test_a_restored_volume_with_equal_digest_field_missing_is_never_verified(cloud: Cloud) -> None:
    backup, backups = backup_of(part_of(cloud, "Volume")), backups_on(cloud)
    nothing_was_read = PartStatus(name="the-volume", state="RestoreRead")
    assert backups.advance(backup, nothing_was_read).state == "Mismatch"


def test_a_source_that_does_not_have_the_size_of_its_volume_is_no_evidence(cloud: Cloud) -> None:
    part = Part(name="disk", service="portal", how="Volume", source_id=cloud.volume(b"too much for 0 GiB"))
    with pytest.raises(Stop, match="0 GiB") as stopped:
        to_the_end(backups_on(cloud), backup_of(part), PartStatus(name="disk"))
    assert stopped.value.reason is Reason.RESOURCE_FAILED


def test_a_volume_of_another_project_is_refused_before_anything_is_made(cloud: Cloud) -> None:
    part = Part(name="disk", service="portal", how="Volume", source_id=cloud.volume(project="govcloud-quarantine"))
    with pytest.raises(Stop) as refused:
        backups_on(cloud).advance(backup_of(part), PartStatus(name="disk"))
    assert refused.value.reason is Reason.INVALID_INPUT and cloud.made["snapshot"] == 0


@pytest.mark.parametrize("kind", ["Volume", "DatabaseVolume", "Container"])
def test_a_source_that_does_not_exist_is_named(cloud: Cloud, kind: str) -> None:
    part = Part(name="gone", service="portal", how=kind, source_id="does-not-exist")  # type: ignore[arg-type]
    with pytest.raises(Stop, match="does-not-exist"):
        backups_on(cloud).advance(backup_of(part), PartStatus(name="gone"))


def test_a_stream_that_breaks_off_is_read_again_and_never_taken_for_the_whole(cloud: Cloud) -> None:
    def cut(seen: Seen, answer: Answer) -> Answer:
        return Answer(200, raw=b"x" * 1000, cut_after=10) if seen.path.endswith("/file") else answer

    backup, backups = backup_of(part_of(cloud, "Volume")), backups_on(cloud)
    frozen = up_to("Frozen", backups, backup)
    cloud.after = cut
    with pytest.raises(Retry):
        backups.advance(backup, frozen)
    cloud.after = lambda _seen, answer: answer
    assert backups.advance(backup, frozen).state == "SourceRead"


def test_a_full_quota_is_waited_for_a_long_time(cloud: Cloud) -> None:
    over = {"overLimit": {"message": "VolumeSizeExceedsAvailableQuota", "code": 413}}
    cloud.before = lambda seen: Answer(413, over) if seen.method == "POST" and "snapshots" in seen.path else None
    with pytest.raises(Retry) as waiting:
        backups_on(cloud).advance(backup_of(part_of(cloud, "Volume")), PartStatus(name="the-volume"))
    assert waiting.value.reason is Reason.QUOTA_EXCEEDED
    assert waiting.value.after is not None and waiting.value.after >= timedelta(minutes=5)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_that_cannot_be_recorded(cloud: Cloud, kind: str) -> None:
    part = part_of(cloud, kind)
    before = (dict(cloud.made), set(cloud.swift))
    with pytest.raises(AuditUnavailable):
        to_the_end(backups_on(cloud, MemoryJournal(full=True)), backup_of(part), PartStatus(name=part.name))
    assert (dict(cloud.made), set(cloud.swift)) == before
    assert all(each["service_status"] == "HEALTHY" for each in cloud.things["instance"].values())


def test_stopping_a_database_is_repeated_without_harm_and_stops_nothing_else(cloud: Cloud) -> None:
    journal = MemoryJournal()
    backups = backups_on(cloud, journal)
    backup = backup_of(part_of(cloud, "DatabaseVolume"), part_of(cloud, "Volume"))
    for part in ("the-databasevolume", "the-databasevolume", "the-volume"):
        backups.quiesce(backup.spec, part)
    assert [write.split("/")[-1] for write in journal.writes()] == ["action"]
    assert [each["service_status"] for each in cloud.things["instance"].values()] == ["SHUTDOWN"]


# ---- containers


def test_objects_of_any_name_are_copied_with_what_describes_them(cloud: Cloud) -> None:
    backup, backups = backup_of(part_of(cloud, "Container", HOSTILE)), backups_on(cloud)
    status = up_to("BackedUp", backups, backup)
    copy = cloud.swift[PROJECTS["govcloud-backups"], str(status.backup_id)]
    assert {name: content for name, (content, _) in copy.objects.items()} == HOSTILE
    assert {headers.get("X-Object-Meta-Colour") for _, headers in copy.objects.values()} == {"red"}
    assert status.objects == len(HOSTILE) and status.source_bytes == sum(map(len, HOSTILE.values()))


def test_the_digest_of_a_container_is_that_of_the_lines_stored_beside_the_manifest(cloud: Cloud) -> None:
    status = up_to("SourceRead", backups_on(cloud), backup_of(part_of(cloud, "Container", HOSTILE)))
    evidence = cloud.swift[PROJECTS["govcloud-backups"], "govcloud-manifests"].objects
    ((content, _),) = [entry for name, entry in evidence.items() if name.endswith("the-container.objects")]
    assert hashlib.sha256(content).hexdigest() == status.source_sha256
    listed = {name: digest for name, _size, digest in map(json.loads, content.splitlines())}
    assert listed == {name: hashlib.sha256(body).hexdigest() for name, body in HOSTILE.items()}


def test_an_object_with_an_expiry_date_does_not_expire_in_the_backup(cloud: Cloud) -> None:
    cloud.container("files", {})
    cloud.swift[PROJECTS["unit"], "files"].objects["log"] = (b"x", {"X-Delete-At": "1999999999"})
    part = Part(name="files", service="portal", how="Container", source_id="files")
    status = up_to("BackedUp", backups_on(cloud), backup_of(part))
    ((_, headers),) = cloud.swift[PROJECTS["govcloud-backups"], str(status.backup_id)].objects.values()
    assert "X-Delete-At" not in headers


@pytest.mark.parametrize("change", ["edited", "added", "removed"])
def test_a_container_that_changes_after_it_was_frozen_is_a_mismatch(cloud: Cloud, change: str) -> None:
    backup, backups = backup_of(part_of(cloud, "Container")), backups_on(cloud)
    frozen = up_to("Frozen", backups, backup)
    objects = cloud.swift[PROJECTS["unit"], "files"].objects
    edits = {"edited": {"line\nbreak": (b"!", {})}, "added": {"new": (b"", {})}, "removed": {}}
    objects.pop("line\nbreak")
    objects.update(edits[change])
    status = backups.advance(backup, frozen)
    assert status.state == "Mismatch" and "changed after it was frozen" in status.message


@pytest.mark.parametrize("where", ["source after reading", "backup"])
def test_an_object_that_changes_between_reading_and_comparing_is_a_mismatch(cloud: Cloud, where: str) -> None:
    backup, backups = backup_of(part_of(cloud, "Container")), backups_on(cloud)
    status = up_to("SourceRead" if where == "source after reading" else "BackedUp", backups, backup)
    changed = (
        (PROJECTS["unit"], "files") if status.backup_id is None else (PROJECTS["govcloud-backups"], status.backup_id)
    )
    cloud.swift[changed].objects["a/../b"] = (b"?", {})
    assert to_the_end(backups, backup, status)[-1].state == "Mismatch"


def versioned(cloud: Cloud, old: dict[tuple[str, str], bytes | None]) -> Part:
    """A container that keeps older versions, as a part of a backup."""
    cloud.container("files", {"a": b"new", "b": b"only"}, **{"X-Versions-Enabled": "False"})
    cloud.swift[PROJECTS["unit"], "files"].old = old
    return Part(name="files", service="portal", how="Container", source_id="files")


OLD = {("a", "3"): b"older", ("a", "1"): b"oldest", ("gone", "2"): b"deleted later", ("gone", "5"): None}


def test_older_versions_are_backed_up_restored_and_compared_too(cloud: Cloud) -> None:
    """Also when versions are not kept any more: those that were kept are still there."""
    backups, backup = backups_on(cloud), backup_of(versioned(cloud, dict(OLD)))
    final = to_the_end(backups, backup, PartStatus(name="files"))[-1]
    assert (final.state, final.objects) == ("Cleaned", 5)
    assert final.source_sha256 == final.restored_sha256
    kept = cloud.swift[PROJECTS["govcloud-backups"], f"{final.backup_id}-versions"].objects
    assert {name: content for name, (content, _) in kept.items()} == {
        "3/a": b"older",
        "1/a": b"oldest",
        "2/gone": b"deleted later",
    }
    assert left_over(cloud) == []


def test_an_older_version_that_differs_in_the_backup_is_a_mismatch(cloud: Cloud) -> None:
    backups, backup = backups_on(cloud), backup_of(versioned(cloud, dict(OLD)))
    status = up_to("BackedUp", backups, backup)
    kept = cloud.swift[PROJECTS["govcloud-backups"], f"{status.backup_id}-versions"].objects
    kept["1/a"] = (b"forged", {})
    assert to_the_end(backups, backup, status)[-1].state == "Mismatch"


def test_an_older_version_whose_copy_would_have_too_long_a_name_is_refused(cloud: Cloud) -> None:
    name = "n" * 1023
    backups, backup = backups_on(cloud), backup_of(versioned(cloud, {(name, "1"): b"x"}))
    status = up_to("SourceRead", backups, backup)
    with pytest.raises(Stop, match="shorter name") as stopped:
        backups.advance(backup, status)
    assert stopped.value.reason is Reason.INVALID_INPUT


def test_an_object_that_is_too_large_for_swift_is_refused_and_not_taken_for_a_full_quota(cloud: Cloud) -> None:
    def refuse(seen: Seen) -> Answer | None:
        too_large = seen.method == "PUT" and seen.path.endswith("/a/../b")
        return Answer(413, raw=b"Your request is too large.", headers={"Content-Type": "text/html"}) if too_large else None

    backup, backups = backup_of(part_of(cloud, "Container")), backups_on(cloud)
    status = up_to("SourceRead", backups, backup)
    cloud.before = refuse
    with pytest.raises(Stop, match=r"a/\.\./b: Your request is too large") as stopped:
        backups.advance(backup, status)
    assert stopped.value.reason is Reason.INVALID_INPUT


def test_what_a_backup_does_not_cover_is_said(cloud: Cloud) -> None:
    cloud.container("files", {"a": b"1"}, **{"X-Versions-Location": "elsewhere"})
    part = Part(name="files", service="portal", how="Container", source_id="files")
    final = to_the_end(backups_on(cloud), backup_of(part), PartStatus(name="files"))[-1]
    assert (final.state, final.message) == ("Cleaned", OLD_VERSIONS_NOT_COVERED)


def test_an_interrupted_copy_goes_on_where_it_stopped(cloud: Cloud) -> None:
    backup, backups, journal = backup_of(part_of(cloud, "Container")), backups_on(cloud), MemoryJournal()
    status = up_to("SourceRead", backups, backup)
    copied = str(backups.advance(backup, status).backup_id)
    cloud.swift[PROJECTS["govcloud-backups"], copied].objects.pop("a/../b")
    backups_on(cloud, journal).advance(backup, status)
    assert [write for write in journal.writes() if write.count("/") > 4] == [
        f"PUT /swift/v1/AUTH_{'b' * 32}/{copied}/a/../b"
    ]


def test_an_object_that_swift_stored_differently_is_not_taken_for_a_backup(cloud: Cloud) -> None:
    def spoil(seen: Seen, answer: Answer) -> Answer:
        stored = seen.method == "PUT" and seen.path.endswith("/a/../b")
        return Answer(201, headers={"ETag": "0" * 32}) if stored else answer

    backup, backups = backup_of(part_of(cloud, "Container")), backups_on(cloud)
    status = up_to("SourceRead", backups, backup)
    cloud.after = spoil
    with pytest.raises(Retry, match="did not arrive"):
        backups.advance(backup, status)


def test_two_containers_of_one_service_have_two_backups(cloud: Cloud) -> None:
    cloud.container("one", {"a": b"1"})
    cloud.container("two", {"a": b"2"})
    parts = [Part(name=name, service="files", how="Container", source_id=name) for name in ("one", "two")]
    backup, backups = backup_of(*parts), backups_on(cloud)
    finals = [to_the_end(backups, backup, PartStatus(name=part.name))[-1] for part in parts]
    assert {final.state for final in finals} == {"Cleaned"} and len({final.backup_id for final in finals}) == 2


def test_a_backup_that_lost_an_object_is_noticed_when_cleaning(cloud: Cloud) -> None:
    backup, backups = backup_of(part_of(cloud, "Container")), backups_on(cloud)
    status = up_to("Verified", backups, backup)
    cloud.swift[PROJECTS["govcloud-backups"], str(status.backup_id)].objects.pop("a/../b")
    with pytest.raises(Stop) as stopped:
        backups.advance(backup, status)
    assert stopped.value.reason is Reason.BACKUP_MISMATCH


# ---- several parts, and the evidence


def test_parts_may_be_moved_on_side_by_side(cloud: Cloud) -> None:
    volumes = [Part(name=f"v{n}", service="s", how="Volume", source_id=cloud.volume()) for n in range(6)]
    backup, backups = backup_of(*volumes, part_of(cloud, "Container")), backups_on(cloud)
    with ThreadPoolExecutor(7) as threads:
        ends = threads.map(
            lambda part: to_the_end(backups, backup, PartStatus(name=part.name))[-1].state, backup.spec.parts
        )
        assert set(ends) == {"Cleaned"}
    assert left_over(cloud) == [] and backups_kept(cloud) == 7


def test_the_manifest_holds_spec_and_evidence_and_its_digest_is_that_of_its_bytes(cloud: Cloud) -> None:
    backups = backups_on(cloud)
    parts = [part_of(cloud, kind) for kind in KINDS]
    plain = backup_of(*parts)
    done = backup_of(
        *parts, statuses=tuple(to_the_end(backups, plain, PartStatus(name=part.name))[-1] for part in parts)
    )
    location, digest = backups.store_manifest(done)
    assert backups_on(cloud).store_manifest(done) == (location, digest)
    container, _, name = location.partition("/")
    held: Container = cloud.swift[PROJECTS["govcloud-backups"], container]
    content = held.objects[name][0]
    assert hashlib.sha256(content).hexdigest() == digest
    manifest = json.loads(content)
    assert [part["sourceSha256"] for part in manifest["status"]["parts"]] == [
        part.source_sha256 for part in done.status.parts
    ]
    assert manifest["spec"]["request"]["uid"] == OWNER
    assert set(manifest["cinderRecords"]) == {"the-volume", "the-databasevolume"}
