"""The running controller, a real HTTP server and a real file: what happens to a request arrives, signed, also after the process was killed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from notifications.serving import Quiet, served
from reconcile.world import NAME, NAMESPACE, World, jurisdiction_spec
from waiting import until

from devcloud.patience import PATIENCE
from govcloud.adapters.http_notifier import HttpNotifier
from govcloud.adapters.notice_book import open_book
from govcloud.controller import Controller
from govcloud.notifications import Courier, Means

KEY = b"k" * 32


class Receiver:
    """Believes only what is signed."""

    def __init__(self) -> None:
        self.url = ""
        self.is_away = False
        self.asked = 0
        self.events: list[dict[str, Any]] = []

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        self.asked += 1
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(headers["webhook-signature"], expected):
            return 401
        if not self.is_away:
            self.events.append(json.loads(body))
        return 503 if self.is_away else 204

    def waiting_for(self) -> list[str | None]:
        return [event["data"].get("waitingFor") for event in self.events]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(Quiet):
        def do_POST(self) -> None:  # noqa: N802 - name of the protocol
            self.send_response(made.hear(*self.heard()))
            self.end_headers()

    with served(Handler) as made.url:
        yield made


@contextmanager
def running(world: World, book: Path) -> Iterator[Controller]:
    """A controller's process: what it holds in memory is gone afterwards."""
    with open_book(book) as told:
        means = Means(world.audit, HttpNotifier(insecure=True), told, lambda _: KEY, world.clock.now)
        controller = Controller(world.ports, 2, timedelta(hours=1), courier=Courier(means))
        controller.start()
        try:
            yield controller
        finally:
            assert controller.stop(timedelta(seconds=PATIENCE))


def test_what_happens_arrives_once_and_in_order_across_two_processes(world: World, receiver: Receiver, tmp_path: Path) -> None:
    wish = {"url": receiver.url, "secretRef": {"key": "jiujiang"}}
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(notifications=wish))
    world.apply()
    with running(world, tmp_path / "book"):
        until(lambda: "superior-unit" in receiver.waiting_for())
    receiver.is_away = True
    before = receiver.asked
    with running(world, tmp_path / "book") as controller:
        world.decide("superior-unit")
        controller.decision_changed(NAMESPACE, NAME)
        until(lambda: receiver.asked > before)
    receiver.is_away = False
    with running(world, tmp_path / "book"):
        until(lambda: "authority" in receiver.waiting_for())
    ids = [event["id"] for event in receiver.events]

    assert ids == list(dict.fromkeys(ids)), "nothing died in between, so nothing is told twice"
    assert [event["data"]["number"] for event in receiver.events] == list(range(1, len(ids) + 1))
