"""An approval is made by the official whose name it carries, for a step that this official was granted here, and stays as it was made."""

from __future__ import annotations

import pytest
from admission.people import People, Person, Town, approval, granting

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    ("persona", "step"),
    [
        ("superior-unit", "superior-unit"),
        ("authority", "authority"),
        ("unit-consent", "unit-consent"),
        ("provider", "provider-consent"),
    ],
)
def test_every_office_decides_its_own_step(people: People, town: Town, persona: str, step: str) -> None:
    answer = people(persona).tries().create(approval(town, step))
    assert answer.accepted, answer.said


def test_an_office_cannot_decide_the_step_of_another(people: People, town: Town) -> None:
    answer = people("superior-unit").tries().create(approval(town, "authority", approver="superior-unit"))
    assert answer.refused_because("may not decide step", "authority", "govcloud-approve-authority", "无权审批")


def test_an_official_cannot_decide_in_anothers_name(people: People, town: Town) -> None:
    answer = people("authority").tries().create(approval(town, "authority", approver="superior-unit"))
    assert answer.refused_because('spec.approver is "superior-unit" but you are "authority"', "批准人必须是本人")


def test_a_step_granted_here_is_not_granted_elsewhere(people: People, town: Town) -> None:
    decision = approval(town, "authority")
    decision["metadata"]["namespace"] = town.elsewhere
    answer = people("authority").tries().create(decision)
    assert answer.refused_because("may not decide step", town.elsewhere)


def test_an_applicant_cannot_even_file_one(people: People, town: Town) -> None:
    answer = people("applicant").tries().create(approval(town, "authority", approver="applicant"))
    assert answer.refused_because("applicant", "cannot create resource", "cloudserviceapprovals")


def test_a_decision_without_an_approver_is_refused_by_its_field(people: People, town: Town) -> None:
    decision = approval(town, "authority")
    del decision["spec"]["approver"]
    assert people("authority").tries().create(decision).refused_because("spec.approver: Required value")


def test_the_approval_system_decides_as_an_official_and_only_as_one_on_its_list(people: People, town: Town) -> None:
    system = people("approval-system").tries()
    assert system.acting_as("authority").create(approval(town, "authority")).accepted
    own = system.create(approval(town, "authority", approver="approval-system"))
    assert own.refused_because("approval-system", "cannot create resource")
    foreign = system.acting_as("auditor").delete("csapp/any", town.namespace)
    assert foreign.refused_because('"approval-system" cannot impersonate')


def test_a_decision_can_be_neither_edited_nor_deleted(
    people: People, administrator: Person, deleter: Person, town: Town
) -> None:
    decision = approval(town, "authority")
    decision["metadata"] = {"name": "kept", "namespace": town.namespace}
    assert people("authority").create(decision).accepted
    edit = administrator.tries().patch("csapp/kept", town.namespace, {"spec": {"decision": "Rejected"}})
    assert edit.refused_because("cannot be edited", "Revoked", "不可修改")
    assert deleter.tries().delete("csapp/kept", town.namespace).refused_because("is a record and is kept", "Revoked")
    label = deleter.tries().patch("csapp/kept", town.namespace, {"metadata": {"labels": {"seen": "yes"}}})
    assert label.accepted, label.said


def test_nobody_grants_a_step_to_himself(people: People, town: Town) -> None:
    engineer = people("platform-engineer").tries()
    oneself = engineer.create(granting("govcloud-approve-authority", "platform-engineer", town.namespace))
    assert oneself.refused_because("nobody grants an approval step to himself")
    group = granting("govcloud-approve-authority", "platform-engineer", town.namespace)
    group["subjects"] = [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}]
    assert engineer.create(group).refused_because("nobody grants an approval step to himself")
    other = engineer.create(granting("govcloud-approve-authority", "somebody-else", town.namespace))
    assert other.accepted, other.said


@pytest.mark.parametrize("role", ["cluster-admin", "govcloud-release", "govcloud-retention", "govcloud-controller"])
def test_a_platform_engineer_hands_out_nothing_but_the_roles_for_units(people: People, town: Town, role: str) -> None:
    answer = people("platform-engineer").tries().create(granting(role, "somebody-else", town.namespace))
    assert answer.refused_because("attempting to grant RBAC permissions not currently held")
