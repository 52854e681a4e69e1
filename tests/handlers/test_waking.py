"""Who is woken by what comes over the watch: real HTTP, the real kopf."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from handlers.api_server import WatchedServer, watched_server
from waiting import until

from govcloud.handlers import RIGHTS, WATCHED, registry_for, watch


class Told:
    """A listener who writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    def request_changed(self, namespace: str, name: str) -> None:
        self.heard.append(("request", namespace, name))

    def decision_changed(self, namespace: str, name: str) -> None:
        self.heard.append(("decision", namespace, name))

    def account_changed(self, kind: str, name: str) -> None:
        self.heard.append(("account", kind, name))

    def everything_changed(self, why: str) -> None:
        self.heard.append(("everything", why))

    def rights_changed(self) -> None:
        self.heard.append(("rights",))


@pytest.fixture
def server() -> Iterator[WatchedServer]:
    with watched_server() as made:
        yield made


@pytest.fixture
def told(server: WatchedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
    found, stop = Told(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(watch(registry_for(found, lambda _: None), stop)), daemon=True)
    thread.start()
    until(lambda: set(WATCHED) <= set(server.watches))
    yield found
    stop.set()
    thread.join(5)


def account(kind: str, name: str, generation: int, observed: int) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"{kind}-{name}", "generation": generation, "resourceVersion": "2"}
    return {"apiVersion": "govcloud.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": {}, "status": {"observedGeneration": observed}}


@pytest.mark.parametrize(("plural", "kind"), [("annualplans", "AnnualPlan"), ("serviceagreements", "ServiceAgreement")])
def test_an_account_wakes_all_when_people_edit_it_and_the_waiting_when_the_controller_writes(
    server: WatchedServer, told: Told, plural: str, kind: str
) -> None:
    server.written[plural] = account(kind, "of-2026", generation=2, observed=1)
    until(lambda: told.heard == [("everything", f"{plural}/of-2026")])

    server.written[plural] = account(kind, "of-2026", generation=2, observed=2)
    until(lambda: told.heard[1:] == [("account", kind, "of-2026")])


def test_a_decision_wakes_its_request_and_is_told_as_one(server: WatchedServer, told: Told) -> None:
    metadata = {"name": "yes", "namespace": "health", "uid": "u", "resourceVersion": "2"}
    about = {"request": {"name": "orders", "uid": "o"}}
    server.written["cloudserviceapprovals"] = {
        "apiVersion": "govcloud.dev/v1alpha1", "kind": "CloudServiceApproval", "metadata": metadata, "spec": about,
    }  # fmt: skip
    until(lambda: told.heard == [("decision", "health", "orders")])


@pytest.mark.parametrize("plural", RIGHTS)
def test_a_role_or_a_binding_tells_of_rights_and_wakes_nobody(server: WatchedServer, told: Told, plural: str) -> None:
    metadata = {"name": "helpful", "uid": plural, "resourceVersion": "2"}
    server.written[plural] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": plural, "metadata": metadata}
    until(lambda: told.heard == [("rights",)])
