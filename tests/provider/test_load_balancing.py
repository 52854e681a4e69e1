"""Octavia's kinds against the twin: marked, made once, awaited, patient while another part changes, members set as one."""

from __future__ import annotations

import json
from typing import Any

from provider.provider_kit import Answer, Seen
from provider.stage import EngineCall, Stage, told
from provider.twin import lose_answer_of

from stacks.provider.errors import Code
from stacks.provider.marks import marks_of

BALANCER = "openstack:loadbalancer/loadBalancer:LoadBalancer"
POOL = "openstack:loadbalancer/pool:Pool"
MEMBERS = "openstack:loadbalancer/members:Members"
MONITOR = "openstack:loadbalancer/monitor:Monitor"
FRONT = {"name": "front", "vipSubnetId": "s1", "tags": ["govcloud_stage=trial"]}
ONE, OTHER = ({"address": address, "protocolPort": 80, "weight": 1} for address in ("10.0.0.5", "10.0.0.6"))


def test_a_load_balancer_is_marked_awaited_and_made_once(stage: Stage, engine: EngineCall) -> None:
    stage.cloud.after.append(lose_answer_of("POST", "/loadbalancers"))
    first, outputs = engine.create(FRONT, BALANCER, "front")
    again, _ = engine.create(FRONT, BALANCER, "front")
    (made,) = stage.cloud.things["loadbalancers"].values()
    assert first == again == made["id"]
    assert marks_of(made).key is not None
    assert outputs["tags"] == FRONT["tags"]


def test_what_octavia_refuses_while_another_part_changes_is_sent_again(stage: Stage, engine: EngineCall) -> None:
    refusals = [Answer(409, {"faultstring": "Load Balancer is immutable and cannot be updated."})] * 2

    def busy(request: Seen) -> Answer | None:
        return refusals.pop() if request.method == "POST" and "/pools" in request.path and refusals else None

    stage.cloud.faults.append(busy)
    engine.create({"name": "p", "listenerId": "l1", "protocol": "TCP", "lbMethod": "ROUND_ROBIN"}, POOL, "p")
    assert len(stage.cloud.things["pools"]) == 1
    assert refusals == []


def test_members_are_one_setting_of_their_pool(stage: Stage, engine: EngineCall) -> None:
    pool, _ = engine.create({"name": "p", "listenerId": "l1", "protocol": "TCP", "lbMethod": "ROUND_ROBIN"}, POOL, "p")
    wanted: dict[str, Any] = {"poolId": pool, "members": [ONE]}
    identity, outputs = engine.create(wanted, MEMBERS, "m")
    assert identity == pool
    assert outputs["members"] == [ONE]
    writes = len(stage.cloud.writes())
    assert engine.create(wanted, MEMBERS, "m")[0] == pool
    assert len(stage.cloud.writes()) == writes, "they were set already"
    engine.update(pool, wanted, {**wanted, "members": [ONE, OTHER]}, MEMBERS, "m")
    assert [member["address"] for member in stage.cloud.things["pools"][pool]["members"]] == ["10.0.0.5", "10.0.0.6"]
    engine.delete(pool, wanted, MEMBERS, "m")
    assert stage.cloud.things["pools"][pool]["members"] == []


def test_a_monitor_carries_its_mark_in_its_name(stage: Stage, engine: EngineCall) -> None:
    wanted = {"name": "up", "poolId": "p1", "type": "TCP", "delay": 5, "timeout": 3, "maxRetries": 3}
    engine.create(wanted, MONITOR, "up")
    (made,) = stage.cloud.things["healthmonitors"].values()
    assert marks_of(made).key is not None
    (sent,) = (json.loads(seen.body) for seen in stage.cloud.seen if seen.method == "POST" and "health" in seen.path)
    assert sent["healthmonitor"]["max_retries"] == 3


def test_a_balancer_that_failed_is_told(stage: Stage, engine: EngineCall) -> None:
    def broken(request: Seen) -> Answer | None:
        for made in stage.cloud.things["loadbalancers"].values():
            made["provisioning_status"] = "ERROR"
            if request.method == "GET" and made["id"] in request.path:
                return Answer(200, {"loadbalancer": dict(made)})
        return None

    stage.cloud.faults.append(broken)
    with told(Code.FAILED):
        engine.create(FRONT, BALANCER, "front")
