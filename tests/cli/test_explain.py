"""`govcloud explain`: the story of a request, as the cluster's objects tell it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cli.desks import desk_of, govcloud
from reconcile.world import AUTHORITY, NAME, NAMESPACE, World

from govcloud.failures import Stop
from govcloud.reasons import Reason


def told(world: World, *more: str, **desk: Any) -> str:
    said = govcloud(desk_of(world, "applicant", **desk), "explain", f"csreq/{NAME}", "-n", NAMESPACE, *more)
    assert said.exit_code == 0, said.output
    return said.stdout


def as_json(world: World) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(told(world, "-o", "json"))
    return document


def test_a_request_that_waits(world: World) -> None:
    world.apply()
    world.run()
    world.approve("superior-unit")
    english, chinese = told(world), told(world, "--lang", "zh")
    for part in (
        "What was asked", "li.na of jj-health-center asks for", "Plan 1, made 2026-03-02 10:00, waits for its approvals", "Makes: ",
        "Under the rules jiujiang 2019-07-24", "☑ ", "zhao.gang approved 2026-03-02 10:01", "□ ", "[JJ 15]", "What is next", "Deadline: 2026-03-06",
    ):  # fmt: skip
        assert part in english
    for part in ("申请", "第 1 号计划", "等待审批", "zhao.gang 于 2026-03-02 10:01 批准", "下一步", f"等待 {AUTHORITY} 办理", "期限"):
        assert part in chinese


def test_what_does_not_count_is_told_with_the_reason(world: World) -> None:
    world.apply()
    world.run()
    world.decide("authority")
    world.decide("superior-unit", plan_digest="sha256:" + "0" * 64)
    world.run()
    said = told(world)
    assert f"sun.li of {AUTHORITY}: Approved on 'authority'" in said
    assert "it does not count (OutOfOrder" in said
    assert "Decisions that are about no plan there is" in said
    assert "it does not count (DigestMismatch" in said
    decisions = as_json(world)
    assert [d["counts"] for d in (*decisions["plans"][0]["decisions"], *decisions["otherDecisions"])] == [False, False]


def test_a_whole_life(world: World) -> None:
    world.to_production()
    world.edit_service("data", sizeGib=5)
    world.run()
    rejection = world.decide("authority", "Rejected", comment="太大")
    world.run()
    assert world.judged(rejection) == "Counted"
    world.edit_service("data", sizeGib=4)
    world.run()
    world.edit_service("data", sizeGib=3)
    world.run()
    story = as_json(world)
    assert [(p["number"], p["transition"], p["state"]) for p in story["plans"]] == [
        (1, "Provision", "carriedOut"),
        (2, "Promote", "inForce"),
        (3, "Change", "rejected"),
        (4, "Change", "superseded"),
        (5, "Change", "waits"),
    ]
    assert [step["approval"] is not None for step in story["plans"][1]["steps"]] == [True, True]
    said = told(world)
    for part in ("In production since", "It costs ", "In the cloud: ", "“太大”: it counts", "Changes in place: "):
        assert part in said


def test_a_trial_says_when_it_ends(world: World) -> None:
    world.to_trial()
    assert "The trial ends 2026-03-17" in told(world)
    world.clock.advance(timedelta(days=16))
    world.run()
    assert "The trial ended 2026-03-1" in told(world)


def test_what_went_wrong_is_told(world: World) -> None:
    world.apply()
    world.run()
    world.wire.fail_next("stacks.", Stop(Reason.FLAVOR_OR_IMAGE_MISSING, "there is no flavor m9.gone"))
    world.approve()
    said = told(world)
    assert "What went wrong last" in said
    assert "there is no flavor m9.gone" in said
    assert any("m9.gone" in failure for failure in as_json(world)["failures"])


@pytest.mark.parametrize("right", ["plans", "approvals", "events"])
def test_what_one_may_not_see_is_named_and_the_rest_is_told(world: World, right: str) -> None:
    world.apply()
    world.run()
    said = told(world, hidden=frozenset({right}))
    assert f"you may not read the {right}" in said
    assert "What is next" in said


def test_without_the_right_to_the_request_there_is_no_story(world: World) -> None:
    world.apply()
    said = govcloud(desk_of(world, "applicant", hidden=frozenset({"requests"})), "explain", NAME)
    assert (said.exit_code, "you may not read the requests" in said.stderr) == (3, True)


def test_a_comment_moves_no_cursor_and_begins_no_line(world: World) -> None:
    world.apply()
    world.run()
    world.decide("superior-unit", "Rejected", comment="no\x1b[2K\u202e\n☑ all is approved")
    world.run()
    said = told(world)
    assert "\x1b[2K" not in said
    assert "\u202e" not in said
    assert all(not line.strip().startswith("☑") for line in said.splitlines())


def test_a_damaged_plan_is_told(world: World) -> None:
    world.apply()
    world.run()
    world.cluster.damage_plan(world.request().key, 1, "{ }")
    assert as_json(world)["damagedPlans"] == [1]
    assert "Plan 1 cannot be read" in told(world)


def test_a_request_that_fits_no_model_and_was_never_looked_at(world: World) -> None:
    world.apply(purpose="Old")
    said = told(world)
    assert "its spec does not fit the model" in said
    assert "the controller has not looked at the request yet" in said
