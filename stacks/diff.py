"""What it takes to come from one program to another, before anything runs: the diff that an approval is about. Pure.

It is an upper bound of what the engine may do: the engine is allowed these operations and no others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from stacks.kind import Problem
from stacks.order import references
from stacks.program import Program, Resource, Value
from stacks.program_json import value_to_json
from stacks.provider import schema

Operation = Literal["create", "update", "replace", "delete"]


@dataclass(frozen=True)
class ResourceChange:
    """One operation on one resource. `fields` are the inputs that differ, by `pulumi_openstack`'s Python names; empty for create and delete."""

    service: str
    resource: str
    type: str
    operation: Operation
    fields: tuple[str, ...] = ()


def diff(old: Program | None, new: Program) -> tuple[ResourceChange, ...]:
    """All operations, in the new program's order, deletions last and in reverse.

    Raises:
        UnknownType, UnknownInput: a program uses what the provider does not serve (of `stacks.provider.schema`).
    """
    before = {resource.name: resource for resource in old.resources} if old else {}
    return (*_changes(before, new), *_deletions(before, new))


def allowed_operations(changes: tuple[ResourceChange, ...]) -> frozenset[tuple[str, str]]:
    """What the engine may do: (logical name, operation)."""
    return frozenset((change.resource, change.operation) for change in changes)


def shrinks(old: Program | None, new: Program) -> tuple[Problem, ...]:
    """Storage that would become smaller. It cannot: data would be cut off."""
    before = {resource.name: resource for resource in old.resources} if old else {}
    return tuple(
        problem
        for resource in new.resources
        if (known := before.get(resource.name)) is not None and known.type == resource.type
        for problem in _shrinking(known, resource)
    )


def rebuilds(old: Program | None, new: Program) -> tuple[Problem, ...]:
    """What holds data and would be made anew, empty, under its old name. Whoever wants that deletes it and asks for another."""
    data = {resource.name for resource in new.resources if resource.holds_data}
    return tuple(
        Problem(
            f"services[{change.service}]",
            f"{change.resource} holds data and cannot be changed in place ({', '.join(change.fields)}); "
            "ask for a new service beside it, move the data, then take this one out",
            f"{change.resource} 存有数据，无法原地变更（{'、'.join(change.fields)}）；请另申请新服务，迁移数据后再撤销本服务",
        )
        for change in diff(old, new)
        if change.operation == "replace" and change.resource in data
    )


def losses(old: Program | None, new: Program) -> tuple[Problem, ...]:
    """What holds data and would be deleted. Data goes only at the end of a request, after a proven backup (JJ 19, 25)."""
    data = {resource.name: resource for resource in (old.resources if old else ()) if resource.holds_data}
    return tuple(
        Problem(
            f"services[{change.service}]",
            f"{change.resource} holds data and would be deleted without a backup; keep it, and end the request when nothing of it is needed",
            f"{change.resource} 存有数据，不得在未备份时删除；请保留，待整个申请终止时一并备份后销毁",
        )
        for change in diff(old, new)
        if change.operation == "delete" and change.resource in data
    )


def _shrinking(old: Resource, new: Resource) -> Iterator[Problem]:
    for field, value in new.inputs.items():
        before = old.inputs.get(field)
        if isinstance(value, int) and isinstance(before, int) and value < before and schema.only_grows(new.type, field):
            yield Problem(
                f"services[{new.service}]",
                f"{new.name} has {before} GiB and cannot shrink to {value}; keep {before} or more",
                f"{new.name} 现为 {before} GiB，不能缩小到 {value} GiB；请保持不小于 {before} GiB",
            )


def _changes(before: Mapping[str, Resource], new: Program) -> Iterator[ResourceChange]:
    remade: set[str] = set()
    for resource in new.resources:
        change = _change(before.get(resource.name), resource, frozenset(remade))
        if change is None:
            continue
        if change.operation in ("create", "replace"):
            remade.add(resource.name)
        yield change


def _change(old: Resource | None, new: Resource, remade: frozenset[str]) -> ResourceChange | None:
    if old is None or old.type != new.type:
        return ResourceChange(new.service, new.name, new.type, "create")
    fields = _changed_fields(old, new, remade)
    if old.login != new.login or old.trigger != new.trigger:
        return ResourceChange(new.service, new.name, new.type, "replace", fields)
    if not fields:
        return None
    operation: Operation = "replace" if any(schema.replaces(new.type, field) for field in fields) else "update"
    return ResourceChange(new.service, new.name, new.type, operation, fields)


def _changed_fields(old: Resource, new: Resource, remade: frozenset[str]) -> tuple[str, ...]:
    """Inputs that differ, or may: a value that refers to a remade resource is another one afterwards."""
    before, after = _counted(old, new.ignore_changes), _counted(new, new.ignore_changes)
    return tuple(
        name
        for name in dict.fromkeys([*after, *before])
        if not _same(before.get(name), after.get(name)) or references(after.get(name)) & remade
    )


def _counted(resource: Resource, ignored: tuple[str, ...]) -> Mapping[str, Value]:
    """The inputs without what does not count any more."""
    inputs: Mapping[str, Value] = resource.inputs
    for path in ignored:
        inputs = _without(inputs, path.split("."))
    return inputs


def _without(values: Mapping[str, Value], path: list[str]) -> Mapping[str, Value]:
    name, *rest = path
    inner = values.get(name)
    if not rest:
        return {key: value for key, value in values.items() if key != name}
    return {**values, name: _without(inner, rest)} if isinstance(inner, Mapping) else values


def _same(old: Value, new: Value) -> bool:
    """Equal as JSON: Python's own equality takes 1 for True."""
    return json.dumps(value_to_json(old), sort_keys=True) == json.dumps(value_to_json(new), sort_keys=True)


def _deletions(before: Mapping[str, Resource], new: Program) -> Iterator[ResourceChange]:
    after = {resource.name: resource.type for resource in new.resources}
    for resource in reversed(list(before.values())):
        if after.get(resource.name) != resource.type:
            yield ResourceChange(resource.service, resource.name, resource.type, "delete")
