"""The stacks of units: project, service user, its credential, quotas, and what requests rely on. One per unit, under the unit's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from govcloud.adapters.pulumi_failures import translated
from govcloud.adapters.pulumi_logins import service_user_login, unit_login
from govcloud.adapters.pulumi_runs import StackRuns
from govcloud.core.objects import JurisdictionObject, UnitObject
from govcloud.failures import Stop
from govcloud.ports import UnitAccess
from govcloud.reasons import Reason
from stacks import unit as unit_stack
from stacks.engine.commands import StackName
from stacks.kind import Quota
from stacks.order import leaves
from stacks.program import External, Program, Value
from stacks.provider.runs import CloudLogin, Run, Runs
from stacks.unit import UnitStack

UNITS = "govcloud-units"
"""Pulumi project."""

_UNIT_PLAN = 1
"""A unit's stack has no approved plans of its own. One number for ever, so that what an interrupted run made is always found again."""

_OBJECT_STORE_URL = "object_store_url"
_NOT_MADE_YET = "not-made-yet"

_ON_DEMAND: Mapping[str, str] = {
    "default_network_id": "with_default_network",
    "access_project_id": "with_access_project",
}
"""What a unit's stack makes when a request first relies on it: the name under which it is given out -> the wish of `UnitStack`."""


@dataclass(frozen=True)
class UnitState:
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
    forgotten_credentials: frozenset[str]

    @classmethod
    def of(cls, outputs: Mapping[str, Any], resources: Iterable[str]) -> UnitState | None:
        """The state in a stack's outputs and the names of its resources; None where the stack was not finished."""
        if not outputs.get("application_credential_secret"):
            return None
        # A state from before there were generations has the first one.
        credentials = tuple(int(generation) for generation in outputs.get("credentials") or (0,))
        return cls(
            project_id=outputs["project_id"],
            user_id=outputs["user_id"],
            credential_id=outputs["application_credential_id"],
            credential_secret=outputs["application_credential_secret"],
            quota=Quota(**{name: int(value) for name, value in outputs["quota"].items()}),
            external_network=outputs["external_network"],
            on_demand={name: outputs[name] for name in _ON_DEMAND if outputs.get(name)},
            credentials=credentials,
            older_credential_ids=frozenset(outputs.get("older_credential_ids") or ()),
            forgotten_credentials=unit_stack.forgotten_credentials(resources, credentials),
        )


