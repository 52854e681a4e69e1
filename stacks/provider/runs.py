"""Which stack may do what, with which logins, right now. Filled before a run, emptied after it.

The engine knows only names: a stack, a cloud. Logins never travel through the engine; the provider takes them from
here, and whatever is not registered here is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from stacks.provider.errors import Code, ProviderError


@dataclass(frozen=True)
class CloudLogin:
    """How to log in to one project of one cloud: with an application credential, or with a user's password.

    Attributes:
        auth_url: Keystone's address, with or without `/v3`.
        region: region name in the catalog.
        application_credential_id: with `application_credential_secret`; the project is the credential's.
        username: with `password`, `project_name` or `project_id`, and the domains by name or, where given, by id.
        cacert: path of a CA bundle; empty: the machine's own.
        interface: which endpoints of the catalog are used.
    """

    auth_url: str
    region: str
    application_credential_id: str = ""
    application_credential_secret: str = ""
    username: str = ""
    password: str = ""
    project_name: str = ""
    project_id: str = ""
    user_domain: str = "Default"
    project_domain: str = "Default"
    user_domain_id: str = ""
    project_domain_id: str = ""
    cacert: str = ""
    interface: str = "public"

    def __repr__(self) -> str:
        who = self.application_credential_id or f"{self.username}@{self.project_name or self.project_id}"
        return f"CloudLogin({self.auth_url}, {self.region}, {who})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        return tuple(value for value in (self.application_credential_secret, self.password) if value)


@dataclass(frozen=True)
class Rebuild:
    """A run that makes a lost state anew: its creates find what earlier plans made, and make nothing.

    `missing`: logical names of what was not found; the provider adds to it.
    """

    missing: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Run:
    """One run of one stack.

    Attributes:
        stack: name of the Pulumi stack.
        owner: uid of the CloudServiceRequest or UsingUnit that the stack belongs to.
        plan: number of the plan under which the run happens.
        clouds: logins by the name that provider resources give as `cloud`.
        allowed: logical resource names with what the plan does to them; None: no plan limits the run.
        rebuild: given where the run makes a lost state anew.
        kept: logical names of what the run never deletes, nor replaces, whatever the engine says that it was told.
    """

    stack: str
    owner: str
    plan: int
    clouds: Mapping[str, CloudLogin]
    allowed: frozenset[tuple[str, str]] | None = None
    rebuild: Rebuild | None = None
    kept: frozenset[str] = frozenset()

    def allows(self, name: str, operation: str) -> bool:
        """Whether the plan does this to the resource of that logical name; a replace is a delete and a create."""
        if operation == "delete" and name in self.kept:
            return False
        if self.allowed is None:
            return True
        replaced = operation in ("create", "delete") and (name, "replace") in self.allowed
        return replaced or (name, operation) in self.allowed

    def makes(self, name: str) -> bool:
        """Whether the plan itself says that it makes the resource of that logical name."""
        return self.allowed is not None and self.allows(name, "create")


class RunSource(Protocol):
    """Where the provider learns about runs."""

    def of(self, stack: str) -> Run:
        """The run of that stack.

        Raises:
            ProviderError: no run of it is registered.
        """
        ...

    def when_ended(self, listener: Callable[[Run], None]) -> None:
        """Call the listener after each run."""
        ...

    def logins_in_use(self) -> frozenset[CloudLogin]:
        """Logins of all runs that go on now."""
        ...


class Runs:
    """The registry that the controller fills. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._listeners: list[Callable[[Run], None]] = []

    def register(self, run: Run) -> None:
        """Open a run.

        Raises:
            ValueError: a run of this stack is already registered; two at once would share one state.
        """
        with self._lock:
            if run.stack in self._runs:
                raise ValueError(f"a run of stack {run.stack} is already registered")
            self._runs[run.stack] = run

    def end(self, stack: str) -> None:
        """Close the run of the stack, if there is one."""
        with self._lock:
            run = self._runs.pop(stack, None)
            listeners = tuple(self._listeners)
        if run is not None:
            for listener in listeners:
                listener(run)

    @contextmanager
    def running(self, run: Run) -> Iterator[Run]:
        """Register the run for the length of a block."""
        self.register(run)
        try:
            yield run
        finally:
            self.end(run.stack)

    def of(self, stack: str) -> Run:
        """The run of that stack.

        Raises:
            ProviderError: no run of it is registered.
        """
        with self._lock:
            run = self._runs.get(stack)
        if run is None:
            raise ProviderError(Code.UNAUTHORIZED, f"no run of stack {stack} is registered; nothing is done for it")
        return run

    def when_ended(self, listener: Callable[[Run], None]) -> None:
        """Call the listener after each run."""
        with self._lock:
            self._listeners.append(listener)

    def logins_in_use(self) -> frozenset[CloudLogin]:
        """Logins of all runs that are registered now."""
        with self._lock:
            return frozenset(login for run in self._runs.values() for login in run.clouds.values())


def login_for(run: Run, cloud: str) -> CloudLogin:
    """The login behind a cloud's name in this run.

    Raises:
        ProviderError: the run does not list that cloud.
    """
    try:
        return run.clouds[cloud]
    except KeyError:
        raise ProviderError(Code.UNAUTHORIZED, f"stack {run.stack} has no cloud named {cloud!r} in this run") from None
