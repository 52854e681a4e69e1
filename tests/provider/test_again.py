"""Answers lost on the way of what is changed, set and deleted: it is looked at or said again, and nobody has to come back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from provider.provider_kit import Answer, FastClock, Seen
from provider.stage import CREDENTIAL, DATA, KEYPAIR, NETWORK, EngineCall, Stage, told
from provider.test_load_balancing import MEMBERS, ONE, POOL
from provider.twin import lose_answer_of

from stacks.machines import ATTACHMENT
from stacks.provider.again import PAUSES_AFTER_A_LOST_ANSWER, until_answered
from stacks.provider.clouds import Cloud
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.errors import Code
from stacks.provider.marks import Marks, marks_of
from stacks.provider.session import AnswerLost
from stacks.provider.waiting import Waiters
from stacks.provider.work import Work

GROWN = {**DATA, "name": "more data", "size": 3, "metadata": {"govcloud_stage": "production"}}


@pytest.mark.parametrize(("method", "path"), [("PUT", "/volumes/"), ("POST", "/metadata"), ("POST", "/action")])
def test_a_change_whose_answer_was_lost_is_finished(stage: Stage, engine: EngineCall, method: str, path: str) -> None:
    identity, _ = engine.create(DATA)
    stage.cloud.after.append(lose_answer_of(method, path))
    outputs = engine.update(identity, DATA, GROWN)
    (volume,) = stage.volumes()
    assert (volume["size"], volume["name"], outputs["size"]) == (3, "more data", 3)
    assert stage.cloud.writes().count(f"POST /cinder/v3/volumes/{identity}/action") == 1, "it had its size already"


def test_tags_whose_answer_was_lost_are_set_again(stage: Stage, engine: EngineCall) -> None:
    stage.cloud.after.append(lose_answer_of("PUT", "/tags"))
    identity, outputs = engine.create({"name": "net", "tags": ["one"]}, NETWORK, "net")
    network = stage.cloud.things["networks"][identity]
    assert "one" in network["tags"]
    assert "one" in outputs["allTags"]
    assert marks_of(network).key is not None
    assert [line.split()[0] for line in stage.cloud.writes()] == ["POST", "PUT", "PUT"]


def test_what_is_taken_away_with_a_put_is_taken_away_again(stage: Stage, engine: EngineCall) -> None:
    pool, _ = engine.create({"name": "p", "listenerId": "l1", "protocol": "TCP", "lbMethod": "ROUND_ROBIN"}, POOL, "p")
    wanted: dict[str, Any] = {"poolId": pool, "members": [ONE]}
    engine.create(wanted, MEMBERS, "m")
    stage.cloud.after.append(lose_answer_of("PUT", "/members"))
    engine.delete(pool, wanted, MEMBERS, "m")
    assert stage.cloud.things["pools"][pool]["members"] == []


def test_what_is_on_its_way_out_already_is_waited_for(stage: Stage, engine: EngineCall) -> None:
    """Cinder refuses to delete a volume again that it is deleting, which is what a repeated request asks for."""
    identity, _ = engine.create(DATA)
    looks: list[str] = []

    def busy(seen: Seen) -> Answer | None:
        volume = stage.cloud.things["volumes"].get(identity)
        if volume is None or f"/volumes/{identity}" not in seen.path:
            return None
        if seen.method == "DELETE" and volume["status"] == "deleting":
            return Answer(400, {"badRequest": {"message": "Invalid volume: status must be available or error", "code": 400}})
        if seen.method == "DELETE":
            volume["status"] = "deleting"
            return Answer(drop=True)
        if volume["status"] == "deleting":
            looks.append(seen.path)
            if len(looks) > 3:
                del stage.cloud.things["volumes"][identity]
        return None

    stage.cloud.faults.append(busy)
    engine.delete(identity, DATA)
    assert stage.volumes() == []
    assert len(looks) > 3


def test_a_volume_that_another_request_is_changing_is_detached_after_it(stage: Stage, engine: EngineCall) -> None:
    """A replaced machine lets go of a volume that grows in the same run: Nova refuses until Cinder is done."""
    statuses = ["retyping", "extending", "in-use", "available"]

    def nova_and_cinder(seen: Seen) -> Answer | None:
        if seen.method == "DELETE" and "/os-volume_attachments/v1" in seen.path:
            busy = statuses[0] in ("retyping", "extending")
            return Answer(400, {"badRequest": {"message": "Unable to detach volume", "code": 400}}) if busy else Answer(202)
        if seen.path.endswith("/volumes/v1"):
            return Answer(200, {"volume": {"id": "v1", "status": statuses.pop(0), "attachments": []}})
        return None

    stage.cloud.faults.append(nova_and_cinder)
    engine.delete("s1/v1", {"instanceId": "s1", "volumeId": "v1"}, ATTACHMENT, "a")
    assert statuses == []


def test_a_volume_that_was_free_again_when_one_looked_is_detached_at_the_second_asking(stage: Stage, engine: EngineCall) -> None:
    statuses, asked = ["in-use", "available"], []

    def nova_and_cinder(seen: Seen) -> Answer | None:
        if seen.method == "DELETE" and "/os-volume_attachments/v1" in seen.path:
            asked.append(seen.path)
            refusal = Answer(400, {"badRequest": {"message": "Unable to detach volume", "code": 400}})
            return refusal if len(asked) == 1 else Answer(202)
        if seen.path.endswith("/volumes/v1"):
            return Answer(200, {"volume": {"id": "v1", "status": statuses.pop(0), "attachments": []}})
        return None

    stage.cloud.faults.append(nova_and_cinder)
    engine.delete("s1/v1", {"instanceId": "s1", "volumeId": "v1"}, ATTACHMENT, "a")
    assert len(asked) == 2
    assert statuses == []


@pytest.mark.parametrize(("statuses", "refused"), [(["detaching", "available"], False), (["in-use", "in-use"], True)])
def test_a_change_that_cinder_refuses_meanwhile_is_asked_for_again(
    stage: Stage, engine: EngineCall, statuses: list[str], refused: bool
) -> None:
    old = {**DATA, "volumeType": "standard"}
    identity, _ = engine.create(old)
    volume = stage.cloud.things["volumes"][identity]

    def cinder(seen: Seen) -> Answer | None:
        if not seen.path.endswith("/action") or not statuses:
            return None
        volume["status"] = statuses.pop(0)
        last = volume["status"] == "available"
        return None if last else Answer(400, {"badRequest": {"message": "Invalid volume: Retype needs", "code": 400}})

    stage.cloud.faults.append(cinder)
    if refused:
        with told(Code.INVALID):
            engine.update(identity, old, {**DATA, "volumeType": "fast"})
    else:
        assert engine.update(identity, old, {**DATA, "volumeType": "fast"})["volumeType"] == "fast"
    assert statuses == []


@pytest.mark.parametrize(
    ("kind", "collection", "inputs", "secret"),
    [
        (KEYPAIR, "os-keypairs", {"name": "deploy"}, ("privateKey", "PRIVATE")),
        (CREDENTIAL, "application_credentials", {"name": "c", "unrestricted": False}, ("secret", "SECRET")),
    ],
)
def test_a_secret_that_only_the_lost_answer_held_is_made_anew(
    stage: Stage, engine: EngineCall, kind: str, collection: str, inputs: dict[str, Any], secret: tuple[str, str]
) -> None:
    stage.cloud.after.append(lose_answer_of("POST", collection))
    _, outputs = engine.create(inputs, kind, "it")
    assert outputs[secret[0]] == secret[1]
    assert len(stage.cloud.things[collection]) == 1
    assert [line.split()[0] for line in stage.cloud.writes()] == ["POST", "DELETE", "POST"]


def test_a_cloud_that_never_answers_a_change_is_told(stage: Stage, engine: EngineCall) -> None:
    identity, _ = engine.create(DATA)

    def silent(seen: Seen) -> Answer | None:
        return Answer(drop=True) if seen.method == "PUT" else None

    stage.cloud.faults.append(silent)
    with told(Code.ANSWER_LOST):
        engine.update(identity, DATA, {**DATA, "name": "other"})
    puts = [line for line in stage.cloud.writes() if line.startswith("PUT")]
    assert len(puts) == len(PAUSES_AFTER_A_LOST_ANSWER) + 1


def test_nothing_is_done_again_for_an_engine_that_has_gone(stage: Stage) -> None:
    login, gone = stage.cloud.login(), threading.Event()
    cloud = Cloud(login, session=None)  # type: ignore[arg-type]  # nothing is sent
    work = Work(DECLARATIONS[NETWORK], "net", cloud, Marks("k", "o"), FastClock(), gone, Waiters())
    done: list[str] = []

    def lost() -> None:
        done.append("once")
        gone.set()
        raise AnswerLost("network", "req-1", "ConnectionError")

    with pytest.raises(AnswerLost):
        until_answered(work, lost)
    assert done == ["once"]
