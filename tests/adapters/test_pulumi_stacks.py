"""Which run of the engine is made for what, with which logins, secrets and limits. The engine is a recorder here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import pytest

from govcloud.adapters.pulumi_names import REQUESTS
from govcloud.adapters.pulumi_stacks import PulumiStacks
from govcloud.adapters.pulumi_units import UNITS
from govcloud.api.jurisdiction import JurisdictionSpec
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitSpec, UnitStatus
from govcloud.core.objects import JurisdictionObject, UnitObject
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.engine.commands import StackName
from stacks.engine.failures import Diagnostic, ProgramFailed, RunFailed, StackLocked
from stacks.engine.registration import Inputs
from stacks.engine.runner import Find, Outcome
from stacks.engine.state import Pending, Remembered, State
from stacks.kind import Quota
from stacks.program import External, Program, Resource
from stacks.provider.errors import Code, ProviderError
from stacks.provider.finding import Unfinished
from stacks.provider.runs import CloudLogin, Run, Runs

UNIT = UnitObject(
    "education",
    "11111111-0000-4000-8000-000000000001",
    1,
    UnitSpec(title="Education", jurisdiction="jiujiang", budget_level="Primary"),
    UnitStatus(),
)
JURISDICTION = JurisdictionObject(
    "jiujiang",
    "uid",
    1,
    JurisdictionSpec.model_validate(
        {"title": "Jiujiang", "pack": "jiujiang", "catalog": "2026", "cloud": {"externalNetwork": "public"}}
    ),
)
KEY = RequestKey(namespace="education", name="orders", uid="22222222-0000-4000-8000-000000000001")
CONTROLLER = CloudLogin("http://cloud/v3", "RegionOne", username="govcloud", password="hush", project_name="govcloud")
UNIT_OUTPUTS = {
    "project_id": "p1",
    "user_id": "u1",
    "application_credential_id": "c1",
    "application_credential_secret": "cs1",
    "quota": vars(Quota(cores=2)),
    "external_network": "public",
}
FILES = Program((Resource("openstack:objectstorage/container:Container", "files", {"name": "files"}),))
ON_DEFAULT_NETWORK = Program(
    (Resource("openstack:networking/port:Port", "port", {"network_id": External("default_network_id")}),)
)
WITH_A_USER = Program(
    (Resource("openstack:identity/user:User", "user", {"default_project_id": External("access_project_id")}),),
    {"credential/files/storage_url": External("object_store_url")},
)
UNIT_STACK = StackName(UNITS, f"unit-{UNIT.uid}")
REQUEST_STACK = StackName(REQUESTS, f"request-{KEY.uid}")


@dataclass
class Made:
    """One run that was asked for, and what the provider would have been allowed in it."""

    stack: StackName
    program: Program | None
    inputs: Inputs | None
    run: Run
    find: Find


@dataclass
class RecordingEngine:
    """Makes nothing, and remembers what it was asked for."""

    runs: Runs
    states: dict[StackName, Mapping[str, Any]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    recovered: list[StackName] = field(default_factory=list)
    read: list[StackName] = field(default_factory=list)
    resources: tuple[Remembered, ...] = ()
    during: Callable[[], None] = lambda: None

    def up(self, stack: StackName, program: Program, inputs: Inputs, find: Find, _anew: Set[str] = frozenset()) -> Outcome:
        self.made.append(Made(stack, program, inputs, self.runs.of(stack.stack), find))
        self.during()
        if self.failures:
            raise self.failures.pop(0)
        if stack.project == UNITS:
            made = {"default_network_id": "n1", "access_project_id": "a1"}
            on_demand = {name: found for name, found in made.items() if name in program.outputs}
            quota = {"quota": program.outputs["quota"]}
            self.states[stack] = {**UNIT_OUTPUTS, **quota, **on_demand, **_credentials(program)}
        else:
            self.states[stack] = {"made": "yes"}
        return Outcome({"create": 1}, (), {"files": ("type", "id")}, self.states[stack])

    def destroy(self, stack: StackName, find: Find) -> Outcome:
        self.made.append(Made(stack, None, None, self.runs.of(stack.stack), find))
        if self.failures:
            raise self.failures.pop(0)
        return Outcome({"delete": 1}, (), {}, {})

    def remembered(self, stack: StackName) -> State | None:
        self.read.append(stack)
        return State(self.resources, self.states[stack], (), None, {}) if stack in self.states else None

    def recover(self, stack: StackName, find: Find) -> None:
        self.recovered.append(stack)


def _credentials(program: Program) -> dict[str, Any]:
    """What the unit's stack gives out of its credentials; the ids tell their generations."""
    generations = program.outputs["credentials"]
    assert isinstance(generations, tuple)
    *older, newest = [f"c{generation or 1}" for generation in generations]
    ids = {"application_credential_id": newest, "older_credential_ids": older}
    return {**ids, "application_credential_secret": f"secret of {newest}", "credentials": list(generations)}


