"""Money is set aside before a plan starts, once, and is free again when nothing costs it any more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from reconcile.world import (
    AGREEMENT,
    ANNUAL_PLAN,
    ITEM,
    NAME,
    NAMESPACE,
    Crash,
    World,
    agreement_spec,
    annual_plan_spec,
)

from govcloud.api.annual_plan import AnnualPlanSpec
from govcloud.audit.records import Phase
from govcloud.audit.usage import ledger
from govcloud.core.accounts import account_of
from govcloud.failures import Retry
from govcloud.reasons import Reason
from govcloud.reservations import look_after_accounts

ITEM_REF = {"plan": ANNUAL_PLAN, "item": ITEM}
DISK = [{"name": "data", "blockStorage": {"sizeGib": 10, "offering": "disk"}}]
"""10 GiB at 0.5 yuan a month: 60 yuan a year."""


def with_budget(yearly: str) -> AnnualPlanSpec:
    budget = {"yearly": yearly, "documentNumber": "九财预〔2026〕14号"}
    only = {
        "name": ITEM,
        "title": "急救订单系统",
        "unit": "jj-health-center",
        "documentNumber": "九府办字〔2025〕96号",
        "budget": budget,
    }
    return annual_plan_spec(items=[only])


def in_item(world: World) -> dict[str, Decimal]:
    """What is held in the item, by request."""
    plan = world.cluster.annual_plan(ANNUAL_PLAN)
    assert plan is not None
    assert sum(account_of(plan, ITEM).held.values()) == Decimal(plan.status.reserved)
    return {r.name: Decimal(r.yearly) for r in plan.status.reservations}


def under_agreement(world: World, name: str = AGREEMENT) -> dict[str, Decimal]:
    agreement = world.cluster.agreement(name)
    assert agreement is not None
    return {r.name: Decimal(r.yearly) for r in agreement.status.reservations}


def asked(world: World, name: str = NAME, gib: int = 10) -> World:
    """A small request that an item of the plan pays for, approved and not begun."""
    services = [{"name": "data", "blockStorage": {"sizeGib": gib, "offering": "disk"}}]
    world.apply(name, services=services, annualPlanItemRef=ITEM_REF)
    world.run(name)
    for step in ("superior-unit", "authority"):
        world.decide(step, name=name)
    return world


def test_money_is_set_aside_before_the_plan_starts_and_not_sooner(world: World) -> None:
    asked(world)
    actions = world.run()

    assert actions.index("Reserve") + 1 == actions.index("Begin")
    assert world.shown_plan().summary_zh.endswith(f",年度计划 {ANNUAL_PLAN} 的项目 急救订单系统")
    assert in_item(world) == {NAME: Decimal(60)}
    plan = world.cluster.annual_plan(ANNUAL_PLAN)
    assert plan is not None
    assert [(a.item, a.budget, a.reserved, a.left) for a in plan.status.accounts] == [
        (ITEM, "1000000.00", "60.00", "999940.00")
    ]


@pytest.mark.parametrize("trouble", [None, Retry(Reason.CLUSTER_UNREACHABLE, "away")], ids=["smoothly", "in trouble"])
def test_whoever_approves_while_money_is_set_aside_is_not_told_that_nobody_asked(world: World, trouble: Retry | None) -> None:
    if trouble is not None:
        world.wire.fail_next("cluster.annual-plan-status", trouble, times=2)
    asked(world).run_patiently()

    judged = [record for record in world.audit.records() if "approval" in record.attributes]
    assert {record.reason.rule for record in judged} == {Reason.COUNTED}
    assert world.status().phase == "Trial"


def test_waiting_for_approval_sets_nothing_aside(world: World) -> None:
    world.apply(annualPlanItemRef=ITEM_REF)
    world.run()
    world.decide("superior-unit", "Rejected")
    world.run()

    assert in_item(world) == {}


def test_growth_is_set_aside_before_it_starts(world: World) -> None:
    asked(world).run()
    world.edit_service("data", sizeGib=20)
    world.run()
    world.approve("superior-unit")
    world.decide("authority")
    world.wire.fail_next("cloud.update", Retry(Reason.CLOUD_UNREACHABLE, "away"))
    world.run()
    assert in_item(world) == {NAME: Decimal(120)}
    world.run_patiently()
    assert in_item(world) == {NAME: Decimal(120)}


def test_what_a_reduction_saves_is_free_when_it_is_done_and_not_sooner(world: World) -> None:
    services = [*DISK, {"name": "files", "objectStorage": {"quotaGib": 100, "offering": "objects"}}]
    world.to_trial(services=services, annualPlanItemRef=ITEM_REF)
    world.edit_service("files", quotaGib=10)
    world.run()
    world.decide("authority")
    world.wire.fail_next("cloud.update", Retry(Reason.CLOUD_UNREACHABLE, "away"))
    world.run()
    assert in_item(world) == {NAME: Decimal(420)}
    actions = world.run_patiently()

    assert "Reserve" not in actions and "SettleReservation" in actions
    assert in_item(world) == {NAME: Decimal(96)}


def test_a_termination_frees_everything_before_the_finalizer_goes(world: World) -> None:
    asked(world).run()
    world.terminate()
    world.run()
    world.decide("unit-consent")
    world.decide("authority")
    actions = world.run_patiently()

    assert actions.index("SettleReservation") < actions.index("RemoveFinalizer")
    assert in_item(world) == {}


def test_a_wish_that_is_withdrawn_between_reservation_and_start_frees_its_money(world: World) -> None:
    asked(world)
    world.wire.fail_next("cluster.annual-plan-status", Crash(), after=True)
    with pytest.raises(Crash):
        world.run()
    world.restart_controller()
    assert in_item(world) == {NAME: Decimal(60)}

    world.decide("authority", "Revoked")
    world.run()
    assert in_item(world) == {}


def test_another_item_pays_only_after_an_approved_change_and_then_the_former_is_free(world: World) -> None:
    asked(world).run()
    second = {**annual_plan_spec().items[0].model_dump(by_alias=True), "name": "second"}
    spec = annual_plan_spec()
    both = [spec.items[0].model_dump(by_alias=True), second]
    world.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec(items=both))
    world.apply(annualPlanItemRef={"plan": ANNUAL_PLAN, "item": "second"})
    world.run()
    assert (world.shown_plan().transition, world.shown_plan().diff) == ("Change", ())
    world.decide("authority")
    world.run()

    plan = world.cluster.annual_plan(ANNUAL_PLAN)
    assert plan is not None
    assert [(r.item, r.yearly) for r in plan.status.reservations] == [("second", "60.00")]


def test_the_agreement_may_come_with_the_promotion_and_its_prices_are_metered(world: World) -> None:
    prices = [{"offering": "disk", "unitPrice": "0.4"}]
    world.cluster.put_agreement(AGREEMENT, agreement_spec(services=prices))
    world.to_trial(services=DISK)
    assert under_agreement(world) == {}
    world.apply(stage="Production")
    world.run()
    assert world.shown_plan().monthly_cost == "4.00"
    assert world.shown_plan().summary_en.endswith("4.00 yuan a month, agreement JJ-XY-2026-017")
    world.approve()

    assert under_agreement(world) == {NAME: Decimal(48)}
    (interval,) = ledger(world.audit.records())
    assert interval.rate.price == Decimal("0.4")


def test_production_without_a_filed_agreement_is_refused_and_the_trial_goes_on(world: World) -> None:
    world.cluster.put_agreement(AGREEMENT, agreement_spec(filing=None))
    world.to_trial(services=DISK)
    with world.nothing_touched():
        world.apply(stage="Production")
        world.run()

    assert "JJ 22" in world.condition("Stalled").message
    assert world.status().phase == "Trial"


# Two of them


NAMES = [f"request-{n}" for n in range(6)]


def test_two_requests_cannot_spend_the_same_money(world: World) -> None:
    world.cluster.put_annual_plan(ANNUAL_PLAN, with_budget("100"))
    asked(world, "first")
    asked(world, "second")
    world.run("first")
    world.run("second")

    assert in_item(world) == {"first": Decimal(60)}
    assert world.status("first").phase == "Trial"
    assert world.condition("Stalled", "second").reason == Reason.BUDGET_EXHAUSTED
    assert "40.00 left of 100" in world.condition("Stalled", "second").message


def test_money_that_comes_free_is_for_the_next(world: World) -> None:
    world.cluster.put_annual_plan(ANNUAL_PLAN, with_budget("100"))
    asked(world, "first").run("first")
    asked(world, "second").run("second")
    world.terminate("first")
    world.run("first")
    world.decide("unit-consent", name="first")
    world.decide("authority", name="first")
    world.run_patiently("first")
    world.run("second")
    world.approve(name="second")

    assert in_item(world) == {"second": Decimal(60)}


def test_threads_that_race_for_the_last_money_never_spend_more_than_there_is(world: World) -> None:
    """Six requests of 60 yuan each, 200 yuan, six workers: whoever comes fourth is refused."""
    world.cluster.put_annual_plan(ANNUAL_PLAN, with_budget("200"))
    for name in NAMES:
        asked(world, name)
    with ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(world.run_patiently, NAMES))

    assert sorted(in_item(world).values()) == [Decimal(60)] * 3
    began = {name for name in NAMES if world.status(name).phase == "Trial"}
    assert began == in_item(world).keys()
    for name in set(NAMES) - began:
        assert world.condition("Stalled", name).reason == Reason.BUDGET_EXHAUSTED


def test_a_budget_that_was_cut_stops_nothing_that_runs_and_lets_nothing_grow(world: World) -> None:
    asked(world).run()
    world.cluster.put_annual_plan(ANNUAL_PLAN, with_budget("10"))
    with world.nothing_touched():
        world.edit_service("data", sizeGib=20)
        world.run()
    assert world.condition("Stalled").reason == Reason.BUDGET_EXHAUSTED
    assert world.status().phase == "Trial"
    look_after_accounts(world.ports)
    plan = world.cluster.annual_plan(ANNUAL_PLAN)
    assert plan is not None
    assert (plan.status.conditions[0].status, plan.status.conditions[0].reason) == ("False", Reason.OVERDRAWN)


# What is looked after


def test_a_record_that_was_lost_is_written_again(world: World) -> None:
    """As after a restore of the cluster: what runs is counted, whether it is covered or not."""
    asked(world).run()
    world.cluster.delete_annual_plan(ANNUAL_PLAN)
    world.cluster.put_annual_plan(ANNUAL_PLAN, with_budget("10"))
    world.run()

    assert in_item(world) == {NAME: Decimal(60)}


def test_money_of_a_request_that_is_gone_is_freed_and_recorded(world: World) -> None:
    asked(world).run()
    request = world.request()
    world.cluster.remove_finalizer(request)
    world.cluster.delete_request(NAMESPACE, NAME)
    look_after_accounts(world.ports)

    assert in_item(world) == {}
    said = [r for r in world.audit.records() if r.request == request.key.uid and r.target.kind == "AnnualPlan"]
    assert [record.phase for record in said] == [Phase.INTENT, Phase.OUTCOME]
    assert world.audit.open_intents() == ()


def test_looking_again_writes_nothing(world: World) -> None:
    asked(world).run()
    look_after_accounts(world.ports)

    assert world.writes_in(lambda: look_after_accounts(world.ports)) == []
    assert in_item(world) == {NAME: Decimal(60)}


def test_an_account_that_is_written_meanwhile_is_looked_at_again(world: World) -> None:
    world.wire.fail_next("cluster.annual-plan-status", Retry(Reason.CONFLICT, "written meanwhile"))
    look_after_accounts(world.ports)
    look_after_accounts(world.ports)
    plan = world.cluster.annual_plan(ANNUAL_PLAN)
    assert plan is not None and plan.status.observed_generation == plan.generation


@pytest.mark.parametrize(
    ("changes", "condition", "status", "reason"),
    [
        ({}, "InForce", "True", Reason.IN_FORCE),
        ({"filing": None}, "InForce", "False", Reason.NOT_FILED),
        ({"validUntil": "2026-02-01"}, "InForce", "False", Reason.EXPIRED),
        ({}, "Expiring", "False", Reason.NOTHING_TO_DO),
        ({"validUntil": "2026-05-01"}, "Expiring", "True", Reason.TERM_ENDS_SOON),
        ({"validUntil": "2026-05-02"}, "Expiring", "False", Reason.NOTHING_TO_DO),
        ({"validUntil": "2026-02-01"}, "Expiring", "False", Reason.EXPIRED),
        ({}, "WithinAmount", "True", Reason.COVERED),
    ],
)
def test_what_is_said_of_an_agreement(
    world: World, changes: dict[str, object], condition: str, status: str, reason: Reason
) -> None:
    world.cluster.put_agreement(AGREEMENT, agreement_spec(**changes))
    look_after_accounts(world.ports)
    agreement = world.cluster.agreement(AGREEMENT)
    assert agreement is not None
    found = next(each for each in agreement.status.conditions if each.type == condition)
    assert (found.status, found.reason) == (status, reason)


def test_the_intent_stands_before_the_reservation_and_its_outcome_after(world: World) -> None:
    asked(world).run()
    said = [r for r in world.audit.records() if r.attributes.get("account")]
    assert [(r.phase, r.attributes["yearly"]) for r in said] == [(Phase.INTENT, "60.00"), (Phase.OUTCOME, "60.00")]
    assert said[0].attributes["account"] == f"AnnualPlan {ANNUAL_PLAN}, item {ITEM}"


def test_the_facts_know_only_what_is_named(world: World) -> None:
    world.to_trial(services=DISK)
    assert (world.facts().annual_plans, world.facts().agreements) == ({}, {})
