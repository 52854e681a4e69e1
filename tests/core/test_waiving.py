"""The only way to a `WaivedDestruction`: whatever is bent about plan, decisions and parts, nothing else comes of it than what was approved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core.situations import Situation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govcloud.core import actions as act
from govcloud.core.approvals import standing
from govcloud.core.existing import Holding, data_that_exists
from govcloud.core.facts import Facts
from govcloud.core.objects import ApprovalObject
from govcloud.core.plan import Plan
from govcloud.core.waiving import waive


@pytest.fixture(scope="session")
def ending(situations: list[Situation]) -> tuple[Facts, Plan]:
    """Just before the destruction of what was proven, and of what was given up."""
    for situation in situations:
        action = situation.action
        if isinstance(action, act.Destroy) and action.waived is not None:
            return situation.facts, action.plan
    raise AssertionError("nothing was ever given up")


def bent(approval: ApprovalObject, how: str, plan: Plan) -> ApprovalObject:
    changes = {
        "by the applicant": {"approver": plan.applicant},
        "on another plan": {"plan_digest": "sha256:" + "7" * 64},
        "by another office": {"office": "某办公室"},
        "a rejection": {"decision": "Rejected"},
        "of another step": {"step": "provider-consent"},
    }
    return replace(approval, spec=approval.spec.model_copy(update=changes.get(how, {})))


HOW = st.sampled_from(["as it is", "as it is", "by the applicant", "on another plan", "by another office", "a rejection", "of another step", "gone"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@given(data=st.data())
def test_nothing_is_given_up_but_what_the_plan_names_with_every_approval_of_it(ending: tuple[Facts, Plan], data: st.DataObject) -> None:
    facts, plan = ending
    mine = [a for a in facts.approvals if a.spec.plan_digest == plan.digest]
    hows = [data.draw(HOW, label=a.name) for a in mine]
    approvals = [bent(a, how, plan) for a, how in zip(mine, hows, strict=True) if how != "gone"]
    parts = tuple(
        replace(part, source_id="another") if data.draw(st.booleans(), label=part.name) else part for part in data_that_exists(facts)
    )
    given_up = waive(plan, standing(plan, approvals, facts.now, trust=facts.trust, started=True), parts)
    named = {(waiver.part, waiver.source_id) for waiver in plan.waivers}
    wanted = [part for part in parts if (part.name, part.source_id) in named]
    untouched = all(how == "as it is" for how in hows)
    assert (given_up is not None) == (untouched and bool(wanted))
    if given_up is not None:
        assert list(given_up.parts) == wanted
        assert set(given_up.consents) == {a.name for a in mine if a.spec.step == "unit-consent"}


@pytest.mark.parametrize("transition", ["Change", "Provision", "Suspend"])
def test_no_other_transition_gives_anything_up(ending: tuple[Facts, Plan], transition: str) -> None:
    facts, plan = ending
    stand = standing(plan, facts.approvals, facts.now, trust=facts.trust, started=True)
    assert waive(plan, stand, data_that_exists(facts)) is not None
    assert waive(plan.model_copy(update={"transition": transition}), stand, data_that_exists(facts)) is None


def test_what_no_backup_is_possible_of_is_no_part_of_one() -> None:
    assert Holding("shared", "shared", "NotBackedUp", "share-1").as_part() is None
