"""Replicas of database instances against the twin: asked for as Trove takes it, made once, and deleted only while they hold nothing of their own."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from provider.stage import EngineCall, Stage
from provider.twin import lose_answer_of

from stacks.provider import wire

INSTANCE = "openstack:database/instance:Instance"
COMMON: dict[str, Any] = {
    "flavorId": "f1",
    "size": 2,
    "datastore": {"type": "postgresql", "version": "15"},
    "networks": [{"uuid": "n1"}],
}
PRIMARY: dict[str, Any] = {"name": "orders", **COMMON, "databases": [{"name": "orders"}], "locality": "soft-anti-affinity"}


@pytest.fixture
def engine(stage: Stage) -> EngineCall:
    stage.run()
    return stage.engine().configure()


def replica_of(primary: str) -> dict[str, Any]:
    return {"name": "orders-replica-1", **COMMON, "replicaOf": primary}


def asked(stage: Stage) -> list[dict[str, Any]]:
    """The bodies of the create requests."""
    return [json.loads(seen.body)["instance"] for seen in stage.cloud.seen if seen.method == "POST" and seen.path.endswith("/instances")]


def test_a_replica_is_asked_for_with_what_trove_takes_and_made_once(stage: Stage, engine: EngineCall) -> None:
    primary, _ = engine.create(PRIMARY, INSTANCE, "orders")
    stage.cloud.after.append(lose_answer_of("POST", "/instances"))
    first, outputs = engine.create(replica_of(primary), INSTANCE, "orders-replica-1")
    again, _ = engine.create(replica_of(primary), INSTANCE, "orders-replica-1")
    assert first == again
    assert (outputs["replicaOf"], outputs["size"], outputs["flavorId"]) == (primary, 2, "f1")
    of_primary, of_replica = asked(stage)
    assert (of_primary["flavorRef"], of_primary["volume"], of_primary["locality"]) == ("f1", {"size": 2}, "soft-anti-affinity")
    assert of_replica.keys() == {"name", "nics", "replica_of"}
    assert of_replica["replica_of"] == primary


def test_a_replica_goes_while_it_follows_its_primary(stage: Stage, engine: EngineCall) -> None:
    primary, _ = engine.create(PRIMARY, INSTANCE, "orders")
    replica, _ = engine.create(replica_of(primary), INSTANCE, "orders-replica-1")
    engine.delete(replica, replica_of(primary), INSTANCE, "orders-replica-1")
    engine.delete(replica, replica_of(primary), INSTANCE, "orders-replica-1")
    assert list(stage.cloud.things["instances"]) == [primary]


@pytest.mark.parametrize(("now", "told"), [(None, "follows no other database"), ({"id": "x"}, "follows x")])
def test_what_was_detached_or_given_another_primary_is_not_deleted(stage: Stage, engine: EngineCall, now: Any, told: str) -> None:
    primary, _ = engine.create(PRIMARY, INSTANCE, "orders")
    replica, _ = engine.create(replica_of(primary), INSTANCE, "orders-replica-1")
    there = stage.cloud.things["instances"][replica]
    there.update(replica_of=now) if now else there.pop("replica_of")
    with pytest.raises(grpc.RpcError, match=told):
        engine.delete(replica, replica_of(primary), INSTANCE, "orders-replica-1")
    assert replica in stage.cloud.things["instances"]
    found = wire.values_of(engine.read(replica, replica_of(primary), INSTANCE, "orders-replica-1").inputs)
    assert found.get("replicaOf", "") == (now or {"id": ""})["id"]


def test_a_primary_is_deleted_without_another_look(stage: Stage, engine: EngineCall) -> None:
    primary, _ = engine.create(PRIMARY, INSTANCE, "orders")
    engine.delete(primary, PRIMARY, INSTANCE, "orders")
    assert stage.cloud.things["instances"] == {}
