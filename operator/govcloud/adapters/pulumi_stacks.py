"""The stacks of units and requests, run by the Pulumi engine with our own provider: `ports.Stacks`.

One unit stack per unit, under the unit's lock; one request stack per request, under the request's lock, with the unit's own
application credential. This process is the only one that runs them: it holds the controller's Lease.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from govcloud.adapters.master_key import derive, load_or_create
from govcloud.adapters.pulumi_drift import DriftLooks
from govcloud.adapters.pulumi_failures import translated
from govcloud.adapters.pulumi_logins import service_user_login, unit_login
from govcloud.api.request import Drift, RequestKey
from govcloud.core.objects import JurisdictionObject, UnitObject
from govcloud.failures import Stop
from govcloud.ports import StackOutcome, UnitAccess
from govcloud.reasons import Reason
from stacks import unit as unit_stack
from stacks.engine.commands import Installation, StackName
from stacks.engine.failures import Diagnostic, ProgramFailed, RunFailed, StackLocked
from stacks.engine.registration import Inputs
from stacks.engine.runner import Engine, Find, Outcome
from stacks.engine.state import Pending, State
from stacks.kind import Quota
from stacks.order import leaves, needs
from stacks.program import External, Program, Value
from stacks.provider.clouds import Clouds
from stacks.provider.errors import ProviderError
from stacks.provider.finding import Finder, Unfinished
from stacks.provider.journal import Journal
from stacks.provider.runs import CloudLogin, Rebuild, Run, Runs, login_for
from stacks.provider.server import ProviderServer
from stacks.provider.session import SystemClock
from stacks.transform import without
from stacks.unit import UnitStack

UNITS, REQUESTS = "govcloud-units", "govcloud-requests"
"""Pulumi projects."""

_UNIT_PLAN = 1
"""A unit's stack has no approved plans of its own. One number for ever, so that what an interrupted run made is always found again."""

_ON_DEMAND: Mapping[str, str] = {
    "default_network_id": "with_default_network",
    "access_project_id": "with_access_project",
}
"""What a unit's stack makes when a request first relies on it: the name under which it is given out -> the wish of `UnitStack`."""

_OBJECT_STORE_URL = "object_store_url"


@dataclass(frozen=True)
class _UnitState:
    """What a unit's stack gave out. Holds a secret: never print it."""

    project_id: str
    user_id: str
    credential_id: str
    credential_secret: str
    quota: Quota
    external_network: str
    on_demand: Mapping[str, str]
    credentials: tuple[int, ...]
    older_credential_ids: frozenset[str]

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> _UnitState | None:
        """The state in a stack's outputs; None where the stack was not finished."""
        if not outputs.get("application_credential_secret"):
            return None
        return cls(
            project_id=outputs["project_id"],
            user_id=outputs["user_id"],
            credential_id=outputs["application_credential_id"],
            credential_secret=outputs["application_credential_secret"],
            quota=Quota(**{name: int(value) for name, value in outputs["quota"].items()}),
            external_network=outputs["external_network"],
            on_demand={name: outputs[name] for name in _ON_DEMAND if outputs.get(name)},
            # A state from before there were generations has the first one.
            credentials=tuple(int(generation) for generation in outputs.get("credentials") or (0,)),
            older_credential_ids=frozenset(outputs.get("older_credential_ids") or ()),
        )


