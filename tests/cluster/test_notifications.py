"""A receiver on this machine hears from the real controller what a request comes into, and can tell who said it; a legal clock is seen."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cluster.worlds import world_of

from devcloud.demo.requests import Request
from devcloud.demo.world import World

pytestmark = pytest.mark.cluster

KEY = b"a key of the receiver, of 32 byte"
SECRET = ("secret", "govcloud-notifications", "-n", "govcloud-system")


class Receiver:
    """An HTTP server that believes only what is signed. The very first time it is away."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refused: set[str] = set()
        self.forged = 0

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(headers["webhook-signature"], expected):
            self.forged += 1
            return 401
        event = json.loads(body)
        if not self.refused:
            self.refused.add(event["id"])
            return 503
        self.events.append(event)
        return 204


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of("notifications", Path(tmp_path_factory.mktemp("notifications"))) as world:
        yield world


@pytest.fixture
def receiver(world: World) -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(made.hear({k.lower(): v for k, v in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.must(None, "create", "secret", "generic", *SECRET[1:], f"--from-literal=jiujiang={KEY.decode()}")
    _notify(world, {"url": f"http://127.0.0.1:{server.server_port}/events", "secretRef": {"key": "jiujiang"}})
    yield made
    _notify(world, None)
    world.must(None, "delete", *SECRET)
    server.shutdown()


def _notify(world: World, wish: dict[str, Any] | None) -> None:
    patch = json.dumps({"spec": {"notifications": wish}})
    world.must("platform-engineer", "patch", "jurisdiction", "jiujiang", "--type=merge", "-p", patch)


def test_the_receiver_hears_of_a_request_and_its_deadline(world: World, receiver: Receiver) -> None:
    asked = Request(world, "requests/health-survey.yaml")
    asked.manifest["metadata"] = {"name": f"told-{os.urandom(4).hex()}", "namespace": "health-commission"}
    asked.apply()

    def waits() -> Any:
        mine = [event for event in receiver.events if event["data"]["name"] == asked.name]
        return next((event["data"] for event in mine if event["data"].get("waitingFor") == "authority"), None)

    told = world.until(f"the receiver hears that {asked.name} waits for the authority", waits)
    world.until("what was refused is told again", lambda: receiver.refused <= {event["id"] for event in receiver.events})
    status = asked.status
    world.must("applicant", "delete", "csreq", asked.name, "-n", asked.namespace)

    assert receiver.forged == 0 and receiver.refused
    assert status["due"] == status["nextAction"]["deadline"] == status["progress"]["deadlines"][0]["due"] == told["deadline"]
    assert [c["reason"] for c in status["conditions"] if c["type"] == "Overdue"] == ["DeadlineRunning"]
