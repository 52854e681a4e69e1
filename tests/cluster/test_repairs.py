"""Somebody deletes a machine by hand; the applicant asks with kubectl for it to be put back, and the office approves. Waits for a round of the watch."""

from __future__ import annotations

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
    """A controller that looks for drift as often as it can; afterwards the ordinary one runs again."""
    with world_of("repairs", Path(tmp_path_factory.mktemp("repairs")), {"GOVCLOUD_DRIFT_SECONDS": "60"}) as world:
        yield world


def test_a_deleted_machine_comes_back_on_its_volume_when_it_is_asked_for_and_approved(world: World) -> None:
    request = Request(world, "requests/health-survey.yaml")
    request.manifest["metadata"]["name"] = f"repaired-{os.urandom(4).hex()}"
    request.apply()
    request.approve_all("Provision")
    request.until("the trial runs", lambda status: status["phase"] == "Trial")
    before = looks.by_kind(looks.everything_of(world, request.uid))
    (server,) = looks.servers_of(world, request.uid)
    disks = {volume.id for volume in server.attached_volumes}
    world.cloud().compute.delete_server(server.id)

    drift = request.until("it is noticed", lambda status: status["progress"].get("drift"))["progress"]["drift"]
    assert [found["id"] for found in drift if found["type"].startswith("openstack:compute/instance")] == [server.id]
    assert looks.servers_of(world, request.uid) == []
    request.edit(lambda spec: spec.update(repairs=1))
    plan = request.until_planned("Change")
    assert plan["summaryEn"].startswith("Change (puts back ")
    assert looks.servers_of(world, request.uid) == []
    number = request.approve_all("Change")
    request.until("it is put back", lambda status: status["progress"].get("completedPlan") == number)

    (made,) = looks.servers_of(world, request.uid)
    assert made.id != server.id
    assert {volume.id for volume in made.attached_volumes} == disks
    assert looks.by_kind(looks.everything_of(world, request.uid)) == before
    assert not request.status["progress"].get("drift")
