"""Attacks on approvals, on the real API server, by people who are really different users: no effect that was not approved, and all of it on record.

docs/approvals.md says where each row of the fault matrix is proven. The chapters are told in order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from attacks.place import (
    AUTHORITY,
    GONE,
    Manifest,
    Place,
    again,
    at_last,
    filed_as,
    filed_at_last,
    put_the_guards_back,
    signed,
    take_the_guards_away,
)

from devcloud import controller
from devcloud.demo import looks, witness
from devcloud.demo.requests import Request
from devcloud.demo.world import Answer, World

# Not in `make test`: how long an API server takes to enforce a policy and to forget one differs (docs/approvals.md).
pytestmark = [pytest.mark.soak, pytest.mark.xdist_group("attacks")]

UNTIL_YESTERDAY = "2026-01-01T00:00:00Z"


@dataclass
class Story:
    """What one chapter leaves to the next."""

    world: World
    place: Place
    mine: Request
    """The request under attack."""
    forgotten: Request
    """Planned, and never approved by anybody: nothing of it may ever be in the cloud."""
    began: str = field(default_factory=lambda: _now())
    refused: dict[str, str] = field(default_factory=dict)
    """Approval -> the reason for which it must not count, for the look into the log at the end."""

    def must_not_count(self, answer: Answer, reason: str, asked: Request | None = None) -> None:
        assert not answer.refused, f"admission cannot know this, but refused: {answer.err}"
        verdict = (asked or self.mine).verdict_on(answer.out.strip())
        assert (verdict["status"], verdict["reason"]) == ("False", reason), verdict
        self.refused[answer.out.strip().rpartition("/")[2]] = reason

    def replayed(self, answer: Answer) -> Answer:
        """A decision filed once more, by the official who made it."""
        number = f"九重放〔2026〕{os.urandom(4).hex()}号"
        old = again(self.world, self.mine, answer, number)
        return filed_as(self.world, old["spec"]["approver"], old)

    def waits_for(self, step: str) -> None:
        self.mine.until(f"waits for {step}", lambda s: (s.get("nextAction") or {}).get("waitingFor") == step, 30)

    def nothing_in_the_cloud(self, asked: Request) -> None:
        assert looks.everything_of(self.world, asked.uid) == []


@pytest.fixture(scope="module")
def story(world: World, place: Place) -> Story:
    mine, forgotten = place.request("mine"), place.request("forgotten")
    for asked in (mine, forgotten):
        asked.apply()
    mine.until_planned("Provision")
    forgotten.until_planned("Provision")
    return Story(world, place, mine, forgotten)


def test_an_edit_makes_every_former_decision_worthless(story: Story) -> None:
    """P1, and A → B → A: what comes back in words is another plan."""
    mine = story.mine
    first = mine.decide("superior-unit")
    mine.must_count(first)
    seen_by_the_authority = mine.approval("authority", "authority", "Approved", office=AUTHORITY)
    for size in (2, 1):
        mine.service("survey")["bootVolumeGib"] = size
        mine.apply()
        mine.until_planned("Provision")
        story.waits_for("superior-unit")
    late = filed_as(story.world, "authority", seen_by_the_authority)
    story.must_not_count(late, "DigestMismatch")
    story.must_not_count(story.replayed(first), "DigestMismatch")
    story.waits_for("superior-unit")
    story.nothing_in_the_cloud(mine)


def _stolen(story: Story) -> Iterator[tuple[Manifest, str]]:
    """Signatures that are not over this decision, or not by this office, each with the reason for which it proves nothing."""
    mine, place = story.mine, story.place

    def fresh(decided: str = "Approved", **different: Any) -> Manifest:
        return mine.approval("superior-unit", "superior-unit", decided, **different)

    ours = {"name": mine.name, "uid": mine.uid}
    foreign = {"name": mine.name, "uid": story.forgotten.uid}
    yield signed(fresh(request=foreign), place.above, request=ours), "SignatureInvalid"
    yield signed(fresh(planDigest="sha256:" + "0" * 64), place.above, planDigest=mine.status["plan"]["digest"]), "SignatureInvalid"
    yield signed(fresh(), place.above, where="first-hospital"), "SignatureInvalid"
    yield signed(fresh("Rejected"), place.above, decision="Approved"), "SignatureInvalid"
    yield signed(fresh(), place.authority), "SigningKeyForeign"
    yield signed(fresh(), place.stranger), "SigningKeyUnknown"
    yield signed(fresh(), place.dismissed), "SigningKeyRevoked"


def test_a_signature_proves_one_decision(story: Story) -> None:
    """P2 and P5: taken from another request, plan, namespace or decision; by another office, a stranger, one who has left; with no algorithm."""
    filed = [(filed_as(story.world, "superior-unit", decision), reason) for decision, reason in _stolen(story)]
    for answer, reason in filed:
        story.must_not_count(answer, reason)
    plain = signed(story.mine.approval("superior-unit", "superior-unit", "Approved"), story.place.above)
    plain["spec"]["signature"]["algorithm"] = "none"
    answer = filed_as(story.world, "superior-unit", plain)
    assert answer.refused
    assert 'supported values: "Ed25519", "SM2"' in answer.err
    story.waits_for("superior-unit")


def test_nobody_speaks_for_two(story: Story) -> None:
    """P4 to P7: the administrator, whom RBAC refuses nothing, as two offices; the controller; expired; twice for one step; a number in disguise."""
    mine = story.mine
    controller_itself = mine.decide("superior-unit", persona="controller")
    assert controller_itself.refused
    story.must_not_count(mine.decide("superior-unit", validUntil=UNTIL_YESTERDAY), "Expired")
    usurped = filed_as(story.world, None, mine.approval("superior-unit", "administrator", "Approved"))
    mine.must_count(usurped)
    story.waits_for("authority")
    story.must_not_count(filed_as(story.world, None, mine.approval("authority", "administrator", "Approved")), "OnePersonTwoOffices")
    mine.must_count(mine.decide("superior-unit", "Revoked", office=story.place.above.office))
    story.waits_for("superior-unit")

    number = f"九卫健〔2026〕{os.urandom(3).hex()}1号"
    mine.must_count(mine.decide("superior-unit", documentNumber=number))
    story.waits_for("authority")
    mine.must_count(mine.decide("superior-unit", office=story.place.above.office))
    disguised = number.replace("〔", "［").replace("〕", "] ").replace("1", "１")
    story.must_not_count(mine.decide("authority", documentNumber=disguised), "DocumentNumberUsed")
    story.waits_for("authority")
    story.nothing_in_the_cloud(mine)


def test_a_rejection_ends_the_plan(story: Story) -> None:
    """P3: neither a second thought nor an old approval revives it; a corrected spec is another plan."""
    mine = story.mine
    rejected = mine.decide("authority", "Rejected", comment="规模过大")
    mine.until("is rejected", lambda s: s["phase"] == "Rejected", 30)
    approvals = [mine.decide("authority", office=AUTHORITY)]
    story.must_not_count(approvals[0], "DigestMismatch")
    mine.edit(lambda spec: spec["system"].update(name="居民健康问卷系统(修改)"))
    mine.until_planned("Provision")
    for old in (approvals[0], rejected):
        story.must_not_count(story.replayed(old), "DigestMismatch")
    story.waits_for("superior-unit")
    story.nothing_in_the_cloud(mine)


def test_what_is_carried_out_is_what_was_approved(story: Story) -> None:
    """P8: the spec is swapped between the last approval and the first effect."""
    mine, world = story.mine, story.world
    mine.must_count(mine.decide("superior-unit"))
    story.waits_for("authority")
    plan = mine.status["plan"]
    assert not mine.decide("authority").refused
    world.until("it begins", lambda: (mine.status["progress"].get("operation") or {}).get("plan") == plan["number"], 30)
    mine.service("survey")["offering"] = "vm-4c-8g"
    mine.apply()
    world.until("the approved plan is carried out", lambda: mine.status["progress"].get("completedPlan") == plan["number"], 90)
    flavors = [server.flavor["original_name"] for server in _servers(world, mine.uid)]
    assert flavors == ["m1.tiny"]
    writes = witness.writes_of_controller(world)
    swapped = mine.until_planned("MajorChange")
    assert swapped["number"] > plan["number"]
    assert witness.writes_of_controller(world) == writes
    mine.service("survey")["offering"] = "vm-1c-512m"
    mine.apply()


def test_a_second_extension_needs_a_second_consent(story: Story) -> None:
    mine = story.mine
    mine.edit(lambda spec: spec.update(trial={"extensionDays": 5}))
    mine.until_planned("ExtendTrial")
    number = mine.status["plan"]["number"]
    first = mine.decide("authority")
    mine.must_count(first)
    mine.until("the trial is longer", lambda s: s["progress"].get("completedPlan") == number)
    ends_at = mine.status["progress"]["trial"]["endsAt"]
    mine.edit(lambda spec: spec.update(trial={"extensionDays": 10}))
    mine.until_planned("ExtendTrial")
    story.must_not_count(story.replayed(first), "DigestMismatch")
    assert mine.status["progress"]["trial"]["endsAt"] == ends_at
    mine.edit(lambda spec: spec.update(trial={"extensionDays": 5}))


def test_while_the_policies_are_away_nothing_is_done_and_nothing_that_appears_counts(story: Story) -> None:
    """P9 and P10: an official without any step files every approval in the others' names, and the status is made to say that all is approved."""
    world, victim = story.world, story.forgotten
    plan = victim.status["plan"]
    forged = [
        victim.approval("superior-unit", "superior-unit", "Approved", office=story.place.above.office),
        victim.approval("authority", "authority", "Approved", office=AUTHORITY),
    ]
    take_the_guards_away(world)
    stalled = world.until("the controller notices", lambda: _stalled(victim, "AdmissionPolicyMissing"), 30)
    assert "apply deploy/admission" in stalled["message"]
    filed = [filed_at_last(world, "provider", decision) for decision in forged]
    for answer in filed:
        story.must_not_count(answer, "MadeWhileUnguarded", victim)
    operation = {"transition": "Provision", "plan": plan["number"], "startedAt": _now(), "approvals": [plan["digest"]], "done": []}
    lie = {"status": {"phase": "Provisioning", "progress": {"operation": operation}}}
    at_last(world, "patch", "csreq", victim.name, "-n", victim.namespace, "--subresource=status", "--type=merge", f"--patch={json.dumps(lie)}")
    writes = witness.writes_of_controller(world)
    put_the_guards_back(world)
    frozen = world.until("the lie is seen through", lambda: _stalled(victim, "ApprovalRevoked"), 30)
    assert "policies were not intact" in frozen["message"]
    for answer in filed:
        story.must_not_count(answer, "MadeWhileUnguarded", victim)
    assert witness.writes_of_controller(world) == writes
    story.nothing_in_the_cloud(victim)


