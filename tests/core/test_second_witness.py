"""What the log and its witnesses do not agree on is found; what they agree on, and the edges of what they cover, is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from audit.logs import START, event, intent, outcome, record

from govcloud.audit.records import Outcome, Reason, Record, Target
from govcloud.core.evidence import CONTROLLER
from govcloud.core.rights import Binding, Grant, Right, Role, Rule, changes, rights_in
from govcloud.core.second_witness import compare
from govcloud.core.witnessed import GRACE, SLACK, Act, Difference, Kind, Marked, Verdict

UID = "5b1c0f0e-9d3e-4a52-8d4e-2f7d3f0a7c11"
REQUEST = Target(kind="CloudServiceRequest", id=UID, name="hospital/portal")
SECOND = timedelta(seconds=1)
OURS: dict[str, dict[str, Any]] = {
    "Freeze": {"verb": "create", "resource": "controllerrevisions", "name": "portal-5b1c0f0e-3"},
    "WriteCredentials": {"verb": "patch", "resource": "secrets", "name": "portal-credentials"},
    "AddFinalizer": {"verb": "patch", "resource": "cloudservicerequests", "name": "portal"},
    "RemoveFinalizer": {"verb": "patch", "resource": "cloudservicerequests", "name": "portal"},
    "OpenBackup": {"verb": "create", "resource": "servicebackups", "name": "portal-3", "namespace": ""},
    "ForgetBackup": {"verb": "delete", "resource": "servicebackups", "name": "portal-regular-1", "namespace": ""},
}


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def effect(step: str, begin: float = 100, end: float = 101, result: Outcome = Outcome.SUCCESS) -> list[Record]:
    said = {"target": REQUEST, "reason": Reason(plan_number=3), "attributes": {"effect": step, "backup": "portal-regular-1"}}
    first = record(intent(**said), id=f"{step}-{begin}", sequence=int(begin), time=at(begin))
    return [first, record(outcome(first.id, **said, outcome=result), sequence=int(begin) + 1, time=at(end))]


def act(when: float, **changes: Any) -> Act:
    where = {"verb": "get", "resource": "pods", "subresource": "", "namespace": "hospital", "name": "x", "code": 200}
    said = {"id": f"audit-{when}", "began": at(when), "ended": at(when + 0.1), "user": CONTROLLER, **where, **changes}
    return Act(**said)


BEGIN = record(event(), time=at(0))
EDGES = [act(0, user="probe"), act(1_000, user="probe")]


def judged(records: list[Record], acts: list[Act], marked: list[Marked] | None = None) -> Verdict:
    return compare([BEGIN, *records], [EDGES[0], *acts, EDGES[1]], marked or [])


def kinds(verdict: Verdict) -> list[tuple[Kind, str]]:
    return [(each.kind, each.source) for each in verdict.differences]


@pytest.mark.parametrize("step", OURS)
def test_an_effect_and_the_write_that_it_is_agree(step: str) -> None:
    verdict = judged(effect(step), [act(100.5, **OURS[step])])
    assert (verdict.differences, verdict.effects, verdict.writes) == ((), 1, 1)
    assert verdict.span == (EDGES[0].ended, EDGES[1].ended)


@pytest.mark.parametrize("step", OURS)
def test_a_success_that_the_api_server_knows_nothing_of_is_found(step: str) -> None:
    assert kinds(judged(effect(step), [])) == [(Kind.UNCONFIRMED, "100")]
    elsewhere = act(100.5, **{**OURS[step], "name": "another", "namespace": "elsewhere"})
    found = kinds(judged(effect(step), [elsewhere]))
    assert (Kind.UNCONFIRMED, "100") in found or step == "OpenBackup"


@pytest.mark.parametrize("step", ["Freeze", "WriteCredentials", "OpenBackup", "ForgetBackup"])
def test_a_write_of_our_identity_without_an_intent_is_found(step: str) -> None:
    written = act(500, **OURS[step])
    assert kinds(judged([], [written])) == [(Kind.UNRECORDED, written.id)]
    assert kinds(judged(effect(step, 100, 101), [act(100.5, **OURS[step]), written])) == [(Kind.UNRECORDED, written.id)]


STATUSES = ["cloudservicerequests", "cloudserviceapprovals", "servicebackups", "annualplans", "serviceagreements", "usingunits"]


@pytest.mark.parametrize("resource", STATUSES)
def test_a_status_that_somebody_else_wrote_is_found(resource: str) -> None:
    written = act(500, user="admin", verb="patch", resource=resource, subresource="status")
    assert kinds(judged([], [written])) == [(Kind.BY_ANOTHER, written.id)]
    assert kinds(judged([], [act(500, verb="patch", resource=resource, subresource="status")])) == []


BOUND = Binding("hospital", "helpful", ("hospital", "helpful"), ("User mallory",))
DECIDES = Role("hospital", "helpful", (Rule(("approve",), ("govcloud.dev",), ("approvalsteps",)),))
READS = Role("hospital", "helpful", (Rule(("get",), ("govcloud.dev",), ("*",)),))


def bound(when: float, binding: Binding = BOUND, verb: str = "create") -> Act:
    return act(when, user="admin", verb=verb, resource="rolebindings", name=binding.name, namespace=binding.namespace, made=binding)


def defined(when: float, role: Role) -> Act:
    return act(when, user="admin", verb="update", resource="roles", name=role.name, namespace=role.namespace, made=role)


def told(when: float, right: Grant | None = None) -> Record:
    (entry,) = changes(frozenset(), frozenset({right or next(iter(rights_in([DECIDES], [BOUND])))}))
    return record(entry, sequence=int(when), time=at(when))


def test_a_right_that_came_and_went_before_anybody_looked_is_found() -> None:
    gone = bound(504, verb="delete")
    verdict = judged([], [defined(499, DECIDES), bound(500), gone])
    assert kinds(verdict) == [(Kind.UNSEEN, "audit-500")]
    assert "User mallory may decide every step in namespace hospital" in verdict.differences[0].what
    assert kinds(judged([], [bound(500), defined(501, DECIDES), defined(502, READS), gone])) == [(Kind.UNSEEN, "audit-500")]


def test_one_that_was_seen_is_not_and_one_that_was_granted_again_is() -> None:
    assert kinds(judged([told(501)], [defined(499, DECIDES), bound(500)])) == []
    assert kinds(judged([told(501)], [defined(499, DECIDES), bound(500), bound(600)])) == [(Kind.UNSEEN, "audit-600")]
    assert kinds(judged([], [defined(499, READS), bound(500)])) == []
    assert kinds(judged([], [bound(500)])) == [], "of a role that the API server's log does not tell of, its name says nothing"


@pytest.mark.parametrize("name", ["govcloud-approve-authority", "cluster-admin"])
def test_installed_roles_are_known_by_their_names(name: str) -> None:
    installed = Binding("hospital", "b", ("", name), ("User mallory",))
    assert kinds(judged([], [bound(500, installed)])) == [(Kind.UNSEEN, "audit-500")]
    own = Binding("hospital", "b", ("hospital", name), ("User mallory",))
    assert kinds(judged([], [bound(500, own)])) == []


def test_so_is_a_right_to_act_as_an_official_for_a_moment() -> None:
    acts_for = Role("", "acts", (Rule(("impersonate",), ("",), ("users",), ("sun.li",)),))
    everywhere = Binding("", "acts", ("", "acts"), ("User mallory",))
    granting = [defined(499, acts_for), bound(500, everywhere)]
    official = Right(who="User sun.li", step="authority", namespace="hospital", binding="RoleBinding hospital/li", role="ClusterRole govcloud-approve-authority")
    assert kinds(judged([told(100, official)], granting)) == [(Kind.UNSEEN, "audit-500")]
    assert kinds(judged([], granting)) == [], "nobody knows an official of this name"


@pytest.mark.parametrize("offset", [-2, -1, 1, 2])
def test_clocks_may_be_five_seconds_apart_and_no_more(offset: int) -> None:
    slack = SLACK.total_seconds()
    when = 100 + offset * slack / 2 if offset < 0 else 101 + offset * slack / 2
    near = judged(effect("Freeze"), [act(when + (0.2 if offset < 0 else -0.2), **OURS["Freeze"])])
    assert near.differences == ()
    far = judged(effect("Freeze"), [act(100 - slack - 1 if offset < 0 else 101 + slack + 1, **OURS["Freeze"])])
    assert {kind for kind, _ in kinds(far)} == {Kind.UNRECORDED, Kind.UNCONFIRMED}


def test_an_interrupted_effect_covers_what_came_of_it_whenever_that_was_and_needs_nothing() -> None:
    begun = effect("WriteCredentials")[:1]
    assert judged(begun, [act(400, **OURS["WriteCredentials"])]).differences == ()
    for result in (Outcome.UNKNOWN, Outcome.FAILURE):
        assert judged(effect("WriteCredentials", result=result), []).differences == ()


def test_what_was_made_before_the_interruption_is_confirmed_by_being_there_already() -> None:
    assert judged(effect("Freeze"), [act(100.5, **{**OURS["Freeze"], "code": 409})]).differences == ()
    assert kinds(judged(effect("Freeze"), [act(100.5, **{**OURS["Freeze"], "code": 403})])) == [(Kind.UNCONFIRMED, "100")]


@pytest.mark.parametrize(
    "bookkeeping",
    [
        {"verb": "update", "resource": "cloudservicerequests", "subresource": "status"},
        {"verb": "patch", "resource": "cloudservicerequests"},
        {"verb": "create", "resource": "events"},
        {"verb": "update", "resource": "leases"},
        {"verb": "patch", "resource": "namespaces"},
        {"verb": "update", "resource": "configmaps", "name": "govcloud-guard"},
        {"verb": "create", "resource": "selfsubjectaccessreviews"},
        {"verb": "get", "resource": "secrets"},
        {"verb": "create", "resource": "secrets", "code": 403},
    ],
)
def test_what_it_tells_people_reads_or_is_refused_needs_no_intent(bookkeeping: dict[str, Any]) -> None:
    assert judged([], [act(500, **bookkeeping)]).differences == ()


# Decisions


def decision(when: float, name: str = "authority-1") -> Act:
    return act(when, user="zhang", verb="create", resource="cloudserviceapprovals", name=name, code=201)


def seen(name: str, namespace: str = "hospital") -> Record:
    target = Target(kind="CloudServiceRequest", id=UID, name=f"{namespace}/portal")
    return record(event(target=target, attributes={"approval": name}), time=at(600))


def test_a_decision_that_was_never_seen_is_found() -> None:
    assert judged([seen("authority-1")], [decision(500)]).differences == ()
    for other in (seen("authority-2"), seen("authority-1", "elsewhere")):
        assert kinds(judged([other], [decision(500)])) == [(Kind.UNSEEN, "audit-500")]


def test_a_decision_of_the_last_minute_may_be_seen_yet() -> None:
    grace = GRACE.total_seconds()
    assert judged([], [decision(1_000 - grace + 1)]).differences == ()
    assert judged([], [decision(1_000 - grace - 1)]).differences != ()


# Others


@pytest.mark.parametrize(
    "hand",
    [
        {"verb": "update", "resource": "secrets", "name": "portal-credentials"},
        {"verb": "delete", "resource": "secrets", "name": "portal-credentials"},
        {"verb": "deletecollection", "resource": "secrets", "name": ""},
        {"verb": "create", "resource": "controllerrevisions", "name": "portal-5b1c0f0e-9"},
        {"verb": "delete", "resource": "servicebackups", "name": "portal-3", "namespace": ""},
        {"verb": "delete", "resource": "cloudserviceapprovals", "name": "authority-1"},
        {"verb": "deletecollection", "resource": "cloudserviceapprovals", "name": ""},
    ],
)
def test_another_hand_on_what_we_guard_is_found_unless_it_is_kubernetes_own(hand: dict[str, Any]) -> None:
    story = [*effect("WriteCredentials"), seen("authority-1")]
    written = act(100.5, **OURS["WriteCredentials"])
    foreign = act(500, **{**hand, "user": "mallory"})
    assert kinds(judged(story, [written, foreign])) == [(Kind.BY_ANOTHER, foreign.id)]
    collector = act(500, **{**hand, "user": "system:serviceaccount:kube-system:generic-garbage-collector"})
    assert judged(story, [written, collector]).differences == ()


@pytest.mark.parametrize(
    "own",
    [
        {"verb": "create", "resource": "secrets", "name": "their-own"},
        {"verb": "create", "resource": "controllerrevisions", "namespace": "kube-system"},
        {"verb": "create", "resource": "cloudservicerequests"},
        {"verb": "update", "resource": "secrets", "name": "portal-credentials", "code": 403},
    ],
)
def test_what_others_do_with_what_is_theirs_is_not_ours_to_judge(own: dict[str, Any]) -> None:
    story, written = effect("WriteCredentials"), act(100.5, **OURS["WriteCredentials"])
    assert judged(story, [written, act(500, **{**own, "user": "mallory"})]).differences == ()


# Edges


def test_nothing_is_said_of_what_the_api_servers_log_does_not_cover() -> None:
    early, late = effect("Freeze", 3, 4), effect("WriteCredentials", 997, 998)
    assert judged([*early, *late], []).differences == ()
    assert compare([BEGIN, *effect("Freeze")], []) == Verdict((), None, 0, 0)


def test_nothing_is_said_of_what_was_before_the_log_began() -> None:
    late_begin = [record(event(), time=at(300))]
    acts = [act(200, **OURS["Freeze"]), act(400, user="probe")]
    assert compare(late_begin, acts).differences == ()
    assert compare([], acts).differences == ()


# OpenStack


def test_a_marked_object_whose_key_no_record_knows_is_found() -> None:
    known = record(intent(attributes={"operationKey": "key-1"}), time=at(10))
    ours = Marked("server", "id-1", "web-1", "unit", "key-1")
    planted = Marked("server", "id-2", "web-2", "unit", "key-2")
    (found,) = judged([known], [], [ours, planted]).differences
    assert (found.kind, found.source, found.at) == (Kind.UNACCOUNTED, "id-2", None)


def test_differences_come_in_the_order_of_time_with_those_without_one_at_the_end() -> None:
    planted = Marked("server", "id-2", "web-2", "unit", "key-2")
    acts = [act(500, **OURS["Freeze"]), act(300, **OURS["WriteCredentials"])]
    verdict = judged(effect("OpenBackup"), acts, [planted])
    assert [each.source for each in verdict.differences] == ["100", "audit-300", "audit-500", "id-2"]
    assert all(isinstance(each, Difference) and each.what for each in verdict.differences)
