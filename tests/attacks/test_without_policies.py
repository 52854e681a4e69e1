"""The same attacks while the admission policies are deleted and the controller is awake: nothing is done, nothing counts, all of it is on record."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from attacks import guards
from attacks.forgeries import UNTIL_YESTERDAY, disguised, stolen
from attacks.place import AUTHORITY, Manifest, again, filed_as
from attacks.story import Story, now, stalled, waits_for

from devcloud.demo.requests import Request
from devcloud.demo.world import Answer

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("attacks")]

UNPROVEN = "MadeWhileUnguarded"


def test_no_attack_gains_anything_while_the_policies_are_away(story: Story) -> None:
    """P1 to P8: an official without any step files them all, one after the other, and the spec is swapped under them."""
    world, mine, rejected = story.world, story.planned(), story.planned("rejected")
    number = f"九卫健〔2026〕{os.urandom(3).hex()}1号"
    first = mine.decide("superior-unit", documentNumber=number)
    mine.must_count(first)
    mine.service("survey")["bootVolumeGib"] = 2
    mine.apply()
    mine.until_planned("Provision")
    rejected.decide("superior-unit", "Rejected", comment="规模过大")
    rejected.until("is rejected", lambda s: s["phase"] == "Rejected")
    attacks = [*_on_the_plan_that_waits(story, mine, first, number), (rejected, rejected.approval("superior-unit", "superior-unit", "Approved", office=_above(story)))]

    guards.take_away(world)
    world.until("the controller notices", lambda: stalled(mine, "AdmissionPolicyMissing"))
    writes = story.writes()
    filed = [(asked, guards.until_let_in(world, lambda decision=decision: filed_as(world, "provider", decision))) for asked, decision in attacks]  # type: ignore[misc]
    mine.service("survey")["bootVolumeGib"] = 3
    mine.apply()
    for asked, answer in filed:
        story.must_not_count(asked, answer, UNPROVEN, "SignatureInvalid", "SigningKeyForeign", "SigningKeyUnknown", "SigningKeyRevoked")
    guards.put_back(world)
    guards.until_decisions_count(world)
    mine.until_planned("Provision")
    waits_for(mine, "superior-unit")
    assert rejected.status["phase"] == "Rejected"
    assert story.writes() == writes
    for asked in (mine, rejected):
        story.nothing_in_the_cloud(asked)
    story.must_be_told_of_the_policies("failure", "success")


def _above(story: Story) -> str:
    return story.place.above.office


def _on_the_plan_that_waits(story: Story, mine: Request, first: Answer, number: str) -> Iterator[tuple[Request, Manifest]]:
    """P1: of the former plan; P2, P5: stolen signatures; P4: oneself, one for two offices; P5: out of order; P6: expired; P7: a number in disguise."""

    def by(step: str, approver: str, **different: str) -> tuple[Request, Manifest]:
        office = AUTHORITY if step == "authority" else _above(story)
        return mine, mine.approval(step, approver, "Approved", office=office, **different)

    yield mine, again(story.world, mine, first, f"九重放〔2026〕{os.urandom(4).hex()}号")
    yield from ((mine, decision) for decision, _ in stolen(story, mine, story.planned("other")))
    yield by("superior-unit", "applicant")
    yield by("superior-unit", "administrator")
    yield by("authority", "administrator")
    yield by("authority", "authority")
    yield by("superior-unit", "superior-unit", validUntil=UNTIL_YESTERDAY)
    yield by("superior-unit", "superior-unit", documentNumber=disguised(number))


def test_while_the_policies_are_away_nothing_is_done_and_nothing_that_appears_counts(story: Story) -> None:
    """P9 and P10: an official without any step files every approval in the others' names, and the status is made to say that all is approved and live."""
    world, victim = story.world, story.planned("victim")
    plan = victim.status["plan"]
    forged = [
        victim.approval("superior-unit", "superior-unit", "Approved", office=story.place.above.office),
        victim.approval("authority", "authority", "Approved", office=AUTHORITY),
    ]
    guards.take_away(world)
    noticed = world.until("the controller notices", lambda: stalled(victim, "AdmissionPolicyMissing"))
    assert "apply deploy/admission" in noticed["message"]
    filed = [guards.until_let_in(world, lambda decision=decision: filed_as(world, "provider", decision)) for decision in forged]  # type: ignore[misc]
    for answer in filed:
        story.must_not_count(victim, answer, "MadeWhileUnguarded")
    operation = {"transition": "Provision", "plan": plan["number"], "startedAt": now(), "approvals": [plan["digest"]], "done": []}
    lie = {"operation": operation, "productionSince": now()}
    guards.until_let_in(world, lambda: story.claimed(victim, lie))
    world.until("the lie is put back", lambda: not lie.keys() & victim.status["progress"].keys())
    writes = story.writes()
    guards.put_back(world)
    world.until("offices are asked again", lambda: stalled(victim, "AdmissionPolicyMissing") is None)
    waits_for(victim, "superior-unit")
    assert len(story.alterations(victim)) == 1
    for answer in filed:
        story.must_not_count(victim, answer, "MadeWhileUnguarded")
    assert story.writes() == writes
    story.nothing_in_the_cloud(victim)
    story.must_be_told_of_the_policies("failure", "success")
    assert guards.record(world).windows[-1].until is not None
    story.log_is_whole()
