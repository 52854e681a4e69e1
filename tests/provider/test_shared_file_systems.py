"""Manila's kinds against the twin: marked, made once, awaited, grown in place, mounted by whom the program says, told when they failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from provider.provider_kit import Answer, Seen
from provider.stage import EngineCall, Stage, told
from provider.twin import lose_answer_of

from stacks.provider.errors import Code
from stacks.provider.marks import marks_of

SHARE = "openstack:sharedfilesystem/share:Share"
ACCESS = "openstack:sharedfilesystem/shareAccess:ShareAccess"
NETWORK = "openstack:sharedfilesystem/shareNetwork:ShareNetwork"
WANTED: Mapping[str, Any] = {
    "name": "shared",
    "shareProto": "NFS",
    "size": 50,
    "shareType": "nfs-standard",
    "shareNetworkId": "n1",
    "metadata": {"govcloud_stage": "trial"},
}


def state(stage: Stage, status: str, when: str) -> None:
    """From the next request of this method on, every share is in this state."""

    def broken(request: Seen) -> Answer | None:
        if request.method == when:
            for share in stage.cloud.things["shares"].values():
                share["status"] = status
        return Answer(202) if when == request.method == "DELETE" else None

    stage.cloud.faults.append(broken)


def test_a_share_is_marked_awaited_and_made_once(stage: Stage, engine: EngineCall) -> None:
    stage.cloud.after.append(lose_answer_of("POST", "/shares"))
    first, outputs = engine.create(WANTED, SHARE, "shared")
    again, _ = engine.create(WANTED, SHARE, "shared")
    (made,) = stage.cloud.things["shares"].values()
    assert first == again == made["id"]
    assert marks_of(made).key is not None and made["metadata"]["govcloud_stage"] == "trial"
    assert outputs["shareType"] == "nfs-standard"


def test_every_request_names_the_version_of_the_api(stage: Stage, engine: EngineCall) -> None:
    engine.create(WANTED, SHARE, "shared")
    asked = [seen for seen in stage.cloud.seen if "/manila/" in seen.path and "shares" in seen.path]
    assert asked and {seen.headers.get("X-OpenStack-Manila-API-Version") for seen in asked} == {"2.45"}


def test_the_preferred_place_to_mount_it_from_comes_first(engine: EngineCall) -> None:
    identity, outputs = engine.create(WANTED, SHARE, "shared")
    places = [(place["path"], place["preferred"]) for place in outputs["exportLocations"]]
    assert places == [(f"10.20.0.9:/shares/{identity}", "true"), (f"10.20.0.8:/shares/{identity}", "false")]


def test_a_share_grows_in_place_and_a_lost_answer_grows_it_once(stage: Stage, engine: EngineCall) -> None:
    identity, _ = engine.create(WANTED, SHARE, "shared")
    stage.cloud.after.append(lose_answer_of("POST", "/action"))
    engine.update(identity, WANTED, {**WANTED, "size": 80}, SHARE, "shared")
    assert stage.cloud.things["shares"][identity]["size"] == 80
    extended = [seen for seen in stage.cloud.seen if seen.path.endswith("/action")]
    assert [json.loads(seen.body) for seen in extended] == [{"extend": {"new_size": 80}}]


def test_a_share_that_is_larger_already_is_not_cut(stage: Stage, engine: EngineCall) -> None:
    identity, _ = engine.create(WANTED, SHARE, "shared")
    stage.cloud.things["shares"][identity]["size"] = 90
    with told(Code.INVALID):
        engine.update(identity, WANTED, {**WANTED, "size": 80}, SHARE, "shared")


def test_a_promotion_changes_one_key_of_its_metadata(stage: Stage, engine: EngineCall) -> None:
    identity, _ = engine.create(WANTED, SHARE, "shared")
    mark = marks_of(stage.cloud.things["shares"][identity])
    engine.update(identity, WANTED, {**WANTED, "metadata": {"govcloud_stage": "production"}}, SHARE, "shared")
    assert stage.cloud.things["shares"][identity]["metadata"]["govcloud_stage"] == "production"
    assert marks_of(stage.cloud.things["shares"][identity]) == mark


@pytest.mark.parametrize("status", ["error", "extending_error"])
def test_a_share_that_failed_is_told(stage: Stage, engine: EngineCall, status: str) -> None:
    state(stage, status, "GET")
    with told(Code.FAILED):
        engine.create(WANTED, SHARE, "shared")


def test_a_share_that_cannot_be_deleted_is_told(stage: Stage, engine: EngineCall) -> None:
    identity, _ = engine.create(WANTED, SHARE, "shared")
    state(stage, "error_deleting", "DELETE")
    with told(Code.FAILED):
        engine.delete(identity, WANTED, SHARE, "shared")


def test_a_share_network_is_marked_in_its_description_and_made_once(stage: Stage, engine: EngineCall) -> None:
    wanted = {"name": "shared-network", "description": "of ours", "neutronNetId": "n1", "neutronSubnetId": "s1"}
    stage.cloud.after.append(lose_answer_of("POST", "/share-networks"))
    first, outputs = engine.create(wanted, NETWORK, "shared-network")
    (made,) = stage.cloud.things["share-networks"].values()
    assert first == made["id"] and marks_of(made).key is not None
    assert outputs["description"] == "of ours"
    engine.delete(first, wanted, NETWORK, "shared-network")
    assert stage.cloud.things["share-networks"] == {}


def test_who_may_mount_is_let_in_once_and_awaited(stage: Stage, engine: EngineCall) -> None:
    share, _ = engine.create(WANTED, SHARE, "shared")
    wanted = {"shareId": share, "accessType": "ip", "accessTo": "10.20.0.0/25", "accessLevel": "rw"}
    stage.cloud.after.append(lose_answer_of("POST", "/action"))
    first, outputs = engine.create(wanted, ACCESS, "shared-access")
    again, _ = engine.create(wanted, ACCESS, "shared-access")
    (rule,) = stage.cloud.things["share-access-rules"].values()
    assert first == again == rule["id"]
    assert (rule["access_to"], rule["access_level"], outputs["state"]) == ("10.20.0.0/25", "rw", "active")
    engine.delete(first, wanted, ACCESS, "shared-access")
    engine.delete(first, wanted, ACCESS, "shared-access")
    assert stage.cloud.things["share-access-rules"] == {}


def test_a_rule_that_cannot_be_applied_is_told(stage: Stage, engine: EngineCall) -> None:
    share, _ = engine.create(WANTED, SHARE, "shared")

    def broken(request: Seen) -> Answer | None:
        for rule in stage.cloud.things["share-access-rules"].values():
            rule["state"] = "error"
        return None

    stage.cloud.faults.append(broken)
    with told(Code.FAILED):
        engine.create({"shareId": share, "accessType": "ip", "accessTo": "10.20.0.0/25", "accessLevel": "ro"}, ACCESS, "shared-access")
