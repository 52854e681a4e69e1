"""What a value refers to, and putting resources in the order in which they can be made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from stacks.program import CloudConfig, External, Joined, Lookup, Ref, Resource, ScramVerifier, Secret, Value


class ProgramFault(ValueError):
    """A program contradicts itself. Always a fault of whoever made it, never of a request."""


def leaves(value: Value) -> Iterator[Ref | Lookup | Secret | External]:
    """Everything inside a value that is known only when the program runs."""
    if isinstance(value, Ref | Lookup | Secret | External):
        yield value
    elif isinstance(value, ScramVerifier):
        yield value.password
    elif isinstance(value, Joined):
        yield from leaves(value.parts)
    elif isinstance(value, CloudConfig):
        yield from leaves(value.document)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from leaves(item)


def references(value: Value) -> frozenset[str]:
    """Logical names of the resources that a value refers to."""
    return frozenset(leaf.resource for leaf in leaves(value) if isinstance(leaf, Ref))


def needs(resource: Resource) -> frozenset[str]:
    """Logical names of the resources that must exist before this one."""
    return references(dict(resource.inputs)) | frozenset(resource.after)


def in_order(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The resources, each after those that it needs; otherwise as they came.

    Raises:
        ProgramFault: two resources have one name, one needs another that is not there, or they need each other in a circle.
    """
    by_name = _by_name(resources)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, resource in by_name.items():
        if missing := sorted(needs(resource) - by_name.keys()):
            raise ProgramFault(f"{name} refers to {', '.join(missing)}, which the program does not have")
        sorter.add(name, *sorted(needs(resource), key=list(by_name).index))
    try:
        return tuple(by_name[name] for name in sorter.static_order())
    except CycleError as error:
        raise ProgramFault(f"resources need each other in a circle: {' -> '.join(error.args[1])}") from error


def _by_name(resources: Iterable[Resource]) -> dict[str, Resource]:
    by_name: dict[str, Resource] = {}
    for resource in resources:
        if resource.name in by_name:
            raise ProgramFault(f"two resources are called {resource.name}")
        by_name[resource.name] = resource
    return by_name
