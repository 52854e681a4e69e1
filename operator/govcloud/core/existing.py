"""What a request's stack really holds, whichever plan made it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from govcloud.api.backup import Part
from govcloud.core.facts import Facts
from stacks.kind import How
from stacks.program import Program, Resource
from stacks.request import data_of


@dataclass(frozen=True)
class Holding:
    """Something that holds data of the unit and is really there. `source_id`: its id in OpenStack."""

    name: str
    service: str
    how: How
    source_id: str

    def as_part(self) -> Part | None:
        """The same as a part of a backup; None of what no backup can be proven of."""
        if self.how == "NotBackedUp":
            return None
        return Part(name=self.name, service=self.service, how=self.how, source_id=self.source_id)


def data_that_exists(facts: Facts) -> tuple[Holding, ...]:
    """All that holds data and is really there, whichever plan made it."""
    ids = {(resource.type, resource.name): resource.id for resource in facts.resources}
    made = (resource for plan in facts.plans.values() for resource in plan.resources().resources)
    there = {(resource.type, resource.name): resource for resource in made if (resource.type, resource.name) in ids}
    return tuple(
        Holding(part.name, service, part.how, ids[key])
        for key, resource in there.items()
        for service, part in data_of(Program((resource,)))
    )


def parts_of(holdings: Iterable[Holding]) -> tuple[Part, ...]:
    """What a backup of these is made of."""
    return tuple(part for holding in holdings if (part := holding.as_part()) is not None)


def not_backed_up(holdings: Iterable[Holding]) -> tuple[str, ...]:
    """Names of those of which no backup could be proven, so that none is made."""
    return tuple(holding.name for holding in holdings if holding.how == "NotBackedUp")


def resources_that_exist(facts: Facts) -> tuple[Resource, ...]:
    """Each existing resource as the oldest plan says that may have made it as it is."""
    there = {(resource.type, resource.name) for resource in facts.resources}
    known: dict[tuple[str, str], Resource] = {}
    for resource in _asked_for(facts):
        known.setdefault((resource.type, resource.name), resource)
    return tuple(resource for key, resource in known.items() if key in there)


def inputs_they_may_have(facts: Facts) -> Mapping[tuple[str, str], frozenset[str]]:
    """By type and name of a resource, names of the inputs that any plan which may have touched it gave it."""
    given: dict[tuple[str, str], frozenset[str]] = {}
    for resource in _asked_for(facts):
        key = resource.type, resource.name
        given[key] = given.get(key, frozenset()) | resource.inputs.keys()
    return given


def _asked_for(facts: Facts) -> Iterator[Resource]:
    """The resources of every plan that may have made something of what there is, the oldest plan first."""
    unfinished = (facts.plans[number] for number in facts.unfinished)
    plans = (*((facts.completed,) if facts.completed else ()), *unfinished)
    return (resource for plan in plans for resource in plan.resources().resources)
