"""Whether the API server enforces the policies: a decision in another's name is filed as a dry run, and refused by the policy or not."""

from __future__ import annotations

from typing import Any

import pytest
from adapters.kube_server import Say, server_saying

from govcloud.adapters.kube_probe import POLICY, lets_in_a_forgery
from govcloud.api.approval import ApprovalSpec
from govcloud.failures import Retry, Stop

REFUSED = f"ValidatingAdmissionPolicy '{POLICY}' with binding '{POLICY}' denied request: spec.approver is \"nobody\" but you are …"


@pytest.mark.parametrize(("answer", "let_in"), [(Say(201, {}), True), (Say(403, {"message": REFUSED}), False), (Say(422, {"message": REFUSED}), False)])
def test_what_the_policy_refuses_is_not_let_in(answer: Say, let_in: bool) -> None:
    with server_saying(answer) as (api, script):
        assert lets_in_a_forgery(api, "govcloud-system") is let_in
    asked = script.asked[0]
    assert (asked.method, asked.query["dryRun"]) == ("POST", "All")
    assert asked.path == "/apis/govcloud.dev/v1alpha1/namespaces/govcloud-system/cloudserviceapprovals"
    assert ApprovalSpec.model_validate(asked.body["spec"]).approver == "nobody"


OTHERWISE: list[Any] = [
    pytest.param(Say(403, {"message": "cannot create resource"}), Retry, "apply deploy/rbac", id="no right to try"),
    pytest.param(Say(422, {"message": "spec.step: Invalid value"}), Stop, "of one version", id="another schema"),
    pytest.param(Say(403, {"message": REFUSED.replace(POLICY, "another")}), Stop, "denied request", id="another policy"),
    pytest.param(Say(503, {}), Retry, "not well", id="no answer"),
]


@pytest.mark.parametrize(("answer", "failure", "said"), OTHERWISE)
def test_another_refusal_proves_nothing(answer: Say, failure: type[Exception], said: str) -> None:
    with server_saying(answer) as (api, _), pytest.raises(failure, match=said):
        lets_in_a_forgery(api, "govcloud-system")
