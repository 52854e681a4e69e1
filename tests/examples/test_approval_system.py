"""`examples/approval-system/`: one POST a decision, as the official, through broken watches and crashes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes.client import Configuration

SOURCE = Path(__file__).resolve().parents[2] / "examples" / "approval-system" / "approval_system.py"
UID = "0b5c6f4e-4c0c-4b8a-9a8f-3a6f1f0f5b11"
Raw = dict[str, Any]


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("approval_system", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


example = _module()


class Enough(Exception):
    """The test has seen what it wanted."""


@dataclass
class Cluster:
    """A few requests with their plans, and what a client asks for."""

    requests: list[Raw] = field(default_factory=list)
    revisions: dict[str, str] = field(default_factory=dict)
    approvals: dict[str, Raw] = field(default_factory=dict)
    streams: list[list[Raw]] = field(default_factory=list)
    posts: list[tuple[str, Raw]] = field(default_factory=list)
    watched_from: list[str] = field(default_factory=list)
    lists: int = 0
    denial: str = ""

    def add(self, name: str, cost: str = "30.35", operation: str = "create", **status: Any) -> Raw:
        """A request that waits for the authority."""
        plan = {"steps": [{"step": "authority", "office": "信息办"}], "diff": [{"operation": operation}], "monthlyCost": cost}
        text = json.dumps(plan, ensure_ascii=False)
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        self.revisions[f"{name}-1"] = text
        made = {
            "metadata": {"name": name, "namespace": "n", "uid": UID, "generation": 1, "resourceVersion": str(len(self.requests) + 10)},
            "spec": {"applicant": "li.na"},
            "status": {
                "observedGeneration": 1, "conditions": [], "nextAction": {"waitingFor": "authority"},
                "plan": {"number": 1, "revision": f"{name}-1", "digest": digest}, **status,
            },
        }  # fmt: skip
        self.requests.append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, list[str]], user: str, body: Raw) -> tuple[int, Any]:
        last = path.rsplit("/", 1)[1]
        if "watch" in query:
            self.watched_from.append(query["resourceVersion"][0])
            return 200, self.streams.pop(0) if self.streams else []
        if last == "cloudservicerequests":
            self.lists += 1
            return 200, {"items": self.requests, "metadata": {"resourceVersion": "100"}}
        if "controllerrevisions" in path:
            return 200, {"metadata": {"name": last}, "data": {"text": self.revisions[last]}}
        if method == "GET":
            return (200, self.approvals[last]) if last in self.approvals else (404, {"message": "not found"})
        self.posts.append((user, body))
        if self.denial:
            return 403, {"message": self.denial}
        return 201, self.approvals.setdefault(body["metadata"]["name"], body)


@contextmanager
def served(cluster: Cluster) -> Iterator[Configuration]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            url, length = urlsplit(self.path), int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            code, said = cluster.answer(self.command, url.path, parse_qs(url.query), self.headers.get("Impersonate-User", ""), body)
            lines = said if isinstance(said, list) else [said]
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write("".join(json.dumps(line) + "\n" for line in lines).encode())

        do_GET = do_POST = _answer  # noqa: N815  the library looks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield Configuration(host=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def looked_at(cluster: Cluster, count: int, limit: str = "100") -> None:
    """Let the client run until it has judged so many plans."""
    judged = []

    def judge(plan: Raw, step: str) -> Any:
        if len(judged) == count:
            raise Enough
        judged.append(step)
        return example.judge_within(Decimal(limit))(plan, step)

    with served(cluster) as configuration, pytest.raises(Enough):
        example.ApprovalSystem(configuration, {"authority": "sun.li"}, judge).run()


def test_it_approves_as_the_official_in_one_post() -> None:
    cluster = Cluster()
    request = cluster.add("orders")
    looked_at(cluster, 3)
    ((user, filed),) = cluster.posts
    assert user == "sun.li"
    assert filed["spec"] == {
        "request": {"name": "orders", "uid": UID}, "step": "authority", "office": "信息办", "approver": "sun.li", "decision": "Approved",
        "planDigest": request["status"]["plan"]["digest"], "documentNumber": "OA-0b5c6f4e-1-authority", "comment": "",
    }  # fmt: skip


def test_after_a_crash_it_finds_what_it_filed() -> None:
    cluster = Cluster()
    cluster.add("orders")
    for _ in range(3):
        looked_at(cluster, 1)
    assert len(cluster.posts) == 1


def test_what_is_too_dear_is_rejected_with_the_reason_and_what_destroys_is_left_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster()
    cluster.add("dear", cost="100.01")
    cluster.add("destroys", operation="delete")
    cluster.add("rebuilds", operation="replace")
    looked_at(cluster, 3)
    ((_, filed),) = cluster.posts
    assert (filed["spec"]["request"]["name"], filed["spec"]["decision"]) == ("dear", "Rejected")
    assert "100 yuan" in filed["spec"]["comment"]
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["request"] for line in told if line["what"] == "left to a person"] == ["n/destroys", "n/rebuilds"]


def test_a_plan_that_is_not_the_one_shown_is_not_decided_on(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster()
    cluster.add("orders")
    cluster.revisions["orders-1"] += " "
    cluster.add("honest")
    looked_at(cluster, 2)
    assert [filed["spec"]["request"]["name"] for _, filed in cluster.posts] == ["honest"]
    assert "the request shows sha256:" in capsys.readouterr().out


def test_what_is_not_planned_yet_or_waits_for_others_is_left_alone() -> None:
    cluster = Cluster()
    cluster.add("edited", observedGeneration=0)
    cluster.add("others", nextAction={"waitingFor": "superior-unit"})
    cluster.add("mine")
    looked_at(cluster, 2)
    assert [filed["spec"]["request"]["name"] for _, filed in cluster.posts] == ["mine"]


def test_a_watch_goes_on_where_it_broke_and_starts_anew_where_it_is_forgotten() -> None:
    cluster = Cluster()
    changed = cluster.add("later")
    cluster.requests.clear()
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "140"}}}
    garbled = {"type": "ERROR", "object": {"code": 500, "reason": "InternalError", "message": "the server is going away"}}
    gone = {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old resource version"}}
    cluster.streams = [[bookmark, garbled], [{"type": "MODIFIED", "object": changed}, gone], [{"type": "MODIFIED", "object": changed}]]
    looked_at(cluster, 1)
    assert cluster.watched_from == ["100", "140", "100"]
    assert (cluster.lists, len(cluster.posts)) == (2, 1)


def test_what_admission_refuses_is_told_and_not_repeated_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(denial='"sun.li" may not decide step "authority"')
    request = cluster.add("orders")
    cluster.streams = [[{"type": "MODIFIED", "object": request}] * 3]
    looked_at(cluster, 4)
    assert len(cluster.posts) == 1
    assert capsys.readouterr().out.count("may not decide step") == 1


def test_a_rejection_goes_back_to_the_applicant_once(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster()
    rejected = {"type": "Approved", "status": "False", "reason": "Rejected", "message": "rejected by 信息办: 太大"}
    cluster.add("orders", conditions=[rejected], nextAction={"waitingFor": "applicant"})
    cluster.add("next")
    looked_at(cluster, 3)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "returned" in line]
    assert told == [{"what": "returned to the applicant", "request": "n/orders", "plan": 1, "applicant": "li.na", "why": "rejected by 信息办: 太大"}]


def test_it_stays_small() -> None:
    assert len(SOURCE.read_text(encoding="utf-8").splitlines()) <= 200
