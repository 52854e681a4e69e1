"""The controller itself is held to what it is for: its Secrets, one label of a namespace, no decisions."""

from __future__ import annotations

import pytest
from admission.people import UID, Person, Town, approval, namespace, request, secret

pytestmark = pytest.mark.cluster

OURS = {"govcloud.dev/request": UID}


def test_it_writes_secrets_of_its_own(controller: Person, town: Town) -> None:
    answer = controller.tries().create(secret(town, "credentials", OURS))
    assert answer.accepted, answer.said


def test_it_writes_no_other_secret(controller: Person, town: Town) -> None:
    answer = controller.tries().create(secret(town, "other", {}))
    assert answer.refused_because("only Secrets with the label govcloud.dev/request")


def test_it_cannot_take_over_a_secret_of_somebody_else(administrator: Person, controller: Person, town: Town) -> None:
    """Nor look into it: the answer to a patch would hold its content."""
    assert administrator.apply(secret(town, "foreign", {})).accepted
    for change in ({"metadata": {"labels": OURS}}, {}):
        answer = controller.tries().patch("secret/foreign", town.namespace, change)
        assert not answer.accepted, answer.said
        assert "only Secrets with the label" in answer.said or "cannot get resource" in answer.said


def test_it_reads_and_lists_no_secret(controller: Person, town: Town) -> None:
    assert not any(controller.may(verb, "secrets", town.namespace) for verb in ("get", "list", "watch", "delete"))


def test_it_changes_nothing_of_a_namespace_but_its_mark(controller: Person, town: Town) -> None:
    where = f"namespace/{town.elsewhere}"
    for change in (
        {"metadata": {"labels": {"govcloud.dev/unit": "another"}}},
        {"metadata": {"finalizers": ["example.com/other"]}},
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
        {"metadata": {"annotations": {"note": "x"}}},
    ):
        assert controller.tries().patch(where, None, change).refused_because("denied request")
    mark = controller.tries().patch(where, None, {"metadata": {"labels": {"govcloud.dev/live-requests": "true"}}})
    assert mark.accepted, mark.said


def test_it_makes_and_deletes_no_namespace(controller: Person, town: Town) -> None:
    assert not controller.tries().create(namespace("any-name")).accepted
    assert not controller.tries().delete(f"namespace/{town.nowhere}").accepted


def test_it_neither_applies_nor_decides(controller: Person, town: Town) -> None:
    assert controller.tries().create(request(town)).refused_because("cannot create resource")
    assert controller.tries().create(approval(town, "authority")).refused_because("cannot create resource")


@pytest.mark.parametrize("what", ["configmaps", "leases.coordination.k8s.io", "secrets", "pods"])
def test_in_its_own_namespace_it_makes_and_deletes_nothing_of_its_kind(controller: Person, what: str) -> None:
    """What it writes there was made with the installation."""
    assert not any(controller.may(verb, what, "govcloud-system") for verb in ("delete", "list", *(() if what == "secrets" else ("create",))))


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("update", "validatingadmissionpolicies.admissionregistration.k8s.io"),
        ("delete", "validatingadmissionpolicybindings.admissionregistration.k8s.io"),
        ("create", "clusterroles.rbac.authorization.k8s.io"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("create", "pods"),
        ("delete", "cloudservicerequests.govcloud.dev"),
        ("delete", "cloudserviceapprovals.govcloud.dev"),
        ("delete", "controllerrevisions.apps"),
        ("approve", "approvalsteps.govcloud.dev/authority"),
        ("impersonate", "users"),
    ],
)
def test_it_has_no_right_that_it_does_not_need(controller: Person, town: Town, verb: str, what: str) -> None:
    assert not controller.may(verb, what, town.namespace)
