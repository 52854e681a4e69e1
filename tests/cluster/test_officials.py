"""Officials decide with `govcloud` under their own kubeconfigs, and an approval system for one of them; all on the real control planes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attacks.story import in_another_second
from cluster.worlds import world_of

from devcloud.bootstrap import VENV
from devcloud.demo.requests import Request
from devcloud.demo.world import EXAMPLES, Answer, World
from devcloud.patience import PATIENCE

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("officials")]

SYSTEM = EXAMPLES / "approval-system"
_MARK = os.urandom(4).hex()
"""Of this run alone: a cluster that was used before has requests and document numbers already."""
DONE = ("--yes", "--wait", str(PATIENCE))
"""Without being asked, and with the controller's word."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of("officials", Path(tmp_path_factory.mktemp("officials"))) as world:
        yield world


def asked(world: World, name: str, namespace: str, **more: Any) -> Request:
    """A small request: a network, unless `more` replaces fields of the spec."""
    request = Request(world, "requests/health-survey.yaml")
    request.manifest["metadata"] = {"name": f"{name}-{_MARK}", "namespace": namespace}
    request.manifest["spec"] |= {"unit": namespace, "services": request.manifest["spec"]["services"][:1], **more}
    request.apply()
    return request


class Office:
    """The commands as one official types them about one request."""

    def __init__(self, world: World, request: Request) -> None:
        self._world, self._request = world, request
        self._numbers = iter(range(100))

    def __call__(self, persona: str, command: str, *more: str) -> Answer:
        where = ("-n", self._request.namespace)
        return self._world.govcloud(command, f"csreq/{self._request.name}", *where, *more, "--lang", "en", kubeconfig=self._kubeconfig(persona))

    def decides(self, persona: str, command: str, *more: str) -> Answer:
        return self(persona, command, "--number", f"{persona}-{_MARK}-{next(self._numbers)}", *DONE, *more)

    def revokes(self, persona: str, approval: str) -> Answer:
        arguments = ("-n", self._request.namespace, "--number", f"{persona}-{_MARK}-revocation", *DONE)
        return self._world.govcloud("revoke", approval, *arguments, kubeconfig=self._kubeconfig(persona))

    def waits_for(self, persona: str) -> list[str]:
        """Steps of the request that the official may decide now, as `pending` lists them."""
        answer = self._world.govcloud("pending", "--mine", "-o", "json", kubeconfig=self._kubeconfig(persona))
        assert answer.code == 0, answer.err
        return [item["step"] for item in json.loads(answer.out) if item["name"] == self._request.name]

    def _kubeconfig(self, persona: str) -> Path:
        return self._world.environment.kubeconfig_of(persona)

    def until_waits_for(self, persona: str) -> list[str]:
        """The same, once it lists any: that a decision counts is told a moment before whom the request waits for next."""
        found: list[str] = self._world.until(f"{persona} sees it", lambda: self.waits_for(persona))
        return found


def _filed(answer: Answer) -> str:
    """Name of the decision that a command filed."""
    return answer.out.split("filed csapp/")[1].split()[0]


def test_officials_decide_with_nothing_but_the_command_line(world: World) -> None:
    request = asked(world, "by-hand", "first-hospital")
    office = Office(world, request)
    office.until_waits_for("superior-unit")
    first = office.decides("superior-unit", "approve")
    assert first.code == 0, first
    assert "Makes: 1 network (office)" in first.out
    assert "it counts" in first.out
    assert office.until_waits_for("authority") == ["authority"]
    refused = office.decides("authority", "reject", "--reason", "网段与医保专网冲突")
    assert refused.code == 0, refused
    assert "网段与医保专网冲突" in office("applicant", "explain").out
    request.edit(lambda spec: spec["services"][0]["network"].update(cidr="10.33.0.0/24"))
    office.until_waits_for("superior-unit")
    taken_back = _filed(office.decides("superior-unit", "approve"))
    office.until_waits_for("authority")
    revoked = office.revokes("superior-unit", taken_back)
    assert revoked.code == 0, revoked
    in_another_second(world, _filed(revoked), request.namespace)
    office.until_waits_for("superior-unit")
    assert office.decides("superior-unit", "approve").code == 0
    office.until_waits_for("authority")
    assert office.decides("authority", "approve").code == 0
    rejected, approved = json.loads(office("applicant", "explain", "-o", "json").out)["plans"]
    assert (rejected["number"], rejected["state"], approved["number"]) == (1, "rejected", 2)
    assert approved["state"] != "rejected"
    assert all(step["approval"] for step in approved["steps"])


def test_who_may_not_see_a_request_is_told_which_right_is_missing(world: World) -> None:
    request = asked(world, "hidden", "health-commission")
    answer = Office(world, request)("superior-unit", "explain")
    assert (answer.code, "you may not read the request health-commission/" in answer.err) == (3, True), answer
    world.must("applicant", "delete", "csreq", request.name, "-n", request.namespace)


@contextmanager
def approval_system(world: World) -> Iterator[subprocess.Popen[bytes]]:
    variables = {**world.environment.variables(), "KUBECONFIG": str(world.environment.kubeconfig_of("approval-system"))}
    command = [str(VENV / "bin" / "python"), str(SYSTEM / "approval_system.py"), "--official", "authority=authority", "--limit", "100"]
    process = subprocess.Popen(command, env=variables)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _approvals_of(world: World, request: Request) -> list[dict[str, Any]]:
    found = json.loads(world.must(None, "get", "csapp", "-n", request.namespace, "-o", "json"))["items"]
    return [item["spec"] for item in found if item["spec"]["request"]["name"] == request.name]


def test_an_approval_system_decides_as_its_official_through_a_crash(world: World) -> None:
    world.must(None, "apply", "-f", str(SYSTEM / "rbac.yaml"))
    cheap = asked(world, "cheap", "health-commission")
    machines = Request(world, "requests/health-survey.yaml").manifest["spec"]["services"]
    machines[1]["virtualMachine"] |= {"count": 4}
    with approval_system(world):
        cheap.until("it was approved", lambda status: status["progress"].get("operation") or status["progress"].get("completedPlan"))
    dear = asked(world, "dear", "health-commission", services=machines)
    with approval_system(world):
        dear.until("it was rejected", lambda status: status["phase"] == "Rejected")
    cheap.until("the trial runs", lambda status: status["phase"] == "Trial")
    decided = [(spec["decision"], spec["approver"]) for request in (cheap, dear) for spec in _approvals_of(world, request)]
    assert decided == [("Approved", "authority"), ("Rejected", "authority")]
    world.must("applicant", "delete", "csreq", dear.name, "-n", dear.namespace)


@pytest.mark.parametrize("forbidden", ["create csapp", "get secrets", "create csreq", "list controllerrevisions", "get namespaces", "update csreq"])
def test_the_approval_system_may_do_nothing_in_its_own_name(world: World, forbidden: str) -> None:
    assert world.kubectl("approval-system", "auth", "can-i", *forbidden.split(), "-n", "health-commission").refused
