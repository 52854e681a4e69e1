"""What goes wrong around a request on the real control planes: a condition with a reason, a sentence that says what to do, and nothing lost.

Each story has a unit of its own, so that they do not meet. While one request stands still, another one of the same controller is served.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.worlds import world_of

from devcloud import controller
from devcloud.demo import looks
from devcloud.demo.requests import Request
from devcloud.demo.world import EXAMPLES, World

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of("errors", Path(tmp_path_factory.mktemp("errors"))) as world:
        yield world


@pytest.fixture
def place(world: World, request: pytest.FixtureRequest) -> Callable[..., Request]:
    """A unit, a namespace and a small request of the test's own; keyword arguments change jurisdiction and catalog."""

    def make(catalog: Callable[[dict[str, Any]], object] | None = None, catalog_exists: bool = True) -> Request:
        # Of this run alone: a cluster that was used before has units of these names already.
        name = f"{request.node.name.removeprefix('test_')[:24].strip('_')}-{os.urandom(4).hex()}".replace("_", "-")
        for manifest in _platform(name, catalog, catalog_exists):
            world.apply("platform-engineer", manifest)
        asked = Request(world, "requests/health-survey.yaml")
        asked.manifest["metadata"] = {"name": f"{name}-survey", "namespace": name}
        asked.manifest["spec"]["unit"] = name
        return asked

    return make


def _platform(name: str, catalog: Callable[[dict[str, Any]], object] | None, catalog_exists: bool) -> Iterator[dict[str, Any]]:
    """Copies of the example's jurisdiction, catalog, unit, namespace and RoleBindings, under another name."""
    documents = [d for file in sorted((EXAMPLES / "platform").glob("*.yaml")) for d in yaml.safe_load_all(file.read_text("utf-8"))]
    for document in documents:
        kind, metadata = document["kind"], document["metadata"]
        if kind == "Jurisdiction":
            document["spec"]["catalog"] = f"{name}-catalog"
        elif kind == "CloudServiceCatalog":
            if catalog is not None:
                catalog(document["spec"])
            if not catalog_exists:
                continue
            metadata["name"] = f"{name}-catalog"
        elif kind == "UsingUnit":
            if metadata["name"] != "health-commission":
                continue
            document["spec"] |= {"jurisdiction": name, "title": f"单位 {name}"}
        elif kind == "Namespace" and metadata["name"] == "health-commission":
            metadata["labels"]["govcloud.dev/unit"] = name
        elif metadata.get("namespace") == "health-commission":
            metadata["namespace"] = name
            yield document
            continue
        else:
            continue
        if kind != "CloudServiceCatalog":
            metadata["name"] = name
        yield document


def _stands(asked: Request, condition: str, reason: str) -> dict[str, Any]:
    """Wait until a condition is True for a reason; the condition."""

    def seen() -> Any:
        found = asked.condition(condition)
        return found if (found.get("status"), found.get("reason")) == ("True", reason) else None

    return dict(asked.world.until(f"{asked.name}: {condition}={reason}", seen))


def _another_is_served(world: World, asked: Request) -> None:
    other = Request(world, "requests/health-survey.yaml")
    other.manifest["metadata"] = {"name": f"beside-{asked.name}"[:60], "namespace": "health-commission"}
    other.apply()
    other.until_planned("Provision")
    world.must("applicant", "delete", "csreq", other.name, "-n", other.namespace)


def _is_ready(asked: Request) -> None:
    asked.world.until(f"{asked.name} is ready", lambda: asked.condition("Ready").get("status") == "True")


def test_missing_catalog(world: World, place: Callable[..., Request]) -> None:
    asked = place(catalog_exists=False)
    asked.apply()
    stalled = _stands(asked, "Stalled", "CatalogMissing")
    assert f"{asked.namespace}-catalog" in stalled["message"]
    _another_is_served(world, asked)
    for manifest in _platform(asked.namespace, None, True):
        if manifest["kind"] == "CloudServiceCatalog":
            world.apply("platform-engineer", manifest)
    asked.until_planned("Provision")


def test_missing_flavor(world: World, place: Callable[..., Request]) -> None:
    def without_flavor(spec: dict[str, Any]) -> None:
        next(o for o in spec["offerings"] if o["name"] == "vm-1c-512m")["flavor"] = "no-such-flavor"

    asked = place(catalog=without_flavor)
    asked.apply()
    asked.approve_all("Provision")
    stalled = _stands(asked, "Stalled", "FlavorOrImageMissing")
    assert "no-such-flavor" in stalled["message"]
    assert "operations" in asked.status["nextAction"]["en"].lower()
    _another_is_served(world, asked)
    asked.service("survey")["offering"] = "vm-1c-2g"
    asked.apply()
    asked.approve_all("Provision")
    _is_ready(asked)
    assert not looks.duplicates(looks.everything_of(world, asked.uid))


