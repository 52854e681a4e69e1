"""A termination that is taken back in its cooling-off, on real OpenStack: the same machine runs again from the same disk, and nothing of the backup is left
in its way."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.worlds import world_of

from devcloud.demo import looks
from devcloud.demo.requests import Request
from devcloud.demo.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.soak]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A jurisdiction that lets a week pass between the proof and the destruction; afterwards it is as its pack says again."""
    with world_of("withdrawing", Path(tmp_path_factory.mktemp("withdrawing"))) as world:
        _tighten(world, 7)
        yield world
        _tighten(world, None)


def _tighten(world: World, days: int | None) -> None:
    patch = {"spec": {"tightened": {"coolingOffDays": days}}}
    world.must("platform-engineer", "patch", "jurisdiction", "jiujiang", "--type", "merge", "-p", json.dumps(patch))


def test_a_termination_is_taken_back_and_the_same_machine_runs_again(world: World) -> None:
    request = Request(world, "requests/health-survey.yaml")
    request.manifest["metadata"]["name"] = f"kept-{os.urandom(4).hex()}"
    request.apply()
    request.approve_all("Provision")
    request.until("the trial runs", lambda status: status["phase"] == "Trial")
    before = looks.everything_of(world, request.uid)
    (server,) = looks.servers_of(world, request.uid)

    request.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}))
    request.approve_all("Terminate")
    record = request.until("the backup is proven", _cools_off)["progress"]["termination"]
    assert "destroyedAt" not in record
    assert _power(world, server.id) == "SHUTOFF"

    def taken_back(spec: dict[str, object]) -> None:
        del spec["termination"]
        spec["stage"] = "Trial"

    request.edit(taken_back)
    assert request.until_planned("Resume")
    assert _power(world, server.id) == "SHUTOFF", "it is approved like any resumption"
    number = request.approve_all("Resume")
    status = request.until("it runs again", lambda status: status["progress"].get("completedPlan") == number)

    assert status["phase"] == "Trial"
    assert "termination" not in status["progress"]
    assert _power(world, server.id) == "ACTIVE"
    assert _ids(looks.in_project(looks.everything_of(world, request.uid), _project(world, request))) == _ids(before)
    kept = world.get("servicebackup", record["backup"])
    assert {part["state"] for part in kept["status"]["parts"]} == {"Cleaned"}, "what it proved stays, and holds no snapshot"

    request.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}))
    request.approve_all("Terminate")
    again = request.until("it is proven anew", _cools_off)["progress"]["termination"]
    assert again["backup"] != record["backup"]


def _cools_off(status: dict[str, object]) -> bool:
    termination = status["progress"].get("termination") or {}  # type: ignore[attr-defined]
    return "backupVerifiedAt" in termination


def _power(world: World, server: str) -> str:
    return str(world.cloud().compute.get_server(server).status)


def _ids(seen: list[looks.Seen]) -> set[tuple[str, str]]:
    return {(each.kind, each.id) for each in seen}


def _project(world: World, request: Request) -> str:
    return str(world.get("usingunit", request.manifest["spec"]["unit"])["status"]["projectId"])
