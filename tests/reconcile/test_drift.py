"""Something changes behind the controller's back: it is told once, in every place, and nothing is written to the cloud because of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from reconcile.world import NAME, World

from govcloud.api.progress import Drift, Failure, Operation, Progress
from govcloud.audit.records import Action, Record
from govcloud.core.drift import gone_without_loss, is_looked_after
from govcloud.failures import Retry
from govcloud.reasons import Reason
from govcloud.rounds import Rounds

AT = datetime(2026, 3, 2, tzinfo=UTC)
UNDER_WAY = Operation(plan=2, transition="Change", started_at=AT)
FAILED = Failure(kind="Retry", reason="CloudUnreachable", message="no answer", count=1, retry_at=AT)


@pytest.fixture
def production(world: World) -> World:
    return world.to_production()


def told(world: World) -> list[Record]:
    return [record for record in world.audit.records() if record.action is Action.MONITOR and record.reason.rule == "drift"]


def test_what_is_as_it_was_built_is_said_to_be_so(production: World) -> None:
    production.look_for_drift()

    assert production.condition("Drifted").status == "False"
    assert told(production) == []
    assert production.status().next_action.en == "Nothing to do"


def test_a_deleted_machine_is_told_and_not_made_again(production: World) -> None:
    runs, there = len(production.stacks.runs), production.things()
    production.delete_by_hand("web-0")
    production.look_for_drift()

    drifted = production.condition("Drifted")
    assert (drifted.status, drifted.reason) == ("True", "DriftFound")
    assert "web-0 (gone)" in drifted.message
    assert production.condition("Ready").status == "True"
    assert "web-0（已不存在）" in production.status().next_action.zh
    (record,) = told(production)
    assert "web-0 (gone)" in record.message
    assert record.reason.plan_number == production.status().progress.completed_plan
    assert [reason for _, reason, message in production.cluster.events if "web-0" in message] == ["DriftFound"]
    assert len(production.stacks.runs) == runs
    assert production.things().keys() == there.keys() - {"web-0"}


def test_a_request_is_looked_at_when_there_is_something_to_tell_of_it(production: World) -> None:
    woken: list[str] = []
    rounds = Rounds(production.ports, lambda key: woken.append(key.name))
    rounds.look_for_drift()
    assert woken == []
    production.delete_by_hand("web-0")
    rounds.look_for_drift()
    assert woken == [NAME]
    production.run()
    rounds.look_for_drift()
    assert woken == [NAME]


def test_a_changed_value_is_named(production: World) -> None:
    thing = production.things()["data"]
    production.cloud.change(thing.id, {**thing.inputs, "size": 999})
    production.look_for_drift()

    (found,) = production.status().progress.drift or ()
    assert (found.resource, found.id, found.fields) == ("data", thing.id, ("size",))


def test_it_is_told_once_and_again_when_it_is_mended(production: World) -> None:
    thing = production.things()["data"]
    production.cloud.change(thing.id, {**thing.inputs, "size": 999})
    for _ in range(3):
        production.look_for_drift()
    assert len(told(production)) == 1

    production.cloud.change(thing.id, thing.inputs)
    production.look_for_drift()

    assert [record.outcome.value for record in told(production)] == ["failure", "success"]
    assert production.condition("Drifted").status == "False"


def test_a_look_that_finds_what_is_known_writes_nothing(production: World) -> None:
    production.delete_by_hand("web-0")
    production.look_for_drift()
    before = production.request().resource_version
    production.look_for_drift()
    assert production.request().resource_version == before


def test_a_restart_forgets_nothing_that_was_told(production: World) -> None:
    production.delete_by_hand("web-0")
    production.look_for_drift()
    production.restart_controller()
    production.run()
    assert production.condition("Drifted").status == "True"
    production.look_for_drift()
    assert len(told(production)) == 1


def test_a_plan_that_cannot_get_on_is_looked_after_too(production: World) -> None:
    production.edit_service("web", count=3)
    production.run()
    production.wire.fail_next("cloud.create", Retry(Reason.CLOUD_UNREACHABLE, "no answer", timedelta(minutes=1)), times=50)
    production.approve()
    assert production.status().progress.operation is not None
    production.delete_by_hand("web-0")
    production.look_for_drift()

    assert "web-0 (gone)" in told(production)[0].message


@pytest.mark.parametrize(
    ("changes", "looked_after"),
    [
        ({}, True),
        ({"completed_plan": None}, False),
        ({"operation": UNDER_WAY}, False),
        ({"operation": UNDER_WAY, "failure": FAILED}, True),
        ({"terminated_at": AT}, False),
    ],
)
def test_nothing_is_looked_for_while_it_is_being_made_or_after_its_end(changes: dict[str, object], looked_after: bool) -> None:
    assert is_looked_after(Progress(completed_plan=1).model_copy(update=changes)) == looked_after


def test_what_was_found_before_a_run_counts_no_more_after_it(production: World) -> None:
    production.look_for_drift()
    production.edit_service("data", sizeGib=200)
    production.run()
    production.approve()

    assert production.stacks.drift(production.request().key) is None
    production.look_for_drift()
    assert production.condition("Drifted").status == "False"


def test_a_cloud_that_does_not_answer_says_nothing_about_drift(production: World) -> None:
    class Silent:
        def look_for_drift(self, unit: object, keys: object) -> None:
            raise Retry(Reason.CLOUD_UNREACHABLE, "no answer")

        def drift(self, key: object) -> None:
            return None

    production.look_for_drift()
    with pytest.raises(Retry, match="no answer"):
        Rounds(replace(production.ports, stacks=Silent())).look_for_drift()  # type: ignore[arg-type]
    production.run()
    assert production.condition("Drifted").status == "False"


def test_after_the_end_there_is_nothing_to_look_for(production: World) -> None:
    thing = production.things()["data"]
    production.cloud.change(thing.id, {**thing.inputs, "metadata": {"hand": "made"}})
    production.look_for_drift()
    production.terminate()
    production.run()
    production.approve()
    production.run_patiently()
    production.look_for_drift()

    assert production.status().phase == "Terminated"
    assert production.status().progress.drift is None
    assert "Drifted" not in {condition.type for condition in production.status().conditions}


@pytest.mark.parametrize("noticed", ["before", "while it waits"])
def test_a_termination_does_not_wait_for_a_machine_that_nobody_can_stop_any_more(production: World, noticed: str) -> None:
    production.delete_by_hand("web-0")
    if noticed == "before":
        production.look_for_drift()
    production.terminate()
    production.run()
    production.approve()
    if noticed != "before":
        assert production.condition("Stalled").reason == "ResourceFailed"
        production.look_for_drift()
    production.run_patiently()

    assert production.status().phase == "Terminated"
    assert production.things() == {}
    record = production.status().progress.termination
    backup = production.cluster.backup(record.backup) if record and record.backup else None
    assert backup is not None
    assert {part.name for part in backup.spec.parts} >= {"data", "db", "files", "web-0-boot"}


def test_a_machine_that_was_made_anew_under_its_name_is_not_gone(production: World) -> None:
    facts, made = production.facts(), production.things()["web-0"]
    there = production.plan(1).resources().resources
    gone = Drift(resource="web-0", type=made.type, id=made.id)
    assert "web-0" in gone_without_loss(replace(facts, drift=(gone,)), there)
    assert gone_without_loss(replace(facts, drift=(gone.model_copy(update={"id": "another"}),)), there) == frozenset()
    changed = gone.model_copy(update={"fields": ("name",)})
    assert gone_without_loss(replace(facts, drift=(changed,)), there) == frozenset()


def test_it_waits_for_a_person_where_what_holds_data_is_gone(production: World) -> None:
    production.delete_by_hand("data")
    production.look_for_drift()
    production.terminate()
    production.run()
    production.approve()

    assert production.status().phase == "Terminating"
    stalled = production.condition("Stalled")
    assert stalled.status == "True" and "data" in stalled.message
    assert "web-0" in production.things()
