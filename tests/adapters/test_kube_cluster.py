"""The `Cluster` port on a real Kubernetes API, with exactly the rights that the controller has when it is deployed.

The controller may run beside these tests and have an opinion on the same requests; where it matters, what is looked at is what it
does not write.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from reconcile.world import jurisdiction_spec
from stillness import controller_standing_still
from waiting import until

from devcloud.environment import Environment
from devcloud.kubectl import Kubectl
from devcloud.paths import state_directory
from devcloud.patience import PATIENCE
from govcloud.adapters.kube_admission import installed_manifests
from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.adapters.kube_cluster import KubeCluster
from govcloud.api.approval import ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus, PartStatus
from govcloud.api.common import FINALIZER, LIVE_REQUESTS_LABEL, Condition
from govcloud.api.unit import UnitStatus
from govcloud.core.objects import JurisdictionObject, RequestObject
from govcloud.core.plan import revision_name
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

pytestmark = pytest.mark.cluster

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = ("one", "two")


def _client(kubeconfig: Path) -> ApiClient:
    configuration = Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    configuration.retries = False
    return ApiClient(configuration)


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment.load(state_directory())


@pytest.fixture(scope="module")
def administrator(environment: Environment) -> Kubectl:
    return Kubectl.as_administrator(environment)


@pytest.fixture(scope="module")
def api(environment: Environment) -> KubeApi:
    return KubeApi(_client(environment.kubeconfig_of("controller")))


@pytest.fixture(scope="module")
def cluster(api: KubeApi) -> KubeCluster:
    return KubeCluster(api, installed_manifests(), "test", lambda: NOW)


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, cluster: KubeCluster) -> Iterator[str]:
    """A namespace of a unit that does not exist, with two requests: the controller plans nothing for them."""
    name = f"adapter-{secrets.token_hex(3)}"
    labels = {"govcloud.dev/unit": name}
    _apply(administrator, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    for request in NAMES:
        _apply(administrator, _request(name, request))
    yield name
    for request in NAMES:
        administrator.try_to(
            "patch", "csreq", request, "-n", name, "--type=merge", '--patch={"metadata":{"finalizers":null}}'
        )
    cluster.guard_namespaces()
    administrator.do("delete", "namespace", name, "--wait=false")


def _apply(administrator: Kubectl, *manifests: dict[str, Any]) -> None:
    administrator.do("apply", "-f", "-", given=yaml.safe_dump_all(manifests))


def _request(namespace: str, name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        (EXAMPLES / "requests" / "health-survey.yaml").read_text(encoding="utf-8")
    )
    document["metadata"] = {"name": name, "namespace": namespace}
    document["spec"] |= {"unit": namespace, "applicant": "administrator"}
    return document


@pytest.fixture
def one(cluster: KubeCluster, namespace: str) -> RequestObject:
    return _found(cluster, namespace, "one")


def _found(cluster: KubeCluster, namespace: str, name: str) -> RequestObject:
    request = cluster.request(namespace, name)
    assert request is not None
    return request


def test_a_request_is_read_as_it_lies_there(cluster: KubeCluster, namespace: str, one: RequestObject) -> None:
    assert one.key.namespace == namespace
    assert one.generation == 1
    assert not one.deleting
    assert one.spec["stage"] == "Trial"
    assert one.created_at.tzinfo is not None
    assert {request.key.name for request in cluster.requests() if request.key.namespace == namespace} == set(NAMES)


def test_what_is_not_there_is_none(cluster: KubeCluster, namespace: str) -> None:
    assert cluster.request(namespace, "none") is None
    assert cluster.unit("none") is None
    assert cluster.jurisdiction("none") is None
    assert cluster.catalog("none") is None
    assert cluster.backup("none") is None
    assert cluster.namespace_unit("none-of-this-name") is None
    assert cluster.namespace_unit("default") is None
    assert cluster.namespace_unit(namespace) == namespace


def test_the_policies_are_intact(cluster: KubeCluster) -> None:
    before = datetime.now(UTC)
    look = cluster.policies()
    assert look.fault is None
    assert {name.partition("/")[2] for name in look.marks} == {manifest["metadata"]["name"] for manifest in installed_manifests()}
    assert len(look.marks) == len(installed_manifests())
    assert all(mark.partition("/")[2].isdigit() for mark in look.marks.values())
    assert before - timedelta(seconds=1) <= look.at <= datetime.now(UTC), "the API server tells its time in whole seconds"


def test_a_plan_is_pinned_once(cluster: KubeCluster, administrator: Kubectl, one: RequestObject) -> None:
    text = '{"number":1,"市":"九江"}'
    pinned = cluster.pin_plan(one.key, 1, text)
    assert cluster.pin_plan(one.key, 1, text) == pinned
    assert (pinned.revision, pinned.number, pinned.text) == (revision_name(one.key, 1), 1, text)
    with pytest.raises(Stop) as caught:
        cluster.pin_plan(one.key, 1, '{"number":1}')
    assert caught.value.reason is Reason.PLAN_DAMAGED
    second = cluster.pin_plan(one.key, 2, '{"number":2}')
    tenth = cluster.pin_plan(one.key, 10, '{"number":10}')
    assert list(cluster.plans(one.key)) == [pinned, second, tenth]
    stored = json.loads(
        administrator.do("get", "controllerrevision", pinned.revision, "-n", one.key.namespace, "-o", "json")
    )
    (owner,) = stored["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("CloudServiceRequest", one.key.uid)


@pytest.fixture
def nobody_else_marks(environment: Environment) -> Iterator[None]:
    """The controller beside marks namespaces, too: a walk that began before a finalizer was there takes the mark away."""
    with controller_standing_still(environment):
        yield


@pytest.mark.usefixtures("nobody_else_marks")
def test_the_namespace_is_marked_while_a_request_in_it_is_live(
    cluster: KubeCluster, api: KubeApi, administrator: Kubectl, namespace: str
) -> None:
    def marked() -> bool:
        found = json.loads(administrator.do("get", "namespace", namespace, "-o", "json"))
        return LIVE_REQUESTS_LABEL in found["metadata"]["labels"]

    one, two = (_found(cluster, namespace, name) for name in NAMES)
    assert not marked()
    cluster.add_finalizer(one)
    cluster.add_finalizer(one)
    cluster.add_finalizer(two)
    assert marked()
    assert _found(cluster, namespace, "one").has_finalizer
    cluster.remove_finalizer(one)
    assert not _found(cluster, namespace, "one").has_finalizer
    assert marked(), "the other one is still live"
    cluster.remove_finalizer(two)
    cluster.remove_finalizer(two)
    assert not marked()


@pytest.mark.usefixtures("nobody_else_marks")
def test_a_mark_that_a_crash_left_wrong_is_put_right(
    cluster: KubeCluster, api: KubeApi, administrator: Kubectl, namespace: str
) -> None:
    def marks() -> str:
        return administrator.do("get", "namespace", namespace, "-o", "jsonpath={.metadata.labels}")

    path = path_of("v1/namespaces", namespace)
    api.merge(path, {"metadata": {"labels": {LIVE_REQUESTS_LABEL: "true"}}})
    cluster.guard_namespaces()
    assert LIVE_REQUESTS_LABEL not in marks()
    cluster.add_finalizer(_found(cluster, namespace, "one"))
    api.merge(path, {"metadata": {"labels": {LIVE_REQUESTS_LABEL: None}}})
    cluster.guard_namespaces()
    assert LIVE_REQUESTS_LABEL in marks()
    cluster.remove_finalizer(_found(cluster, namespace, "one"))


def test_the_finalizer_of_others_stays(cluster: KubeCluster, administrator: Kubectl, namespace: str) -> None:
    patch = '--patch={"metadata":{"finalizers":["example.com/other"]}}'
    administrator.do("patch", "csreq", "two", "-n", namespace, "--type=merge", patch)
    cluster.add_finalizer(_found(cluster, namespace, "two"))
    cluster.remove_finalizer(_found(cluster, namespace, "two"))
    left = administrator.do("get", "csreq", "two", "-n", namespace, "-o", "jsonpath={.metadata.finalizers}")
    assert json.loads(left) == ["example.com/other"]
    assert FINALIZER not in left


def test_a_status_is_replaced_as_a_whole_and_labels_come_and_go(cluster: KubeCluster, namespace: str) -> None:
    def written_and_read(status: dict[str, Any], labels: dict[str, str | None]) -> RequestObject:
        """Until it was read as it was written: a controller that runs beside answers with its own status at once."""

        def tried() -> RequestObject | None:
            with suppress(Retry):
                cluster.write_request_status(_found(cluster, namespace, "one"), status, labels)
            read = _found(cluster, namespace, "one")
            return read if read.status == status else None

        read = until(tried, "that what was written is read")
        assert read is not None
        return read

    full = {"phase": "Trial", "progress": {"allocated": {"cores": 2}}, "monthlyCost": "68.00"}
    assert (
        written_and_read(full, {"example.com/kept": "yes", "example.com/goes": "soon"}).labels["example.com/goes"]
        == "soon"
    )
    less = written_and_read({"phase": "Trial"}, {"example.com/goes": None})
    assert less.labels.get("example.com/kept") == "yes"
    assert "example.com/goes" not in less.labels


def test_what_is_so_already_is_not_written(cluster: KubeCluster, namespace: str) -> None:
    """Each write would wake everybody who watches, the controller itself first: it would never come to rest."""
    before = _found(cluster, namespace, "one")
    stale = RequestObject(**{**vars(before), "resource_version": "1"})
    cluster.write_request_status(stale, before.status, dict(before.labels))
    cluster.write_request_status(stale, before.status, {"example.com/never-there": None})


def test_a_status_for_a_version_that_is_gone_is_a_conflict(cluster: KubeCluster, one: RequestObject) -> None:
    stale = RequestObject(**{**vars(one), "resource_version": "1"})
    with pytest.raises(Retry) as caught:
        cluster.write_request_status(stale, {"phase": "Production"}, {})
    assert caught.value.reason is Reason.CONFLICT


def test_credentials_are_exactly_what_was_given_last(
    cluster: KubeCluster, administrator: Kubectl, one: RequestObject
) -> None:
    cluster.write_secret(one.key, "one-credentials", {"orders.user": "app", "orders.password": "第一"})
    cluster.write_secret(one.key, "one-credentials", {"orders.password": "第二"})
    stored = json.loads(administrator.do("get", "secret", "one-credentials", "-n", one.key.namespace, "-o", "json"))
    assert stored["data"] == {"orders.password": "56ys5LqM"}
    assert stored["metadata"]["ownerReferences"][0]["uid"] == one.key.uid


def test_a_secret_of_somebody_else_is_never_overwritten(
    cluster: KubeCluster, administrator: Kubectl, one: RequestObject
) -> None:
    administrator.do("create", "secret", "generic", "theirs", "-n", one.key.namespace, "--from-literal=key=value")
    with pytest.raises(Stop) as caught:
        cluster.write_secret(one.key, "theirs", {"key": "ours"})
    assert caught.value.reason is Reason.CLUSTER_REFUSED
    assert "govcloud.dev/request" in caught.value.message


def test_an_event_is_seen_with_its_request_and_said_once(
    cluster: KubeCluster, administrator: Kubectl, one: RequestObject
) -> None:
    for _ in range(3):
        cluster.emit_event(one, "AwaitingApproval", "请市政府信息办审批。" * 100)
    cluster.emit_event(one, "AwaitingApproval", "something else", warning=True)

    def events() -> list[dict[str, Any]]:
        text = administrator.do("get", "events", "-n", one.key.namespace, "-o", "json")
        items: list[dict[str, Any]] = json.loads(text)["items"]
        return [e for e in items if e["involvedObject"]["uid"] == one.key.uid and e.get("reportingInstance") == "test"]

    told = {event["type"]: event["message"] for event in events()}
    assert len(events()) == 2
    assert told["Warning"] == "something else"
    assert told["Normal"].startswith("请市政府信息办审批。")
    assert len(told["Normal"].encode()) <= 1024
    assert "something else" in administrator.do("describe", "csreq", "one", "-n", one.key.namespace)


def test_an_event_about_a_jurisdiction_lies_in_no_namespace_of_a_unit(cluster: KubeCluster, administrator: Kubectl) -> None:
    city = JurisdictionObject("told-of", "5b1c0f0e-9d3e-4a52-8d4e-2f7d3f0a7c11", 1, jurisdiction_spec())
    cluster.emit_event(city, "DeadlineMissed", "应于 6 月 30 日前提交", warning=True)
    items = json.loads(administrator.do("get", "events", "-n", "default", "-o", "json"))["items"]
    assert [e["message"] for e in items if e["involvedObject"]["uid"] == city.uid] == ["应于 6 月 30 日前提交"]


def test_an_event_that_cannot_be_written_stops_nothing(cluster: KubeCluster, one: RequestObject) -> None:
    elsewhere = one.key.model_copy(update={"namespace": "none-of-this-name"})
    cluster.emit_event(RequestObject(**{**vars(one), "key": elsewhere}), "AwaitingApproval", "nobody hears it")


def test_a_backup_set_is_made_once_and_tells_how_far_it_is(
    cluster: KubeCluster, api: KubeApi, one: RequestObject
) -> None:
    name = f"{one.key.namespace}-backup"
    spec = BackupSpec(
        request={"namespace": one.key.namespace, "name": "one", "uid": one.key.uid},  # type: ignore[arg-type]
        unit="unit",
        jurisdiction="jiujiang",
        plan=4,
        plan_digest="sha256:" + "0" * 64,
        project_id="p",
        backup_project="b",
        quarantine_project="q",
        frozen_at=NOW,
        parts=(),
        retain_until=NOW,
    )
    try:
        made = cluster.create_backup(name, spec)
        assert cluster.create_backup(name, spec) == made
        with pytest.raises(Stop, match="exists with another content"):
            cluster.create_backup(name, spec.model_copy(update={"plan": 5}))
        parts = (PartStatus(name="records", state="Frozen", ids={"snapshot": "1"}),)
        cluster.write_backup_status(made, BackupStatus(parts=parts))
        read = cluster.backup(name)
        assert read is not None
        assert read.status.parts == parts
        assert read.spec == spec
        assert list(cluster.backups_of(one.key.uid)) == [read]
        assert cluster.backups_of("none") == [] and read in cluster.backups()
        with pytest.raises(Retry):
            cluster.delete_backup(replace(read, uid="0" * 36))
        cluster.delete_backup(read)
        cluster.delete_backup(read)
        assert cluster.backup(name) is None
    finally:
        api.ask("DELETE", path_of("govcloud.dev/v1alpha1/servicebackups", name), accept=(404,))


def test_the_status_of_a_unit_is_written_to_that_unit_only(
    cluster: KubeCluster, administrator: Kubectl, namespace: str
) -> None:
    spec = {"title": "某单位", "jurisdiction": "none-of-this-name", "budgetLevel": "Primary"}
    manifest = {
        "apiVersion": "govcloud.dev/v1alpha1",
        "kind": "UsingUnit",
        "metadata": {"name": f"{namespace}-x"},
        "spec": spec,
    }
    _apply(administrator, manifest)
    unit = cluster.unit(f"{namespace}-x")
    assert unit is not None
    cluster.write_unit_status(unit, UnitStatus(project_id="p", quota={"cores": 4}))
    read = cluster.unit(unit.name)
    assert read is not None
    assert read.status == UnitStatus(project_id="p", quota={"cores": 4})
    administrator.do("delete", "unit", unit.name)
    _apply(administrator, manifest)
    with pytest.raises(Retry, match="deleted and made anew"):
        cluster.write_unit_status(unit, UnitStatus(project_id="of-the-former"))
    administrator.do("delete", "unit", unit.name)


def test_decisions_are_read_and_answered(cluster: KubeCluster, administrator: Kubectl, one: RequestObject) -> None:
    spec = {
        "request": {"name": "none-of-this-name", "uid": one.key.uid},
        "step": "authority",
        "decision": "Approved",
        "planDigest": "sha256:" + "0" * 64,
        "office": "某办",
        "approver": "administrator",
        "documentNumber": f"测〔2026〕{secrets.randbelow(10**6)}号",
    }
    metadata = {"name": "decision", "namespace": one.key.namespace}
    _apply(
        administrator,
        {"apiVersion": "govcloud.dev/v1alpha1", "kind": "CloudServiceApproval", "metadata": metadata, "spec": spec},
    )

    def decision() -> Any:
        return next(a for a in cluster.approvals() if (a.namespace, a.name) == (one.key.namespace, "decision"))

    accepted = Condition(type="Accepted", status="False", reason="WrongRequest", message="x", last_transition_time=NOW)
    assert decision().spec.document_number == spec["documentNumber"]
    cluster.write_approval_status(decision(), ApprovalStatus(conditions=(accepted,)))
    assert decision().status == ApprovalStatus(conditions=(accepted,))


def test_lists_longer_than_a_page_are_whole(environment: Environment, administrator: Kubectl, namespace: str) -> None:
    """Read with pages of two, so that a handful of objects is many pages."""
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"page-{n}", "namespace": namespace}}
        for n in range(7)
    ]
    _apply(administrator, *objects)
    short = KubeApi(_client(environment.kubeconfig), page=2)
    names = {item["metadata"]["name"] for item in short.every(path_of("v1/configmaps", namespace=namespace))}
    assert {f"page-{n}" for n in range(7)} <= names


def test_a_killed_leader_is_succeeded_at_once_and_a_live_one_is_not(
    environment: Environment, administrator: Kubectl, namespace: str
) -> None:
    """In a namespace of its own, so that the controller's Lease is left alone; as the administrator, who may write there.

    Each process tells how many seconds it waited; that it took long to start is no matter here. Nobody's Lease runs out meanwhile.
    """
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "govcloud-controller", "namespace": namespace}}
    _apply(administrator, lease)
    program = (
        "import sys, os, time\n"
        "from govcloud.adapters.kube_api import KubeApi\n"
        "from govcloud.adapters.kube_lease import leadership\n"
        "api, began = KubeApi.from_environment(), time.monotonic()\n"
        "print('asks', flush=True)\n"
        f"with leadership(api, {namespace!r}, 'test', lambda why: os._exit(9), {2 * PATIENCE}) as token:\n"
        "    print(token, time.monotonic() - began, flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    variables = {"KUBECONFIG": str(environment.kubeconfig), "PYTHONPATH": ":".join(sys.path)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def says(process: subprocess.Popen[str]) -> list[str]:
        assert process.stdout is not None
        return process.stdout.readline().split()

    def token_of(process: subprocess.Popen[str]) -> tuple[int, float]:
        assert says(process) == ["asks"]
        token, waited = says(process)
        return int(token), float(waited)

    with start() as leader:
        assert token_of(leader)[0] == 1
        leader.kill()
    with start() as successor:
        token, waited = token_of(successor)
        assert token == 2
        assert waited < PATIENCE, "it waited for the Lease to run out"
        with start() as waiting:
            assert says(waiting) == ["asks"]
            time.sleep(5)
            assert waiting.poll() is None
            successor.communicate("\n", timeout=PATIENCE)
            assert says(waiting)[0] == "3"
            waiting.communicate("\n", timeout=PATIENCE)
    assert (successor.returncode, waiting.returncode) == (0, 0)
