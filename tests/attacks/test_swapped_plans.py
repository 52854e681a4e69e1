"""Attacks on what is carried out: the spec, the approval or the policies change while something real is under way."""

from __future__ import annotations

from typing import Any

import pytest
from attacks import guards
from attacks.place import AUTHORITY, GONE, filed_as, signed, tried_as
from attacks.story import Story, stalled, waits_for

from devcloud import controller
from devcloud.demo.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("attacks")]


def test_what_is_carried_out_is_what_was_approved(story: Story) -> None:
    """P8: the spec is swapped between the last approval and the first effect."""
    mine, world = story.planned(servers=False), story.world
    mine.must_count(mine.decide("superior-unit"))
    waits_for(mine, "authority")
    plan = mine.status["plan"]
    assert not mine.decide("authority").refused
    world.until("it begins", lambda: _has_begun(mine.status["progress"], plan["number"]))
    mine.service("office")["cidr"] = "10.99.0.0/24"
    mine.apply()
    world.until("the approved plan is carried out", lambda: mine.status["progress"].get("completedPlan") == plan["number"])
    assert _ranges(world, mine.uid) == ["10.30.0.0/24"]
    world.until("what was swapped in is another plan", lambda: (mine.status.get("plan") or plan)["number"] > plan["number"])
    writes = story.writes()
    story.must_not_count(mine, mine.decide("authority", planDigest=plan["digest"], office=AUTHORITY), "DigestMismatch")
    assert story.writes() == writes
    assert _ranges(world, mine.uid) == ["10.30.0.0/24"]


def test_a_second_extension_needs_a_second_consent(story: Story) -> None:
    mine = story.in_trial(servers=False)
    mine.edit(lambda spec: spec.update(trial={"extensionDays": 5}))
    mine.until_planned("ExtendTrial")
    number = mine.status["plan"]["number"]
    first = mine.decide("authority")
    mine.must_count(first)
    mine.until("the trial is longer", lambda s: s["progress"].get("completedPlan") == number)
    ends_at = mine.status["progress"]["trial"]["endsAt"]
    mine.edit(lambda spec: spec.update(trial={"extensionDays": 10}))
    mine.until_planned("ExtendTrial")
    story.must_not_count(mine, story.replayed(mine, first), "DigestMismatch")
    assert mine.status["progress"]["trial"]["endsAt"] == ends_at


def test_while_nobody_looks_nothing_slips_through(story: Story) -> None:
    """P9 to P11: the controller is down, the policies are taken away and put back as they were, and meanwhile an approval of a change under way is
    deleted, others are filed in an office's name, one of them with its signature, and a trial is made to end in ten years."""
    world, mine, later = story.world, story.in_trial(), story.planned("later")
    mine.service("survey")["offering"] = GONE
    mine.apply()
    mine.until_planned("Change")
    under_way = mine.decide("authority")
    mine.must_count(under_way)
    world.until("the change stands still", lambda: stalled(mine, "FlavorOrImageMissing"))
    unsigned = later.approval("superior-unit", "superior-unit", "Approved")
    proven = signed(later.approval("superior-unit", "superior-unit", "Approved"), story.place.above)

    controller.stop(world.environment)
    trial = mine.status["progress"]["trial"]
    writes = story.writes()
    guards.take_away(world)
    guards.until_let_in(world, lambda: world.kubectl(None, "delete", under_way.out.strip(), "-n", mine.namespace))
    unproven, signed_one = (
        guards.until_let_in(world, lambda decision=decision: filed_as(world, "provider", decision)) for decision in (unsigned, proven)  # type: ignore[misc]
    )
    guards.until_let_in(world, lambda: story.claimed(mine, {"trial": {**trial, "endsAt": "2036-01-01T00:00:00Z"}}))
    guards.put_back(world)
    guards.until_kept_out(world, lambda: tried_as(world, "provider", later.approval("superior-unit", "superior-unit", "Approved")))
    controller.start(world.environment)

    story.must_not_count(later, unproven, "MadeWhileUnguarded")
    later.must_count(signed_one)
    frozen = world.until("what lost its approval freezes", lambda: stalled(mine, "ApprovalRevoked"))
    assert "no longer exist" in frozen["message"]
    assert mine.status["progress"]["trial"] == trial
    assert len(story.alterations(mine)) == 1
    waits_for(later, "authority")
    assert story.writes() == writes
    story.nothing_in_the_cloud(later)
    story.must_be_told_of_the_policies("success")  # what nobody saw going is found to have been away
    story.log_is_whole()


def _has_begun(progress: dict[str, Any], plan: int) -> bool:
    """Also where it has ended already, between two looks."""
    return plan in ((progress.get("operation") or {}).get("plan"), progress.get("completedPlan"))


def _ranges(world: World, uid: str) -> list[str]:
    """Address ranges of the request's subnets in the cloud."""
    return [subnet.cidr for subnet in world.cloud().network.subnets() if uid in f"{subnet.tags} {subnet.description}"]
