"""Reading what a stack remembers, and repairing it after an interrupted run."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from stacks.engine.failures import StateDamaged
from stacks.engine.state import parse, repaired, to_be_read_anew

PREFIX = "urn:pulumi:request-1::govcloud-requests::"
VOLUME = f"{PREFIX}openstack:blockstorage/volume:Volume::"
PROVIDER = f"{PREFIX}pulumi:providers:openstack::unit::7f3a"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hush"'}


def volume(name: str, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"{VOLUME}{name}",
        "custom": True,
        "type": "openstack:blockstorage/volume:Volume",
        "id": f"id-{name}",
        "inputs": {"size": 1},
        "outputs": {"size": 1},
        "provider": PROVIDER,
        **more,
    }


DOCUMENT: dict[str, Any] = {
    "version": 3,
    "deployment": {
        "manifest": {"time": "2026-11-22T03:52:17.580108129Z"},
        "resources": [
            {
                "urn": f"{PREFIX}pulumi:pulumi:Stack::s",
                "type": "pulumi:pulumi:Stack",
                "outputs": {"credential/db/password": SECRET, "list": [SECRET, 1]},
            },
            volume("data"),
            volume("old", delete=True),
        ],
        "pending_operations": [
            {"type": "creating", "resource": {**volume("fresh", id=""), "inputs": {"secret": SECRET}}},
            {"type": "updating", "resource": volume("data")},
            {"type": "deleting", "resource": volume("old")},
        ],
    },
}


def after_repair(found: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(repaired(parse(json.dumps(DOCUMENT)), found))
    return document["deployment"]


def test_what_there_is_comes_with_its_name_and_id() -> None:
    state = parse(json.dumps(DOCUMENT))
    assert {item.name: (item.id, item.doomed) for item in state.resources} == {
        "data": ("id-data", False),
        "old": ("id-old", True),
    }
    assert state.written_at == datetime(2026, 11, 22, 3, 52, 17, 580108, UTC)


def test_secrets_are_opened_wherever_they_lie() -> None:
    state = parse(json.dumps(DOCUMENT))
    assert state.outputs == {"credential/db/password": "hush", "list": ["hush", 1]}
    assert state.pending[0].inputs == {"secret": "hush"}


def test_no_secret_is_shown_when_a_state_is_printed() -> None:
    assert "hush" not in repr(parse(json.dumps(DOCUMENT)))


def test_what_was_under_way_comes_with_its_login() -> None:
    pending = parse(json.dumps(DOCUMENT)).pending
    assert [(item.resource, item.kind, item.login) for item in pending] == [
        ("fresh", "creating", "unit"),
        ("data", "updating", "unit"),
        ("old", "deleting", "unit"),
    ]


def test_after_a_repair_nothing_is_pending() -> None:
    assert "pending_operations" not in after_repair({})


def test_what_was_found_is_remembered_as_unfinished_with_its_secrets_still_closed() -> None:
    made = after_repair({f"{VOLUME}fresh": "id-found"})["resources"][-1]
    assert made["urn"] == f"{VOLUME}fresh"
    assert made["id"] == "id-found"
    assert made["initErrors"]
    assert made["inputs"] == {"secret": SECRET}
    assert made["outputs"] == {"secret": SECRET, "__unfinished": True}


def while_being_made(*resources: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and ids after the repair of a state with these resources, in which `fresh` was being made, and was found."""
    deployment = {**DOCUMENT["deployment"], "resources": list(resources)}
    document = json.loads(repaired(parse(json.dumps({**DOCUMENT, "deployment": deployment})), {f"{VOLUME}fresh": "id-found"}))
    return [(item["urn"].removeprefix(VOLUME), item["id"]) for item in document["deployment"]["resources"]]


def test_what_was_found_stands_where_that_stood_which_it_replaces() -> None:
    """The engine takes no state in which a URN stands twice, or behind what depends on it."""
    depends = volume("data", dependencies=[f"{VOLUME}fresh"])
    gone = volume("fresh", pendingReplacement=True)
    assert while_being_made(gone, depends) == [("fresh", "id-found"), ("data", "id-data")]


def test_what_a_later_run_took_over_is_not_remembered_twice() -> None:
    """The engine forgets no create under way by itself, also when it made the resource since."""
    assert while_being_made(volume("fresh"), volume("data")) == [("fresh", "id-fresh"), ("data", "id-data")]


def test_what_is_still_to_be_deleted_stands_behind_what_was_found() -> None:
    assert while_being_made(volume("data"), volume("fresh", delete=True)) == [("data", "id-data"), ("fresh", "id-found"), ("fresh", "id-fresh")]


def test_what_was_not_found_is_forgotten() -> None:
    assert [item["urn"] for item in after_repair({})["resources"]] == [
        item["urn"] for item in DOCUMENT["deployment"]["resources"]
    ]


def test_what_was_being_updated_is_read_anew_before_the_next_update() -> None:
    anew = {item["urn"] for item in after_repair({})["resources"] if item.get("refreshBeforeUpdate")}
    assert anew == {f"{VOLUME}data"}


def test_what_was_being_finished_is_still_to_be_finished() -> None:
    """The engine would take it for finished once it has read it, ready or not."""
    unfinished = volume("data", initErrors=["Timeout: it took longer than 900 s"])
    state = parse(json.dumps({**DOCUMENT, "deployment": {**DOCUMENT["deployment"], "resources": [unfinished]}}))
    for document in (repaired(state, {}), to_be_read_anew(state, {"data"})):
        assert json.loads(document)["deployment"]["resources"] == [unfinished]


def test_what_is_not_believed_is_read_anew_and_nothing_else_changes() -> None:
    document = json.loads(to_be_read_anew(parse(json.dumps(DOCUMENT)), {"data", "old", "unknown"}))
    resources = document["deployment"]["resources"]
    assert [item["urn"] for item in resources if item.pop("refreshBeforeUpdate", False)] == [f"{VOLUME}data"]
    assert document == DOCUMENT


def test_a_repair_changes_nothing_else() -> None:
    before = copy.deepcopy(DOCUMENT)
    document = json.loads(repaired(parse(json.dumps(DOCUMENT)), {}))
    assert before == DOCUMENT
    assert document["version"] == 3
    assert document["deployment"]["manifest"] == DOCUMENT["deployment"]["manifest"]


def test_an_empty_stack_is_a_state_too() -> None:
    state = parse(json.dumps({"version": 3, "deployment": {"manifest": {"time": "0001-01-01T00:00:00Z"}}}))
    assert (state.resources, dict(state.outputs), state.pending, state.written_at) == ((), {}, (), None)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"deployment": null}', '{"deployment": {"resources": [1]}}'])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(StateDamaged):
        parse(text)
