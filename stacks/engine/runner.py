"""Running programs with the real Pulumi engine: up, preview, refresh, destroy, and reading what a stack remembers.

One `up` is one start of the CLI. Whatever an interrupted run left behind (a process, a lock, operations under way) is cleared away
before the first run of a stack in this process, and after each run that failed. Whoever calls MUST hold the stack's own
lock: nobody else in the world runs this stack meanwhile.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stacks.engine import leftovers, state
from stacks.engine.commands import Answer, Installation, StackName, meaning_of, unexplained
from stacks.engine.events import Events, Performed, read_events
from stacks.engine.failures import EngineError, EngineLost, ProgramFailed, RunFailed, StackMissing
from stacks.engine.hosting import ENGINE_LOST, PROGRAM_RAISED, hosted
from stacks.engine.registration import Collected, Inputs, program_function
from stacks.program import Program
from stacks.provider.errors import code_in

_AT_ONCE = 64
"""Resource operations at the same time. OpenStack, not we, is what takes time: forty machines should wait together."""


@dataclass(frozen=True)
class Outcome:
    """What a run did and what there is now.

    Attributes:
        operations: create, update, replace, delete, same -> how many OpenStack resources it befell.
        performed: each operation by itself, in the order in which it ended.
        resources: logical name -> (type token, OpenStack id).
        outputs: the stack's outputs in plain, secret ones too: never print them.
    """

    operations: Mapping[str, int]
    performed: tuple[Performed, ...]
    resources: Mapping[str, tuple[str, str]] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)


Find = Callable[[state.Pending], str | None]
"""Looks a create that was under way up in the cloud: the id of what it made, or None where it made nothing, or where the coming run
takes it away and makes it anew. MUST raise `EngineError` where the cloud cannot tell."""


@dataclass(frozen=True)
class Recovery:
    """What an interrupted run had left behind."""

    processes: int
    pending: tuple[state.Pending, ...]


def attached(port: int) -> Mapping[str, str]:
    """The environment of a CLI whose provider runs already, in this process, and listens on this port of loopback."""
    return {"PULUMI_DEBUG_PROVIDERS": f"openstack:{port}"}


class Engine:
    """The engine on one installation. Safe for threads as long as no two of them run the same stack.

    Args:
        installation: where the CLI is and where it keeps things.
        provider: the part of the environment by which the CLI finds the provider (`attached`, or what a plugin on PATH needs); asked anew
            for each run.
        settle: seconds after which a request whose sender died has been carried out, or never will be.
        now, sleep: the clock.
    """

    def __init__(
        self,
        installation: Installation,
        provider: Callable[[], Mapping[str, str]],
        *,
        settle: float = 10.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._installation = installation
        self._provider = provider
        self._settle = settle
        self._now = now
        self._sleep = sleep
        self._sound: set[StackName] = set()
        self._lock = threading.Lock()

    def up(self, stack: StackName, program: Program, inputs: Inputs, find: Find, anew: Set[str] = frozenset()) -> Outcome:
        """Bring the stack to the program. Resources in `anew` are read from the cloud first: what is gone there is made again.

        Raises:
            RunFailed: some operations failed; the rest is done and remembered.
            EngineError: the run could not be made, and why.
        """
        self._make_sound(stack, find)
        if anew:
            remembered = state.parse(self._installation.ask(stack, ["stack", "export"]))
            self._installation.ask(stack, ["stack", "import"], given=state.to_be_read_anew(remembered, anew))
        collected = Collected()
        with hosted(stack, program_function(program, inputs, collected)) as client:
            events = self._run(stack, ["up", "--skip-preview", "--yes", *_served_by(client)])
        return Outcome(events.operations, events.performed, dict(collected.resources), dict(collected.outputs))

    def preview(self, stack: StackName, program: Program, inputs: Inputs, find: Find) -> tuple[Performed, ...]:
        """What `up` would do, without a write.

        Raises:
            EngineError: it cannot be told, and why.
        """
        self._make_sound(stack, find)
        with hosted(stack, program_function(program, inputs, Collected())) as client:
            return self._run(stack, ["preview", *_served_by(client)]).performed

    def refresh(self, stack: StackName, find: Find) -> Outcome:
        """Make the stack remember what is in the cloud now, without a write to the cloud.

        Raises:
            EngineError: it could not be read, and why.
        """
        self._make_sound(stack, find)
        events = self._run(stack, ["refresh", "--skip-preview", "--yes"])
        return self._outcome_of(stack, events)

    def destroy(self, stack: StackName, find: Find) -> Outcome:
        """Delete all resources of the stack. The empty stack stays, with its history. No stack at all is no error.

        Raises:
            RunFailed: some could not be deleted; the rest is gone.
            EngineError: the run could not be made, and why.
        """
        if not self._exists(stack):
            return Outcome({}, (), {}, {})
        self._make_sound(stack, find)
        events = self._run(stack, ["destroy", "--skip-preview", "--yes"])
        return self._outcome_of(stack, events)

    def remembered(self, stack: StackName) -> state.State | None:
        """The stack's state; None where there is no stack.

        Raises:
            StateDamaged: it cannot be read.
        """
        try:
            return state.parse(self._installation.ask(stack, ["stack", "export", "--show-secrets"]))
        except StackMissing:
            with self._lock:
                self._sound.discard(stack)
            return None

    def recover(self, stack: StackName, find: Find) -> Recovery:
        """Clear away what an interrupted run left: its process, its lock, and the operations that were under way.

        Raises:
            EngineError: the state cannot be read or written, or the cloud cannot tell what was made.
        """
        processes = leftovers.end_left_over(stack, self._installation.backend_url)
        for folder in self._installation.prepare(stack.project).glob(f"{_events_of(stack)}*"):
            shutil.rmtree(folder)
        self._installation.ask(stack, ["cancel", "--yes"])
        remembered = state.parse(self._installation.ask(stack, ["stack", "export"]))
        if remembered.pending:
            found = self._found(stack, find)
            self._installation.ask(stack, ["stack", "import"], given=state.repaired(remembered, found))
        return Recovery(processes, remembered.pending)

    def _found(self, stack: StackName, find: Find) -> dict[str, str]:
        """What the creates under way have made: URN -> id."""
        revealed = state.parse(self._installation.ask(stack, ["stack", "export", "--show-secrets"]))
        creating = [item for item in revealed.pending if item.kind == "creating"]
        found = {item.urn: find(item) for item in creating}
        if None in found.values():
            self._let_it_settle(revealed.written_at)
            found |= {item.urn: find(item) for item in creating if found[item.urn] is None}
        return {urn: identity for urn, identity in found.items() if identity is not None}

    def _let_it_settle(self, written_at: datetime | None) -> None:
        """A request that was on its way when its sender died may still be carried out: what is not there yet may come."""
        if written_at is not None:
            age = (self._now() - written_at).total_seconds()
            self._sleep(min(max(self._settle - age, 0.0), self._settle))

    def _make_sound(self, stack: StackName, find: Find) -> None:
        with self._lock:
            if stack in self._sound:
                return
        if not self._made_new(stack):
            self.recover(stack, find)
        with self._lock:
            self._sound.add(stack)

    def _made_new(self, stack: StackName) -> bool:
        """Make the stack; False where there is one already."""
        answer = self._installation.call(stack, ["stack", "init"])
        if answer.code == 0:
            return True
        if "already exists" in answer.err:
            return False
        raise meaning_of(answer, stack) or unexplained(answer, stack, "stack init")

    def _exists(self, stack: StackName) -> bool:
        with self._lock:
            if stack in self._sound:
                return True
        return self.remembered(stack) is not None

    def _run(self, stack: StackName, arguments: list[str]) -> Events:
        work = self._installation.prepare(stack.project)
        with tempfile.TemporaryDirectory(prefix=_events_of(stack), dir=work) as folder:
            log = Path(folder) / "events"
            answer = self._installation.call(
                stack,
                [*arguments, "--parallel", str(_AT_ONCE), "--suppress-outputs", "--event-log", str(log)],
                extra=self._provider(),
            )
            events = read_events(log)
        if answer.code != 0:
            self._doubt(stack)
            raise _failure(answer, events, stack, arguments[0])
        return events

    def _doubt(self, stack: StackName) -> None:
        """A run that failed may have left something behind, also one that came to its own end: its state may not have taken what it made."""
        with self._lock:
            self._sound.discard(stack)

    def _outcome_of(self, stack: StackName, events: Events) -> Outcome:
        remembered = self.remembered(stack)
        if remembered is None:
            raise EngineError(f"stack {stack.stack} vanished while it was worked on")
        resources = {item.name: (item.type, item.id) for item in remembered.resources if not item.doomed}
        return Outcome(events.operations, events.performed, resources, remembered.outputs)


def _failure(answer: Answer, events: Events, stack: StackName, command: str) -> EngineError:
    if _told(PROGRAM_RAISED, answer, events):
        return ProgramFailed(f"stack {stack.stack}: its program raised", (answer.out + answer.err)[-4000:])
    of_resources = tuple(item for item in events.diagnostics if item.resource)
    if not any(code_in(item.message) for item in of_resources) and (known := meaning_of(answer, stack)):
        return known  # where the provider gives a reason, the CLI's output has OpenStack's words in it, which can be the same
    if of_resources:
        return RunFailed(of_resources, answer.err[-4000:])
    if _told(ENGINE_LOST, answer, events):
        return EngineLost(f"stack {stack.stack}: the engine went away before its program had told all resources", answer.out[-4000:])
    return unexplained(answer, stack, command)


def _told(words: str, answer: Answer, events: Events) -> bool:
    return words in answer.out or any(words in item.message for item in events.diagnostics)


def _events_of(stack: StackName) -> str:
    """Beginning of the names of folders with event logs. A killed run leaves its own."""
    return f"events-{stack.stack}-"


def _served_by(client: str) -> list[str]:
    return [f"--client={client}", "--exec-kind", "auto.inline"]
