"""The development cluster as its users meet it: they are different people with different rights, and what they do is recorded."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from devcloud.environment import CONTROLLER, Environment
from devcloud.kubectl import Kubectl
from devcloud.paths import state_directory
from devcloud.patience import PATIENCE
from devcloud.users import PERSONAS

pytestmark = pytest.mark.cluster

NAMESPACE = "devcloud-test"
SECRET_VALUE = "never-in-the-audit-log"


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment.load(state_directory())


@pytest.fixture(scope="module")
def administrator(environment: Environment) -> Kubectl:
    return Kubectl.as_administrator(environment)


@pytest.fixture
def namespace(administrator: Kubectl) -> Iterator[str]:
    administrator.do("create", "namespace", NAMESPACE)
    yield NAMESPACE
    administrator.do("delete", "namespace", NAMESPACE, f"--timeout={PATIENCE:.0f}s")


def recorded(environment: Environment, name: str) -> list[dict[str, Any]]:
    """What the API server wrote down so far and says that name; it may be writing the next line."""
    whole, _, _being_written = environment.kubernetes_audit_log.read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines() if f'"{name}"' in line]


def may(kubectl: Kubectl, *what: str) -> bool:
    return kubectl.try_to("auth", "can-i", *what).stdout.strip() == "yes"


@pytest.mark.parametrize("persona", PERSONAS)
def test_each_persona_is_a_user_of_its_own(environment: Environment, persona: str) -> None:
    known_as = Kubectl.as_user(environment, persona).do("auth", "whoami", "-o", "json")
    user = json.loads(known_as)["status"]["userInfo"]
    assert user["username"] == persona
    assert set(user["groups"]) == {f"govcloud:{persona}", "system:authenticated"}


def test_the_controller_logs_in_as_its_service_account(environment: Environment) -> None:
    known_as = Kubectl.as_user(environment, CONTROLLER).do("auth", "whoami", "-o", "json")
    assert json.loads(known_as)["status"]["userInfo"]["username"] == (
        "system:serviceaccount:govcloud-system:govcloud-controller"
    )


@pytest.mark.parametrize(
    ("persona", "what", "allowed"),
    [
        ("platform-engineer", ["create", "usingunits.govcloud.dev"], True),
        ("platform-engineer", ["create", "cloudserviceapprovals.govcloud.dev"], False),
        ("operations", ["list", "cloudservicerequests.govcloud.dev", "--all-namespaces"], True),
        ("operations", ["get", "secrets", "--all-namespaces"], False),
        ("operations", ["patch", "configmap/govcloud-dev-clock", "-n", "govcloud-system"], True),
        ("auditor", ["list", "cloudserviceapprovals.govcloud.dev", "--all-namespaces"], True),
        ("auditor", ["patch", "cloudservicerequests.govcloud.dev", "--all-namespaces"], False),
        ("applicant", ["get", "secrets", "-n", "govcloud-system"], False),
        ("applicant", ["create", "cloudservicerequests.govcloud.dev", "-n", "default"], False),
        ("approval-system", ["create", "cloudserviceapprovals.govcloud.dev", "--all-namespaces"], False),
    ],
)
def test_a_persona_may_do_its_work_and_nothing_else(
    environment: Environment, persona: str, what: list[str], allowed: bool
) -> None:
    assert may(Kubectl.as_user(environment, persona), *what) is allowed


def test_every_admission_policy_is_bound(administrator: Kubectl) -> None:
    policies = administrator.do("get", "validatingadmissionpolicies", "-o", "name").splitlines()
    bound = administrator.do(
        "get", "validatingadmissionpolicybindings", "-o", "jsonpath={range .items[*]}{.spec.policyName}{'\\n'}{end}"
    ).splitlines()
    assert policies
    assert sorted(policy.partition("/")[2] for policy in policies) == sorted(bound)


def test_a_namespace_that_is_deleted_goes_away(administrator: Kubectl, namespace: str) -> None:
    administrator.do("create", "configmap", "content", "--namespace", namespace)
    administrator.do("delete", "namespace", namespace, f"--timeout={PATIENCE:.0f}s")
    assert "not found" in administrator.try_to("get", "namespace", namespace).stderr
    administrator.do("create", "namespace", namespace)  # the fixture deletes it once more


def test_the_api_server_records_who_wrote_a_secret_but_not_what_is_in_it(
    environment: Environment, administrator: Kubectl, namespace: str
) -> None:
    administrator.do(
        "create", "secret", "generic", "hidden", f"--from-literal=key={SECRET_VALUE}", "--namespace", namespace
    )
    log = environment.kubernetes_audit_log.read_text()
    records = recorded(environment, "hidden")
    assert [record["user"]["username"] for record in records if record["verb"] == "create"] == ["administrator"]
    assert SECRET_VALUE not in log


def test_the_api_server_records_a_role_word_by_word(
    environment: Environment, administrator: Kubectl, namespace: str
) -> None:
    administrator.do("create", "role", "recorded", "--verb=get", "--resource=configmaps", "--namespace", namespace)
    made = [record for record in recorded(environment, "recorded") if record.get("objectRef", {}).get("name") == "recorded"]
    assert made[-1]["level"] == "RequestResponse"
    assert made[-1]["requestObject"]["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