def test_quota_exceeded(world: World, place: Callable[..., Request]) -> None:
    asked = place()
    services, asked.manifest["spec"]["services"] = asked.manifest["spec"]["services"], asked.manifest["spec"]["services"][:1]
    asked.apply()
    asked.approve_all("Provision")
    _is_ready(asked)
    project = str(world.get("usingunit", asked.namespace)["status"]["projectId"])
    _limit_volumes_of_standard_type(world, project, 0)
    asked.manifest["spec"]["services"] = services
    asked.apply()
    asked.approve_all("MajorChange")
    waiting = _stands(asked, "Reconciling", "QuotaExceeded")
    assert "quota" in waiting["message"].lower()
    assert asked.condition("Ready")["status"] == "True", "what runs stays ready while a change waits"
    _another_is_served(world, asked)
    _limit_volumes_of_standard_type(world, project, -1)
    _ten_minutes_pass(world)  # a quota is tried again after five minutes
    asked.world.until("the change is done", lambda: asked.status["progress"].get("operation") is None)
    assert not looks.duplicates(looks.everything_of(world, asked.uid))


@pytest.mark.parametrize(("fault", "reason"), [("unreachable", "CloudUnreachable"), ("password", "CloudUnauthorized")])
def test_cloud(world: World, place: Callable[..., Request], tmp_path: Path, fault: str, reason: str, request: pytest.FixtureRequest) -> None:
    request.node.name = f"test_cloud_{fault}"
    asked = place()
    controller.stop(world.environment)
    controller.start(world.environment, {"OS_CLIENT_CONFIG_FILE": str(_spoilt_clouds(world, tmp_path, fault))})
    try:
        asked.apply()
        asked.approve_all("Provision")
        waiting = _stands(asked, "Reconciling", reason)
        assert waiting["message"]
        _is_said_of_the_cloud(world, asked.namespace, "False", reason)
        _another_is_served(world, asked)
        assert looks.everything_of(world, asked.uid) == []
    finally:
        controller.stop(world.environment)
        controller.start(world.environment)
    _ten_minutes_pass(world)  # a refused login is tried again after a minute
    _is_ready(asked)
    _is_said_of_the_cloud(world, asked.namespace, "True", "Serving")


def test_invalid_manifests_are_refused_with_their_field(world: World, place: Callable[..., Request]) -> None:
    asked = place()
    refused = {
        "spec.services": lambda spec: spec["services"][1]["virtualMachine"].update(bootVolumeGib=0),
        "unknown field": lambda spec: spec["services"][1]["virtualMachine"].update(cores=4),
        "exactly one": lambda spec: spec["services"][1].update(blockStorage={"sizeGib": 1, "offering": "volume-standard"}),
    }
    for said, spoil in refused.items():
        manifest = copy.deepcopy(asked.manifest)
        spoil(manifest["spec"])
        answer = world.kubectl("applicant", "apply", "-f", "-", stdin=yaml.safe_dump(manifest))
        assert answer.refused
        assert said in answer.err, answer.err
    asked.manifest["spec"]["application"] = asked.manifest["spec"]["application"][:2]
    asked.manifest["spec"]["system"]["classified"] = True
    asked.apply()
    stalled = _stands(asked, "Stalled", "RuleViolated")
    for part in ("project contract", "self-test report", "JJ 14", "spec.system.classified"):
        assert part in stalled["message"]
    assert asked.status["nextAction"]["waitingFor"] == "applicant"


def _ten_minutes_pass(world: World) -> None:
    moved = world.govcloud("dev", "clock", "advance", "10m")
    assert not moved.refused, moved.err


def _is_said_of_the_cloud(world: World, jurisdiction: str, status: str, reason: str) -> None:
    """Wait for it: jurisdictions are looked after beside requests, and later or sooner than they."""

    def seen() -> bool:
        conditions = world.get("jurisdiction", jurisdiction).get("status", {}).get("conditions", [])
        return ("CloudReachable", status, reason) in {(each["type"], each["status"], each["reason"]) for each in conditions}

    world.until(f"{jurisdiction}: CloudReachable={status}, {reason}", seen)


def _limit_volumes_of_standard_type(world: World, project: str, limit: int) -> None:
    cloud = world.cloud()
    answer = cloud.block_storage.put(f"/os-quota-sets/{project}", json={"quota_set": {"volumes_standard": limit}})
    assert answer.status_code == 200, answer.text


def _spoilt_clouds(world: World, folder: Path, fault: str) -> Path:
    """The controller's clouds.yaml with one thing wrong in every entry."""
    document = yaml.safe_load(world.environment.clouds_file.read_text(encoding="utf-8"))
    for entry in document["clouds"].values():
        entry["auth"] |= {"auth_url": "http://127.0.0.1:1/v3"} if fault == "unreachable" else {"password": "wrong"}
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_a_share_is_refused_when_planning_where_the_cloud_has_no_manila(place: Callable[..., Request]) -> None:
    asked = place()
    shared = {"sizeGib": 1, "offering": "file-standard", "access": [{"addresses": "10.30.0.0/24"}]}
    asked.manifest["spec"]["services"].append({"name": "shared", "fileStorage": shared})
    asked.apply()
    asked.world.until("it is refused", lambda: "needs shared-file-system" in asked.condition("Stalled").get("message", ""))