class UnitStacks:
    """Runs them, and knows what each gave out. Safe for threads.

    Args:
        running: runs programs.
        registry: where the provider learns which run may do what, with which logins.
        controller: the controller's own login; may make projects, users and quotas.
        generation: which credential a unit should have now; grows.
    """

    def __init__(self, running: StackRuns, registry: Runs, controller: CloudLogin, generation: Callable[[], int]) -> None:
        self._running = running
        self._registry = registry
        self._controller = controller
        self._generation = generation
        self._known: dict[str, UnitState] = {}

    def ensure(self, unit: UnitObject, jurisdiction: JurisdictionObject, quota: Quota) -> UnitAccess:
        """Bring the unit's stack to this quota. What some request once relied on stays."""
        external_network = jurisdiction.spec.cloud.external_network
        with self._running.locked(unit.uid):
            known = self._state_of(unit)
            on_demand, credentials = (known.on_demand, known.credentials) if known else ((), (self._generation(),))
            state = self._run(unit, quota, external_network, on_demand, credentials)
        return UnitAccess(project_id=state.project_id, user_id=state.user_id)

    def rotate_credential(self, unit: UnitObject) -> None:
        """One step: the newer credential is made, or, in a later call, the older ones are withdrawn; also those that an interrupted run left."""
        with self._running.locked(unit.uid):
            state = self._state_of(unit)
            credentials = self._credentials_after(state) if state else ()
            if state and (credentials != state.credentials or state.forgotten_credentials):
                self._run(unit, state.quota, state.external_network, state.on_demand, credentials)

    def access(self, unit: UnitObject, program: Program) -> UnitState:
        """The unit's state, with everything in it that the program relies on."""
        with self._running.locked(unit.uid):
            state = self.required(unit)
            needed = {*state.on_demand, *(relied_on(program) & _ON_DEMAND.keys())}
            if needed != state.on_demand.keys():
                return self._run(unit, state.quota, state.external_network, needed, state.credentials)
            return state

    def _credentials_after(self, state: UnitState) -> tuple[int, ...]:
        """The generations that there should be now."""
        if (newest := self._generation()) > state.credentials[-1]:
            return (*state.credentials, newest)
        in_use = {login.application_credential_id for login in self._registry.logins_in_use()}
        return state.credentials if state.older_credential_ids & in_use else state.credentials[-1:]

    def _run(
        self,
        unit: UnitObject,
        quota: Quota,
        external_network: str,
        on_demand: Iterable[str],
        credentials: tuple[int, ...],
    ) -> UnitState:
        wishes = {wish: name in set(on_demand) for name, wish in _ON_DEMAND.items()}
        wanted = UnitStack(unit.uid, unit.name, quota, external_network, credentials=credentials, **wishes)
        clouds = {"admin": self._controller, "service-user": self._service_user(wanted)}
        stack, program = _unit_stack(unit), unit_stack.program(wanted)
        with translated(), self._registry.running(Run(stack.stack, unit.uid, _UNIT_PLAN, clouds, kept=unit_stack.kept(program))) as run:
            find = self._running.finding(run, {resource.name for resource in program.resources})
            outcome = self._running.up(stack, program, self._running.inputs(unit.uid, {}), find)
        state = UnitState.of(outcome.outputs, outcome.resources)
        if state is None:
            raise Stop(Reason.PROGRAM_FAULT, f"the stack of unit {unit.name} gave out no credential")
        self._known[unit.uid] = state
        return state

    def _state_of(self, unit: UnitObject) -> UnitState | None:
        with self._running.locked(unit.uid), translated():
            if unit.uid not in self._known:
                remembered = self._running.engine.remembered(_unit_stack(unit))
                state = UnitState.of(remembered.outputs, (r.name for r in remembered.resources)) if remembered else None
                if state is None:
                    return None
                self._known[unit.uid] = state
            return self._known[unit.uid]

    def required(self, unit: UnitObject) -> UnitState:
        """What the unit's stack gave out.

        Raises:
            Stop: it gave out nothing yet, or what it did is lost.
        """
        state = self._state_of(unit)
        if state is None:
            raise Stop(
                Reason.PROGRAM_FAULT,
                f"unit {unit.name} has no project yet, or the state of its stack is lost; restore the state from backup",
            )
        return state

    def _service_user(self, wanted: UnitStack) -> CloudLogin:
        password = self._running.secret(wanted.owner, unit_stack.PASSWORD.name)
        return service_user_login(self._controller, wanted.user_name, password, wanted.project_name)

    def login(self, state: UnitState) -> CloudLogin:
        """The login with which the unit's requests are carried out."""
        return unit_login(self._controller, state.credential_id, state.credential_secret)


def known_of_cloud(program: Program, access: UnitState, controller: CloudLogin, endpoint: Callable[[str], str]) -> dict[str, str]:
    """What a request's program may ask of the unit's stack and of the cloud, by name.

    What `UnitStacks.access` would make first is not there when nothing is run: a word stands for it.

    Args:
        endpoint: looks up where a service is; asked only for what the program relies on.
    """
    known = {
        "project_id": access.project_id,
        "user_id": access.user_id,
        "auth_url": controller.auth_url,
        "region": controller.region,
        **dict.fromkeys(relied_on(program) & _ON_DEMAND.keys(), _NOT_MADE_YET),
        **access.on_demand,
    }
    if _OBJECT_STORE_URL in relied_on(program):
        known[_OBJECT_STORE_URL] = endpoint("object-store")
    return known


def relied_on(program: Program) -> frozenset[str]:
    """Names of everything that a program asks of the unit's stack and of the cloud."""
    values: tuple[Value, ...] = (dict(program.outputs), *(dict(resource.inputs) for resource in program.resources))
    return frozenset(leaf.name for leaf in leaves(values) if isinstance(leaf, External))


def _unit_stack(unit: UnitObject) -> StackName:
    return StackName(UNITS, f"unit-{unit.uid}")
