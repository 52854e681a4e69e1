"""Looking into the cloud without making anything: what an interrupted run made, by the marks of its operations; where services are; whether
all is as a stack left it. For whoever repairs a stack's state, prepares its run, or watches it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.provider import crud
from stacks.provider.clouds import Clouds
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.drift import Survey
from stacks.provider.errors import Code, ProviderError, QuarantinedDuplicates, in_words
from stacks.provider.listed import ListedCloud
from stacks.provider.marks import Marks, operation_key
from stacks.provider.runs import CloudLogin
from stacks.provider.session import Clock
from stacks.provider.waiting import Waiters
from stacks.provider.work import Work


@dataclass(frozen=True)
class Unfinished:
    """A create that was under way when its run was interrupted. `inputs` by wire names, secrets in plain."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]


class Finder:
    """Looks things up with the logins that it is given. Safe for threads."""

    def __init__(self, clouds: Clouds, clock: Clock) -> None:
        self._clouds = clouds
        self._clock = clock
        self._waiters = Waiters()

    def made(self, unfinished: Unfinished, login: CloudLogin, owner: str, plans: Iterable[int]) -> str | None:
        """Id of the object that the create made under one of these plans; None where it made none.

        Raises:
            ProviderError: several objects carry its mark, or the cloud cannot tell.
        """
        for plan in plans:
            work = self._work(unfinished, login, Marks(operation_key(owner, unfinished.urn, plan), owner))
            found = self._found(work, unfinished)
            if len(found) > 1:
                raise QuarantinedDuplicates(work.declaration.noun, str(work.marks.key), found)
            if found:
                return found[0]
        return None

    def is_of_no_use(self, unfinished: Unfinished) -> bool:
        """Whether nobody can use what the create made, because only its answer held a secret: whoever creates it again takes it away first."""
        return unfinished.type in DECLARATIONS and crud.is_of_no_use(DECLARATIONS[unfinished.type], unfinished.inputs)

    def survey(self, login_of: Callable[[str], CloudLogin]) -> Survey:
        """A look at the cloud as it is now, with logins by name."""
        seen: dict[str, ListedCloud] = {}

        def cloud_of(name: str) -> ListedCloud:
            if name not in seen:
                login = login_of(name)
                seen[name] = ListedCloud(login, self._clouds.session_of(login))
            return seen[name]

        return Survey(cloud_of, self._clock)

    def endpoint(self, login: CloudLogin, service: str) -> str:
        """Where a service is reached with a login.

        Raises:
            ProviderError: the cloud cannot tell, or does not offer it.
        """
        try:
            return self._clouds.of(login).endpoint(service)
        except Exception as error:
            raise in_words(error, f"the address of {service}", login.secrets) from error

    def _found(self, work: Work, unfinished: Unfinished) -> tuple[str, ...]:
        try:
            return crud.find(work, unfinished.inputs)
        except Exception as error:
            raise in_words(error, work.what, login_secrets(work)) from error

    def _work(self, unfinished: Unfinished, login: CloudLogin, marks: Marks) -> Work:
        if unfinished.type not in DECLARATIONS:
            raise ProviderError(Code.INVALID, f"resource type {unfinished.type} is not implemented by this provider")
        return Work(
            declaration=DECLARATIONS[unfinished.type],
            name=unfinished.name,
            cloud=self._clouds.of(login),
            marks=marks,
            clock=self._clock,
            cancelled=threading.Event(),
            waiters=self._waiters,
        )


def login_secrets(work: Work) -> tuple[str, ...]:
    """What a sentence about this work must never show."""
    return work.cloud.login.secrets
