"""A server's flavor is changed in two steps, and whoever does it may die between any two requests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from provider.provider_kit import Answer, Seen
from provider.stage import EngineCall, Stage

SERVER = "openstack:compute/instance:Instance"
SMALL, MEDIUM = "m1.small", "m1.medium"


@dataclass
class Resizing:
    """What Nova does with one server: `Fault` of the twin.

    Attributes:
        looks: how often the server is looked at until Nova has carried out what it was asked for.
    """

    server: dict[str, Any]
    looks: int = 2
    under_way: int = 0
    wanted: str = ""

    def __call__(self, request: Seen) -> Answer | None:
        if request.path.endswith("/servers/s1") and request.method == "GET":
            self._go_on()
        if request.path.endswith("/servers/s1/action"):
            return self._asked(json.loads(request.body))
        return None

    def _asked(self, action: dict[str, Any]) -> Answer:
        match action:
            case {"resize": {"flavorRef": wanted}} if self.server["status"] == "ACTIVE":
                self.begin(wanted)
            case {"confirmResize": None} if self.server["status"] == "VERIFY_RESIZE" and not self.under_way:
                self.under_way = self.looks
            case {"confirmResize": None} if self.server["status"] == "VERIFY_RESIZE":
                return Answer(400, {"badRequest": {"message": "Instance has not been resized."}})
            case _:
                return Answer(409, {"conflictingRequest": {"message": f"not while it is {self.server['status']}"}})
        return Answer(202)

    def begin(self, wanted: str) -> None:
        self.wanted, self.under_way = wanted, self.looks
        self.server |= {"status": "RESIZE", "OS-EXT-STS:task_state": "resize_migrating"}

    def finish(self) -> None:
        self.under_way = 1
        self._go_on()

    def _go_on(self) -> None:
        if self.under_way:
            self.under_way -= 1
            if not self.under_way:
                self._came_to_its_end()

    def _came_to_its_end(self) -> None:
        if self.server["status"] == "RESIZE":
            self.server |= {"status": "VERIFY_RESIZE", "OS-EXT-STS:task_state": None, "flavor": {"original_name": self.wanted}}
        else:
            self.server["status"] = "ACTIVE"


@pytest.fixture
def nova(stage: Stage) -> Resizing:
    things = stage.cloud.things
    things["flavors"] = {name: {"id": name, "name": name, "metadata": {}, "status": ""} for name in (SMALL, MEDIUM)}
    server = {"id": "s1", "name": "web-0", "status": "ACTIVE", "metadata": {}, "tags": [], "flavor": {"original_name": SMALL}}
    things["servers"] = {"s1": server}
    made = Resizing(server)
    stage.cloud.faults.append(made)
    return made


def with_flavor(flavor: str, **more: Any) -> dict[str, Any]:
    return {"name": "web-0", "flavorName": flavor, "networkMode": "none", "powerState": "active", **more}


def changed(engine: EngineCall, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return engine.update("s1", old, new, SERVER, "web-0")


def acts(stage: Stage) -> list[str]:
    return [next(iter(json.loads(seen.body))) for seen in stage.cloud.seen if seen.path.endswith("/servers/s1/action")]


def test_a_resize_is_asked_for_once_and_confirmed(stage: Stage, nova: Resizing, engine: EngineCall) -> None:
    outputs = changed(engine, with_flavor(SMALL), with_flavor(MEDIUM))
    assert (outputs["flavorName"], outputs["powerState"]) == (MEDIUM, "active")
    assert acts(stage) == ["resize", "confirmResize"]


@pytest.mark.parametrize("finished", [False, True], ids=["under way", "to be confirmed"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(with_flavor(SMALL), with_flavor(MEDIUM), id="as the state knew it before"),
        pytest.param(with_flavor(MEDIUM, powerState="verify_resize"), with_flavor(MEDIUM), id="read anew meanwhile"),
        pytest.param(with_flavor(MEDIUM), with_flavor(MEDIUM), id="nothing changed"),
    ],
)
def test_whoever_comes_after_a_kill_confirms_what_was_begun(
    stage: Stage, nova: Resizing, engine: EngineCall, old: dict[str, Any], new: dict[str, Any], finished: bool
) -> None:
    nova.begin(MEDIUM)
    if finished:
        nova.finish()
    assert changed(engine, old, new)["flavorName"] == MEDIUM
    assert (nova.server["status"], acts(stage)) == ("ACTIVE", ["confirmResize"])


def test_a_plan_that_wants_the_old_flavor_back_ends_the_resize_first(stage: Stage, nova: Resizing, engine: EngineCall) -> None:
    nova.begin(MEDIUM)
    nova.finish()
    assert changed(engine, with_flavor(MEDIUM), with_flavor(SMALL))["flavorName"] == SMALL
    assert acts(stage) == ["confirmResize", "resize", "confirmResize"]


def test_a_second_confirmation_of_a_lost_answer_is_no_failure(stage: Stage, nova: Resizing, engine: EngineCall) -> None:
    nova.begin(MEDIUM)
    nova.finish()
    nova.under_way = 6  # it was confirmed by whoever was killed
    assert changed(engine, with_flavor(SMALL), with_flavor(MEDIUM))["flavorName"] == MEDIUM
    assert (nova.server["status"], acts(stage)) == ("ACTIVE", ["confirmResize"])
