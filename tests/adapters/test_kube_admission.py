"""Is what guards the cluster exactly what ships? Every way of weakening a policy has to be seen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from govcloud.adapters.kube_admission import ManifestsMissing, admission_fault, installed_manifests, manifests_in

Raw = dict[str, Any]

INSTALLED = installed_manifests()


def as_live(manifest: Any) -> Raw:
    """The manifest as the API server gives it back: with its own defaults, and without a kind, as items of a list are."""
    live: Raw = copy.deepcopy(dict(manifest))
    live.pop("kind")
    live["metadata"] |= {"uid": "1", "resourceVersion": "2", "managedFields": []}
    if "matchConstraints" in live["spec"]:
        constraints = live["spec"]["matchConstraints"]
        constraints |= {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
        for rule in constraints["resourceRules"]:
            rule["scope"] = "*"
        live["status"] = {"observedGeneration": 1, "typeChecking": {}}
    return live


@pytest.fixture
def live() -> list[Raw]:
    return [as_live(manifest) for manifest in INSTALLED]


def policy(live: list[Raw]) -> Raw:
    return next(
        item
        for item in live
        if item["metadata"]["name"] == "govcloud-approval-by-its-office" and "validations" in item["spec"]
    )


def binding(live: list[Raw]) -> Raw:
    return next(item for item in live if item["spec"].get("policyName") == "govcloud-approval-by-its-office")


def test_what_ships_is_a_policy_and_its_binding_in_every_file() -> None:
    policies = {m["metadata"]["name"] for m in INSTALLED if m["kind"] == "ValidatingAdmissionPolicy"}
    bound = {m["spec"]["policyName"] for m in INSTALLED if m["kind"] == "ValidatingAdmissionPolicyBinding"}
    assert policies == bound
    assert len(INSTALLED) == 2 * len(policies)


@pytest.mark.parametrize("manifest", INSTALLED, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_every_policy_fails_closed_and_says_something_in_both_languages(manifest: Raw) -> None:
    assert manifest["metadata"]["labels"]["govcloud.dev/admission"] in ("policy", "binding")
    if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
        assert manifest["spec"]["validationActions"] == ["Deny"]
        return
    assert manifest["spec"]["failurePolicy"] == "Fail"
    for validation in manifest["spec"]["validations"]:
        for text in (validation["message"], validation.get("messageExpression", validation["message"])):
            assert " / " in text
            assert any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_defaults_of_the_api_server_and_foreign_policies_are_no_fault(live: list[Raw]) -> None:
    foreign = {"metadata": {"name": "somebody-elses"}, "spec": {"failurePolicy": "Ignore", "validations": []}}
    assert admission_fault(INSTALLED, [foreign, *reversed(live)]) is None


def test_nothing_installed_is_a_fault_that_says_what_to_do() -> None:
    fault = admission_fault(INSTALLED, [])
    assert fault is not None
    assert "is missing; apply deploy/admission" in fault


Tamper = Callable[[list[Raw]], object]

TAMPERINGS: list[tuple[str, Tamper, str]] = [
    (
        "the policy is gone",
        lambda live: live.remove(policy(live)),
        "ValidatingAdmissionPolicy govcloud-approval-by-its-office is missing",
    ),
    (
        "the binding is gone",
        lambda live: live.remove(binding(live)),
        "PolicyBinding govcloud-approval-by-its-office is missing",
    ),
    (
        "it only warns",
        lambda live: binding(live)["spec"].update(validationActions=["Warn"]),
        "validationActions[] differs",
    ),
    (
        "it also audits",
        lambda live: binding(live)["spec"].update(validationActions=["Deny", "Audit"]),
        "validationActions differs",
    ),
    (
        "bound to few namespaces",
        lambda live: binding(live)["spec"].update(matchResources={}),
        "spec.matchResources was added",
    ),
    ("bound to another policy", lambda live: binding(live)["spec"].update(policyName="other"), "policyName differs"),
    ("it ignores errors", lambda live: policy(live)["spec"].update(failurePolicy="Ignore"), "failurePolicy differs"),
    ("it never matches", lambda live: policy(live)["spec"].update(matchConditions=[]), "matchConditions was added"),
    ("one rule less", lambda live: policy(live)["spec"]["validations"].pop(), "validations differs"),
    (
        "a softer rule",
        lambda live: policy(live)["spec"]["validations"][0].update(expression="true"),
        "expression differs",
    ),
    ("no reason", lambda live: policy(live)["spec"]["validations"][0].pop("reason"), "reason is gone"),
    (
        "other objects only",
        lambda live: policy(live)["spec"]["matchConstraints"].update(objectSelector={"matchLabels": {"a": "b"}}),
        "objectSelector was added",
    ),
    (
        "not for some",
        lambda live: policy(live)["spec"]["matchConstraints"].update(excludeResourceRules=[{}]),
        "excludeResourceRules was added",
    ),
    (
        "exactly one version",
        lambda live: policy(live)["spec"]["matchConstraints"].update(matchPolicy="Exact"),
        "matchPolicy was added",
    ),
    (
        "cluster scope only",
        lambda live: policy(live)["spec"]["matchConstraints"]["resourceRules"][0].update(scope="Cluster"),
        "scope was added",
    ),
    ("on its way out", lambda live: policy(live)["metadata"].update(deletionTimestamp="2026"), "is being deleted"),
]


@pytest.mark.parametrize(("tamper", "words"), [case[1:] for case in TAMPERINGS], ids=[case[0] for case in TAMPERINGS])
def test_a_weakened_policy_is_seen(live: list[Raw], tamper: Tamper, words: str) -> None:
    tamper(live)
    fault = admission_fault(INSTALLED, live)
    assert fault is not None
    assert words in fault
    assert fault.endswith("; apply deploy/admission")


def test_an_installation_without_its_policies_does_not_pass_for_one_without_rules(tmp_path: Path) -> None:
    with pytest.raises(ManifestsMissing, match="holds no policies"):
        manifests_in(tmp_path)
    with pytest.raises(ManifestsMissing, match="is not there"):
        manifests_in(tmp_path / "admission")