class ScriptedFinder:
    """Finds what it is told was made under a plan, and services where they are said to be."""

    def __init__(self) -> None:
        self.made_under: dict[tuple[str, int], str] = {}
        self.asked: list[tuple[str, CloudLogin, str, list[int]]] = []
        self.fault: ProviderError | None = None
        self.of_no_use: set[str] = set()

    def is_of_no_use(self, unfinished: Unfinished) -> bool:
        return unfinished.name in self.of_no_use

    def endpoint(self, login: CloudLogin, service: str) -> str:
        if self.fault:
            raise self.fault
        return f"http://cloud/{service}/of-{login.application_credential_id}"

    def made(self, unfinished: Unfinished, login: CloudLogin, owner: str, plans: Any) -> str | None:
        if self.fault:
            raise self.fault
        self.asked.append((unfinished.name, login, owner, list(plans)))
        return next(
            (self.made_under[unfinished.name, plan] for plan in plans if (unfinished.name, plan) in self.made_under),
            None,
        )


@dataclass
class World:
    runs: Runs = field(default_factory=Runs)
    generation: int = 0

    def __post_init__(self) -> None:
        self.engine = RecordingEngine(self.runs)
        self.finder = ScriptedFinder()
        self.restart()

    def restart(self) -> None:
        """Another process begins, with nothing in memory."""
        self.stacks = PulumiStacks(
            self.engine, self.runs, self.finder, CONTROLLER, bytes(32), lambda: self.generation  # type: ignore[arg-type]
        )

    def ensure(self, quota: Quota = Quota(cores=2)) -> Any:  # noqa: B008 - a quota is a value
        return self.stacks.ensure_unit(UNIT, JURISDICTION, quota)

    def up(self, program: Program = FILES, plan: int = 3) -> Any:
        return self.stacks.up(KEY, UNIT, plan, program, frozenset({("files", "create")}))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ready() -> World:
    world = World()
    world.ensure()
    world.engine.made.clear()
    return world


def test_a_units_stack_is_made_by_the_controller_and_the_units_own_user(world: World) -> None:
    access = world.ensure()
    (made,) = world.engine.made
    assert (made.stack, made.run.owner, made.run.plan) == (UNIT_STACK, UNIT.uid, 1)
    assert made.run.clouds["admin"] == CONTROLLER
    assert made.run.clouds["service-user"].username == "govcloud-education"
    assert made.run.clouds["service-user"].project_name == "unit-education"
    assert (access.project_id, access.user_id) == ("p1", "u1")


def test_a_units_run_takes_nothing_away_that_its_program_has(world: World) -> None:
    """Only an older credential goes: with its role a credential would be worth nothing, and its requests would be locked out."""
    world.ensure()
    world.generation = 1
    world.stacks.rotate_credential(UNIT)
    world.stacks.rotate_credential(UNIT)
    *_, withdrawing = world.engine.made
    assert withdrawing.program is not None
    assert all(not withdrawing.run.allows(resource.name, "delete") for resource in withdrawing.program.resources)
    assert not withdrawing.run.allows("access-project", "delete")
    assert withdrawing.run.allows("credential", "delete")


def test_the_service_users_password_is_the_one_that_it_logs_in_with(world: World) -> None:
    world.ensure()
    (made,) = world.engine.made
    assert made.inputs is not None
    assert made.inputs.secret("unit/service-user/password") == made.run.clouds["service-user"].password


