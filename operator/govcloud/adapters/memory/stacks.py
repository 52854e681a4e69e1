"""Pulumi in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import RLock

from govcloud.adapters.memory.cloud import MemoryCloud
from govcloud.adapters.memory.stack_run import Stack, StackRun
from govcloud.adapters.memory.wire import Wire
from govcloud.api.progress import Drift
from govcloud.api.request import RequestKey
from govcloud.core.objects import (
    JurisdictionObject,
    UnitObject,
)
from govcloud.failures import Stop
from govcloud.ports import StackOutcome, UnitAccess
from govcloud.reasons import Reason
from stacks.diff import ResourceChange, diff
from stacks.kind import Quota
from stacks.order import references
from stacks.program import Program


class MemoryStacks:
    """`ports.Stacks`. An object is made in the cloud first and remembered after; what was made and not remembered is adopted by its key.

    Attributes:
        runs: (request uid, what a run did: resource and operation) in order.
    """

    def __init__(self, wire: Wire, cloud: MemoryCloud) -> None:
        self._wire, self._cloud = wire, cloud
        self._stacks: dict[str, Stack] = {}
        self._units: dict[str, UnitAccess] = {}
        self._drift: dict[str, tuple[Drift, ...]] = {}
        self._lock = RLock()
        self.runs: list[tuple[str, str, str]] = []

    def ensure_unit(self, unit: UnitObject, jurisdiction: JurisdictionObject, quota: Quota) -> UnitAccess:
        """Make the unit's project and set its quota."""
        access = UnitAccess(project_id=f"project-{unit.name}", user_id=f"user-{unit.name}")
        with self._lock, self._wire.write("stacks.unit"):
            self._units[unit.uid] = access
            self._cloud.quotas[access.project_id] = quota
        return access

    def up(
        self,
        key: RequestKey,
        unit: UnitObject,
        plan: int,
        program: Program,
        allowed: frozenset[tuple[str, str]],
        anew: frozenset[str] = frozenset(),
    ) -> StackOutcome:
        """Bring the stack to the program, one resource after the other; what stands before a failure stays done."""
        run = self._run(key, unit, plan)
        with self._lock:
            self._read_anew(run.stack, anew)
            changes = diff(run.stack.program(), run.stack.with_ids(program))
            wanted = {(resource.type, resource.name): resource for resource in program.resources}
            for change in changes:
                _refuse_unplanned(change, allowed)
                run.perform(change, wanted.get((change.type, change.resource)))
                self.runs.append((key.uid, change.resource, change.operation))
            run.stack.outputs = {name: run.resolved(value) for name, value in program.outputs.items()}
            return _outcome(run.stack, changes)

    def destroy(self, key: RequestKey, unit: UnitObject, plan: int) -> StackOutcome:
        """Delete everything of the stack, the newest first."""
        run = self._run(key, unit, plan)
        with self._lock:
            changes = diff(run.stack.program(), Program())
            for change in changes:
                run.perform(change, None)
                self.runs.append((key.uid, change.resource, change.operation))
            run.stack.outputs = {}
            return _outcome(run.stack, changes)

    def rebuild(
        self, key: RequestKey, unit: UnitObject, plan: int, program: Program, may_be_missing: frozenset[str]
    ) -> StackOutcome:
        """Find everything by its key; remember it only if nothing is missing that may not be."""
        access, found = self._units[unit.uid], Stack()
        with self._lock, self._wire.write("stacks.rebuild"):
            for resource in program.resources:
                keys = (f"{key.uid}/{resource.name}/{number}" for number in range(plan, 0, -1))
                made = next((thing for each in keys if (thing := self._cloud.made_by(access.project_id, each))), None)
                if made is None and resource.name not in may_be_missing:
                    raise Stop(Reason.RESOURCE_FAILED, f"{resource.name} is not in the cloud")
                if made is not None:
                    found.resources[resource.type, resource.name] = (found.remembered(resource), made.id)
            self._stacks[key.uid] = found
            run = self._run(key, unit, plan)
            there = {name for _, name in found.resources}
            outputs = {name: value for name, value in program.outputs.items() if references(value) <= there}
            found.outputs = {name: run.resolved(value) for name, value in outputs.items()}
            return _outcome(found, ())

    def outcome(self, key: RequestKey) -> StackOutcome | None:
        """What the stack holds; None where there never was one."""
        self._wire.read()
        stack = self._stacks.get(key.uid)
        return _outcome(stack, None) if stack is not None else None

    def rotate_credential(self, unit: UnitObject) -> None:
        """Nothing here has a credential that could become old."""
        self._wire.read()

    def look_for_drift(self, unit: UnitObject, keys: Sequence[RequestKey]) -> None:
        """Compare each stack with the objects that there are."""
        self._wire.read()
        with self._lock:
            for key in keys:
                if (stack := self._stacks.get(key.uid)) is not None:
                    self._drift[key.uid] = tuple(self._drifts(stack))

    def drift(self, key: RequestKey) -> tuple[Drift, ...] | None:
        """What the last look found; None where the stack ran since."""
        return self._drift.get(key.uid)

    def _read_anew(self, stack: Stack, names: frozenset[str]) -> None:
        for place, (known, id_) in list(stack.resources.items()):
            if known.name not in names:
                continue
            if (thing := self._cloud.thing(id_)) is None:
                del stack.resources[place]
            else:
                stack.resources[place] = (stack.remembered(replace(known, inputs=thing.inputs)), id_)

    def _drifts(self, stack: Stack) -> Iterator[Drift]:
        for known, id_ in stack.resources.values():
            thing = self._cloud.thing(id_)
            now = stack.remembered(replace(known, inputs=thing.inputs)).inputs if thing else {}
            changed = tuple(name for name in known.inputs if known.inputs[name] != now.get(name))
            if thing is None or changed:
                yield Drift(resource=known.name, type=known.type, id=id_, fields=changed if thing else ())

    def lose_state(self, key: RequestKey) -> None:
        """What happens when a disk is lost."""
        del self._stacks[key.uid]

    def forget(self, key: RequestKey, name: str) -> None:
        """What happens when a part of the state is lost."""
        resources = self._stacks[key.uid].resources
        for found in [place for place in resources if place[1] == name]:
            del resources[found]

    def _run(self, key: RequestKey, unit: UnitObject, plan: int) -> StackRun:
        self._wire.read()
        access = self._units.get(unit.uid)
        if access is None:
            raise Stop(Reason.PROGRAM_FAULT, f"unit {unit.name} has no project yet")
        stack = self._stacks.setdefault(key.uid, Stack())
        self._drift.pop(key.uid, None)
        return StackRun(self._wire, self._cloud, stack, access, key.uid, plan)


def _refuse_unplanned(change: ResourceChange, allowed: frozenset[tuple[str, str]]) -> None:
    """As the provider does: a planned replacement is a deletion and a creation, and a crash may lie between them."""
    replaced = change.operation in ("create", "delete") and (change.resource, "replace") in allowed
    if not replaced and (change.resource, change.operation) not in allowed:
        told = f"{change.operation} {change.resource}"
        raise Stop(Reason.PLAN_MISMATCH, f"the approved plan does not hold: {told}; it was not done")


def _outcome(stack: Stack, changes: Sequence[ResourceChange] | None) -> StackOutcome:
    resources = {name: (type, id_) for (type, name), (_, id_) in stack.resources.items()}
    if changes is None:
        return StackOutcome(resources, dict(stack.outputs), {})
    counts = Counter[str](change.operation for change in changes)
    counts["same"] = len(resources.keys() - {change.resource for change in changes})
    return StackOutcome(resources, dict(stack.outputs), counts)
