"""What a request's stack really holds, whichever plan made it. Pure."""

from __future__ import annotations

from govcloud.api.backup import Part
from govcloud.core.facts import Facts
from stacks.program import Program, Resource
from stacks.request import data_of


def data_that_exists(facts: Facts) -> tuple[Part, ...]:
    """The parts that hold data and are really there, whichever plan made them."""
    ids = {(resource.type, resource.name): resource.id for resource in facts.resources}
    made = (resource for plan in facts.plans.values() for resource in plan.resources().resources)
    there = {(resource.type, resource.name): resource for resource in made if (resource.type, resource.name) in ids}
    return tuple(
        Part(name=part.name, service=service, how=part.how, source_id=ids[key])
        for key, resource in there.items()
        for service, part in data_of(Program((resource,)))
    )


def resources_that_exist(facts: Facts) -> tuple[Resource, ...]:
    """Each existing resource as the oldest plan says that may have made it as it is."""
    there = {(resource.type, resource.name) for resource in facts.resources}
    unfinished = (facts.plans[number] for number in facts.unfinished)
    plans = (*((facts.completed,) if facts.completed else ()), *unfinished)
    known: dict[tuple[str, str], Resource] = {}
    for resource in (resource for plan in plans for resource in plan.resources().resources):
        known.setdefault((resource.type, resource.name), resource)
    return tuple(resource for key, resource in known.items() if key in there)