def test_a_request_runs_with_the_units_credential_and_the_controllers_login_for_users(ready: World) -> None:
    ready.up()
    (made,) = ready.engine.made
    assert made.stack == REQUEST_STACK
    assert (made.run.owner, made.run.plan) == (KEY.uid, 3)
    assert made.run.allowed == {("files", "create")}
    assert made.run.clouds.keys() == {"unit", "admin"}
    login = made.run.clouds["unit"]
    assert login.application_credential_id == "c1"
    assert made.run.clouds["admin"] == CONTROLLER
    assert "hush" not in str(made.run.clouds.values()) + str(login.secrets)


def test_a_request_gets_secrets_of_its_own(ready: World) -> None:
    ready.up()
    other = RequestKey(namespace="education", name="other", uid="22222222-0000-4000-8000-000000000002")
    ready.stacks.up(other, UNIT, 1, FILES, frozenset())
    one, two = (made.inputs.secret("database/x/password") for made in ready.engine.made if made.inputs)
    assert one != two


def test_a_later_process_knows_the_unit_from_its_state(ready: World) -> None:
    ready.restart()
    ready.up()
    assert [made.stack for made in ready.engine.made] == [REQUEST_STACK]


def test_a_request_of_a_unit_without_a_project_stops(world: World) -> None:
    with pytest.raises(Stop, match="no project yet") as error:
        world.up()
    assert error.value.reason is Reason.PROGRAM_FAULT
    assert world.engine.made == []


def test_a_default_network_is_made_when_the_first_request_relies_on_it(ready: World) -> None:
    ready.up(ON_DEFAULT_NETWORK)
    unit, request = ready.engine.made
    assert unit.program is not None
    assert "default_network_id" in unit.program.outputs
    assert unit.program.outputs["quota"] == vars(Quota(cores=2))
    assert request.inputs is not None
    assert request.inputs.external["default_network_id"] == "n1"


def test_a_default_network_stays_when_the_quota_changes_even_after_a_restart(ready: World) -> None:
    ready.up(ON_DEFAULT_NETWORK)
    ready.restart()
    ready.ensure(Quota(cores=4))
    program = ready.engine.made[-1].program
    assert program is not None
    assert "default_network_id" in program.outputs


def test_the_first_container_makes_the_project_of_its_users_and_keeps_what_there_was(ready: World) -> None:
    ready.up(ON_DEFAULT_NETWORK)
    ready.up(WITH_A_USER)
    unit, request = ready.engine.made[-2:]
    assert unit.program is not None
    assert {"default_network_id", "access_project_id"} <= unit.program.outputs.keys()
    assert request.inputs is not None
    assert request.inputs.external["access_project_id"] == "a1"
    ready.up(WITH_A_USER)
    assert ready.engine.made[-2].stack == REQUEST_STACK


def test_a_program_is_told_where_the_cloud_is_and_the_object_store_only_if_it_asks(ready: World) -> None:
    ready.up()
    ready.up(WITH_A_USER)
    plain, asking = (made.inputs.external for made in ready.engine.made if made.stack == REQUEST_STACK and made.inputs)
    assert plain["auth_url"] == "http://cloud/v3"
    assert "object_store_url" not in plain
    assert asking["object_store_url"] == "http://cloud/object-store/of-c1"


def test_a_cloud_that_cannot_say_where_its_object_store_is_is_asked_again_later(ready: World) -> None:
    ready.up(ON_DEFAULT_NETWORK)
    ready.finder.fault = ProviderError(Code.UNREACHABLE, "the address of object-store: no answer")
    with pytest.raises(Retry) as error:
        ready.up(WITH_A_USER)
    assert error.value.reason is Reason.CLOUD_UNREACHABLE
    assert ready.runs.logins_in_use() == frozenset()


def test_destroying_is_limited_by_no_diff(ready: World) -> None:
    outcome = ready.stacks.destroy(KEY, UNIT, 4)
    (made,) = ready.engine.made
    assert made.run.allowed is None
    assert outcome.operations == {"delete": 1}


def test_a_run_ends_whatever_becomes_of_it(ready: World) -> None:
    ready.engine.failures = [RunFailed((Diagnostic("files", "QuotaExceeded: no room"),), "")]
    with pytest.raises(Retry):
        ready.up()
    assert ready.runs.logins_in_use() == frozenset()


def test_a_lock_of_a_dead_run_is_cleared_away_once(ready: World) -> None:
    ready.engine.failures = [StackLocked("held")]
    ready.up()
    assert ready.engine.recovered == [REQUEST_STACK]
    ready.engine.failures = [StackLocked("held"), StackLocked("held")]
    with pytest.raises(Retry) as error:
        ready.up()
    assert error.value.reason is Reason.STACK_LOCKED