class PulumiStacks:
    """`ports.Stacks`. Safe for threads.

    Args:
        engine: runs programs.
        runs: where the provider learns which run may do what, with which logins.
        finder: looks up what an interrupted run made, and where a service is.
        controller: the controller's own login; may make projects, users and quotas.
        master_key: every secret is derived from it.
        generation: which credential a unit should have now; grows.
    """

    def __init__(
        self,
        engine: Engine,
        runs: Runs,
        finder: Finder,
        controller: CloudLogin,
        master_key: bytes,
        generation: Callable[[], int] = lambda: 0,
    ) -> None:
        self._engine = engine
        self._finder = finder
        self._runs = runs
        self._controller = controller
        self._master_key = master_key
        self._generation = generation
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._locks_guard = threading.Lock()
        self._units: dict[str, _UnitState] = {}
        self._outcomes: dict[str, StackOutcome | None] = {}
        self._looks = DriftLooks()

    def ensure_unit(self, unit: UnitObject, jurisdiction: JurisdictionObject, quota: Quota) -> UnitAccess:
        """Bring the unit's stack to this quota. What some request once relied on stays."""
        external_network = jurisdiction.spec.cloud.external_network
        with self._locked(unit.uid):
            known = self._known_unit(unit)
            on_demand, credentials = (known.on_demand, known.credentials) if known else ((), (self._generation(),))
            state = self._run_unit(unit, quota, external_network, on_demand, credentials)
        return UnitAccess(project_id=state.project_id, user_id=state.user_id)

    def rotate_credential(self, unit: UnitObject) -> None:
        """One step: the newer credential is made, or, in a later call, the older ones are withdrawn."""
        with self._locked(unit.uid):
            state = self._known_unit(unit)
            credentials = self._credentials_after(state) if state else ()
            if state and credentials != state.credentials:
                self._run_unit(unit, state.quota, state.external_network, state.on_demand, credentials)

    def up(
        self, key: RequestKey, unit: UnitObject, plan: int, program: Program, allowed: frozenset[tuple[str, str]]
    ) -> StackOutcome:
        """Bring the request's stack to `program`, doing nothing but what is `allowed`."""
        with self._locked(key.uid):
            access = self._access(unit, program)
            known = self._outcomes.get(key.uid)
            with self._changing(key, plan, access, allowed) as run:
                inputs = self._inputs(key.uid, self._known_of_cloud(run, access, program))
                outcome = self._up_of_request(run, key, program, inputs, known)
            return self._remembering(key, outcome)

    def rebuild(
        self, key: RequestKey, unit: UnitObject, plan: int, program: Program, may_be_missing: frozenset[str]
    ) -> StackOutcome:
        """Make the state anew from the marks in the cloud: a run whose creates only find. What may be missing and is, is left out."""
        with self._locked(key.uid):
            access, lost = self._access(unit, program), Rebuild()
            with self._changing(key, plan, access, None, lost) as run:
                inputs = self._inputs(key.uid, self._known_of_cloud(run, access, program))
                try:
                    outcome = self._up_of_request(run, key, program, inputs, None)
                except RunFailed:
                    if not lost.missing:
                        raise
                    there = _without_missing(program, lost.missing, may_be_missing)
                    outcome = self._up_of_request(run, key, there, inputs, None)
            return self._remembering(key, outcome)

    def destroy(self, key: RequestKey, unit: UnitObject, plan: int) -> StackOutcome:
        """Destroy all resources of the request's stack."""
        with self._locked(key.uid):
            access = self._required_unit(unit)
            with self._changing(key, plan, access, None) as run:
                find = self._finding(run, frozenset())
                outcome = self._once_more_if_locked(
                    _request_stack(key.uid), find, lambda stack: self._engine.destroy(stack, find)
                )
            return self._remembering(key, outcome)

    def outcome(self, key: RequestKey) -> StackOutcome | None:
        """What the stack gives out now; None where there is no stack."""
        with self._locked(key.uid):
            if key.uid not in self._outcomes:
                self._outcomes[key.uid] = self._remembered(key)
            return self._outcomes[key.uid]

    def look_for_drift(self, unit: UnitObject, keys: Sequence[RequestKey]) -> None:
        """One look at the cloud for all these requests."""
        clouds = {"unit": self._login_of(self._required_unit(unit)), "admin": self._controller}
        with translated():
            self._looks.look([key.uid for key in keys], self._state_at_rest, self._finder.survey(clouds.__getitem__))

    def drift(self, key: RequestKey) -> tuple[Drift, ...] | None:
        """What the last look found; None where the stack ran since."""
        return self._looks.found(key.uid)

    def _state_at_rest(self, uid: str) -> State | None:
        """The state of a request's stack; None where there is none, or where it runs now."""
        lock = self._lock_of(uid)
        if not lock.acquire(blocking=False):
            return None
        try:
            return self._engine.remembered(_request_stack(uid))
        finally:
            lock.release()

    def _up_of_request(
        self, run: Run, key: RequestKey, program: Program, inputs: Inputs, known: StackOutcome | None
    ) -> Outcome:
        """One run; a second one where the first asked the cloud for what only new resources need, and they are not new."""
        stack, find = _request_stack(key.uid), self._finding(run, {resource.name for resource in program.resources})
        made = frozenset(known.resources) if known else frozenset()
        try:
            return self._up(stack, program, replace(inputs, made=made), find)
        except ProgramFailed:
            remembered = self._engine.remembered(stack)
            now_known = frozenset(item.name for item in remembered.resources) if remembered else frozenset()
            if not now_known - made:
                raise
            return self._up(stack, program, replace(inputs, made=now_known), find)

    def _up(self, stack: StackName, program: Program, inputs: Inputs, find: Find) -> Outcome:
        return self._once_more_if_locked(stack, find, lambda name: self._engine.up(name, program, inputs, find))

    # The unit's stack

    def _access(self, unit: UnitObject, program: Program) -> _UnitState:
        """The unit's state, with everything in it that the program relies on."""
        with self._locked(unit.uid):
            state = self._required_unit(unit)
            needed = {*state.on_demand, *(_relied_on(program) & _ON_DEMAND.keys())}
            if needed != state.on_demand.keys():
                return self._run_unit(unit, state.quota, state.external_network, needed, state.credentials)
            return state

    def _credentials_after(self, state: _UnitState) -> tuple[int, ...]:
        """The generations that there should be now."""
        if (newest := self._generation()) > state.credentials[-1]:
            return (*state.credentials, newest)
        in_use = {login.application_credential_id for login in self._runs.logins_in_use()}
        return state.credentials if state.older_credential_ids & in_use else state.credentials[-1:]

    def _run_unit(
        self,
        unit: UnitObject,
        quota: Quota,
        external_network: str,
        on_demand: Iterable[str],
        credentials: tuple[int, ...],
    ) -> _UnitState:
        wishes = {wish: name in set(on_demand) for name, wish in _ON_DEMAND.items()}
        wanted = UnitStack(unit.uid, unit.name, quota, external_network, credentials=credentials, **wishes)
        clouds = {"admin": self._controller, "service-user": self._service_user(wanted)}
        stack, program = _unit_stack(unit), unit_stack.program(wanted)
        with translated(), self._runs.running(Run(stack.stack, unit.uid, _UNIT_PLAN, clouds)) as run:
            find = self._finding(run, {resource.name for resource in program.resources})
            outcome = self._up(stack, program, self._inputs(unit.uid, {}), find)
        state = _UnitState.of(outcome.outputs)
        if state is None:
            raise Stop(Reason.PROGRAM_FAULT, f"the stack of unit {unit.name} gave out no credential")
        self._units[unit.uid] = state
        return state

    def _known_unit(self, unit: UnitObject) -> _UnitState | None:
        with self._locked(unit.uid), translated():
            if unit.uid not in self._units:
                remembered = self._engine.remembered(_unit_stack(unit))
                state = _UnitState.of(remembered.outputs) if remembered else None
                if state is None:
                    return None
                self._units[unit.uid] = state
            return self._units[unit.uid]

    def _required_unit(self, unit: UnitObject) -> _UnitState:
        state = self._known_unit(unit)
        if state is None:
            raise Stop(
                Reason.PROGRAM_FAULT,
                f"unit {unit.name} has no project yet, or the state of its stack is lost; restore the state from backup",
            )
        return state

    def _service_user(self, wanted: UnitStack) -> CloudLogin:
        password = derive(self._master_key, f"{wanted.owner}/{unit_stack.PASSWORD.name}")
        return service_user_login(self._controller, wanted.user_name, password, wanted.project_name)

    # A run

    @contextmanager
    def _changing(
        self,
        key: RequestKey,
        plan: int,
        access: _UnitState,
        allowed: frozenset[tuple[str, str]] | None,
        rebuild: Rebuild | None = None,
    ) -> Iterator[Run]:
        """Announce the run to the provider. Whatever becomes of it, what was known of the stack is not known any more."""
        login = self._login_of(access)
        # Only an administrator makes users; of a request that has none, nothing asks for that login.
        clouds = {"unit": login, "admin": self._controller}
        run = Run(_request_stack(key.uid).stack, key.uid, plan, clouds, allowed, rebuild)
        self._outcomes.pop(key.uid, None)
        with translated(), self._looks.suspended(key.uid), self._runs.running(run):
            yield run

    def _login_of(self, access: _UnitState) -> CloudLogin:
        return unit_login(self._controller, access.credential_id, access.credential_secret)

    def _inputs(self, owner: str, external: Mapping[str, str]) -> Inputs:
        return Inputs(lambda name: derive(self._master_key, f"{owner}/{name}"), external)

    def _known_of_cloud(self, run: Run, access: _UnitState, program: Program) -> dict[str, str]:
        """What a program may ask of the unit's stack and of the cloud, by name."""
        known = {
            "project_id": access.project_id,
            "user_id": access.user_id,
            "auth_url": self._controller.auth_url,
            "region": self._controller.region,
            **access.on_demand,
        }
        if _OBJECT_STORE_URL in _relied_on(program):
            known[_OBJECT_STORE_URL] = self._endpoint(run.clouds["unit"], "object-store")
        return known

    def _endpoint(self, login: CloudLogin, service: str) -> str:
        try:
            return self._finder.endpoint(login, service)
        except ProviderError as error:
            raise RunFailed((Diagnostic(service, str(error)),), "looking up where a service is") from error

    def _finding(self, run: Run, made_by_run: Set[str]) -> Find:
        """How to look up what an interrupted run of the stack made. What the coming run makes under the same plan finds itself."""

        def find(pending: Pending) -> str | None:
            newest = run.plan - 1 if pending.resource in made_by_run else run.plan
            unfinished = Unfinished(pending.urn, pending.type, pending.resource, pending.inputs)
            try:
                return self._finder.made(unfinished, login_for(run, pending.login), run.owner, range(newest, 0, -1))
            except ProviderError as error:
                raise RunFailed((Diagnostic(pending.resource, str(error)),), "looking up what was made") from error

        return find

    def _once_more_if_locked(self, stack: StackName, find: Find, run: Callable[[StackName], Outcome]) -> Outcome:
        """We hold the only lock that counts, so a lock in the state is a dead run's: it is cleared away once."""
        try:
            return run(stack)
        except StackLocked:
            self._engine.recover(stack, find)
            return run(stack)

    def _remembering(self, key: RequestKey, outcome: Outcome) -> StackOutcome:
        given = StackOutcome(outcome.resources, outcome.outputs, outcome.operations)
        self._outcomes[key.uid] = given
        return given

    def _remembered(self, key: RequestKey) -> StackOutcome | None:
        with translated():
            state = self._engine.remembered(_request_stack(key.uid))
        if state is None:
            return None
        resources = {item.name: (item.type, item.id) for item in state.resources if not item.doomed}
        return StackOutcome(resources, state.outputs, {})

    @contextmanager
    def _locked(self, uid: str) -> Iterator[None]:
        with self._lock_of(uid):
            yield

    def _lock_of(self, uid: str) -> threading.RLock:
        with self._locks_guard:
            return self._locks[uid]


