"""A town of its own for each run of these stories, on the development cloud that runs; swept clean afterwards.

The stories use real users, real RBAC and the policies of `deploy/admission/` as they are installed. Most only try what they
do (a server-side dry run, which admission decides like the real thing), so that little has to be swept.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import yaml
from admission.people import EXAMPLES, Manifest, People, Person, Town, granting, namespace, role

from devcloud.environment import Environment
from devcloud.paths import state_directory


@pytest.fixture(scope="session")
def people() -> People:
    return People(Environment.load(state_directory()))


@pytest.fixture(scope="session")
def administrator(people: People) -> Person:
    return people.administrator


@pytest.fixture(scope="session")
def controller(people: People) -> Person:
    """The controller's identity. The controller itself may run beside these stories: it does not touch what they look at."""
    return people("controller")


@pytest.fixture(scope="session")
def town(people: People, administrator: Person) -> Iterator[Town]:
    mark = secrets.token_hex(3)
    town = Town(f"unit-{mark}", f"town-{mark}", f"elsewhere-{mark}", f"nowhere-{mark}")
    _must(administrator, *_approval_system(), *_deleter(mark))
    _must(people("platform-engineer"), namespace(town.nowhere), *_namespaces(town))
    _must(people("platform-engineer"), granting("govcloud-applicant", "applicant", town.nowhere))
    people("applicant").is_granted("create", "csreq", town.nowhere)
    people("approval-system").is_granted("impersonate", "users/applicant")
    yield town
    _sweep(administrator, town, mark)


@pytest.fixture(scope="session")
def deleter(people: People, administrator: Person, town: Town) -> Person:
    """Somebody who has the plain right to delete and edit everything of ours in the namespace, but no role of ours."""
    _must(administrator, granting(town.namespace.replace("town", "deleter"), "auditor", town.namespace))
    people("auditor").is_granted("delete", "csapp", town.namespace)
    return people("auditor")


def _must(person: Person, *manifests: Manifest) -> None:
    answer = person.apply(*manifests)
    assert answer.accepted, answer.said


def _namespaces(town: Town) -> list[Manifest]:
    """The example's namespaces and grants under this town's names; elsewhere, the authority decides nothing."""
    text = (EXAMPLES / "platform" / "40-namespaces.yaml").read_text(encoding="utf-8")
    named = text.replace("govcloud.dev/unit: first-hospital", f"govcloud.dev/unit: {town.unit}")
    named = named.replace("govcloud.dev/unit: health-commission", f"govcloud.dev/unit: other-{town.unit}")
    named = named.replace("first-hospital", town.namespace).replace("health-commission", town.elsewhere)
    manifests: list[Manifest] = list(yaml.safe_load_all(named))
    left_out = (town.elsewhere, "decides-authority")
    return [m for m in manifests if (m["metadata"].get("namespace"), m["metadata"]["name"]) != left_out]


def _approval_system() -> list[Manifest]:
    return list(yaml.safe_load_all((EXAMPLES / "approval-system" / "rbac.yaml").read_text(encoding="utf-8")))


def _deleter(mark: str) -> list[Manifest]:
    ours = ("govcloud.dev", "cloudservicerequests cloudserviceapprovals", "get list update patch delete")
    return [role(f"deleter-{mark}", ours)]


def _sweep(administrator: Person, town: Town, mark: str) -> None:
    for name in administrator.kubectl.do("get", "csreq", "-n", town.namespace, "-o", "name").split():
        administrator.patch(name, town.namespace, {"metadata": {"finalizers": None}})
    for where in (town.namespace, town.elsewhere, town.nowhere):
        administrator.delete(f"namespace/{where}")
    administrator.delete(f"clusterrole/deleter-{mark}")
