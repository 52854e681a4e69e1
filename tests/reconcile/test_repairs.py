"""What somebody changed behind the controller's back is put back when the applicant asks for it and the offices approve, and not before."""

from __future__ import annotations

import pytest
from reconcile.world import World

from govcloud.core.sentences import in_words


@pytest.fixture
def production(world: World) -> World:
    return world.to_production()


def ask(world: World, repairs: int = 1) -> None:
    world.apply(repairs=repairs)
    world.run()


def stalled(world: World) -> str:
    return world.condition("Stalled").message


def test_a_machine_that_is_gone_is_made_anew_by_an_approved_plan(production: World) -> None:
    old = production.things()["web-0"].id
    production.delete_by_hand("web-0")
    production.look_for_drift()
    with production.nothing_touched():
        ask(production)
    plan = production.plan(production.status().progress.last_plan)
    assert (plan.transition, [each.resource for each in plan.repairs]) == ("Change", ["web-0"])
    assert ("web-0", "create") in plan.allowed()
    assert any("Puts back what differs from what was built: web-0 (gone)" in said.en for said in in_words(plan))

    assert production.shown_plan().summary_zh.startswith("变更(恢复 web-0（已不存在）)")
    production.approve()

    assert production.things()["web-0"].id != old
    assert production.status().progress.completed_plan == plan.number
    production.look_for_drift()
    assert production.condition("Drifted").status == "False"


def test_a_value_is_changed_back_and_nothing_else(production: World) -> None:
    thing = production.things()["inner"]
    production.cloud.change(thing.id, {**thing.inputs, "name": "mine"})
    production.look_for_drift()
    ask(production)
    plan = production.plan(production.status().progress.last_plan)
    assert plan.allowed() == {("inner", "update")}
    production.approve()
    assert production.things()["inner"].id == thing.id
    assert production.things()["inner"].inputs == thing.inputs
    assert not production.status().progress.drift


def test_what_is_not_in_the_plan_stays_as_it_is(production: World) -> None:
    production.delete_by_hand("web-0")
    production.look_for_drift()
    ask(production)
    thing = production.things()["inner"]
    production.cloud.change(thing.id, {**thing.inputs, "name": "mine"})
    production.approve()
    assert "web-0" in production.things()
    assert production.things()["inner"].inputs["name"] == "mine"


def test_what_took_its_data_along_is_not_made_anew(production: World) -> None:
    production.delete_by_hand("data")
    production.look_for_drift()
    ask(production)
    assert "spec.repairs: data is gone and its data with it" in stalled(production)


def test_what_only_grows_is_not_put_back_but_the_rest_is(production: World) -> None:
    thing = production.things()["data"]
    production.cloud.change(thing.id, {**thing.inputs, "size": 999})
    production.look_for_drift()
    ask(production)
    assert "data: size only grows; ask for a change to what it has now" in stalled(production)
    production.delete_by_hand("web-0")
    production.look_for_drift()
    plan = production.plan(production.status().progress.last_plan)
    assert [each.resource for each in plan.repairs] == ["web-0"]


def test_where_nothing_differs_nothing_is_put_back(production: World) -> None:
    production.look_for_drift()
    ask(production)
    assert "nothing differs from what the controller left" in stalled(production)
    ask(production, 0)
    assert production.condition("Stalled").status == "False"


def test_it_is_asked_for_again_with_one_more(production: World) -> None:
    for repairs in (1, 2):
        production.delete_by_hand("web-0")
        production.look_for_drift()
        ask(production, repairs)
        production.approve()
        assert "web-0" in production.things()
    ask(production, 1)
    assert "what was put back stays so: set it to 2, or one more to ask again" in stalled(production)


def test_it_goes_with_no_other_edit(production: World) -> None:
    production.delete_by_hand("web-0")
    production.look_for_drift()
    production.apply(repairs=1, suspended=True)
    production.run()
    assert "asks for 2 things at once (suspended, repairs)" in stalled(production)
