"""The law of money: however requests begin, die, finish and end beside each other, never more is reserved than there is, never less than runs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from reconcile.world import ANNUAL_PLAN, ITEM, NAMESPACE, Crash, World, annual_plan_spec

from govcloud.reservations import look_after_accounts

NAMES = ("first", "second", "third")
BUDGET = Decimal(150)
"""Yuan a year. A disk of 1 GiB costs 6."""
SIZES = st.sampled_from([8, 12, 16])

names = st.sampled_from(NAMES)


class Spending(RuleBasedStateMachine):
    """Three requests under one item of a plan, and a process that may die at any write."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.world = World(Path(self.folder.name) / "audit")
        budget = {"yearly": str(BUDGET), "documentNumber": "九财预〔2026〕14号"}
        item = annual_plan_spec().items[0].model_dump(by_alias=True) | {"budget": budget}
        self.world.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec(items=[item]))

    @rule(name=names, gib=SIZES)
    def asks(self, name: str, gib: int) -> None:
        """A request, or another size of one, or its termination taken back."""
        disk = {"name": "data", "blockStorage": {"sizeGib": gib, "offering": "disk"}}
        self.world.apply(name, services=[disk], stage="Trial", annualPlanItemRef={"plan": ANNUAL_PLAN, "item": ITEM})

    @rule(name=names)
    def is_worked_on(self, name: str) -> None:
        self._alive(lambda: self.world.step(name))

    @rule(name=names)
    def runs(self, name: str) -> None:
        self._alive(lambda: self.world.run(name))

    @rule(name=names, gib=SIZES)
    def asks_and_is_approved(self, name: str, gib: int) -> None:
        self.asks(name, gib)
        self.is_approved(name)

    @rule(name=names)
    def is_approved(self, name: str) -> None:
        """By everybody who has to, at once."""
        self.runs(name)
        request = self.world.cluster.request(NAMESPACE, name)
        plan = self.world.status(name).plan if request and request.status else None
        for step in plan.steps if plan else ():
            self.world.decide(step, name=name)

    @rule(name=names)
    def ends(self, name: str) -> None:
        request = self.world.cluster.request(NAMESPACE, name)
        if request and request.status and self.world.status(name).progress.completed_plan:
            self.world.terminate(name)
            self.is_approved(name)

    @rule(after=st.booleans(), write=st.integers(1, 8))
    def dies_soon(self, after: bool, write: int) -> None:
        self.world.wire.fail_at(len(self.world.wire.writes) + write, Crash(), after=after)

    @rule()
    def is_looked_after(self) -> None:
        self._alive(lambda: look_after_accounts(self.world.ports))

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def never_more_than_there_is(self) -> None:
        assert sum(self._held().values()) <= BUDGET

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def never_less_than_what_began(self) -> None:
        for request in self.world.cluster.requests():
            progress = self.world.status(request.key.name).progress
            begun = {progress.completed_plan, progress.operation.plan if progress.operation else None} - {None, 0}
            costs = [self.world.plan(number, request.key.name).yearly for number in begun if number is not None]
            if progress.terminated_at is None:
                assert self._held().get(request.key.uid, Decimal(0)) >= max(costs, default=Decimal(0))

    def teardown(self) -> None:
        """In the end, what is reserved is what runs."""
        if not hasattr(self, "world"):
            return
        self.world.wire.forgive()
        for request in self.world.cluster.requests():
            self.world.run_patiently(request.key.name)
            completed = self.world.status(request.key.name).progress.completed_plan
            ended = self.world.status(request.key.name).progress.terminated_at is not None
            costs = self.world.plan(completed, request.key.name).yearly if completed and not ended else Decimal(0)
            assert self._held().get(request.key.uid, Decimal(0)) == costs
        self.world.audit.close()
        self.folder.cleanup()

    def _alive(self, what: object) -> None:
        """Do it; a process that dies over it is followed by the next one."""
        try:
            what()  # type: ignore[operator]
        except Crash:
            self.world.restart_controller()

    def _held(self) -> dict[str, Decimal]:
        plan = self.world.cluster.annual_plan(ANNUAL_PLAN)
        assert plan is not None
        return {each.uid: Decimal(each.yearly) for each in plan.status.reservations}


TestSpending = Spending.TestCase
TestSpending.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
