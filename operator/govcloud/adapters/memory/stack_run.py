"""One run of the engine over one stack, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from govcloud.adapters.memory.cloud import MemoryCloud, Thing
from govcloud.adapters.memory.wire import Wire
from govcloud.failures import Stop
from govcloud.ports import UnitAccess
from govcloud.reasons import Reason
from stacks.diff import ResourceChange
from stacks.program import External, Lookup, Program, Ref, Resource, Secret, Value


@dataclass
class Stack:
    """What the engine remembers of a stack: resources with their inputs and ids, by type and logical name, and outputs.

    A reference is remembered with the id that it stood for: a resource that refers to a remade one is changed too, even by a later run.
    """

    resources: dict[tuple[str, str], tuple[Resource, str]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def program(self) -> Program:
        """What runs, as a program."""
        return Program(tuple(resource for resource, _ in self.resources.values()))

    def id_of(self, name: str) -> str:
        """Id of the newest resource of that name."""
        return next(id_ for resource, id_ in reversed(self.resources.values()) if resource.name == name)

    def with_ids(self, program: Program) -> Program:
        """The program as it would be remembered now."""
        return Program(tuple(self.remembered(resource) for resource in program.resources))

    def remembered(self, resource: Resource) -> Resource:
        """The resource, with the ids of what it refers to."""
        ids = {known.name: id_ for known, id_ in self.resources.values()}
        return replace(resource, inputs={name: _with_ids(value, ids) for name, value in resource.inputs.items()})


@dataclass(frozen=True)
class StackRun:
    """One run of the engine over one stack."""

    wire: Wire
    cloud: MemoryCloud
    stack: Stack
    access: UnitAccess
    owner: str
    plan: int

    def perform(self, change: ResourceChange, wanted: Resource | None) -> None:
        """Carry one change out."""
        if change.operation in ("delete", "replace"):
            self._delete(change.type, change.resource)
        if wanted is not None and change.operation in ("create", "replace"):
            self._create(wanted)
        if wanted is not None and change.operation == "update":
            self._update(wanted)

    def resolved(self, value: Value) -> Any:
        """A value as the run finds it."""
        match value:
            case Ref(resource, output):
                id_ = self.stack.id_of(resource)
                return id_ if output == "id" else f"{output} of {id_}"
            case Lookup(kind, name):
                return f"id of {kind} {name}"
            case External(name):
                return getattr(self.access, name, f"{name} of {self.access.project_id}")
            case Secret(name):
                return "derived-" + hashlib.sha256(f"{self.owner}/{name}".encode()).hexdigest()[:16]
            case tuple():
                return [self.resolved(item) for item in value]
            case Mapping():
                return {key: self.resolved(item) for key, item in value.items()}
            case _:
                return value

    def _create(self, wanted: Resource) -> None:
        key = f"{self.owner}/{wanted.name}/{self.plan}"
        made = self.cloud.made_by(self.access.project_id, key)
        if made is None:
            made = self._made(wanted, key)
        self.stack.resources[wanted.type, wanted.name] = (self.stack.remembered(wanted), made.id)

    def _made(self, wanted: Resource, key: str) -> Thing:
        """Make it. As the provider does: what a request made whose answer told of a failure is looked for, and remembered."""
        project = self.access.project_id
        try:
            with self.wire.write(f"cloud.create {wanted.name}"):
                return self.cloud.make(wanted.type, project, wanted.name, self.owner, key, wanted.inputs)
        except Exception:
            if (made := self.cloud.made_by(project, key)) is not None:
                self.stack.resources[wanted.type, wanted.name] = (self.stack.remembered(wanted), made.id)
            raise

    def _update(self, wanted: Resource) -> None:
        old, id_ = self.stack.resources[wanted.type, wanted.name]
        if self.cloud.thing(id_) is None:
            raise Stop(Reason.RESOURCE_FAILED, f"{wanted.name} vanished while it was being waited for")
        ignored = {name: value for name, value in old.inputs.items() if name in wanted.ignore_changes}
        kept = {name: value for name, value in wanted.inputs.items() if name not in wanted.ignore_changes}
        changed = replace(wanted, inputs={**kept, **ignored})
        with self.wire.write(f"cloud.update {wanted.name}"):
            self.cloud.change(id_, changed.inputs)
        self.stack.resources[wanted.type, wanted.name] = (self.stack.remembered(changed), id_)

    def _delete(self, type: str, name: str) -> None:
        with self.wire.write(f"cloud.delete {name}"):
            self.cloud.remove(self.stack.resources[type, name][1])
        del self.stack.resources[type, name]


def _with_ids(value: Value, ids: Mapping[str, str]) -> Value:
    match value:
        case Ref(resource, output) if resource in ids and "@" not in output:
            return Ref(resource, f"{output}@{ids[resource]}")
        case tuple():
            return tuple(_with_ids(item, ids) for item in value)
        case Mapping():
            return {key: _with_ids(item, ids) for key, item in value.items()}
        case _:
            return value
