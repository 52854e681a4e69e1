"""What looks at the cloud found to be otherwise than the stacks of requests left it. Nothing is known of a stack that has run since."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from govcloud.api.progress import Drift
from stacks.engine.failures import Diagnostic, RunFailed
from stacks.engine.state import State
from stacks.provider.drift import Drift as Found
from stacks.provider.drift import Kept, Survey
from stacks.provider.errors import ProviderError


class DriftLooks:
    """By uid of the request. Safe for threads."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Drift, ...]] = {}
        self._runs: Counter[str] = Counter()
        self._lock = threading.Lock()

    def look(self, uids: Sequence[str], state_of: Callable[[str], State | None], survey: Survey) -> None:
        """Compare the states with the cloud; one that is not given is left for another look.

        All states are read first, so that what the cloud shows is never older than any of them.

        Raises:
            EngineError: a state cannot be read, or the cloud cannot tell; what was found before that stands.
        """
        known = {uid: (self._runs_of(uid), state_of(uid)) for uid in uids}
        for uid, (runs, state) in known.items():
            if state is not None:
                self._remember(uid, runs, _drift_in(survey, state))

    def found(self, uid: str) -> tuple[Drift, ...] | None:
        """What the last look found; None where nobody looked since the stack last ran."""
        with self._lock:
            return self._found.get(uid)

    @contextmanager
    def suspended(self, uid: str) -> Iterator[None]:
        """A run of the stack: what was found before it, or is being found beside it, counts no more."""
        self._count_run(uid)
        try:
            yield
        finally:
            self._count_run(uid)

    def _count_run(self, uid: str) -> None:
        with self._lock:
            self._runs[uid] += 1
            self._found.pop(uid, None)

    def _runs_of(self, uid: str) -> int:
        with self._lock:
            return self._runs[uid]

    def _remember(self, uid: str, runs: int, drift: tuple[Drift, ...]) -> None:
        with self._lock:
            if self._runs[uid] == runs:
                self._found[uid] = drift


def _drift_in(survey: Survey, state: State) -> tuple[Drift, ...]:
    try:
        return tuple(_told(each) for each in survey.drifts(_kept(state)))
    except ProviderError as error:
        raise RunFailed((Diagnostic("", str(error)),), "looking for drift") from error


def _kept(state: State) -> Iterator[Kept]:
    for item in state.resources:
        if not item.doomed:
            yield Kept(item.name, item.type, item.id, item.login, item.inputs, item.outputs)


def _told(found: Found) -> Drift:
    return Drift(resource=found.name, type=found.type, id=found.id, fields=found.fields)
