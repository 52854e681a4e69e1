"""A container that changes while it is backed up, on real OpenStack: the termination stands still until the unit gives it up, and all else is proven."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

import pytest
from cluster.worlds import world_of

from devcloud.demo import looks
from devcloud.demo.requests import Request

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

WAIVER = {
    "part": "answers",
    "reason": "TakenOver",
    "zh": "问卷已由本单位自行迁出",
    "en": "the unit has taken the answers over itself",
    "number": "九卫〔2026〕88号",
    "sha256": "5e" * 32,
}


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A machine and a container in a trial. While it is being ended, an administrator goes on writing into the container: the copy differs."""
    with world_of("waivers", Path(tmp_path_factory.mktemp("waivers"))) as world:
        asked = Request(world, "requests/health-survey.yaml")
        asked.manifest["metadata"]["name"] = f"given-up-{os.urandom(4).hex()}"
        container = {"quotaGib": 1, "offering": "object-standard"}
        asked.manifest["spec"]["services"].append({"name": "answers", "objectStorage": container})
        asked.apply()
        asked.approve_all("Provision")
        asked.until("the trial runs", lambda status: status["phase"] == "Trial")
        _put(asked, "answer-1.json", b'{"yes": 1}')
        asked.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}))
        with _somebody_writing(asked):
            asked.approve_all("Terminate")
            world.until("the copy differs", lambda: _part(asked, "answers").get("state") == "Mismatch")
        return asked


def test_what_did_not_fail_cannot_be_given_up(stuck: Request) -> None:
    stuck.edit(lambda spec: spec["termination"].update(waivers=[{**WAIVER, "part": "survey-0-boot"}]))
    told = stuck.world.until("is refused", lambda: "survey-0-boot can be backed up" in stuck.condition("Stalled").get("message", ""))
    assert told


def test_the_unit_gives_it_up_and_everything_else_is_proven(stuck: Request) -> None:
    world = stuck.world
    stuck.edit(lambda spec: spec["termination"].update(waivers=[WAIVER]))
    plan = stuck.until_planned("Terminate")
    (told,) = plan["waived"]
    assert "Will be destroyed WITHOUT a backup: answers" in told and WAIVER["number"] in told
    stuck.approve_all("Terminate")
    record = stuck.until("has ended", lambda status: status["phase"] == "Terminated")["progress"]["termination"]
    assert [(part["part"], part["number"]) for part in record["waived"]] == [("answers", WAIVER["number"])]
    proven = world.get("servicebackup", record["backup"])
    assert {part["name"]: part["state"] for part in proven["status"]["parts"]} == {"survey-0-boot": "Cleaned"}
    assert proven["spec"]["waived"] == record["waived"]
    project = str(world.get("usingunit", stuck.manifest["spec"]["unit"])["status"]["projectId"])
    assert looks.in_project(looks.everything_of(world, stuck.uid), project) == []
    assert _snapshots(stuck) == []
    story = world.govcloud("explain", f"csreq/{stuck.name}", "-n", stuck.namespace, kubeconfig=world.environment.kubeconfig_of("operations"))
    assert "given up WITHOUT a backup" in story.out or "不经备份即销毁" in story.out


def _put(asked: Request, name: str, content: bytes) -> None:
    answer = asked.world.cloud("govcloud").session.put(f"{_container(asked)}/{quote(name)}", data=content)
    assert answer.status_code == 201, answer.text


def _container(asked: Request) -> str:
    """The URL of the request's container."""
    container = next(item for item in looks.everything_of(asked.world, asked.uid) if item.kind == "container")
    return f"{looks.account_url(asked.world, container.project)}/{quote(container.name)}"


@contextmanager
def _somebody_writing(asked: Request) -> Iterator[None]:
    """One object after the other: from its first listing to its copy a container is backed up in a moment, too short for a single write."""
    url, session, ended = _container(asked), asked.world.cloud("govcloud").session, Event()

    def write() -> None:
        numbers = count(2)
        while not ended.wait(0.05):
            session.put(f"{url}/answer-{next(numbers)}.json", data=b'{"yes": 2}')

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            yield
        finally:
            ended.set()
    writing.result()


def _part(asked: Request, name: str) -> dict[str, Any]:
    listed = asked.world.must(None, "get", "csbak", "-l", f"govcloud.dev/request={asked.uid}", "-o", "json")
    parts = (part for item in json.loads(listed)["items"] for part in item.get("status", {}).get("parts", ()))
    return next((part for part in parts if part["name"] == name), {})


def _snapshots(asked: Request) -> list[str]:
    """What the sets of both terminations hold in the way."""
    storage = asked.world.cloud("govcloud-backups").block_storage
    return [each.name for each in storage.snapshots(details=True) if (each.metadata or {}).get("govcloud_backup_of") == asked.uid]