def test_what_a_run_gave_out_is_known_without_asking_again(ready: World) -> None:
    ready.up()
    ready.engine.read.clear()
    assert ready.stacks.outcome(KEY) == ready.stacks.outcome(KEY)
    assert ready.engine.read == []


def test_after_a_failure_the_state_is_read(ready: World) -> None:
    ready.up()
    ready.engine.failures = [RunFailed((), "")]
    with pytest.raises(Retry):
        ready.up()
    ready.engine.read.clear()
    outcome = ready.stacks.outcome(KEY)
    assert outcome is not None
    assert outcome.outputs == {"made": "yes"}
    assert ready.engine.read == [REQUEST_STACK]


def test_a_request_that_was_never_made_gives_out_nothing(ready: World) -> None:
    assert ready.stacks.outcome(KEY) is None


def test_what_is_made_already_is_not_looked_up_again(ready: World) -> None:
    ready.up()
    ready.up()
    first, second = (made.inputs.made for made in ready.engine.made if made.inputs)
    assert (first, second) == (frozenset(), {"files"})


def test_after_a_restart_a_vanished_image_is_not_asked_for_either(ready: World) -> None:
    ready.engine.states[REQUEST_STACK] = {}
    ready.engine.resources = (Remembered("urn:pulumi:s::p::type::files", "type", "id", {}, {}, "unit", False),)
    ready.engine.failures = [ProgramFailed("its program raised", "NotFound: there is no image named cirros")]
    ready.up()
    assert [made.inputs.made for made in ready.engine.made if made.inputs] == [frozenset(), {"files"}]


def test_a_program_that_fails_for_another_reason_is_not_run_twice(ready: World) -> None:
    ready.engine.failures = [ProgramFailed("its program raised", "NotFound: there is no image named cirros")]
    with pytest.raises(Stop) as error:
        ready.up()
    assert error.value.reason is Reason.FLAVOR_OR_IMAGE_MISSING
    assert len(ready.engine.made) == 1


def pending(name: str) -> Pending:
    return Pending(f"urn:pulumi:s::p::type::{name}", "type", "creating", "unit", {})


def finding_in(world: World) -> Find:
    return world.engine.made[-1].find


def test_all_that_was_under_way_is_looked_for_before_the_run(ready: World) -> None:
    """Also what the run makes itself: it may come to an end before that, and is then perhaps never run again."""
    ready.up(plan=3)
    with ready.runs.running(ready.engine.made[-1].run):
        finding_in(ready)(pending("files"))
        finding_in(ready)(pending("gone"))
    assert [(name, plans) for name, _, _, plans in ready.finder.asked] == [("files", [3, 2, 1]), ("gone", [3, 2, 1])]


def test_what_nobody_can_use_is_left_to_the_run_that_makes_it_anew(ready: World) -> None:
    ready.finder.of_no_use = {"files", "gone"}
    ready.up(plan=3)
    with ready.runs.running(ready.engine.made[-1].run):
        finding_in(ready)(pending("files"))
        finding_in(ready)(pending("gone"))
    assert [(name, plans) for name, _, _, plans in ready.finder.asked] == [("files", [2, 1]), ("gone", [3, 2, 1])]


def test_before_a_destruction_everything_is_looked_for(ready: World) -> None:
    ready.finder.made_under["files", 1] = "id of files"
    ready.stacks.destroy(KEY, UNIT, 2)
    assert finding_in(ready)(pending("files")) == "id of files"
    ((_, login, owner, plans),) = ready.finder.asked
    assert (login.application_credential_id, owner, plans) == ("c1", KEY.uid, [2, 1])


def test_a_cloud_that_cannot_tell_what_was_made_stops_the_run(ready: World) -> None:
    ready.up()
    ready.finder.fault = ProviderError(Code.UNREACHABLE, "nova does not answer")
    with pytest.raises(RunFailed, match="Unreachable: nova does not answer"):
        finding_in(ready)(pending("gone"))


def test_two_runs_of_one_request_never_overlap(ready: World) -> None:
    at_once, most = 0, 0

    def during() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.02)
        at_once -= 1

    ready.engine.during = during
    threads = [threading.Thread(target=ready.up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(ready.engine.made)) == (1, 4)
