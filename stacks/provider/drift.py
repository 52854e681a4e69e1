"""How the cloud differs from what a stack remembers. Reads only: whether anything is to be done about it is not decided here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stacks.provider import crud, properties
from stacks.provider.clouds import Cloud
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import snake_case
from stacks.provider.errors import in_words
from stacks.provider.marks import Marks
from stacks.provider.session import Clock
from stacks.provider.waiting import Waiters
from stacks.provider.work import Work


@dataclass(frozen=True)
class Kept:
    """A resource as a state remembers it. `inputs` and `outputs` by wire names, secrets in plain."""

    name: str
    type: str
    id: str
    login: str
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Drift:
    """A resource that is not as its stack left it.

    Attributes:
        name: logical name in the program.
        fields: inputs whose value in the cloud is another one, by `pulumi_openstack`'s Python names; empty: it is gone.
    """

    name: str
    type: str
    id: str
    fields: tuple[str, ...] = ()


class Survey:
    """A look at one moment of the cloud: what several stacks have in one project is listed once for all of them.

    Args:
        cloud_of: the connection of a login, by the login's name.
        clock: the time.
    """

    def __init__(self, cloud_of: Callable[[str], Cloud], clock: Clock) -> None:
        self._cloud_of = cloud_of
        self._clock = clock

    def drifts(self, kept: Iterable[Kept]) -> tuple[Drift, ...]:
        """Every resource that is gone, or has another value than it was given.

        Raises:
            ProviderError: something could not be read; then nothing is said of any.
        """
        return tuple(found for resource in kept if (found := self._drift(resource)) is not None)

    def _drift(self, resource: Kept) -> Drift | None:
        cloud = self._cloud_of(resource.login)
        try:
            found = crud.read(_reading(resource, cloud, self._clock), resource.id, resource.inputs, resource.outputs)
        except Exception as error:
            raise in_words(error, resource.name, cloud.login.secrets) from error
        changed = _changed(resource, found) if found else ()
        return Drift(resource.name, resource.type, resource.id, changed) if changed or not found else None


def _changed(resource: Kept, found: crud.Resource) -> tuple[str, ...]:
    declared = DECLARATIONS[resource.type]
    as_found = properties.inputs_as_found(declared, found.outputs, resource.inputs)
    changes = properties.changes(declared, resource.inputs, as_found)
    return tuple(snake_case(change.field.wire) for change in changes)


def _reading(resource: Kept, cloud: Cloud, clock: Clock) -> Work:
    return Work(
        declaration=DECLARATIONS[resource.type],
        name=resource.name,
        cloud=cloud,
        marks=Marks(None, None),
        clock=clock,
        cancelled=threading.Event(),
        waiters=Waiters(),
    )
