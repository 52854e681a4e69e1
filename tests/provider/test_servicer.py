"""The provider over its real gRPC, against a little cloud: who may do what, what is made once, what is told when it fails."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from provider.provider_kit import Answer
from provider.stage import CREDENTIAL, DATA, KEYPAIR, NETWORK, OWNER, VOLUME, EngineCall, Stage, told, urn_of
from provider.twin import lose_answer_of, refuse
from pulumi.runtime.proto import plugin_pb2, provider_pb2, status_pb2

from stacks.provider import wire
from stacks.provider.errors import Code, code_in
from stacks.provider.marks import marks_of, operation_key

# --------------------------------------------------------------------------------------------------- who may do what


def test_a_connection_without_configure_is_refused(stage: Stage) -> None:
    stage.run()
    stage.engine().configure()
    with told(Code.UNAUTHORIZED) as said:
        stage.engine().create(DATA)
    assert "was not configured" in said[0]
    assert stage.cloud.seen == []


def test_a_stack_without_a_run_is_refused(stage: Stage) -> None:
    with told(Code.UNAUTHORIZED):
        stage.engine().configure().create(DATA)
    assert stage.cloud.seen == []


def test_a_cloud_that_the_run_does_not_list_is_refused(stage: Stage) -> None:
    stage.run()
    with told(Code.UNAUTHORIZED) as said:
        stage.engine().configure(cloud="unit-b").create(DATA)
    assert "unit-b" in said[0]


def test_a_connection_of_one_stack_does_nothing_for_another(stage: Stage) -> None:
    stage.run("s1")
    stage.run("s2", project="p2")
    with told(Code.UNAUTHORIZED):
        stage.engine().configure(stack="s1").create(DATA, stack="s2")


def test_after_its_run_a_connection_is_refused(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    engine.create(DATA)
    stage.runs.end("s1")
    stage.run()
    with told(Code.UNAUTHORIZED):
        engine.create(DATA, name="more")


def test_each_stack_is_made_with_its_own_login(stage: Stage) -> None:
    for number in ("1", "2", "3"):
        stage.run(f"s{number}", project=f"p{number}")
    engines = {number: stage.engine().configure(stack=f"s{number}") for number in ("1", "2", "3")}
    for number, engine in engines.items():
        engine.create({**DATA, "name": number}, stack=f"s{number}")
    posts = [seen for seen in stage.cloud.seen if seen.method == "POST" and seen.path.endswith("/volumes")]
    used = {json.loads(seen.body)["volume"]["name"]: seen.headers["X-Auth-Token"] for seen in posts}
    assert used == {"1": "token-of-p1", "2": "token-of-p2", "3": "token-of-p3"}
    assert {write.project for _, write in stage.journal.intents} == {"p1", "p2", "p3"}


def test_a_cancel_stops_its_own_connection_only(stage: Stage) -> None:
    stage.run("s1")
    stage.run("s2")
    one, other = stage.engine().configure(stack="s1"), stage.engine().configure(stack="s2")
    one.stub.Cancel(empty_pb2.Empty())
    with told(Code.CANCELLED):
        one.create(DATA)
    assert other.create(DATA, stack="s2")[0]


@pytest.mark.parametrize("allowed", [frozenset(), frozenset({("other", "create")}), frozenset({("data", "update")})])
def test_what_the_plan_does_not_say_is_not_done(stage: Stage, allowed: frozenset[tuple[str, str]]) -> None:
    stage.run(allowed=allowed)
    with told(Code.PLAN_MISMATCH) as said:
        stage.engine().configure().create(DATA)
    assert said[0].startswith("PlanMismatch: plan 1 does not allow to create data")
    assert stage.cloud.seen == []


def test_deleting_needs_the_plan_too(stage: Stage) -> None:
    stage.run(allowed=frozenset({("data", "create")}))
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    with told(Code.PLAN_MISMATCH):
        engine.delete(identity, DATA)
    with told(Code.PLAN_MISMATCH):
        engine.update(identity, DATA, {**DATA, "size": 2})
    assert len(stage.volumes()) == 1


# ------------------------------------------------------------------------------------------------------ made once


def test_a_create_is_one_post_that_carries_the_mark(stage: Stage) -> None:
    stage.run(plan=7)
    identity, outputs = stage.engine().configure().create(DATA)
    (volume,) = stage.volumes()
    assert volume["id"] == identity
    assert marks_of(volume).key == operation_key(OWNER, urn_of(VOLUME, "data"), 7)
    assert marks_of(volume).owner == OWNER
    assert outputs["metadata"] == {"govcloud_stage": "trial"}
    assert outputs["region"] == "RegionOne"
    assert stage.cloud.writes() == ["POST /cinder/v3/volumes"]


def test_every_write_stands_in_the_journal_with_its_effect(stage: Stage) -> None:
    stage.run(plan=7)
    stage.engine().configure().create(DATA)
    ((context, write),) = stage.journal.intents
    assert (context.owner, context.stack, context.plan, context.operation) == (OWNER, "s1", 7, "create")
    assert (context.urn, context.type) == (urn_of(VOLUME, "data"), VOLUME)
    assert context.key == operation_key(OWNER, urn_of(VOLUME, "data"), 7)
    assert (write.service, write.project) == ("block-storage", "p1")
    assert stage.journal.outcomes[0][1].service_request_ids == ("req-from-cloud",)


def test_the_same_create_again_adopts_what_is_there(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    first, _ = engine.create(DATA)
    again, _ = engine.create(DATA)
    assert first == again
    assert len(stage.volumes()) == 1


def test_another_plan_or_another_resource_makes_its_own(stage: Stage) -> None:
    stage.run(plan=1)
    engine = stage.engine().configure()
    engine.create(DATA)
    engine.create(DATA, name="more")
    stage.runs.end("s1")
    stage.run(plan=2)
    stage.engine().configure().create(DATA)
    assert len(stage.volumes()) == 3


def test_several_with_one_mark_are_left_alone_and_listed(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    first, _ = engine.create(DATA)
    twin_brother = {**stage.cloud.things["volumes"][first], "id": "another"}
    stage.cloud.things["volumes"]["another"] = twin_brother
    before = len(stage.cloud.writes())
    with told(Code.DUPLICATES) as said:
        engine.create(DATA)
    assert first in said[0]
    assert "another" in said[0]
    assert len(stage.cloud.writes()) == before


def test_a_create_whose_answer_was_lost_is_found_and_not_repeated(stage: Stage) -> None:
    stage.run()
    stage.cloud.after.append(lose_answer_of("POST", "/volumes"))
    identity, outputs = stage.engine().configure().create(DATA)
    assert [volume["id"] for volume in stage.volumes()] == [identity]
    assert outputs["size"] == 1
    assert stage.journal.outcomes[0][1].result == "unknown"


def test_a_create_that_a_failing_service_carried_out_is_found(stage: Stage) -> None:
    stage.run()
    stage.cloud.after.append(refuse("POST", "/volumes", 500, {"computeFault": {"message": "Unexpected.", "code": 500}}))
    identity, _ = stage.engine().configure().create(DATA)
    assert [volume["id"] for volume in stage.volumes()] == [identity]


def test_a_create_that_never_arrived_says_that_nobody_knows(stage: Stage) -> None:
    stage.run()
    stage.cloud.faults.append(
        lambda seen: Answer(drop=True) if seen.method == "POST" and "volumes" in seen.path else None
    )
    with told(Code.ANSWER_LOST):
        stage.engine().configure().create(DATA)
    assert stage.cloud.writes() == ["POST /cinder/v3/volumes"]
    assert sum(stage.clock.slept) >= 30.0


def test_a_list_that_cannot_be_read_is_not_an_empty_list(stage: Stage) -> None:
    stage.run()
    page = Answer(200, raw=b"<html>proxy</html>", headers={"Content-Type": "text/html"})
    stage.cloud.faults.append(lambda seen: page if seen.method == "GET" and "volumes" in seen.path else None)
    with told(Code.UNREACHABLE):
        stage.engine().configure().create(DATA)
    assert stage.cloud.writes() == []


def test_an_adopted_key_pair_whose_secret_was_lost_is_made_anew(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    first, outputs = engine.create({"name": "deploy"}, KEYPAIR, "kp")
    again, outputs_again = engine.create({"name": "deploy"}, KEYPAIR, "kp")
    assert first == again == outputs["name"] == f"deploy-{operation_key(OWNER, urn_of(KEYPAIR, 'kp'), 1)}"
    assert outputs_again["privateKey"] == "PRIVATE"
    assert [line.split()[0] for line in stage.cloud.writes()] == ["POST", "DELETE", "POST"]


def test_an_adopted_key_pair_of_a_given_key_is_kept(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    for _ in range(2):
        engine.create({"name": "deploy", "publicKey": "ssh-rsa AAAA"}, KEYPAIR, "kp")
    assert [line.split()[0] for line in stage.cloud.writes()] == ["POST"]


def test_an_adopted_credential_with_a_secret_of_ours_is_kept(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    for _ in range(2):
        _, outputs = engine.create({"name": "c", "secret": "ours", "unrestricted": False}, CREDENTIAL, "c")
    assert stage.cloud.writes() == ["POST /v3/users/u1/application_credentials"]
    assert outputs["secret"] == "ours"


# ---------------------------------------------------------------------------------------------------- when it fails


def test_nothing_is_sent_when_the_journal_is_full(stage: Stage) -> None:
    stage.run()
    stage.journal.full = True
    with told(Code.JOURNAL_UNAVAILABLE):
        stage.engine().configure().create(DATA)
    assert stage.cloud.writes() == []


def test_a_new_object_that_fails_is_taken_away_again(stage: Stage) -> None:
    stage.run()
    stage.cloud.born = ("creating", "error")
    with told(Code.FAILED) as said:
        stage.engine().configure().create(DATA)
    assert stage.volumes() == []
    assert "blockstorage Volume data failed" in said[0]
    assert [context.operation for context, _ in stage.journal.intents] == ["create", "delete"]


def _partial_state(error: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    failed = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(failed)
    return failed


def test_an_adopted_object_that_fails_is_kept_with_its_id(stage: Stage) -> None:
    """It may be older than this run: it may hold data."""
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    stage.cloud.things["volumes"][identity]["status"] = "error"
    with pytest.raises(grpc.RpcError) as failed:
        engine.create(DATA)
    partial = _partial_state(failed.value)
    assert partial.id == identity
    assert partial.reasons[0].startswith("Failed: ")
    assert wire.values_of(partial.inputs) == DATA
    assert len(stage.volumes()) == 1


def test_a_new_object_is_not_taken_away_because_its_service_fails_for_a_moment(stage: Stage) -> None:
    stage.run()
    stage.cloud.faults.append(lambda seen: Answer(500) if seen.method == "GET" and "/volumes/" in seen.path and "detail" not in seen.path else None)
    with pytest.raises(grpc.RpcError) as failed:
        stage.engine().configure().create(DATA)
    partial = _partial_state(failed.value)
    assert partial.reasons[0].startswith("Unreachable: ")
    assert [volume["id"] for volume in stage.volumes()] == [partial.id]


def test_what_does_not_get_ready_in_time_keeps_its_id_and_is_finished_later(stage: Stage) -> None:
    stage.run(allowed=frozenset({("data", "create")}))
    stage.cloud.born = ("creating", "creating")
    engine = stage.engine().configure()
    with pytest.raises(grpc.RpcError) as failed:
        engine.create(DATA, timeout=5.0)
    partial = _partial_state(failed.value)
    assert partial.reasons[0] == "Timeout: blockstorage Volume data to become ready took longer than 5 s"
    stage.cloud.things["volumes"][partial.id]["status"] = "available"
    outputs = engine.update(partial.id, DATA, DATA)
    assert outputs["size"] == 1
    assert stage.cloud.writes() == ["POST /cinder/v3/volumes"]


def test_what_is_gone_before_it_was_finished_is_read_by_the_next_run_which_makes_it_anew(stage: Stage) -> None:
    """Deleted by the attempt that was killed, or by a person: waiting for it would never end."""
    stage.run(allowed=frozenset({("data", "create")}))
    with pytest.raises(grpc.RpcError) as failed:
        stage.engine().configure().update("no-such-volume", DATA, DATA)
    partial = _partial_state(failed.value)
    assert (partial.id, partial.refresh_before_update) == ("no-such-volume", True)
    assert partial.reasons[0] == "Conflict: blockstorage Volume data is gone before it was finished; the next attempt makes it anew"


@pytest.mark.parametrize("allowed", [None, frozenset({("data", "update")})])
def test_what_the_plan_does_not_make_is_not_made_anew_because_it_is_gone(stage: Stage, allowed: Any) -> None:
    stage.run(allowed=allowed)
    with pytest.raises(grpc.RpcError) as failed:
        stage.engine().configure().update("no-such-volume", DATA, {**DATA, "size": 2})
    assert "grpc-status-details-bin" not in dict(failed.value.trailing_metadata())
    assert code_in(str(failed.value.details())) is Code.FAILED


def test_what_was_never_finished_is_passed_by_where_the_plan_does_not_make_it_and_finished_where_one_does(stage: Stage) -> None:
    """Else a provisioning whose volume never gets ready could not be ended: to stop its servers comes first, and touches nothing else."""
    stage.run(plan=2, allowed=frozenset({("web", "update")}))
    engine = stage.engine().configure()
    outputs = engine.update("v-1", DATA, DATA)
    assert outputs["size"] == 1
    assert stage.cloud.writes() == []
    assert _asked_again(engine, outputs)
    stage.runs.end("s1")

    stage.run(plan=3, allowed=frozenset({("data", "create")}))
    engine = stage.engine().configure()
    stage.cloud.things["volumes"]["v-1"] = {"id": "v-1", "size": 1, "status": "available", "metadata": {}}
    inputs, known = wire.struct_of(DATA), wire.struct_of(outputs)
    read = engine.stub.Read(provider_pb2.ReadRequest(id="v-1", urn=urn_of(VOLUME, "data"), inputs=inputs, properties=known))
    assert _asked_again(engine, wire.values_of(read.properties)), "looking at it finishes nothing"
    assert not _asked_again(engine, engine.update("v-1", DATA, DATA))


def test_what_was_never_finished_is_finished_also_by_a_plan_that_changes_it(stage: Stage) -> None:
    """What a network has after its making, its tags for one, is no change that the engine could see."""
    stage.run(allowed=frozenset({("net", "create"), ("net", "update")}))
    stage.cloud.faults.append(refuse("PUT", "/tags", 503))
    net = {"name": "net", "tags": ["unit=education"]}
    engine = stage.engine().configure()
    with pytest.raises(grpc.RpcError) as failed:
        engine.create(net, NETWORK, "net")
    partial = _partial_state(failed.value)
    stage.cloud.faults.clear()

    known, new = wire.values_of(partial.properties), {**net, "name": "other"}
    inputs = {"old_inputs": wire.struct_of(net), "news": wire.struct_of(new)}
    engine.stub.Update(provider_pb2.UpdateRequest(id=partial.id, urn=urn_of(NETWORK, "net"), olds=wire.struct_of(known), **inputs))
    made = stage.cloud.things["networks"][partial.id]
    assert (made["name"], "unit=education" in made["tags"]) == ("other", True)


def _asked_again(engine: EngineCall, outputs: dict[str, Any]) -> bool:
    """Whether the engine would ask for an update although no input differs."""
    inputs = wire.struct_of(DATA)
    diff = provider_pb2.DiffRequest(id="v-1", urn=urn_of(VOLUME, "data"), olds=wire.struct_of(outputs), old_inputs=inputs, news=inputs)
    answer = engine.stub.Diff(diff)
    assert not answer.replaces
    return bool(answer.changes == provider_pb2.DiffResponse.DIFF_SOME)


SERVER = "openstack:compute/instance:Instance"
WEB = {"name": "web", "flavorName": "m1.small", "powerState": "active"}


def _a_server(stage: Stage, status: str, task: str | None = None) -> None:
    """One that an earlier attempt made and that nobody waited for to the end."""
    stage.cloud.things["flavors"]["f1"] = {"id": "f1", "name": "m1.small", "status": "", "metadata": {}}
    fault = {"message": "No valid host was found."}
    stage.cloud.things["servers"]["s-1"] = {"id": "s-1", "name": "web", "status": status, "OS-EXT-STS:task_state": task, "fault": fault, "metadata": {}}


def test_a_server_that_can_never_be_finished_is_taken_away_and_made_anew_by_the_next_run(stage: Stage) -> None:
    """What it works on lies in volumes: as it is, it is of no use to anybody, and it would be waited for without end."""
    stage.run(allowed=frozenset({("web", "create")}))
    _a_server(stage, "ERROR")
    with pytest.raises(grpc.RpcError) as failed:
        stage.engine().configure().update("s-1", WEB, WEB, SERVER, "web")
    partial = _partial_state(failed.value)
    assert partial.refresh_before_update
    assert partial.reasons[0] == "Failed: compute Instance web failed: No valid host was found."
    assert stage.cloud.things["servers"] == {}
    assert [context.operation for context, _ in stage.journal.intents] == ["delete"]


@pytest.mark.parametrize(
    ("allowed", "power"),
    [(None, "active"), (frozenset({("web", "update")}), "shutoff"), (frozenset({("web", "update"), ("web", "create")}), "shutoff")],
)
def test_a_server_that_was_finished_is_not_taken_away_because_it_failed(stage: Stage, allowed: Any, power: str) -> None:
    """Nor one that a plan changes which took the place of the one that made it, and which may therefore make it too."""
    stage.run(allowed=allowed)
    _a_server(stage, "ERROR")
    with told(Code.FAILED):
        stage.engine().configure().update("s-1", WEB, {**WEB, "powerState": power}, SERVER, "web")
    assert stage.cloud.writes() == []


def test_a_server_is_not_taken_away_because_nova_fails(stage: Stage) -> None:
    stage.run(allowed=frozenset({("web", "create")}))
    _a_server(stage, "ACTIVE")
    stage.cloud.faults.append(refuse("GET", "/servers/", 500))
    with told(Code.UNREACHABLE):
        stage.engine().configure().update("s-1", WEB, WEB, SERVER, "web")
    assert stage.cloud.writes() == []


def test_a_volume_that_can_never_be_finished_is_kept(stage: Stage) -> None:
    """It may hold data: a person looks, and deletes it. Then it is gone, and made anew."""
    stage.run(allowed=frozenset({("data", "create")}))
    stage.cloud.things["volumes"]["v-1"] = {"id": "v-1", "size": 1, "status": "error", "metadata": {}}
    with told(Code.FAILED):
        stage.engine().configure().update("v-1", DATA, DATA)
    assert stage.cloud.writes() == []


def test_a_service_that_does_not_answer_has_not_said_that_something_is_gone(stage: Stage) -> None:
    stage.run(allowed=frozenset({("data", "create")}))
    stage.cloud.faults.append(refuse("GET", "/volumes/", 503))
    with told(Code.UNREACHABLE):
        stage.engine().configure().update("a-volume", DATA, DATA)


def test_a_secret_that_the_service_echoes_is_not_told(stage: Stage) -> None:
    stage.run()
    body = {"error": {"message": "Invalid secret: hunter2", "code": 400}}
    stage.cloud.faults.append(refuse("POST", "application_credentials", 400, body))
    with told(Code.INVALID) as said:
        stage.engine().configure().create(
            {"name": "c", "secret": "hunter2"}, CREDENTIAL, "c", secrets=frozenset({"secret"})
        )
    assert "hunter2" not in said[0]


def test_an_exceeded_quota_is_told_as_such(stage: Stage) -> None:
    stage.run()
    body = {
        "overLimit": {"message": "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded", "code": 413}
    }
    stage.cloud.faults.append(refuse("POST", "/volumes", 413, body))
    with told(Code.QUOTA_EXCEEDED) as said:
        stage.engine().configure().create(DATA)
    assert "blockstorage Volume data: VolumeLimitExceeded" in said[0]


def test_a_type_that_is_not_served_is_named(stage: Stage) -> None:
    stage.run()
    with told(Code.INVALID) as said:
        stage.engine().configure().create({}, "openstack:dns/zone:Zone", "z")
    assert "openstack:dns/zone:Zone is not implemented" in said[0]


# --------------------------------------------------------------------------------------------- change, read, delete


def test_a_volume_grows_and_takes_its_metadata_in_place(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    new = {**DATA, "size": 3, "metadata": {"govcloud_stage": "production"}}
    outputs = engine.update(identity, DATA, new)
    (volume,) = stage.volumes()
    assert (outputs["size"], volume["size"]) == (3, 3)
    assert volume["metadata"]["govcloud_stage"] == "production"
    assert marks_of(volume).key is not None
    before = len(stage.cloud.writes())
    engine.update(identity, DATA, new)
    assert stage.cloud.writes()[before:] == [f"POST /cinder/v3/volumes/{identity}/metadata"]


def test_a_volume_changes_its_type_in_place(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    old, new = {**DATA, "volumeType": "standard"}, {**DATA, "volumeType": "fast"}
    identity, _ = engine.create(old)
    stage.cloud.after.append(lose_answer_of("POST", "/action"))
    for _ in range(2):
        assert engine.update(identity, old, new)["volumeType"] == "fast"
    (asked,) = [json.loads(seen.body)["os-retype"] for seen in stage.cloud.seen if seen.path.endswith("/action")]
    assert asked == {"new_type": "fast", "migration_policy": "on-demand"}


def test_a_volume_that_cinder_left_on_its_type_is_told(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    old = {**DATA, "volumeType": "standard"}
    identity, _ = engine.create(old)
    stage.cloud.full_types.add("fast")
    with told(Code.FAILED) as said:
        engine.update(identity, old, {**DATA, "volumeType": "fast"})
    assert "could not get the type fast" in said[0]


def test_a_new_description_keeps_the_mark(stage: Stage) -> None:
    stage.run(plan=1)
    engine = stage.engine().configure()
    old = {"name": "net", "description": "one"}
    identity, _ = engine.create(old, NETWORK, "net")
    stage.runs.end("s1")
    stage.run(plan=2)
    outputs = stage.engine().configure().update(identity, old, {**old, "description": "two"}, NETWORK, "net")
    network = stage.cloud.things["networks"][identity]
    assert marks_of(network).key == operation_key(OWNER, urn_of(NETWORK, "net"), 1)
    assert outputs["description"] == "two"


def test_a_resource_that_vanished_is_read_as_absent(stage: Stage) -> None:
    stage.run()
    assert stage.engine().configure().read("gone", DATA).id == ""


def test_an_import_reads_the_inputs(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    answer = engine.read(identity, {})
    inputs = wire.values_of(answer.inputs)
    assert answer.id == identity
    assert inputs["size"] == 1
    assert inputs["metadata"] == {"govcloud_stage": "trial"}


def test_deleting_what_is_gone_is_done(stage: Stage) -> None:
    stage.run()
    stage.engine().configure().delete("gone", DATA)


def test_a_deletion_that_the_service_gives_up_is_an_error_with_its_words(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)

    def stuck(seen: Any) -> Answer | None:
        if seen.method == "DELETE":
            stage.cloud.things["volumes"][identity]["status"] = "error_deleting"
            return Answer(202)
        if "/messages" in seen.path:
            return Answer(200, {"messages": [{"user_message": "delete volume: Driver failed to delete the volume."}]})
        return None

    stage.cloud.faults.append(stuck)
    with told(Code.FAILED) as said:
        engine.delete(identity, DATA)
    assert "could not be deleted: delete volume: Driver failed" in said[0]


def test_an_attached_volume_is_not_deleted(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    stage.cloud.things["volumes"][identity] |= {"status": "in-use", "attachments": [{"server_id": "srv-1"}]}
    with told(Code.CONFLICT) as said:
        engine.delete(identity, DATA)
    assert "still attached to srv-1" in said[0]
    assert len(stage.volumes()) == 1


def _refusing_deletions(times: int) -> Any:
    """As Cinder does while the record of an attachment is still there, though the volume is shown as available."""
    left = iter(range(times))

    def refusing(seen: Any) -> Answer | None:
        refused = seen.method == "DELETE" and next(left, None) is not None
        return Answer(400, {"badRequest": {"message": "Invalid volume: Volume must not be attached."}}) if refused else None

    return refusing


def test_a_volume_that_looks_free_before_it_is_goes_all_the_same(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    stage.cloud.faults.append(_refusing_deletions(3))
    engine.delete(identity, DATA)
    assert stage.volumes() == []


def test_a_volume_that_is_never_free_is_an_error_with_the_services_words(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    stage.cloud.faults.append(_refusing_deletions(10_000))
    with told(Code.INVALID) as said:
        engine.delete(identity, DATA)
    assert "must not be attached" in said[0]
    assert len(stage.volumes()) == 1


# -------------------------------------------------------------------------------------------------- before it is done


def test_a_volume_that_its_server_lets_go_late_is_deleted(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    identity, _ = engine.create(DATA)
    volume = stage.cloud.things["volumes"][identity]
    volume["status"] = "in-use"
    looks: list[str] = []

    def let_go_later(seen: Any) -> None:
        looks.append(seen.path)
        if len(looks) == 3:
            volume["status"] = "available"

    stage.cloud.faults.append(let_go_later)
    engine.delete(identity, DATA)
    assert stage.volumes() == []


def test_a_preview_writes_nothing_and_says_what_is_unknown(stage: Stage) -> None:
    stage.run(allowed=frozenset())
    engine = stage.engine().configure()
    identity, outputs = engine.create(DATA, preview=True)
    assert identity == ""
    assert outputs["size"] == 1
    assert repr(outputs["attachments"]) == "UNKNOWN"
    engine.update("v1", DATA, {**DATA, "size": 2}, preview=True)
    assert stage.cloud.seen == []
    assert stage.journal.intents == []


def test_check_completes_and_refuses(stage: Stage) -> None:
    request = provider_pb2.CheckRequest(
        urn=urn_of(VOLUME, "data"), news=wire.struct_of({"size": 1, "colour": "red"}), randomSeed=bytes(range(8))
    )
    answer = stage.engine().stub.Check(request)
    inputs = wire.values_of(answer.inputs)
    assert inputs["name"] == "data-0001020"
    assert [failure.property for failure in answer.failures] == ["colour"]


def test_check_keeps_secrets_secret(stage: Stage) -> None:
    news = wire.struct_of({"name": "c", "secret": "hunter2"}, {"secret"})
    answer = stage.engine().stub.Check(provider_pb2.CheckRequest(urn=urn_of(CREDENTIAL, "c"), news=news))
    assert wire.secret_names(answer.inputs) == {"secret"}


def test_secrets_come_back_as_secrets(stage: Stage) -> None:
    stage.run()
    engine = stage.engine().configure()
    request = provider_pb2.CreateRequest(urn=urn_of(KEYPAIR, "kp"), properties=wire.struct_of({"name": "k"}))
    assert wire.secret_names(engine.stub.Create(request).properties) == {"privateKey"}
    marked = wire.struct_of({**DATA, "description": "private"}, {"description"})
    volume = engine.stub.Create(provider_pb2.CreateRequest(urn=urn_of(VOLUME, "data"), properties=marked))
    assert wire.secret_names(volume.properties) == {"description"}


def test_a_difference_is_told_in_detail(stage: Stage) -> None:
    old, new = wire.struct_of({"size": 1, "imageId": "i"}), wire.struct_of({"size": 2, "imageId": "j"})
    request = provider_pb2.DiffRequest(urn=urn_of(VOLUME, "data"), old_inputs=old, olds=old, news=new)
    answer = stage.engine().stub.Diff(request)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ["imageId"]
    kinds = {name: detail.kind for name, detail in answer.detailedDiff.items()}
    assert kinds == {"size": provider_pb2.PropertyDiff.UPDATE, "imageId": provider_pb2.PropertyDiff.UPDATE_REPLACE}


def test_a_login_never_travels_through_the_engine(stage: Stage) -> None:
    news = wire.struct_of({"cloud": "unit", "password": "hunter2"})
    answer = stage.engine().stub.CheckConfig(provider_pb2.CheckRequest(news=news))
    assert [(failure.property, "give cloud" in failure.reason) for failure in answer.failures] == [("password", True)]
    answer = stage.engine().stub.CheckConfig(provider_pb2.CheckRequest(news=wire.struct_of({})))
    assert [failure.property for failure in answer.failures] == ["cloud"]


def test_another_cloud_is_another_place(stage: Stage) -> None:
    stub = stage.engine().stub
    one, other = wire.struct_of({"cloud": "a"}), wire.struct_of({"cloud": "b"})
    assert list(stub.DiffConfig(provider_pb2.DiffRequest(olds=one, news=other)).replaces) == ["cloud"]
    same = stub.DiffConfig(provider_pb2.DiffRequest(olds=one, news=one))
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_an_engine_can_attach(stage: Stage) -> None:
    stub = stage.engine().stub
    assert stub.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1")) == empty_pb2.Empty()
    assert stub.GetPluginInfo(empty_pb2.Empty()).version == "5.5.3"
