"""What is refused, with every reason at once and its article, and what is missing around a request. None of it touches what runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from reconcile.world import (
    NAME,
    NAMESPACE,
    UNIT,
    World,
    catalog_spec,
    jurisdiction_spec,
    request_spec,
    services,
    unit_spec,
)


@pytest.fixture
def trial(world: World) -> World:
    return world.to_trial()


@pytest.fixture
def production(world: World) -> World:
    return world.to_production()


def said(world: World) -> str:
    """What the status says must be mended."""
    stalled = world.condition("Stalled")
    assert stalled.status == "True", world.status().next_action
    return stalled.message


def test_all_violations_are_shown_at_once_with_their_articles(world: World) -> None:
    spec = request_spec(application=[])
    spec["system"] |= {"classified": True, "governmentFunded": False}
    spec["services"][1]["virtualMachine"]["image"] = "windows"
    world.cluster.apply_request(NAMESPACE, NAME, spec)
    with world.nothing_touched():
        world.run()
    message = said(world)

    for expected in ("project-approval", "technical-plan", "project-contract", "self-test-report", "[JJ 14]"):
        assert expected in message
    assert "spec.system.classified" in message and "涉密" in message
    assert "spec.system.governmentFunded" in message and "[JJ 2]" in message
    assert "windows" in message and "spec.services[web].virtualMachine.image" in message
    assert world.condition("Stalled").reason == "RuleViolated"
    assert world.next_action().waiting_for == "applicant"
    assert world.cluster.plans(world.request().key) == ()


def test_a_migration_carries_other_materials(world: World) -> None:
    world.apply(purpose="Migration")
    world.run()

    assert "migration-plan" in said(world) and "technical-plan" not in said(world)


def test_a_corrected_application_goes_on(world: World) -> None:
    world.apply(application=[])
    world.run()
    world.apply(application=request_spec()["application"])
    world.run()

    assert world.status().phase == "AwaitingApproval"
    assert world.condition("Stalled").status == "False"


FAULTY: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "an unknown field": (lambda spec: spec.update(colour="red"), "spec.colour"),
    "a missing field": (lambda spec: spec.pop("purpose"), "spec.purpose"),
    "a wrong value": (lambda spec: spec.update(stage="Live"), "spec.stage"),
    "a service without a kind": (lambda spec: spec["services"].append({"name": "x"}), "exactly one kind"),
    "a service with two kinds": (
        lambda spec: spec["services"][0].update(objectStorage={"quotaGib": 1}),
        "exactly one kind",
    ),
    "two services of one name": (
        lambda spec: spec["services"].append(dict(spec["services"][0])),
        "'inner' is used 2 times",
    ),
    "a volume at an unknown machine": (
        lambda spec: spec["services"][3]["blockStorage"].update(attachTo={"service": "nobody"}),
        "attachTo.service",
    ),
    "an unknown offering": (lambda spec: spec["services"][1]["virtualMachine"].update(offering="huge"), "offering"),
    "production without a trial": (lambda spec: spec.update(stage="Production"), "JJ 16"),
    "termination of nothing": (
        lambda spec: spec.update(stage="Terminated", termination={"reason": "x"}),
        "delete the request",
    ),
    "a suspended beginning": (lambda spec: spec.update(suspended=True), "spec.suspended"),
}


@pytest.mark.parametrize(("spoil", "expected"), FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_spec_is_refused_and_the_sentence_names_the_field(
    world: World, spoil: Callable[[dict[str, Any]], None], expected: str
) -> None:
    spec = request_spec()
    spoil(spec)
    world.cluster.apply_request(NAMESPACE, NAME, spec)
    with world.nothing_touched():
        assert world.run() == ["Refuse"]

    assert expected in said(world)


MIXED: dict[str, dict[str, Any]] = {
    "production and suspension": {"stage": "Production", "suspended": True},
    "production and extension": {"stage": "Production", "trial": {"extensionDays": 5}},
    "production and a change": {"stage": "Production", "services": request_spec()["services"][:-1]},
    "end and a change": {
        "stage": "Terminated",
        "termination": {"reason": "x"},
        "services": request_spec()["services"][:-1],
    },
    "suspension and a change": {"suspended": True, "services": request_spec()["services"][:-1]},
}


@pytest.mark.parametrize("changes", MIXED.values(), ids=MIXED.keys())
def test_one_edit_asks_for_one_thing(trial: World, changes: dict[str, Any]) -> None:
    with trial.nothing_touched():
        trial.apply(**changes)
        assert trial.run() == ["Refuse"]

    assert trial.condition("Stalled").reason == "MixedEdit"
    assert "one edit asks for 2 things" in said(trial)
    assert trial.condition("Ready").status == "True"


def test_no_way_leads_from_production_back_to_the_trial(production: World) -> None:
    production.apply(stage="Trial")
    assert production.run() == ["Refuse"]
    assert "[JJ 16]" in said(production)


def test_a_volume_never_shrinks(production: World) -> None:
    production.edit_service("data", sizeGib=1)
    with production.nothing_touched():
        assert production.run() == ["Refuse"]
    assert "cannot shrink" in said(production)


def test_a_database_does_not_move_to_another_type_of_volume(production: World) -> None:
    catalog = catalog_spec()
    known = next(offering for offering in catalog.offerings if offering.name == "pg-small")
    fast = known.model_copy(update={"name": "pg-fast", "volume_type": "faster"})
    production.cluster.put_catalog("jiujiang-2026", catalog.model_copy(update={"offerings": (*catalog.offerings, fast)}))
    production.edit_service("db", offering="pg-fast")
    with production.nothing_touched():
        assert production.run() == ["Refuse"]
    assert "db is on volumes of the type standard and cannot move to faster" in said(production)


def test_a_database_keeps_its_name(production: World) -> None:
    production.edit_service("db", databaseName="invoices")
    with production.nothing_touched():
        assert production.run() == ["Refuse"]
    assert "spec.services[db].database.databaseName" in said(production)
    assert "the database orders holds data and cannot be renamed" in said(production)


def test_a_database_keeps_its_version_and_is_told_so_once(production: World) -> None:
    production.edit_service("db", version="16")
    with production.nothing_touched():
        assert production.run() == ["Refuse"]
    assert "spec.services[db].database.version" in said(production)
    assert "keeps the version that it was made with (here: left out)" in said(production)
    assert "cannot be changed in place" not in said(production)


def test_a_request_with_more_parts_than_a_backup_holds_is_refused_before_it_could_never_be_ended(world: World) -> None:
    machines = services()[1]["virtualMachine"] | {"count": 50, "securityRules": []}
    many = [{"name": f"web{letter}", "virtualMachine": machines} for letter in "abcde"]
    world.apply(services=[*many, {"name": "last", "virtualMachine": {**machines, "count": 7}}])
    with world.nothing_touched():
        assert world.run() == ["Refuse"]
    assert "hold data in 257 volumes, databases and containers; a backup holds at most 256" in said(world)
    world.apply(services=[*many, {"name": "last", "virtualMachine": {**machines, "count": 6}}])
    world.run()
    assert "a backup holds at most" not in said(world)


def test_what_holds_data_is_not_taken_away_by_an_edit(production: World) -> None:
    services = production.request().spec["services"]
    production.apply(services=[s for s in services if s["name"] != "files"])
    with production.nothing_touched():
        assert production.run() == ["Refuse"]
    assert "holds data and would be deleted without a backup" in said(production)


def test_an_extension_only_grows_and_ends_with_production(trial: World) -> None:
    trial.apply(trial={"extensionDays": 5})
    trial.run()
    trial.approve()
    trial.apply(trial={"extensionDays": 3})
    assert trial.run() == ["Refuse"]
    assert "only grows" in said(trial)

    trial.apply(trial={"extensionDays": 5})
    trial.apply(stage="Production")
    trial.run()
    trial.approve()
    trial.apply(trial={"extensionDays": 9})
    assert trial.run() == ["Refuse"]


def test_a_jurisdictions_own_limit_of_extensions_is_hard(trial: World) -> None:
    trial.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(tightened={"maxTrialExtensionDays": 7}))
    trial.apply(trial={"extensionDays": 8})
    assert trial.run() == ["Refuse"]
    assert "at most 7 days" in said(trial)

    trial.apply(trial={"extensionDays": 7})
    assert trial.run() == ["Freeze", "Await"]


def test_a_limit_in_principle_may_be_passed_by_an_approval_that_says_why(trial: World) -> None:
    trial.apply(trial={"extensionDays": 60})
    assert trial.run() == ["Freeze", "Await"]
    assert "at most 30 days" in trial.shown_plan().departures[0]
    silent = trial.decide("authority")
    with trial.nothing_touched():
        trial.run()
    assert trial.judged(silent) == "ReasonMissing"

    trial.decide("authority", comment="安全测评机构排期延后")
    trial.run()
    assert trial.status().plan is not None and trial.status().progress.completed_plan == 2


def test_a_first_plan_does_not_pass_the_limit_of_extensions_unseen(world: World) -> None:
    world.apply(trial={"extensionDays": 60})
    world.run()
    assert "at most 30 days" in world.shown_plan().departures[0]


def test_a_jurisdiction_that_loosens_its_pack_is_told_so(world: World) -> None:
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(tightened={"trialDays": 30, "maxTrialExtensionDays": 60}))
    world.apply()
    assert world.run() == ["Refuse"]
    assert "tightened.trialDays: 30 would loosen the pack's 15" in said(world) and "[JJ 16]" in said(world)
    assert "tightened.maxTrialExtensionDays" in said(world)


def test_an_ended_trial_is_not_simply_resumed(trial: World) -> None:
    trial.clock.advance(timedelta(days=16))
    trial.run()
    trial.apply(suspended=True)
    trial.run()
    trial.approve()
    trial.apply(suspended=False)
    assert trial.run() == ["Refuse"]
    assert "extend it" in said(trial)


def test_what_the_cloud_does_not_offer_is_refused_when_planning(world: World) -> None:
    world.cloud.offered = ("compute", "network", "block-storage", "image")
    world.populate()
    world.apply()
    assert world.run() == ["Refuse"]
    assert "database" in said(world) and "object-store" in said(world)


def test_a_catalog_holds_for_its_year_by_the_clock_of_china(world: World) -> None:
    world.cluster.put_catalog("jiujiang-2026", catalog_spec(validFrom="2026-03-03"))
    world.apply()
    assert world.run() == ["Refuse"]
    assert world.condition("Stalled").reason == "CatalogMissing"

    world.clock.advance(timedelta(hours=14))  # 16:00 in UTC is midnight in Shanghai
    assert world.run() == ["Freeze", "Await"]


def test_an_ended_catalog_stops_new_plans_and_nothing_else(production: World) -> None:
    production.clock.advance(timedelta(days=365))
    assert production.run() == ["Rest"]
    production.edit_service("data", sizeGib=3)
    assert production.run() == ["Refuse"]


def test_a_namespace_of_another_unit_is_refused(world: World) -> None:
    world.cluster.put_namespace(NAMESPACE, "somebody-else")
    world.apply()
    assert world.run() == ["Refuse"]
    assert world.condition("Stalled").reason == "UnitMismatch"
    assert "somebody-else" in said(world)


def test_a_step_without_an_office_is_refused(world: World) -> None:
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(offices=[]))
    world.apply()
    assert world.run() == ["Refuse"]
    assert "'authority'" in said(world)


def test_a_secondary_unit_without_its_superior_is_refused(world: World) -> None:
    world.cluster.put_unit(UNIT, unit_spec("九江市急救中心", "nobody"))
    world.apply()
    assert world.run() == ["Refuse"]
    assert "JJ 14" in said(world)


# What is missing around it


MISSING: dict[str, tuple[Callable[[World], None], str]] = {
    "the unit": (lambda world: world.cluster.delete_unit(UNIT), "UnitMissing"),
    "the jurisdiction": (lambda world: world.cluster.delete_jurisdiction("jiujiang"), "JurisdictionMissing"),
    "the catalog": (lambda world: world.cluster.delete_catalog("jiujiang-2026"), "CatalogMissing"),
    "the pack": (
        lambda world: world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(pack="atlantis")),
        "PackMissing",
    ),
}


@pytest.mark.parametrize(("take_away", "reason"), MISSING.values(), ids=MISSING.keys())
def test_what_is_missing_is_named_and_found_once_it_is_there(
    world: World, take_away: Callable[[World], None], reason: str
) -> None:
    take_away(world)
    world.apply()
    assert world.run() == ["Block"]
    assert world.condition("Stalled").reason == reason
    assert said(world)

    world.populate()
    assert world.run() == ["Freeze", "Await"]
    assert world.condition("Stalled").status == "False"


@pytest.mark.parametrize(("take_away", "reason"), MISSING.values(), ids=MISSING.keys())
def test_what_goes_missing_under_a_running_service_leaves_it_alone(
    production: World, take_away: Callable[[World], None], reason: str
) -> None:
    before = production.things()
    take_away(production)
    with production.nothing_touched():
        assert production.run() == ["Block"]

    assert production.condition("Stalled").reason == reason
    assert production.condition("Ready").status == "True"
    assert production.things() == before


def test_a_trial_ends_although_the_catalog_is_gone(trial: World) -> None:
    trial.cluster.delete_catalog("jiujiang-2026")
    trial.clock.advance(timedelta(days=16))
    trial.run()

    assert set(trial.servers().values()) == {"shutoff"}


# Admission


@pytest.mark.parametrize("moment", ["planned", "approved", "started"])
def test_while_admission_is_not_guarded_nothing_has_an_effect(world: World, moment: str) -> None:
    world.apply()
    world.run()
    if moment != "planned":
        world.decide("superior-unit")
        world.run()
        world.decide("authority")
    if moment == "started":
        assert [world.step().action for _ in range(3)] == ["AddFinalizer", "Begin", "EnsureUnit"]
    world.cluster.fault = "the binding of govcloud-approval-by-its-office is gone"
    with world.nothing_touched():
        assert world.run() == ["Block"]
    assert world.condition("Stalled").reason == "AdmissionPolicyMissing"
    assert "govcloud-approval-by-its-office" in said(world)

    world.cluster.fault = None
    world.run()
    assert world.condition("Stalled").status == "False"


# Pinned plans


def test_a_damaged_plan_stops_everything(production: World) -> None:
    key = production.request().key
    text = production.plan(1).text().replace('"web-0"', '"web-9"')
    production.cluster.damage_plan(key, 1, text.replace(key.uid, "00000000-0000-0000-0000-00000000abcd"))
    with production.nothing_touched():
        assert production.run() == ["Block"]
    assert production.condition("Stalled").reason == "PlanDamaged"


def test_a_plan_of_another_format_stops_everything(production: World) -> None:
    production.cluster.damage_plan(production.request().key, 2, '{"format": 2}')
    assert production.run() == ["Block"]
    assert production.condition("Stalled").reason == "PlanDamaged"


def test_a_completed_plan_that_is_gone_is_no_reason_to_provision_again(production: World) -> None:
    production.cluster.delete_plan(production.request().key, 2)
    with production.nothing_touched():
        assert production.run() == ["Block"]
    assert production.condition("Stalled").reason == "PlanDamaged"


def test_a_started_plan_that_is_gone_freezes_its_operation(trial: World) -> None:
    trial.terminate()
    trial.run()
    trial.decide("unit-consent")
    trial.run()
    trial.decide("authority")
    assert trial.step().action == "Begin"
    trial.cluster.delete_plan(trial.request().key, 2)
    with trial.nothing_touched():
        assert trial.run() == ["Block"]
    assert trial.condition("Stalled").reason == "PlanDamaged"


def test_a_number_is_never_used_for_a_second_plan(world: World) -> None:
    world.apply()
    world.run()
    world.cluster.delete_plan(world.request().key, 1)
    world.run()

    assert world.shown_plan().number == 2


def test_a_network_keeps_its_range_while_something_is_on_it(production: World) -> None:
    production.edit_service("inner", cidr="10.30.0.0/24")
    assert production.run() == ["Refuse"]
    assert "services[inner].network.cidr" in said(production)
    assert "db, web would keep their addresses of 10.20.0.0/24" in said(production)


def of_level(level: int, **changes: object) -> dict[str, object]:
    return {"system": {"name": "急救订单系统", "classified": False, "governmentFunded": True, "protectionLevel": level}, **changes}


def test_at_level_three_every_volume_has_to_be_encrypted(world: World) -> None:
    world.apply(**of_level(3))
    assert world.run() == ["Refuse"]
    for volume in ("web-0-boot", "web-1-boot", "data", "db"):
        assert f"{volume} must be on an encrypted volume" in said(world)
    assert "GB/T 22239-2019 8.1.4.8" in said(world)


WITHOUT_A_NETWORK = [service for service in services() if "network" not in service]


def test_from_level_two_on_a_system_has_a_network_of_its_own(world: World) -> None:
    world.apply(**of_level(2, services=WITHOUT_A_NETWORK))
    assert world.run() == ["Refuse"]
    assert "add a network service" in said(world)


def test_at_level_one_it_may_be_on_the_units_network(world: World) -> None:
    world.apply(**of_level(1, services=WITHOUT_A_NETWORK))
    assert "Refuse" not in world.run()
    assert world.shown_plan().backup_every_days is None


def test_a_plan_says_how_often_the_level_asks_for_a_backup(world: World) -> None:
    world.apply(**of_level(2))
    world.run()
    assert world.shown_plan().backup_every_days == 7