def _relied_on(program: Program) -> frozenset[str]:
    """Names of everything that a program asks of the unit's stack and of the cloud."""
    values: tuple[Value, ...] = (dict(program.outputs), *(dict(resource.inputs) for resource in program.resources))
    return frozenset(leaf.name for leaf in leaves(values) if isinstance(leaf, External))


def _without_missing(program: Program, missing: Set[str], may_be_missing: Set[str]) -> Program:
    """What is there of the program.

    Raises:
        Stop: something is missing that should be there, or that something which is there relies on.
    """
    gone = set(missing)
    gone.update(resource.name for resource in program.resources if needs(resource) & gone)
    if lost := sorted(gone - may_be_missing):
        raise Stop(
            Reason.RESOURCE_FAILED,
            f"the state of the stack is lost, and the cloud does not have all of {', '.join(lost)}, which the completed plan made; "
            "restore the state from backup, or bring back what is missing",
        )
    return without(program, gone)


def _request_stack(uid: str) -> StackName:
    return StackName(REQUESTS, f"request-{uid}")


def _unit_stack(unit: UnitObject) -> StackName:
    return StackName(UNITS, f"unit-{unit.uid}")


@contextmanager
def open_stacks(
    state_dir: Path,
    pulumi: str,
    controller: CloudLogin,
    journal: Journal,
    *,
    backend: str = "",
    generation: Callable[[], int] = lambda: 0,
) -> Iterator[PulumiStacks]:
    """The stacks of a controller, with the provider's server running as long as the block.

    Args:
        state_dir: holds `master.key` and `pulumi/`.
        pulumi: the Pulumi CLI.
        controller: the controller's own login.
        journal: where every write to OpenStack is recorded.
        backend: URL of Pulumi's state backend; empty: files below `state_dir`.
        generation: which credential a unit should have now; grows.

    Raises:
        MasterKeyUnusable: the key is missing although there is state, or cannot be used.
    """
    home = state_dir / "pulumi"
    master_key = load_or_create(state_dir / "master.key", may_create=not (home / "state" / ".pulumi").exists())
    runs, clock = Runs(), SystemClock()
    clouds = Clouds(journal, clock)
    server = ProviderServer(runs, journal)
    port = server.start()
    try:
        installation = Installation(pulumi, home, derive(master_key, "pulumi/passphrase"), backend)
        engine = Engine(installation, lambda: port)
        yield PulumiStacks(engine, runs, Finder(clouds, clock), controller, master_key, generation)
    finally:
        server.stop()
        clouds.close_all_but(frozenset())
