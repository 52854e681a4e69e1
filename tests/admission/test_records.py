"""What the controller saw and froze (status, plans, backup sets) is written by the controller only: not even by the administrator."""

from __future__ import annotations

import pytest
from admission.people import UID, People, Person, Town, backup, plan, request

pytestmark = pytest.mark.cluster

PLAN_LABEL = {"govcloud.dev/plan": UID}


def test_nobody_but_the_controller_writes_a_status(
    people: People, administrator: Person, controller: Person, town: Town
) -> None:
    assert people("applicant").create(request(town, "told")).accepted
    rosy = {"status": {"phase": "Production"}}
    written = controller.tries().patch("csreq/told", town.namespace, rosy, "--subresource=status")
    assert written.accepted, written.said
    refused = administrator.tries().patch("csreq/told", town.namespace, rosy, "--subresource=status")
    assert refused.refused_because("the status is written by the controller only", "状态只能由控制器填写")
    rights = people("applicant").tries().patch("csreq/told", town.namespace, rosy, "--subresource=status")
    assert rights.refused_because("cannot patch resource", "cloudservicerequests/status")


def test_a_status_cannot_be_smuggled_in_with_the_request(people: People, administrator: Person, town: Town) -> None:
    document = request(town, "smuggled") | {"status": {"phase": "Production"}}
    assert people("applicant").create(document).accepted
    assert administrator.get("csreq/smuggled", town.namespace).get("status", {}).get("phase") != "Production"


def test_the_spec_is_not_the_controllers_to_write(people: People, controller: Person, town: Town) -> None:
    assert people("applicant").create(request(town, "wished")).accepted
    answer = controller.tries().patch("csreq/wished", town.namespace, {"spec": {"suspended": True}})
    assert answer.refused_because("spec.applicant", "govcloud-controller")


def test_only_the_controller_freezes_a_plan(administrator: Person, controller: Person, town: Town) -> None:
    assert (
        administrator.tries().create(plan(town, "forged", PLAN_LABEL)).refused_because("frozen by the controller only")
    )
    answer = controller.tries().create(plan(town, "frozen", PLAN_LABEL))
    assert answer.accepted, answer.said


def test_a_frozen_plan_is_not_touched(administrator: Person, controller: Person, town: Town) -> None:
    assert controller.create(plan(town, "pinned", PLAN_LABEL)).accepted
    attempts = [
        administrator.tries().delete("controllerrevision/pinned", town.namespace),
        administrator.tries().patch(
            "controllerrevision/pinned", town.namespace, {"metadata": {"labels": {"govcloud.dev/plan": None}}}
        ),
        administrator.tries().patch(
            "controllerrevision/pinned", town.namespace, {"metadata": {"labels": {"govcloud.dev/plan": "x"}}}
        ),
    ]
    assert all(attempt.refused_because("frozen by the controller only", "计划只能由控制器生成") for attempt in attempts)


def test_revisions_that_are_no_plans_are_not_our_business(administrator: Person, town: Town) -> None:
    answer = administrator.tries().create(plan(town, "of-a-statefulset", {"app": "other"}))
    assert answer.accepted, answer.said


def test_only_the_controller_writes_backup_sets(administrator: Person, controller: Person, town: Town) -> None:
    name = f"backup-{town.unit}"
    assert administrator.tries().create(backup(name)).refused_because("backup sets are written by the controller only")
    assert controller.create(backup(name)).accepted
    assert (
        administrator.tries().delete(f"csbak/{name}").refused_because("backup sets are written by the controller only")
    )
    gone = controller.delete(f"csbak/{name}")
    assert gone.accepted, gone.said


def test_who_only_reads_really_reads_and_sees_no_secret(people: People, town: Town) -> None:
    for persona in ("auditor", "operations"):
        assert people(persona).may("list", "csreq", town.namespace)
        assert people(persona).may("list", "controllerrevisions", town.namespace)
        assert not people(persona).may("get", "secrets", town.namespace)
        assert not people(persona).may("create", "csapp", town.namespace)