def test_while_nobody_looks_nothing_slips_through(story: Story) -> None:
    """P10 and P11: the controller is down, the policies are taken away and put back as they were, and meanwhile an approval of a change under way is
    deleted and others are filed in an office's name, one of them with its signature."""
    world, mine, later = story.world, story.mine, story.place.request("later")
    later.apply()
    later.until_planned("Provision")
    mine.service("survey")["offering"] = GONE
    mine.apply()
    mine.until_planned("Change")
    under_way = mine.decide("authority")
    mine.must_count(under_way)
    world.until("the change stands still", lambda: _stalled(mine, "FlavorOrImageMissing"), 60)
    unsigned = later.approval("superior-unit", "superior-unit", "Approved")
    proven = signed(later.approval("superior-unit", "superior-unit", "Approved"), story.place.above)

    controller.stop(world.environment)
    writes = witness.writes_of_controller(world)
    take_the_guards_away(world)
    at_last(world, "delete", under_way.out.strip(), "-n", mine.namespace)
    unproven, signed_one = (filed_at_last(world, "provider", decision) for decision in (unsigned, proven))
    put_the_guards_back(world)
    controller.start(world.environment)

    story.must_not_count(unproven, "MadeWhileUnguarded", later)
    later.must_count(signed_one)
    frozen = world.until("what lost its approval freezes", lambda: _stalled(mine, "ApprovalRevoked"), 30)
    assert "no longer exist" in frozen["message"]
    later.until("waits for authority", lambda s: (s.get("nextAction") or {}).get("waitingFor") == "authority", 30)
    assert witness.writes_of_controller(world) == writes
    story.nothing_in_the_cloud(later)


def test_all_of_it_is_on_record(story: Story) -> None:
    world = story.world
    verified = world.govcloud("audit", "verify", "--log", str(world.audit_log))
    assert verified.code == 0, verified.out + verified.err
    records = witness.records(world)
    judged = {(r["attributes"]["approval"], r["reason"]["rule"]) for r in records if "approval" in r.get("attributes", {})}
    assert judged >= set(story.refused.items())
    windows = [r for r in records if r["target"]["kind"] == "ValidatingAdmissionPolicy" and r["time"] > story.began]
    assert [r["outcome"] for r in windows] == ["failure", "success", "success"], "seen going and coming back; then found to have been away"
    kept = world.get("configmap", "govcloud-guard", "govcloud-system")["data"]
    assert len(json.loads(kept["record"])["windows"]) >= 2


def _stalled(asked: Request, reason: str) -> dict[str, Any] | None:
    found = asked.condition("Stalled")
    return found if (found.get("status"), found.get("reason")) == ("True", reason) else None


def _servers(world: World, uid: str) -> list[Any]:
    return [s for s in world.cloud().compute.servers(all_projects=True) if s.metadata.get("govcloud_request") == uid]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
