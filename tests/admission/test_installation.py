"""What `deploy/` and `examples/approval-system/` hold is what a cluster takes, and roles name only what exists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from admission.people import Person

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = [*sorted((ROOT / "deploy").rglob("*.yaml")), *sorted((ROOT / "examples" / "approval-system").glob("*.yaml"))]
VIRTUAL = {"approvalsteps"}
"""Resources that exist in RBAC only."""
VERBS = {"get", "list", "watch", "create", "update", "patch", "delete", "bind", "impersonate"}
OUR_VERBS = {"approve", "assign", "release", "retire", "trust"}

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_api_server_takes_it_as_it_is(administrator: Person, path: Path) -> None:
    done = administrator.kubectl.try_to(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", path
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def served(administrator: Person) -> set[tuple[str, str]]:
    """Every (group, resource), subresources included, that this cluster serves."""
    found: set[tuple[str, str]] = set()
    groups = json.loads(administrator.kubectl.do("get", "--raw", "/apis"))["groups"]
    paths = {"": "/api/v1"} | {group["name"]: f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups}
    for group, path in paths.items():
        resources = json.loads(administrator.kubectl.do("get", "--raw", path))["resources"]
        found |= {(group, resource["name"]) for resource in resources}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "deploy" / "rbac").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_role_grants_verbs_and_resources_that_exist(served: set[tuple[str, str]], path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        for rule in document.get("rules", ()):
            known = (
                {r for g, r in served if g in rule["apiGroups"]} | VIRTUAL | {"*", "cloudservicerequests/finalizers"}
            )
            assert set(rule["resources"]) <= known, document["metadata"]["name"]
            assert set(rule["verbs"]) <= VERBS | OUR_VERBS, document["metadata"]["name"]
            assert "*" not in rule["apiGroups"]
