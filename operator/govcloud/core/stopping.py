"""Stopping what a request runs, in place: servers off, users of containers locked out, and nothing else touched. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from govcloud.core.actions import Deploy
from govcloud.core.existing import inputs_they_may_have, resources_that_exist
from govcloud.core.facts import Facts
from govcloud.core.objects import UnitObject
from govcloud.core.plan import Plan
from stacks.diff import allowed_operations, diff
from stacks.order import references
from stacks.program import Program, Resource, Value
from stacks.transform import POWER_INPUTS, with_power, with_removal


def power_off(step: str, facts: Facts, plan: Plan, unit: UnitObject, gone: Set[str] = frozenset()) -> Deploy:
    """What there is, with its servers off. Allows those updates and nothing else, and asks for nothing else.

    What there is need not be what the completed plan says: a change that could not finish may have come half way, and what is `gone`
    cannot be stopped.
    """
    names = {resource.name for resource in facts.resources} - gone
    there = (resource for resource in resources_that_exist(facts) if resource.name not in gone)
    given = inputs_they_may_have(facts)
    off = Program(tuple(_with_power_only(resource, given[resource.type, resource.name], names) for resource in there), _outputs(facts, names))
    off = with_power(off, running=False)
    return Deploy(step, plan, unit, off, allowed_operations(diff(with_power(off, running=True), off)), running=False)


def for_the_end(stopped: Deploy, gone: Set[str]) -> Deploy:
    """The same before everything is destroyed: containers may then be deleted with what they hold, and what is gone is forgotten."""
    doomed = with_removal(stopped.program)
    forgotten = frozenset((name, "delete") for name in gone)
    return replace(stopped, program=doomed, allowed=stopped.allowed | allowed_operations(diff(stopped.program, doomed)) | forgotten)


def _with_power_only(resource: Resource, given: Set[str], there: Set[str]) -> Resource:
    """The resource such that only its power can differ from what there is, which a later plan may have given an input that it lacks here."""
    kept = tuple(sorted(given - set(POWER_INPUTS)))
    return replace(resource, ignore_changes=kept, after=tuple(name for name in resource.after if name in there))


def _outputs(facts: Facts, there: Set[str]) -> Mapping[str, Value]:
    """What the completed plan's program gives out, as far as it still can."""
    outputs = facts.completed.resources().outputs if facts.completed else {}
    return {name: value for name, value in outputs.items() if references(value) <= there}
