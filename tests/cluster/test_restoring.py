"""Data comes back on the real control planes: a machine's boot volume, with a controller that is killed in the middle, and nothing is left over."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.worlds import world_of

from devcloud import controller
from devcloud.demo.requests import Request
from devcloud.demo.world import World
from devcloud.paths import state_directory

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

BACKED_UP = {"GOVCLOUD_BACKUP_WORKERS": "1"}
OLD, NEW = b"answers of 2026", b"garbage........"
PLACE = 600 << 20
"""Where in the boot volume the data lies: behind the system."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A controller that makes regular backups; afterwards the ordinary one runs again."""
    with world_of("restoring", Path(tmp_path_factory.mktemp("restoring")), BACKED_UP) as world:
        yield world


def test_the_old_bytes_are_back_and_what_was_there_is_kept(world: World) -> None:
    asked = Request(world, "requests/health-survey.yaml")
    asked.manifest["metadata"]["name"] = f"restored-{os.urandom(4).hex()}"
    asked.apply()
    asked.approve_all("Provision")
    asked.until("the trial runs", lambda status: status["phase"] == "Trial")
    before = _boot_volume(asked)
    _write(before, OLD)
    moved = world.govcloud("dev", "clock", "advance", "7d")
    assert not moved.refused, moved.err
    backup = str(world.until("there is a proven backup", lambda: _sets(asked, "Regular"))[0])
    _write(before, NEW)

    asked.edit(lambda spec: spec.update(restoreFrom={"backup": "no-such-set", "reason": "误删"}))
    said = world.until("it is refused", lambda: asked.condition("Stalled").get("message", ""))
    assert "has no ServiceBackup" in str(said)
    asked.edit(lambda spec: spec.update(restoreFrom={"backup": backup, "services": ["survey"], "reason": "误删"}))
    asked.approve_all("Restore")
    world.until("it is under way", lambda: _restoration(asked).get("safeguard"))
    controller.kill(world.environment)
    controller.start(world.environment, BACKED_UP)
    asked.until("the data is back", lambda status: status["progress"].get("restoration", {}).get("endedAt"))

    after = _boot_volume(asked)
    assert after != before and _read(after) == OLD
    servers = [each for each in world.cloud().compute.servers(all_projects=True) if each.metadata.get("govcloud_request") == asked.uid]
    assert [(each.status, [v["id"] for v in each.attached_volumes]) for each in servers] == [("ACTIVE", [after])]
    assert asked.status["phase"] == "Trial" and not _left(asked)
    assert _sets(asked, "BeforeRestore") == [_restoration(asked)["safeguard"]]
    assert _own_volumes(asked) == [after]
    story = world.govcloud("explain", f"csreq/{asked.name}", "-n", asked.namespace, kubeconfig=world.environment.kubeconfig_of("operations"))
    assert f"becomes that of the backup {backup}" in story.out
    generation = asked.read()["metadata"]["generation"]
    assert asked.status["observedGeneration"] == generation


# What the test does and looks for


def _own_volumes(asked: Request) -> list[str]:
    volumes = asked.world.cloud().block_storage.volumes(all_projects=True, details=True)
    return [str(each.id) for each in volumes if each.metadata.get("govcloud_request") == asked.uid and each.project_id == _project(asked)]


def _project(asked: Request) -> str:
    return str(asked.world.get("usingunit", asked.manifest["spec"]["unit"])["status"]["projectId"])


def _boot_volume(asked: Request) -> str:
    return next(str(each["id"]) for each in asked.status["resources"] if each["name"] == "survey-0-boot")


def _file_of(volume: str) -> Path:
    """Where the development cloud keeps the bytes of a volume. What is written into it stands for what a guest writes."""
    return next(state_directory().rglob(f"volume-{volume}"))


def _write(volume: str, content: bytes) -> None:
    with _file_of(volume).open("r+b") as held:
        held.seek(PLACE)
        held.write(content)
        held.flush()
        os.fsync(held.fileno())


def _read(volume: str) -> bytes:
    with _file_of(volume).open("rb") as held:
        held.seek(PLACE)
        return held.read(len(OLD))


def _sets(asked: Request, kind: str) -> list[str]:
    """Names of the request's verified sets of that kind."""
    listed = json.loads(asked.world.must(None, "get", "csbak", "-l", f"govcloud.dev/request={asked.uid}", "-o", "json"))["items"]
    return [each["metadata"]["name"] for each in listed if (each["spec"]["kind"], each.get("status", {}).get("state")) == (kind, "Verified")]


def _restoration(asked: Request) -> dict[str, Any]:
    return dict(asked.status["progress"].get("restoration") or {})


def _left(asked: Request) -> list[str]:
    """Helpers of the request in the backup and quarantine projects."""
    found = []
    for project in ("govcloud-backups", "govcloud-quarantine"):
        storage = asked.world.cloud(project).block_storage
        listed = [*storage.volumes(), *storage.snapshots()]
        found += [each.name for each in listed if asked.uid in (each.metadata or {}).values()]
        found += [each.name for each in storage.transfers()]
        found += [each.name for each in asked.world.cloud(project).image.images() if each.name.startswith("govcloud-restore")]
    return found
