"""Money in a real Kubernetes API: whoever comes first has it, and nobody's reservation is lost, however many write at once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from adapters.test_kube_cluster import _client

from devcloud.environment import Environment
from devcloud.kubectl import Kubectl
from devcloud.paths import state_directory
from govcloud.adapters.kube_admission import installed_manifests
from govcloud.adapters.kube_api import KubeApi
from govcloud.adapters.kube_cluster import KubeCluster
from govcloud.api.request import RequestKey
from govcloud.core.accounts import AccountRef, account_of, reservation_of
from govcloud.core.objects import AgreementObject, RequestObject
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from govcloud.reserving import reserve, settle

pytestmark = pytest.mark.cluster

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHARE, RACERS = Decimal(1000), 8
"""The example's amount, 6000 yuan, is enough for six."""


@pytest.fixture(scope="module")
def administrator() -> Kubectl:
    return Kubectl.as_administrator(Environment.load(state_directory()))


@pytest.fixture(scope="module")
def clusters() -> list[KubeCluster]:
    """As many connections as racers, each with exactly the controller's rights: nothing is shared but the API server."""
    kubeconfig = Environment.load(state_directory()).kubeconfig_of("controller")
    return [
        KubeCluster(KubeApi(_client(kubeconfig)), installed_manifests(), "test", lambda: NOW) for _ in range(RACERS)
    ]


@pytest.fixture(scope="module")
def requests(administrator: Kubectl, clusters: list[KubeCluster]) -> Iterator[list[RequestKey]]:
    """Requests of a unit that does not exist: the controller plans nothing for them, and frees nothing that they hold."""
    name = f"racers-{secrets.token_hex(3)}"
    _apply(
        administrator,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"govcloud.dev/unit": name}}},
    )
    document = yaml.safe_load((EXAMPLES / "requests" / "health-survey.yaml").read_text(encoding="utf-8"))
    for number in range(RACERS):
        document["metadata"] = {"name": f"racer-{number}", "namespace": name}
        document["spec"] |= {"unit": name, "applicant": "administrator"}
        _apply(administrator, document)
    found = [clusters[0].request(name, f"racer-{number}") for number in range(RACERS)]
    yield [request.key for request in found if isinstance(request, RequestObject)]
    administrator.do("delete", "namespace", name, "--wait=false")


@pytest.fixture
def agreement(administrator: Kubectl, clusters: list[KubeCluster], requests: list[RequestKey]) -> Iterator[AccountRef]:
    document = yaml.safe_load((EXAMPLES / "money" / "agreement.yaml").read_text(encoding="utf-8"))
    document["metadata"]["name"] = name = f"raced-for-{secrets.token_hex(3)}"
    _apply(administrator, document)
    ref = AccountRef("ServiceAgreement", name)
    yield ref
    for key in requests:
        settle(clusters[0], ref, reservation_of(key, 1, Decimal(0), NOW))
    administrator.do("delete", "csagr", name)


def _apply(kubectl: Kubectl, manifest: dict[str, Any]) -> None:
    kubectl.do("apply", "-f", "-", given=json.dumps(manifest, default=str))


def _seen(cluster: KubeCluster, ref: AccountRef) -> AgreementObject:
    found = cluster.agreement(ref.name)
    assert found is not None
    return found


def test_racers_never_reserve_more_than_there_is_and_lose_nothing(
    clusters: list[KubeCluster], requests: list[RequestKey], agreement: AccountRef
) -> None:
    def run(racer: int) -> Reason | None:
        for _ in range(20):
            try:
                reserve(clusters[racer], agreement, reservation_of(requests[racer], 1, SHARE, NOW))
            except Stop as refused:
                return refused.reason
            except Retry:
                continue  # others came first again and again
            else:
                return None
        return Reason.CONFLICT

    with ThreadPoolExecutor(RACERS) as pool:
        ends = list(pool.map(run, range(RACERS)))

    held = account_of(_seen(clusters[0], agreement)).held
    winners = {requests[racer].uid for racer, end in enumerate(ends) if end is None}
    assert ends.count(Reason.BUDGET_EXHAUSTED) == 2
    assert held == dict.fromkeys(winners, SHARE)
    assert Decimal(_seen(clusters[0], agreement).status.left) == 0


def test_a_status_is_written_only_on_what_was_read(
    clusters: list[KubeCluster], requests: list[RequestKey], agreement: AccountRef
) -> None:
    before = _seen(clusters[0], agreement)
    reserve(clusters[1], agreement, reservation_of(requests[1], 1, SHARE, NOW))
    with pytest.raises(Retry) as refused:
        clusters[0].write_agreement_status(before, before.status.model_copy(update={"left": "1.00"}))

    assert refused.value.reason is Reason.CONFLICT
    assert account_of(_seen(clusters[0], agreement)).held == {requests[1].uid: SHARE}
