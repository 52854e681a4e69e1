"""A file share from the first plan to the end: offered where the cloud has Manila, told to be in no backup, and given up by its unit or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from reconcile.backing_up import WEEK, BackingUp
from reconcile.world import UNIT, World, catalog_spec, services

from govcloud.core import actions as act
from govcloud.core.decide import decide
from govcloud.reasons import Reason

PROJECT = f"project-{UNIT}"
SHARES = {"name": "shares", "kind": "fileStorage", "shareType": "nfs-standard", "unitPrice": "0.6"}
SHARED = {"name": "shared", "fileStorage": {"sizeGib": 5, "offering": "shares", "access": [{"addresses": "10.20.0.0/24"}]}}
WHY = "共享文件均可由业务系统重新生成"


def offered(world: World, *, level: int = 2) -> World:
    """A cloud with Manila, and a request with a share."""
    world.cloud.offered = (*world.cloud.offered, "shared-file-system")
    world.populate()
    offerings = [offering.model_dump(mode="json", by_alias=True) for offering in catalog_spec().offerings]
    world.cluster.put_catalog("jiujiang-2026", catalog_spec(offerings=[*offerings, SHARES]))
    system = {"name": "急救订单系统", "classified": False, "governmentFunded": True, "protectionLevel": level}
    world.apply(services=[*services(), SHARED], system=system)
    world.run()
    return world


def approve(world: World, comment: str = WHY) -> None:
    for step in world.shown_plan().steps:
        world.decide(step, comment=comment)
        world.run()


@pytest.fixture
def trial(world: World) -> World:
    approve(offered(world))
    assert world.status().phase == "Trial", world.next_action()
    return world


def stalled(world: World) -> str:
    return world.condition("Stalled").message


# Planning


def test_without_manila_it_is_refused_when_planning(world: World) -> None:
    world.apply(services=[*services(), SHARED])
    world.run()
    assert "fileStorage needs shared-file-system, which this cloud does not offer" in stalled(world)
    assert world.cluster.plans(world.request().key) == ()


def test_the_plan_says_that_its_data_is_in_no_backup_and_what_it_costs_and_needs(world: World) -> None:
    plan = offered(world).plan(1)
    assert [(price.item, price.quantity) for price in plan.prices if price.service == "shared"] == [("shares", 5)]
    assert (plan.quota["shares"], plan.quota["share_gigabytes"], plan.quota["share_networks"]) == (1, 5, 1)
    (departure,) = world.shown_plan().departures
    assert "cannot be backed up by the platform" in departure and "平台无法备份其数据" in departure and "7.1.4.8" in departure


def test_at_level_2_whoever_approves_it_says_why(world: World) -> None:
    offered(world)
    silent = world.decide("superior-unit")
    world.run()
    assert world.judged(silent) == "ReasonMissing"


def test_from_level_3_on_it_is_refused_with_the_clause(world: World) -> None:
    offered(world, level=3)
    assert "services[shared]" in stalled(world) and "8.1.4.9" in stalled(world)


def test_at_level_1_nothing_is_said_against_it(world: World) -> None:
    assert offered(world, level=1).shown_plan().departures == ()


# While it runs


def test_a_regular_backup_names_it_as_not_covered(trial: World) -> None:
    trial.clock.advance(WEEK)
    BackingUp(trial).run()
    (backup,) = trial.cluster.backups_of(trial.request().key.uid)
    assert backup.spec.not_covered == ("shared",)
    assert "shared" not in {part.name for part in backup.spec.parts}
    trial.run()
    regular = trial.status().regular_backups
    assert regular is not None and regular.not_covered == ("shared",)


def test_it_grows_in_place_and_does_not_shrink(trial: World) -> None:
    before = trial.things()["shared"].id
    trial.edit_service("shared", sizeGib=8)
    trial.run()
    approve(trial)
    grown = trial.things()["shared"]
    assert (grown.id, grown.inputs["size"]) == (before, 8)
    trial.edit_service("shared", sizeGib=4)
    trial.run()
    assert "shared has 8 GiB and cannot shrink to 4" in stalled(trial)


def test_an_edit_does_not_take_it_away(trial: World) -> None:
    trial.apply(services=services())
    trial.run()
    assert "shared holds data and would be deleted without a backup" in stalled(trial)


# The end


def test_it_ends_by_the_word_of_its_unit_or_not_at_all(trial: World) -> None:
    trial.terminate()
    trial.run()
    assert "shared (service shared) cannot be backed up by the platform" in stalled(trial)

    trial.terminate(waived=["shared"])
    trial.run()
    (told,) = trial.shown_plan().waived
    assert "Will be destroyed WITHOUT a backup: shared" in told and "the platform cannot back it up" in told
    assert "WITHOUT" in trial.shown_plan().summary_en
    approve(trial, comment="")
    trial.run_patiently()

    assert trial.status().phase == "Terminated"
    record = trial.termination_record()
    backup = trial.cluster.backup(str(record.backup))
    assert backup is not None
    assert {part.name for part in backup.spec.parts} == {"web-0-boot", "web-1-boot", "data", "db", "files"}
    assert [part.part for part in record.waived] == ["shared"] == [part.part for part in backup.spec.waived]
    assert trial.cloud.things(PROJECT) == ()


def test_its_waiver_gives_up_nothing_else(trial: World) -> None:
    trial.terminate(waived=["shared", "data"])
    trial.run()
    assert "waivers[1].part: data can be backed up" in stalled(trial)


def test_another_share_under_the_same_name_is_not_what_was_given_up(trial: World) -> None:
    trial.terminate(waived=["shared"])
    trial.run()
    consent, authority = trial.shown_plan().steps
    trial.decide(consent)
    trial.run()
    trial.decide(authority)
    while (operation := trial.status().progress.operation) is None or "freeze" not in operation.done:
        trial.step()
    facts = trial.facts()
    assert isinstance(decide(facts), act.OpenBackup)
    swapped = tuple(replace(each, id="another") if each.name == "shared" else each for each in facts.resources)
    stands_still = decide(replace(facts, resources=swapped))
    assert isinstance(stands_still, act.Block) and stands_still.reason is Reason.WAIVER_MISSING
    assert "shared cannot be backed up" in stands_still.message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sizeGib": 0}, "fileStorage.sizeGib"),
        ({"protocol": "CIFS"}, "fileStorage.protocol"),
        ({"access": []}, "fileStorage.access"),
    ],
)
def test_parameters_that_do_not_fit_are_told(world: World, changes: dict[str, Any], field: str) -> None:
    world.apply(services=[*services(), {"name": "shared", "fileStorage": {**SHARED["fileStorage"], **changes}}])  # type: ignore[dict-item]
    world.run()
    assert field in stalled(world)
