"""Attacks on approvals, on the real API server, by people who are really different users: no effect that was not approved, and all of it on record.

docs/approvals.md says where each row of the fault matrix is proven. Each story can be told alone.
"""

from __future__ import annotations

import json
import os

import pytest
from attacks.forgeries import UNTIL_YESTERDAY, disguised, stolen
from attacks.place import AUTHORITY, filed_as, signed
from attacks.story import Story, in_another_second, waits_for

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("attacks")]

EVERYTHING_OF_OURS = {"apiGroups": ["govcloud.dev"], "resources": ["*"], "verbs": ["*"]}


def test_an_edit_makes_every_former_decision_worthless(story: Story) -> None:
    """P1, and A → B → A: what comes back in words is another plan."""
    mine = story.planned()
    first = mine.decide("superior-unit")
    mine.must_count(first)
    seen_by_the_authority = mine.approval("authority", "authority", "Approved", office=AUTHORITY)
    for size in (2, 1):
        mine.service("survey")["bootVolumeGib"] = size
        mine.apply()
        mine.until_planned("Provision")
        waits_for(mine, "superior-unit")
    late = filed_as(story.world, "authority", seen_by_the_authority)
    story.must_not_count(mine, late, "DigestMismatch")
    story.must_not_count(mine, story.replayed(mine, first), "DigestMismatch")
    waits_for(mine, "superior-unit")
    story.nothing_in_the_cloud(mine)


def test_a_signature_proves_one_decision(story: Story) -> None:
    """P2 and P5: taken from another request, plan, namespace or decision; by another office, a stranger, one who has left; with no algorithm."""
    mine, other = story.planned(), story.planned("other")
    filed = [(filed_as(story.world, "superior-unit", decision), reason) for decision, reason in stolen(story, mine, other)]
    for answer, reason in filed:
        story.must_not_count(mine, answer, reason)
    plain = signed(mine.approval("superior-unit", "superior-unit", "Approved"), story.place.above)
    plain["spec"]["signature"]["algorithm"] = "none"
    answer = filed_as(story.world, "superior-unit", plain)
    assert answer.refused
    assert 'supported values: "Ed25519", "SM2"' in answer.err
    waits_for(mine, "superior-unit")
    story.nothing_in_the_cloud(mine)


def test_nobody_speaks_for_two(story: Story) -> None:
    """P4 to P7: the administrator, whom RBAC refuses nothing, as two offices; the controller; expired; twice for one step; a number in disguise."""
    mine = story.planned()
    controller_itself = mine.decide("superior-unit", persona="controller")
    assert controller_itself.refused
    story.must_not_count(mine, mine.decide("superior-unit", validUntil=UNTIL_YESTERDAY), "Expired")
    usurped = filed_as(story.world, None, mine.approval("superior-unit", "administrator", "Approved"))
    mine.must_count(usurped)
    waits_for(mine, "authority")
    story.must_not_count(mine, filed_as(story.world, None, mine.approval("authority", "administrator", "Approved")), "OnePersonTwoOffices")
    revoked = mine.decide("superior-unit", "Revoked", office=story.place.above.office)
    mine.must_count(revoked)
    waits_for(mine, "superior-unit")
    in_another_second(story.world, revoked.out.strip(), mine.namespace)

    number = f"九卫健〔2026〕{os.urandom(3).hex()}1号"
    mine.must_count(mine.decide("superior-unit", documentNumber=number))
    waits_for(mine, "authority")
    mine.must_count(mine.decide("superior-unit", office=story.place.above.office))
    story.must_not_count(mine, mine.decide("authority", documentNumber=disguised(number)), "DocumentNumberUsed")
    waits_for(mine, "authority")
    story.nothing_in_the_cloud(mine)


def test_a_rejection_ends_the_plan(story: Story) -> None:
    """P3: neither a second thought nor an old approval revives it; a corrected spec is another plan."""
    mine = story.planned()
    rejected = mine.decide("superior-unit", "Rejected", comment="规模过大")
    mine.until("is rejected", lambda s: s["phase"] == "Rejected")
    approved = mine.decide("superior-unit", office=story.place.above.office)
    story.must_not_count(mine, approved, "DigestMismatch")
    mine.edit(lambda spec: spec["system"].update(name="居民健康问卷系统(修改)"))
    mine.until_planned("Provision")
    for old in (approved, rejected):
        story.must_not_count(mine, story.replayed(mine, old), "DigestMismatch")
    waits_for(mine, "superior-unit")
    story.nothing_in_the_cloud(mine)


def test_who_may_approve_is_on_record_though_it_is_taken_back(story: Story) -> None:
    """The administrator grants a decision by a role of his own making, and takes it away again."""
    world, where, name = story.world, ("-n", story.place.name), f"helpful-{os.urandom(4).hex()}"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": [EVERYTHING_OF_OURS]}
    world.must(None, "create", *where, "-f", "-", stdin=json.dumps(role))
    world.must(None, "create", "rolebinding", name, *where, f"--role={name}", "--user=mallory")
    world.until("it is on record", lambda: story.rights(name) == ["ApprovalRightUnusual"])
    world.must(None, "delete", "rolebinding", name, *where)
    world.until("so is its end", lambda: story.rights(name) == ["ApprovalRightUnusual", "ApprovalRightChanged"])
