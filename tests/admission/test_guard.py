"""The controller's own look at the policies, against those that the API server really holds."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from admission.people import Manifest, Person

from govcloud.adapters.kube_admission import admission_fault, installed_manifests

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def live(administrator: Person) -> list[Manifest]:
    kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    items: list[Manifest] = json.loads(administrator.kubectl.do("get", kinds, "-o", "json"))["items"]
    return items


def test_what_is_installed_is_what_ships(live: list[Manifest]) -> None:
    assert admission_fault(installed_manifests(), live) is None


def test_the_api_server_finds_no_fault_in_an_expression(live: list[Manifest]) -> None:
    """It checks the types of every expression and writes down what it does not understand."""
    policies = [
        item
        for item in live
        if item["kind"] == "ValidatingAdmissionPolicy" and item["metadata"]["name"].startswith("govcloud-")
    ]
    assert len(policies) * 2 == len(installed_manifests())
    for policy in policies:
        assert not policy.get("status", {}).get("typeChecking", {}).get("expressionWarnings"), policy["metadata"][
            "name"
        ]


TAMPERINGS: list[Any] = [
    pytest.param({"spec": {"failurePolicy": "Ignore"}}, "spec.failurePolicy differs", id="ignores-failures"),
    pytest.param(
        {"spec": {"matchConditions": [{"name": "never", "expression": "false"}]}},
        "spec.matchConditions",
        id="never-matches",
    ),
    pytest.param({"spec": {"validations": [{"expression": "true"}]}}, "spec.validations", id="always-true"),
    pytest.param(
        {"spec": {"matchConstraints": {"namespaceSelector": {"matchLabels": {"guarded": "yes"}}}}},
        "spec.matchConstraints.namespaceSelector was added",
        id="other-namespaces-only",
    ),
]


@pytest.mark.parametrize(("change", "words"), TAMPERINGS)
def test_a_tampering_is_found_in_what_the_api_server_would_store(
    administrator: Person, live: list[Manifest], change: dict[str, Any], words: str
) -> None:
    name = "govcloud-approval-by-its-office"
    done = administrator.kubectl.do(
        "patch",
        f"validatingadmissionpolicy/{name}",
        "--type=merge",
        f"--patch={json.dumps(change)}",
        "--dry-run=server",
        "-o",
        "json",
    )
    tampered = json.loads(done)
    others = [
        item for item in copy.deepcopy(live) if (item["kind"], item["metadata"]["name"]) != (tampered["kind"], name)
    ]
    fault = admission_fault(installed_manifests(), [*others, tampered])
    assert fault is not None
    assert words in fault
    assert name in fault
