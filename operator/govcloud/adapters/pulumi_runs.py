"""Running the engine on one stack: under the stack's lock, with what an interrupted run left behind found by its marks."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager

from govcloud.adapters.master_key import derive
from stacks.engine.commands import StackName
from stacks.engine.failures import Diagnostic, RunFailed, StackLocked
from stacks.engine.registration import Inputs
from stacks.engine.runner import Engine, Find, Outcome
from stacks.engine.state import Pending, State
from stacks.program import Program
from stacks.provider.errors import ProviderError
from stacks.provider.finding import Finder, Unfinished
from stacks.provider.runs import CloudLogin, Run, login_for


class StackRuns:
    """What runs of units' and of requests' stacks have in common. Safe for threads."""

    def __init__(self, engine: Engine, finder: Finder, master_key: bytes) -> None:
        self.engine = engine
        self.finder = finder
        self._master_key = master_key
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._locks_guard = threading.Lock()

    def up(self, stack: StackName, program: Program, inputs: Inputs, find: Find, anew: Set[str] = frozenset()) -> Outcome:
        """Bring the stack to the program; resources in `anew` are read from the cloud first."""
        return self.once_more_if_locked(stack, find, lambda name: self.engine.up(name, program, inputs, find, anew))

    def secret(self, owner: str, name: str) -> str:
        """A secret of a unit or a request, by its name in the program."""
        return derive(self._master_key, f"{owner}/{name}")

    def inputs(self, owner: str, external: Mapping[str, str]) -> Inputs:
        """What a program asks for when it runs."""
        return Inputs(lambda name: self.secret(owner, name), external)

    def finding(self, run: Run, made_by_run: Set[str]) -> Find:
        """How to look up what an interrupted run of the stack made. What nobody can use is left to the coming run, where that makes it anew."""

        def find(pending: Pending) -> str | None:
            unfinished = Unfinished(pending.urn, pending.type, pending.resource, pending.inputs)
            made_anew = pending.resource in made_by_run and self.finder.is_of_no_use(unfinished)
            newest = run.plan - 1 if made_anew else run.plan
            try:
                return self.finder.made(unfinished, login_for(run, pending.login), run.owner, range(newest, 0, -1))
            except ProviderError as error:
                raise RunFailed((Diagnostic(pending.resource, str(error)),), "looking up what was made") from error

        return find

    def endpoint(self, login: CloudLogin, service: str) -> str:
        """Where the cloud says that a service is."""
        try:
            return self.finder.endpoint(login, service)
        except ProviderError as error:
            raise RunFailed((Diagnostic(service, str(error)),), "looking up where a service is") from error

    def once_more_if_locked(self, stack: StackName, find: Find, run: Callable[[StackName], Outcome]) -> Outcome:
        """We hold the only lock that counts, so a lock in the state is a dead run's: it is cleared away once."""
        try:
            return run(stack)
        except StackLocked:
            self.engine.recover(stack, find)
            return run(stack)

    def state_at_rest(self, uid: str, stack: StackName) -> State | None:
        """The state of a stack; None where there is none, or where it runs now."""
        lock = self._lock_of(uid)
        if not lock.acquire(blocking=False):
            return None
        try:
            return self.engine.remembered(stack)
        finally:
            lock.release()

    @contextmanager
    def locked(self, uid: str) -> Iterator[None]:
        """Only one thread at a time works on what belongs to this unit or request."""
        with self._lock_of(uid):
            yield

    def _lock_of(self, uid: str) -> threading.RLock:
        with self._locks_guard:
            return self._locks[uid]
