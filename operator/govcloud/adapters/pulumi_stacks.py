"""The stacks of units and requests, run by the Pulumi engine with our own provider: `ports.Stacks`.

One unit stack per unit, under the unit's lock; one request stack per request, under the request's lock, with the unit's own
application credential. This process is the only one that runs them: it holds the controller's Lease.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from govcloud.adapters.master_key import derive, load_or_create
from govcloud.adapters.pulumi_drift import DriftLooks
from govcloud.adapters.pulumi_failures import translated
from govcloud.adapters.pulumi_names import request_stack
from govcloud.adapters.pulumi_runs import StackRuns
from govcloud.adapters.pulumi_units import UnitStacks, UnitState, known_of_cloud
from govcloud.api.progress import Drift
from govcloud.api.request import RequestKey
from govcloud.core.objects import JurisdictionObject, UnitObject
from govcloud.failures import Stop
from govcloud.ports import StackOutcome, UnitAccess
from govcloud.reasons import Reason
from stacks.engine.commands import Installation
from stacks.engine.failures import ProgramFailed, RunFailed
from stacks.engine.registration import Inputs
from stacks.engine.runner import Engine, Outcome, attached
from stacks.engine.state import State
from stacks.kind import Quota
from stacks.order import needs
from stacks.program import Program
from stacks.provider.clouds import Clouds
from stacks.provider.finding import Finder
from stacks.provider.journal import Journal
from stacks.provider.runs import CloudLogin, Rebuild, Run, Runs
from stacks.provider.server import ProviderServer
from stacks.provider.session import SystemClock
from stacks.transform import without


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
        self._runs = runs
        self._controller = controller
        self._running = StackRuns(engine, finder, master_key)
        self._units = UnitStacks(self._running, runs, controller, generation)
        self._outcomes: dict[str, StackOutcome | None] = {}
        self._looks = DriftLooks()

    def ensure_unit(self, unit: UnitObject, jurisdiction: JurisdictionObject, quota: Quota) -> UnitAccess:
        """Bring the unit's stack to this quota. What some request once relied on stays."""
        return self._units.ensure(unit, jurisdiction, quota)

    def rotate_credential(self, unit: UnitObject) -> None:
        """One step: the newer credential is made, or, in a later call, the older ones are withdrawn."""
        self._units.rotate_credential(unit)

    def up(
        self,
        key: RequestKey,
        unit: UnitObject,
        plan: int,
        program: Program,
        allowed: frozenset[tuple[str, str]],
        anew: frozenset[str] = frozenset(),
    ) -> StackOutcome:
        """Bring the request's stack to `program`, doing nothing but what is `allowed`; resources in `anew` are read from the cloud first."""
        with self._running.locked(key.uid):
            access = self._units.access(unit, program)
            known = self._outcomes.get(key.uid)
            with self._changing(key, plan, access, allowed) as run:
                inputs = self._running.inputs(key.uid, self._known(run, access, program))
                outcome = self._up_of_request(run, key, program, inputs, known, anew)
            return self._remembering(key, outcome)

    def rebuild(
        self, key: RequestKey, unit: UnitObject, plan: int, program: Program, may_be_missing: frozenset[str]
    ) -> StackOutcome:
        """Make the state anew from the marks in the cloud: a run whose creates only find. What may be missing and is, is left out."""
        with self._running.locked(key.uid):
            access, lost = self._units.access(unit, program), Rebuild()
            with self._changing(key, plan, access, None, lost) as run:
                inputs = self._running.inputs(key.uid, self._known(run, access, program))
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
        with self._running.locked(key.uid):
            access = self._units.required(unit)
            with self._changing(key, plan, access, None) as run:
                find = self._running.finding(run, frozenset())
                outcome = self._running.once_more_if_locked(
                    request_stack(key.uid), find, lambda stack: self._running.engine.destroy(stack, find)
                )
            return self._remembering(key, outcome)

    def outcome(self, key: RequestKey) -> StackOutcome | None:
        """What the stack gives out now; None where there is no stack."""
        with self._running.locked(key.uid):
            if key.uid not in self._outcomes:
                self._outcomes[key.uid] = self._remembered(key)
            return self._outcomes[key.uid]

    def login_of(self, unit: UnitObject) -> CloudLogin:
        """The login with which the unit's requests are carried out; it changes when the credential is rotated.

        Raises:
            Stop: the unit has no project yet, or the state of its stack is lost.
        """
        return self._units.login(self._units.required(unit))

    def look_for_drift(self, unit: UnitObject, keys: Sequence[RequestKey]) -> None:
        """One look at the cloud for all these requests."""
        clouds = {"unit": self.login_of(unit), "admin": self._controller}
        with translated():
            survey = self._running.finder.survey(clouds.__getitem__)
            self._looks.look([key.uid for key in keys], self._state_at_rest, survey)

    def _state_at_rest(self, uid: str) -> State | None:
        return self._running.state_at_rest(uid, request_stack(uid))

    def drift(self, key: RequestKey) -> tuple[Drift, ...] | None:
        """What the last look found; None where the stack ran since."""
        return self._looks.found(key.uid)

    def _up_of_request(
        self,
        run: Run,
        key: RequestKey,
        program: Program,
        inputs: Inputs,
        known: StackOutcome | None,
        anew: frozenset[str] = frozenset(),
    ) -> Outcome:
        """One run; a second one where the first asked the cloud for what only new resources need, and they are not new."""
        stack, find = request_stack(key.uid), self._running.finding(run, {resource.name for resource in program.resources})
        made = frozenset(known.resources) - anew if known else frozenset()
        try:
            return self._running.up(stack, program, replace(inputs, made=made), find, anew)
        except ProgramFailed:
            remembered = self._running.engine.remembered(stack)
            now_known = frozenset(item.name for item in remembered.resources) if remembered else frozenset()
            if not now_known - made:
                raise
            return self._running.up(stack, program, replace(inputs, made=now_known), find, anew)

    # A run

    @contextmanager
    def _changing(
        self,
        key: RequestKey,
        plan: int,
        access: UnitState,
        allowed: frozenset[tuple[str, str]] | None,
        rebuild: Rebuild | None = None,
    ) -> Iterator[Run]:
        """Announce the run to the provider. Whatever becomes of it, what was known of the stack is not known any more."""
        login = self._units.login(access)
        # Only an administrator makes users; of a request that has none, nothing asks for that login.
        clouds = {"unit": login, "admin": self._controller}
        run = Run(request_stack(key.uid).stack, key.uid, plan, clouds, allowed, rebuild)
        self._outcomes.pop(key.uid, None)
        with translated(), self._looks.suspended(key.uid), self._runs.running(run):
            yield run

    def _known(self, run: Run, access: UnitState, program: Program) -> dict[str, str]:
        return known_of_cloud(program, access, self._controller, lambda service: self._running.endpoint(run.clouds["unit"], service))

    def _remembering(self, key: RequestKey, outcome: Outcome) -> StackOutcome:
        given = StackOutcome(outcome.resources, outcome.outputs, outcome.operations)
        self._outcomes[key.uid] = given
        return given

    def _remembered(self, key: RequestKey) -> StackOutcome | None:
        with translated():
            state = self._running.engine.remembered(request_stack(key.uid))
        if state is None:
            return None
        resources = {item.name: (item.type, item.id) for item in state.resources if not item.doomed}
        return StackOutcome(resources, state.outputs, {})


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
        engine = Engine(installation, lambda: attached(port))
        yield PulumiStacks(engine, runs, Finder(clouds, clock), controller, master_key, generation)
    finally:
        server.stop()
        clouds.close_all_but(frozenset())
