"""What cannot be proven is destroyed only where the unit itself gives it up: for that very part, by its document, in an approved plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from reconcile.world import APPLICANT, UNIT, UNIT_TITLE, World, waiver

from govcloud.audit.records import Phase
from govcloud.core import actions as act
from govcloud.core.decide import decide
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

PROJECT = f"project-{UNIT}"


@pytest.fixture
def differing(world: World) -> World:
    """A termination whose backup of the volume `data` differs from its source."""
    world.to_production()
    world.backups.corrupt.add("data")
    world.terminate()
    world.run()
    world.approve()
    assert world.condition("Stalled").reason == "BackupMismatch"
    return world


def waive(world: World, *parts: str) -> World:
    """The unit asks for the same end, without the backups of these."""
    world.terminate(waived=parts)
    world.run()
    return world


def refusals(world: World) -> str:
    assert world.condition("Stalled").status == "True"
    return world.condition("Stalled").message


# How it goes


def test_a_part_whose_backup_differs_goes_once_the_unit_gave_it_up_and_all_else_is_proven(differing: World) -> None:
    waive(differing, "data")
    with differing.nothing_touched():
        differing.decide("unit-consent")
        differing.run()
    differing.decide("authority")
    differing.run_patiently()
    record = differing.termination_record()

    assert differing.status().phase == "Terminated"
    assert differing.cloud.things(PROJECT) == ()
    assert [(part.part, part.service, part.number) for part in record.waived] == [("data", "data", "九急〔2026〕4号")]
    backup = differing.cluster.backup(str(record.backup))
    assert backup is not None
    assert {part.name for part in backup.spec.parts} == {"web-0-boot", "web-1-boot", "db", "files"}
    assert backup.spec.waived == record.waived
    assert {part.state for part in backup.status.parts} == {"Cleaned"}


def test_the_plan_says_it_in_words_that_cannot_be_overlooked(differing: World) -> None:
    waive(differing, "data")
    plan = differing.shown_plan()

    (told,) = plan.waived
    assert "Will be destroyed WITHOUT a backup: data" in told and "不经备份即销毁:data" in told
    assert "九急〔2026〕4号" in told and "ef" * 32 in told and "differs" in told
    assert "1 of what holds data WITHOUT a backup" in plan.summary_en and "其中 1 项数据不经备份即销毁" in plan.summary_zh
    pinned = differing.plan(plan.number)
    assert pinned.model_copy(update={"waivers": ()}).digest != pinned.digest


def test_a_part_whose_backup_failed_for_good_can_be_given_up(world: World) -> None:
    world.to_production()
    world.terminate()
    world.run()
    world.wire.fail_next("backup.Frozen files", Stop(Reason.RESOURCE_FAILED, "the container cannot be listed"), times=50)
    world.approve()
    waive(world, "files").approve()
    world.run_patiently()

    assert world.status().phase == "Terminated"
    assert world.plan(4).waivers[0].ground == "BackupFailed"


def test_everything_can_be_given_up_one_failure_after_the_other(world: World) -> None:
    world.to_production()
    parts = ["web-0-boot", "web-1-boot", "data", "db", "files"]
    world.backups.corrupt |= set(parts)
    world.terminate()
    world.run()
    world.approve()
    waive(world, *parts).approve()
    world.run_patiently()

    assert world.status().phase == "Terminated"
    assert world.termination_record().backup is None
    assert "given up WITHOUT a backup" in world.condition("BackedUp").message
    assert "不经备份即销毁" in world.next_action().zh


def test_a_second_failure_takes_a_third_plan_which_remembers_the_first(differing: World) -> None:
    waive(differing, "data")
    differing.backups.corrupt.add("db")
    differing.approve()
    assert "db" in differing.condition("Stalled").message
    waive(differing, "data", "db").approve()
    differing.run_patiently()

    assert differing.status().phase == "Terminated"
    assert {part.part for part in differing.termination_record().waived} == {"data", "db"}


def test_what_the_earlier_sets_held_in_the_way_is_removed_and_the_evidence_stays(differing: World) -> None:
    first = str(differing.termination_record().backup)
    waive(differing, "data").approve()
    differing.run_patiently()
    old = differing.cluster.backup(first)

    assert old is not None and old.status.state == "Mismatch" and old.status.cleared_at is not None
    left = {thing.name for thing in differing.cloud.things() if f"/{first}/" in thing.key}
    assert {"data-backup", "data-restored"} <= left
    assert not {name for name in left if name.endswith("-snapshot")}


def test_the_log_says_by_which_rule_document_and_approval_it_was_given_up(differing: World) -> None:
    waive(differing, "data").approve()
    differing.run_patiently()
    (said,) = [record for record in differing.audit.records() if record.reason.rule == "waived-backup"]

    consent = next(a for a in differing.cluster.approvals() if (a.spec.step, a.spec.plan_digest) == ("unit-consent", said.reason.plan_digest))
    assert said.attributes["documentNumber"] == "九急〔2026〕4号" and said.attributes["documentSha256"] == "ef" * 32
    assert (said.attributes["part"], said.attributes["ground"], said.attributes["consent"]) == ("data", "BackupMismatch", consent.name)
    assert consent.uid in said.reason.approval_digests
    destroyed = [r for r in differing.audit.records() if (r.attributes.get("effect"), r.phase) == ("Destroy", Phase.INTENT)]
    assert destroyed[-1].attributes["waived"] == "data" and destroyed[-1].attributes["consents"] == consent.name


# What it is not


def test_a_pack_in_which_the_unit_has_no_say_waives_nothing(differing: World) -> None:
    differing.terminate(waived=["data"])
    facts = differing.facts()
    assert facts.edition is not None
    others = tuple(rule for rule in facts.edition.steps["Terminate"] if rule.office != "unit")
    without = facts.edition.model_copy(update={"steps": {**facts.edition.steps, "Terminate": others}})
    refused = decide(replace(facts, edition=without))
    assert isinstance(refused, act.Refuse)
    assert "asks for no consent of the unit" in refused.violations[0].en
    assert isinstance(decide(facts), act.Freeze)


def test_what_can_be_backed_up_is_not_given_up(world: World) -> None:
    world.to_production()
    waive(world, "data")

    assert "spec.termination.waivers[0].part: data can be backed up" in refusals(world)
    assert "JJ 19, JJ 25" in refusals(world)


def test_what_did_not_fail_is_not_given_up_with_what_did(differing: World) -> None:
    waive(differing, "data", "db")

    assert "waivers[1].part: db can be backed up" in refusals(differing)
    assert "waivers[0]" not in refusals(differing)
    assert differing.cloud.things(PROJECT)


def test_what_waiting_helps_against_is_no_ground(world: World) -> None:
    world.to_production()
    world.terminate()
    world.run()
    world.wire.fail_next("backup.Frozen data", Retry(Reason.QUOTA_EXCEEDED, "no room"), times=3)
    world.approve()
    waive(world, "data")

    assert len(world.cluster.plans(world.request().key)) == 3
    world.run_patiently()
    assert world.termination_record().waived == ()


def test_nothing_that_is_not_there_is_given_up(differing: World) -> None:
    waive(differing, "date")
    assert "nothing that holds data is called date; there are data, db, files, web-0-boot, web-1-boot" in refusals(differing)


def test_the_applicant_alone_gives_nothing_up(differing: World) -> None:
    waive(differing, "data")
    own = differing.decide("unit-consent", approver=APPLICANT)
    differing.run()

    assert differing.judged(own) == "SelfApproval"
    differing.decide("authority")
    differing.run_patiently()
    assert differing.cloud.things(PROJECT)


def test_no_other_office_speaks_for_the_unit(differing: World) -> None:
    waive(differing, "data")
    others = differing.decide("unit-consent", office="九江市信息化工作办公室", approver="sun.li")
    differing.run()

    assert differing.judged(others) == "WrongOffice"
    assert UNIT_TITLE in differing.next_action().en


def test_the_approvals_of_the_first_termination_do_not_count_for_it(differing: World) -> None:
    with differing.nothing_touched():
        waive(differing, "data")
        differing.run()
    assert differing.condition("Approved").reason == "AwaitingApproval"


def test_a_consent_that_is_taken_back_freezes_the_end(differing: World) -> None:
    waive(differing, "data")
    differing.wire.fail_next("cloud.delete", Stop(Reason.RESOURCE_FAILED, "in error"), times=50)
    differing.approve()
    before = differing.cloud.things(PROJECT)
    differing.decide("unit-consent", "Revoked")
    differing.wire.forgive()
    differing.run_patiently()

    assert differing.condition("Stalled").reason == "ApprovalRevoked"
    assert differing.cloud.things(PROJECT) == before


def test_an_edit_that_is_taken_back_leaves_the_first_plan_where_it_stood(differing: World) -> None:
    waive(differing, "data")
    differing.terminate()
    differing.run()

    assert differing.condition("Stalled").reason == "BackupMismatch"
    assert differing.cloud.things(PROJECT)


def test_another_volume_under_the_same_name_is_not_what_was_given_up(differing: World) -> None:
    waive(differing, "data")
    plan = differing.plan(differing.shown_plan().number)
    (given,) = plan.waivers

    assert given.source_id == differing.things()["data"].id
    assert given.consent == "unit-consent"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sha256": "not a digest"}, "waivers[0].sha256"),
        ({"number": ""}, "waivers[0].number"),
        ({"reason": "Because"}, "waivers[0].reason"),
        ({"zh": "一\n二"}, "waivers[0].zh"),
    ],
)
def test_a_waiver_that_does_not_fit_is_told(world: World, changes: dict[str, Any], field: str) -> None:
    world.to_production()
    world.apply(stage="Terminated", termination={"reason": "系统停用", "waivers": [waiver("data", **changes)]})
    world.run()
    assert f"spec.termination.{field}" in refusals(world)
