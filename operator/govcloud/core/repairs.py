"""Putting back what differs from what the controller left: asked for by the applicant, shown by the plan, approved like every change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from govcloud.api.progress import Drift
from govcloud.api.request import RequestSpec
from govcloud.core.drift import known_drift
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan
from govcloud.core.said import Said
from stacks.kind import Problem
from stacks.program import Program, Resource, Value
from stacks.provider import schema

_SOMETHING_ELSE: Value = "\N{NULL}"
"""Stands for whatever the cloud has in place of a value: no program has it."""


def asks_for_repairs(facts: Facts, spec: RequestSpec) -> bool:
    """Whether the edit asks for what differs to be put back."""
    return facts.completed is not None and spec.repairs > facts.completed.wanted().repairs


def repairs_of(facts: Facts, spec: RequestSpec) -> tuple[Drift, ...]:
    """What is put back: all that differed at the last look and can be put back."""
    if facts.completed is None or not asks_for_repairs(facts, spec):
        return ()
    made = _by_place(facts.completed.resources())
    return tuple(each for each in known_drift(facts) if (found := made.get(_place(each))) and _obstacle(found, each) is None)


def as_found(program: Program, drift: Sequence[Drift]) -> Program:
    """The program as the cloud has it: without what is gone, and with other values where it was changed.

    What comes from there back to the program is the repair, with all that hangs on what is made anew.
    """
    found = {_place(each): each for each in drift}
    resources = (_as_found(resource, found.get((resource.type, resource.name))) for resource in program.resources)
    return replace(program, resources=tuple(resource for resource in resources if resource is not None))


def to_be_read_anew(facts: Facts, plan: Plan) -> frozenset[str]:
    """Names of the resources of which the cloud is believed when the plan is carried out, and not what the stack remembers."""
    return frozenset(each.resource for each in plan.repairs) | _changed_in_part(facts, plan)


def _changed_in_part(facts: Facts, plan: Plan) -> frozenset[str]:
    """What plans whose place this one takes may have changed, and this one changes back: the engine remembers no change that failed.

    Not what somebody else changed too, or deleted: nobody approved that this be put back.
    """
    begun = [change for number in plan.replaces for change in facts.plans[number].diff if change.operation == "update"]
    fields = {each.resource: {field for change in begun if change.resource == each.resource for field in change.fields} for each in begun}
    otherwise = {each.resource for each in known_drift(facts) if not (each.fields and fields.get(each.resource, set()).issuperset(each.fields))}
    back = {change.resource for change in plan.diff if change.operation == "update"}
    return frozenset(fields.keys() & back - otherwise)


def repair_problems(facts: Facts, spec: RequestSpec) -> Iterator[Problem]:
    """Why nothing can be put back, where that is asked for."""
    if facts.completed is None or not asks_for_repairs(facts, spec) or repairs_of(facts, spec):
        return
    made = _by_place(facts.completed.resources())
    obstacles = [said for each in known_drift(facts) if (found := made.get(_place(each))) and (said := _obstacle(found, each))]
    for said in obstacles or [Said("云上资源与系统所建一致,无可修复;请改回原值", "nothing differs from what the controller left; set it back")]:
        yield Problem("repairs", said.en, said.zh)


def _place(drift: Drift) -> tuple[str, str]:
    return drift.type, drift.resource


def _by_place(program: Program) -> Mapping[tuple[str, str], Resource]:
    return {(resource.type, resource.name): resource for resource in program.resources}


def _as_found(resource: Resource, drift: Drift | None) -> Resource | None:
    if drift is None:
        return resource
    if not drift.fields:
        return None
    return replace(resource, inputs={**resource.inputs, **dict.fromkeys(drift.fields, _SOMETHING_ELSE)})


def _obstacle(resource: Resource, drift: Drift) -> Said | None:
    """Why it cannot be put back; None where it can."""
    name, fields = resource.name, ", ".join(drift.fields)
    if resource.holds_data and not drift.fields:
        return Said(
            f"{name} 及其数据已不存在,重建只得到空资源;请由备份恢复数据",
            f"{name} is gone and its data with it, and made anew it would be empty: the data comes back from a backup only",
        )
    if any(schema.only_grows(resource.type, field) for field in drift.fields):
        return Said(f"{name} 的 {fields} 只能增大,无法改回;请申请与现状相符的变更", f"{name}: {fields} only grows; ask for a change to what it has now")
    if resource.holds_data and any(schema.replaces(resource.type, field) for field in drift.fields):
        return Said(
            f"{name} 存有数据,其 {fields} 无法原地改回", f"{name} holds data, and {fields} cannot be changed back in place"
        )
    return None
