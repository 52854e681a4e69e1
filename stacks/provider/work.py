"""One call of the engine on one resource: what is to be done, where, and the means to do it.

Handlers and the generic operations both work with this; neither knows gRPC.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from keystoneauth1 import exceptions as ksa

from stacks.provider.clouds import Cloud, Query
from stacks.provider.declarations.model import Declaration, Wait
from stacks.provider.errors import Code, ProviderError, one_line
from stacks.provider.marks import Marks
from stacks.provider.session import Clock
from stacks.provider.waiting import Patience, Waiters

SECONDS_TO_INSIST = 60.0
POLLS_BEFORE_ABSENT_MEANS_GONE = 8
WAITERS_WORTH_A_LIST = 3

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """One operation on one resource.

    Attributes:
        declaration: the resource's kind.
        name: its logical name in the program.
        cloud: the connection with which it is done.
        marks: what an object made by this operation carries.
        clock: the time.
        cancelled: set when the engine that asked for it has gone.
        waiters: how many operations wait for objects of the same kind.
        seconds: deadline that the engine asked for; 0: the declaration's own.
        fault: finds the service's own words for a failure.
    """

    declaration: Declaration
    name: str
    cloud: Cloud
    marks: Marks
    clock: Clock
    cancelled: threading.Event
    waiters: Waiters
    seconds: float = 0.0
    fault: Callable[[Work, str, Answer], str] | None = None

    @property
    def what(self) -> str:
        """The resource as a person calls it: `compute Instance web-0`."""
        return f"{self.declaration.noun} {self.name}"

    @property
    def collection(self) -> str:
        """The path of the collection."""
        path = self.declaration.collection
        return path.format(user=self.cloud.user_id) if "{user}" in path else path

    def path_of(self, identity: str, *below: str) -> str:
        """The path of one object, or of something below it."""
        return "/".join((self.collection.rstrip("/"), quote(identity, safe=""), *below))

    def patience(self, seconds: float) -> Patience:
        """A deadline of so many seconds, or what the engine asked for."""
        return Patience(self.clock, self.seconds or seconds, self.cancelled)

    # ------------------------------------------------------------------------------------------------ requests

    def get(self, path: str, query: Query = ()) -> dict[str, Any]:
        """Read from the declaration's service."""
        declared = self.declaration
        return self.cloud.get(declared.service, path, query=query, microversion=declared.microversion)

    def find(self, path: str, query: Query = ()) -> dict[str, Any] | None:
        """Read from the declaration's service; None when it is not there."""
        declared = self.declaration
        return self.cloud.find(declared.service, path, query=query, microversion=declared.microversion)

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Change something in the declaration's service."""
        declared = self.declaration
        return self.cloud.write(method, declared.service, path, body, microversion=declared.microversion)

    def delete_if_there(self, path: str) -> None:
        """Delete one thing by its path; what is not there is deleted."""
        try:
            self.write("DELETE", path)
        except ksa.NotFound:
            return

    def delete(self, identity: str) -> None:
        """Delete an object by its id; what is not there, or on its way out already, is deleted."""
        try:
            self.delete_if_there(self.path_of(identity))
        except (ksa.BadRequest, ksa.Conflict, ksa.UnprocessableEntity):
            if not self._is_going(identity):
                raise

    def _is_going(self, identity: str) -> bool:
        wait = self.declaration.wait
        if wait is None or not wait.going:
            return False
        shown = self.show(identity)
        return shown is None or shown.get(wait.status) in wait.going

    def act(self, identity: str, action: str, argument: Any = None) -> None:
        """Ask an object to do something: POST to its `action`."""
        self.write("POST", self.path_of(identity, "action"), {action: argument})

    def insist(self, request: Callable[[], dict[str, Any]], *refusals: type[Exception]) -> dict[str, Any]:
        """Repeat a request that was refused because something else is still under way. A refusal changed nothing."""
        patience = Patience(self.clock, SECONDS_TO_INSIST, self.cancelled)
        refused = refusals or (ksa.Conflict,)
        while True:
            try:
                return request()
            except refused as refusal:
                _pause_or_raise(patience, self.what, refusal)

    def show(self, identity: str) -> dict[str, Any] | None:
        """The object with that id as the service shows it; None when it is not there."""
        document = self.find(self.path_of(identity))
        if document is None:
            return None
        return unwrapped(document, self.declaration.singular)

    # ------------------------------------------------------------------------------------------------- waiting

    def wait_until_ready(self, identity: str, seconds: float) -> dict[str, Any]:
        """Wait for a ready state; the object as it is then.

        Raises:
            ProviderError: a failure state with the service's own words, the deadline, or a cancel.
        """
        wait = self._wait
        return self.wait_until(identity, lambda shown: shown.get(wait.status) in wait.ready, seconds, busy=wait.busy)

    def wait_until(
        self, identity: str, satisfied: Callable[[Answer], bool], seconds: float, *, busy: str = ""
    ) -> dict[str, Any]:
        """Wait until the object satisfies; raises as `wait_until_ready`."""
        patience, absent = self.patience(seconds), 0
        with self.waiters.waiting(self.declaration.type):
            while True:
                if not self._is_listed_as_busy(identity, busy):
                    shown = self.show(identity)
                    absent = self._count_absence(shown, absent)
                    if shown is not None and satisfied(shown):
                        return shown
                    self._raise_if_failed(identity, shown)
                patience.pause(f"{self.what} to become ready")

    def wait_until_gone(self, identity: str) -> None:
        """Wait until the object is not there any more.

        Raises:
            ProviderError: the service gave up deleting it, the deadline, or a cancel.
        """
        wait, patience = self._wait, self.patience(self.declaration.deadlines.delete)
        while (shown := self.show(identity)) is not None and shown.get(wait.status) not in wait.gone:
            if shown.get(wait.status) in wait.deleting_failed and not shown.get(wait.moving):
                raise ProviderError(Code.FAILED, f"{self.what} could not be deleted: {self.words_for(identity, shown)}")
            patience.pause(f"{self.what} to be deleted")

    def words_for(self, identity: str, shown: Answer) -> str:
        """The service's own words for the state the object is in."""
        found = self.fault(self, identity, shown) if self.fault else ""
        words: Any = shown
        for step in self._wait.fault if not found else ():
            words = words.get(step) if isinstance(words, Mapping) else None
        said = found or (words if isinstance(words, str) and self._wait.fault else "")
        return one_line(said) or f"it is in state {shown.get(self._wait.status)}"

    @property
    def _wait(self) -> Wait:
        wait = self.declaration.wait
        if wait is None:
            raise AssertionError(f"{self.declaration.type} declares no states to wait for")
        return wait

    def _is_listed_as_busy(self, identity: str, busy: str) -> bool:
        """With many waiting, one list of what is still on its way answers for all of them."""
        declared = self.declaration
        if not busy or self.waiters.count(declared.type) < WAITERS_WORTH_A_LIST:
            return False
        listed = self.cloud.listing(
            declared.service,
            declared.collection,
            declared.plural,
            query=tuple(parse_qsl(busy)),
            microversion=declared.microversion,
        )
        return any(item.get("id") == identity for item in listed)

    def _count_absence(self, shown: Answer | None, absent: int) -> int:
        """What was just made may be absent for a moment (several API servers behind one address), but not for long."""
        if shown is not None:
            return 0
        if absent >= POLLS_BEFORE_ABSENT_MEANS_GONE:
            raise ProviderError(Code.FAILED, f"{self.what} vanished while it was being waited for")
        return absent + 1

    def _raise_if_failed(self, identity: str, shown: Answer | None) -> None:
        wait = self._wait
        if shown is None or shown.get(wait.status) not in wait.failed or shown.get(wait.moving):
            return
        raise ProviderError(Code.FAILED, f"{self.what} failed: {self.words_for(identity, shown)}")


def unwrapped(document: Mapping[str, Any], singular: str) -> dict[str, Any]:
    """The object inside its envelope.

    Raises:
        ProviderError: the envelope is missing.
    """
    if not singular:
        return dict(document)
    inner = document.get(singular)
    if not isinstance(inner, dict):
        raise ProviderError(Code.UNREACHABLE, f"an answer without {singular} came back")
    return inner


def _pause_or_raise(patience: Patience, what: str, refusal: Exception) -> None:
    try:
        patience.pause(f"{what} to be free")
    except ProviderError as over:
        if over.code is Code.TIMEOUT:
            raise refusal from over
        raise
