"""Tells receivers what happens to requests: at least once each, in order for a request, for as long as it takes, beside all other work.

What is still to be told follows from the notices in a request's status and from a mark of the last one that was told. So a crash loses
nothing, and a receiver that is away holds up nobody but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Protocol

from govcloud.api.notification import Notifications, SecretKey
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.records import Action, Entry, Outcome, Phase, Target
from govcloud.audit.tickets import Receipt
from govcloud.core.evidence import BY_CONTROLLER
from govcloud.core.notices import CONTENT_TYPE, Event, Outbox, untold
from govcloud.core.webhook import signed
from govcloud.failures import Retry, Stop
from govcloud.queue import WorkQueue

WORKERS = 2


class Notifier(Protocol):
    """Sends a body to a URL."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Return when the receiver has accepted it.

        Raises:
            Retry: it did not answer, or asks to be asked later.
            Stop: it refuses, or may not be asked.
        """
        ...


class NoticeBook(Protocol):
    """Which event of a request was told last. Survives a crash; if it is lost, some are told twice."""

    def last_told(self, request: str) -> str | None: ...
    def told(self, request: str, event: str) -> None: ...


class Recorder(Protocol):
    """The audit log, as far as it is needed here."""

    def append(self, entry: Entry) -> Receipt: ...


@dataclass(frozen=True)
class Means:
    """What a courier works with. `key_of` reads a signing key and raises `Retry` or `Stop`; `count` hears of every attempt."""

    audit: Recorder
    notifier: Notifier
    book: NoticeBook
    key_of: Callable[[SecretKey], bytes]
    now: Callable[[], datetime]
    count: Callable[[str, str], None] = lambda jurisdiction, result: None


@dataclass
class Courier:
    """One queue over all jurisdictions; each has its own turn and its own backoff."""

    means: Means
    _boxes: dict[str, dict[str, Outbox]] = field(default_factory=dict)
    _handed: dict[str, Outbox] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.queue: WorkQueue[str] = WorkQueue(self.deliver, WORKERS, expected=(Retry, Stop, AuditUnavailable))

    def hand_over(self, box: Outbox) -> None:
        """See to it that a request's notices are told. Returns at once."""
        with self._lock:
            if self._handed.get(box.request.uid) == box:
                return
            waiting = self._boxes.setdefault(box.jurisdiction, {})
            if box.receiver is None:
                waiting.pop(box.request.uid, None)
                self._handed.pop(box.request.uid, None)
                return
            self._handed[box.request.uid] = waiting[box.request.uid] = box
        self.queue.wake(box.jurisdiction)

    def deliver(self, jurisdiction: str) -> None:
        """Tell what is to be told in a jurisdiction. A request whose notice is refused does not hold up the others.

        Raises:
            Retry: the receiver does not answer; the rest has to wait.
            Stop: the receiver refused something, which is tried again later.
            AuditUnavailable: nothing can be recorded, so nothing was sent.
        """
        with self._lock:
            boxes = list(self._boxes.get(jurisdiction, {}).values())
        refusals = [refusal for box in boxes if (refusal := self._empty(box))]
        if refusals:
            raise refusals[0]

    def _empty(self, box: Outbox) -> Stop | None:
        assert box.receiver is not None  # noqa: S101  the others were not taken
        try:
            for event in untold(box, self.means.book.last_told(box.request.uid)):
                self._send(box, box.receiver, event)
                self.means.book.told(box.request.uid, event.id)
        except Stop as refusal:
            return refusal
        with self._lock:
            # A newer one may have been handed over meanwhile.
            if self._boxes[box.jurisdiction].get(box.request.uid) is box:
                del self._boxes[box.jurisdiction][box.request.uid]
        return None

    def _send(self, box: Outbox, receiver: Notifications, event: Event) -> None:
        intent = self.means.audit.append(_entry(box, event, Phase.INTENT, Outcome.PENDING))
        try:
            key = self.means.key_of(receiver.secret_ref)
            headers = {"Content-Type": CONTENT_TYPE, **signed(key, event.id, self.means.now(), event.body)}
            self.means.notifier.post(receiver.url, headers, event.body)
        except (Retry, Stop) as error:
            result = Outcome.UNKNOWN if isinstance(error, Retry) else Outcome.FAILURE
            self.means.audit.append(_entry(box, event, Phase.OUTCOME, result, intent.id, f"{error.reason}: {error.message}"))
            self.means.count(box.jurisdiction, str(error.reason))
            raise
        except BaseException as error:
            said = f"ended by an unexpected {type(error).__name__}"
            self.means.audit.append(_entry(box, event, Phase.OUTCOME, Outcome.UNKNOWN, intent.id, said))
            raise
        self.means.audit.append(_entry(box, event, Phase.OUTCOME, Outcome.SUCCESS, intent.id))
        self.means.count(box.jurisdiction, "Accepted")


def _entry(box: Outbox, event: Event, phase: Phase, result: Outcome, intent: str = "", message: str = "") -> Entry:
    return Entry(
        phase=phase,
        action=Action.NOTIFY,
        outcome=result,
        intent=intent,
        initiator=BY_CONTROLLER,
        target=Target(kind="receiver", id=f"jurisdiction/{box.jurisdiction}"[:256], name=box.receiver.url if box.receiver else ""),
        request=box.request.uid,
        unit=box.unit,
        message=message or f"event {event.id}",
        attributes={"event": event.id[:256]},
    )

