"""Where checkpoints of the audit log are published to: a ConfigMap, and object storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from adapters.kube_server import Say, server_saying
from adapters.openstack_kit import PROJECTS, Cloud, Logins, running_cloud
from audit.logs import KEY, SIGNER, event, open_log
from provider.provider_kit import Answer, FastClock

from govcloud.adapters.audit_journal import AuditJournal
from govcloud.adapters.kube_checkpoint import NAME, CheckpointMap
from govcloud.adapters.openstack_checkpoints import CONTAINER, CheckpointContainer
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.notes import Checkpoint, sign
from govcloud.audit.publishing import OtherHistory, PlaceUnavailable, Publisher
from govcloud.audit.query import search

PATH = f"/api/v1/namespaces/govcloud-system/configmaps/{NAME}"


def note(size: int, root: int = 0) -> str:
    return sign(Checkpoint(KEY.name, size, bytes([root] * 32)), SIGNER).text()


# ---------------------------------------------------------------- the ConfigMap


@pytest.mark.parametrize("data", [None, {}, {"checkpoint": ""}])
def test_a_config_map_as_it_is_installed_has_nothing_yet(data: object) -> None:
    with server_saying(Say(200, {"data": data})) as (api, _):
        assert CheckpointMap(api, "govcloud-system").newest() is None


def test_a_note_in_the_config_map_takes_the_place_of_the_one_before() -> None:
    with server_saying(Say(200, {}), Say(200, {"data": {"checkpoint": note(7)}})) as (api, script):
        place = CheckpointMap(api, "govcloud-system")
        place.publish(note(7), 7)
        assert place.newest() == note(7)
    patch, read = script.asked
    assert (patch.method, patch.path, patch.body) == ("PATCH", PATH, {"data": {"checkpoint": note(7)}})
    assert (read.method, read.path) == ("GET", PATH)


def test_without_the_config_map_it_says_how_to_get_it() -> None:
    with (
        server_saying(Say(404, {"reason": "NotFound"})) as (api, _),
        pytest.raises(PlaceUnavailable, match=r"apply --server-side -f deploy/rbac/controller\.yaml"),
    ):
        CheckpointMap(api, "govcloud-system").newest()


@pytest.mark.parametrize("status", [403, 500])
def test_an_api_server_that_refuses_makes_the_place_unavailable(status: int) -> None:
    with server_saying(Say(status, {"message": "no"}), Say(status, {"message": "no"})) as (api, _):
        place = CheckpointMap(api, "govcloud-system")
        with pytest.raises(PlaceUnavailable):
            place.newest()
        with pytest.raises(PlaceUnavailable):
            place.publish(note(1), 1)


# ---------------------------------------------------------------- object storage


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as running:
        yield running


def container(cloud: Cloud, logins: Logins | None = None) -> CheckpointContainer:
    return CheckpointContainer(partial(logins or Logins(cloud, clock=FastClock()), "govcloud-backups"), KEY.name)


def stored(cloud: Cloud) -> dict[str, str]:
    held = cloud.swift[PROJECTS["govcloud-backups"], CONTAINER].objects
    return {name: content.decode() for name, (content, _) in held.items()}


def test_each_checkpoint_is_an_object_under_the_name_of_its_size(cloud: Cloud) -> None:
    place = container(cloud)
    assert place.newest() is None
    for size in (9, 10, 1_000):
        place.publish(note(size), size)
    folder = hashlib.sha256(KEY.name.encode()).hexdigest()[:16]
    assert stored(cloud) == {f"{folder}/{size:016d}": note(size) for size in (9, 10, 1_000)}
    assert place.newest() == container(cloud).newest() == note(1_000)


def test_another_log_in_the_same_container_is_not_looked_at(cloud: Cloud) -> None:
    place = CheckpointContainer(partial(Logins(cloud), "govcloud-backups"), "another/log")
    place.publish(note(5), 5)
    assert container(cloud).newest() is None


def test_a_name_is_written_once(cloud: Cloud) -> None:
    logins = Logins(cloud)
    place = container(cloud, logins)
    place.publish(note(5), 5)
    before = logins.journal.writes()  # type: ignore[attr-defined]
    place.publish(note(5), 5)
    with pytest.raises(OtherHistory) as other:
        place.publish(note(5, root=1), 5)
    assert other.value.note == note(5)
    assert logins.journal.writes() == before  # type: ignore[attr-defined]
    assert list(stored(cloud).values()) == [note(5)]


def test_a_name_that_is_taken_meanwhile_is_not_written_over(cloud: Cloud) -> None:
    place = container(cloud)
    place.publish(note(4), 4)
    looks = iter([Answer(404)])
    cloud.before = lambda seen: next(looks, None) if seen.method == "GET" and "0000005" in seen.path else None
    cloud.swift[PROJECTS["govcloud-backups"], CONTAINER].objects[
        next(iter(stored(cloud))).replace("0004", "0005")
    ] = (note(5).encode(), {})
    with pytest.raises(PlaceUnavailable, match="412"):
        place.publish(note(5, root=1), 5)
    with pytest.raises(OtherHistory):
        place.publish(note(5, root=1), 5)


def test_object_storage_that_fails_makes_the_place_unavailable(cloud: Cloud) -> None:
    cloud.before = lambda seen: Answer(403) if "/swift/" in seen.path else None
    with pytest.raises(PlaceUnavailable):
        container(cloud).newest()
    with pytest.raises(PlaceUnavailable):
        container(cloud).publish(note(5), 5)


def test_a_listed_note_that_vanished_is_none(cloud: Cloud) -> None:
    place = container(cloud)
    place.publish(note(5), 5)
    cloud.before = lambda seen: Answer(404) if seen.method == "GET" and "0005" in seen.path else None
    assert place.newest() is None


def test_every_object_is_recorded_and_none_causes_the_next(cloud: Cloud, tmp_path: Path) -> None:
    log = open_log(tmp_path)
    logins = Logins(cloud, AuditJournal(log, lambda _owner: ""))
    publisher = Publisher(log, [container(cloud, logins)], None, lambda: 1_000.0)
    publisher.compare()
    log.append(event())
    for _ in range(4):
        log.sign()
        publisher.round()
    log.close()
    assert len(stored(cloud)) == 1
    records = [record for record in search(tmp_path) if record.attributes.get("type") == "AuditCheckpoint"]
    assert [(r.phase, r.outcome, r.attributes["method"]) for r in records] == [
        ("intent", "pending", "PUT"), ("outcome", "success", "PUT"),  # the container
        ("intent", "pending", "PUT"), ("outcome", "success", "PUT"),
    ]  # fmt: skip
    assert all(record.reason.plan_number is None and record.target.project for record in records)


def test_what_cannot_be_recorded_is_not_stored(cloud: Cloud) -> None:
    logins = Logins(cloud)
    logins.journal.full = True  # type: ignore[attr-defined]
    with pytest.raises(AuditUnavailable):
        container(cloud, logins).publish(note(5), 5)
    assert cloud.swift == {}
