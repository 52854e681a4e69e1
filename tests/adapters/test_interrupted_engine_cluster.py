"""What a killed engine leaves behind is taken up again: by the real engine, through the controller's own runs, against the provider's twin."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from provider.engine_kit import pulumi_binary
from provider.provider_kit import Answer, FastClock, MemoryJournal, Seen
from provider.twin import Twin, twin
from waiting import until

from govcloud.adapters.pulumi_runs import StackRuns
from stacks.engine.commands import Installation, StackName
from stacks.engine.failures import EngineError
from stacks.engine.leftovers import left_over
from stacks.engine.runner import Engine, Outcome, attached
from stacks.program import Program, Ref, Resource, Value
from stacks.provider.clouds import Clouds
from stacks.provider.finding import Finder
from stacks.provider.runs import Run, Runs
from stacks.provider.server import ProviderServer

pytestmark = pytest.mark.cluster

OWNER = "5c2f2a52-0000-4000-8000-000000000001"
STACK = StackName("govcloud-requests", f"request-{OWNER}")


def volume(name: str, trigger: str = "", **inputs: Value) -> Resource:
    return Resource("openstack:blockstorage/volume:Volume", name, {"name": name, "size": 1, **inputs}, trigger=trigger)


@dataclass
class Lab:
    """A controller's runs of one stack, with the provider and a little cloud."""

    home: Path
    cloud: Twin
    runs: Runs = field(default_factory=Runs)
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def __post_init__(self) -> None:
        self.server = ProviderServer(self.runs, self.journal, clock=FastClock())
        port = self.server.start()
        self.installation = Installation(str(pulumi_binary()), self.home, "correct horse")
        engine = Engine(self.installation, lambda: attached(port), settle=0.0)
        self.running = StackRuns(engine, Finder(Clouds(self.journal, FastClock()), FastClock()), b"k" * 32)

    def up(self, plan: int, allowed: set[tuple[str, str]], *resources: Resource) -> Outcome:
        run = Run(STACK.stack, OWNER, plan, {"unit": self.cloud.login()}, frozenset(allowed))
        with self.runs.running(run):
            find = self.running.finding(run, {resource.name for resource in resources})
            return self.running.up(STACK, Program(resources), self.running.inputs(OWNER, {}), find)

    def volumes(self) -> dict[str, str]:
        """Names and ids; of two of one name, only one would be seen."""
        found = {str(each["name"]): str(each["id"]) for each in self.cloud.things["volumes"].values()}
        assert len(found) == len(self.cloud.things["volumes"])
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with twin() as cloud:
        made = Lab(tmp_path, cloud)
        yield made
        made.server.stop(0.2)


def _kill_the_engine_at(lab: Lab, method: str, path_part: str) -> None:
    """When the next such request was carried out, and before it is answered."""

    def kill(request: Seen) -> Answer | None:
        if request.method == method and path_part in request.path:
            lab.cloud.after.clear()
            for process in left_over(STACK, lab.installation.backend_url):
                with suppress(ProcessLookupError):  # a child that ended with its parent
                    os.kill(process, signal.SIGKILL)
        return None

    lab.cloud.after.append(kill)


def _let_the_provider_finish(lab: Lab) -> None:
    """It lives on in this process, where a killed controller takes it along: what it still does is over when it has seen its volume ready."""
    until(lambda: all(each["status"] == "available" for each in lab.cloud.things["volumes"].values()), "that the provider saw its volume ready")


def test_a_replacement_killed_half_way_goes_on(lab: Lab) -> None:
    """The old one is gone, the new one made, and what depends on it still knows the old one."""
    depends = volume("depends", description=Ref("data"))
    lab.up(1, {("data", "create"), ("depends", "create")}, volume("data", "first"), depends)
    before = lab.volumes()
    allowed = {("data", "replace"), ("depends", "update")}
    _kill_the_engine_at(lab, "POST", "/volumes")
    with pytest.raises(EngineError, match="code -9"):
        lab.up(2, allowed, volume("data", "second"), depends)
    lab.up(2, allowed, volume("data", "second"), depends)
    after = lab.volumes()
    assert after["data"] != before["data"]
    assert after["depends"] == before["depends"]
    assert lab.cloud.things["volumes"][after["depends"]]["description"] == after["data"]
    assert lab.up(2, allowed, volume("data", "second"), depends).operations == {"same": 2}


@pytest.mark.soak  # tried without an engine in tests/stacks/test_engine_state.py
def test_what_was_being_finished_when_it_was_killed_is_not_taken_for_finished(lab: Lab) -> None:
    lab.cloud.born = ("creating", "creating")
    with pytest.raises(EngineError, match="Timeout: "):
        lab.up(1, {("data", "create")}, volume("data"))
    _kill_the_engine_at(lab, "GET", "/volumes/")
    with pytest.raises(EngineError, match="code -9"):
        lab.up(1, {("data", "create")}, volume("data"))
    with pytest.raises(EngineError, match="Timeout: "):
        lab.up(1, {("data", "create")}, volume("data"))
    lab.cloud.things["volumes"][lab.volumes()["data"]]["status"] = "available"
    assert lab.up(1, {("data", "create")}, volume("data")).operations == {"update": 1}


@pytest.mark.soak  # tried without an engine in tests/provider/test_servicer.py
def test_what_is_gone_before_it_was_finished_is_made_anew(lab: Lab) -> None:
    """As when an attempt is killed while it takes away what failed, or a person does that."""
    _kill_the_engine_at(lab, "POST", "/volumes")
    with pytest.raises(EngineError, match="code -9"):
        lab.up(1, {("data", "create")}, volume("data"))
    _let_the_provider_finish(lab)
    for made in lab.cloud.things["volumes"].values():
        made["status"] = "error"
    with pytest.raises(EngineError, match="Failed: "):
        lab.up(1, {("data", "create")}, volume("data"))
    lab.cloud.things["volumes"].clear()
    with pytest.raises(EngineError, match="gone before it was finished"):
        lab.up(1, {("data", "create")}, volume("data"))
    assert lab.up(1, {("data", "create")}, volume("data")).operations["create"] == 1
    assert lab.up(1, {("data", "create")}, volume("data")).operations == {"same": 1}
    assert list(lab.volumes()) == ["data"]
